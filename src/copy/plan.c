#include "copy/file-impl.h"

#include "base/opts.h"
#include "display/writeback.h"
#include "sys/reflink.h"
#include "sys/symlink.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/** Bytes of a file for which setting the space aside pays. */
#define RESERVE_MIN (256u << 10)

/** Let the file system copy if it can. Returns whether the data is still to be copied. */
static bool try_clone(struct file_context *ctx, struct file *file) {
	const struct opts *opts = ctx->files->opts;
	dev_t devs[2] = {file->source.st.st_dev, file->tree->inode[DST].dev};
	bool must = opts->reflink == WHEN_ALWAYS;

	if (opts->reflink == WHEN_NEVER) {
		return true;
	}
	if (!must && ((file->target.flags & TARGET_SPECIAL) || !S_ISREG(file->source.st.st_mode) || file->source.st.st_size == 0
		|| (ctx->no_clone_known && ctx->no_clone[SRC] == devs[SRC] && ctx->no_clone[DST] == devs[DST])))
	{
		return true;
	}
	enum offload offload = offload_clone(file->target.fd, file->source.fd);
	int err = errno;
	if (offload == OFFLOAD_DONE) {
		file->flags |= FILE_NO_DATA | FILE_CLONED;
		file_moved(ctx, file, (uint64_t)file->source.st.st_size);
		return false;
	}
	if (must || offload == OFFLOAD_FAILED) {
		file_fail(file, 0, fail_make(err, "failed to clone %d from %s"));
		return false;
	}
	// The base's device is not known: operands may lead to any
	if (offload == OFFLOAD_NOT_HERE && !(file->tree->flags & TREE_BASE)) {
		memcpy(ctx->no_clone, devs, sizeof(devs));
		ctx->no_clone_known = true;
	}
	return true;
}

/** Undo O_NONBLOCK before data is waited for: io_uring would take it as a wish not to. */
static void let_wait(const struct file *file) {
	if (file->source.flags & SOURCE_NONBLOCK) {
		fcntl(file->source.fd, F_SETFL, O_RDONLY);
	}
	if (file->target.flags & TARGET_NONBLOCK) {
		fcntl(file->target.fd, F_SETFL, 0);
	}
}

bool file_plan(struct file_context *ctx, struct file *file) {
	const struct opts *opts = ctx->files->opts;
	uint64_t size = (uint64_t)file->source.st.st_size;

	if (opts->flags & OPT_ATTRIBUTES_ONLY) {
		file->flags |= FILE_NO_DATA;
		return false;
	}
	bool move = try_clone(ctx, file);
	bool unsized = (file->tree->flags & TREE_UNSIZED) || size == 0 || !S_ISREG(file->source.st.st_mode);
	if (file_is_ordered(opts) && (move || (file->flags & FILE_CLONED))) {
		let_wait(file);
		file_note_begun(ctx, file);
		file_copy_in_order(ctx, file, unsized ? FILE_ORDER_UNSIZED : 0);
		return false;
	}
	if (!move) {
		return false;
	}
	if (unsized || (file->target.flags & TARGET_SPECIAL)) {
		let_wait(file);
		file_note_begun(ctx, file);
		file_stream(ctx, file);
		return false;
	}
	file->size = size;
	if (file_passes_holes(opts, file)) {
		file->plan.flags |= PLAN_SKIP_HOLES;
		file->flags |= FILE_SET_SIZE;
	}
	if (opts->sparse == WHEN_ALWAYS) {
		file->plan.flags |= PLAN_MAKE_HOLES;
		file->flags |= FILE_SET_SIZE;
	}
	if (file_offload(ctx, file) || (file->cursor == 0 && file_copy_cached(ctx, file))) {
		return false;
	}
	let_wait(file);
	// What is moved by one request needs no look
	bool many = size > min((uint64_t)opts->chunk_size, (uint64_t)RESERVE_MIN) || (file->plan.flags & (PLAN_SKIP_HOLES | PLAN_MAKE_HOLES));
	if (many && extent_wants_order(file->target.fd)) {
		file->plan.flags |= PLAN_FORWARD;
	}
	file_note_begun(ctx, file);
	if (size >= RESERVE_MIN && !(file->plan.flags & (PLAN_SKIP_HOLES | PLAN_MAKE_HOLES))) {
		file->plan.flags |= PLAN_RESERVE;
		extent_reserve(file->target.fd, size);
	}
	file_cache_choose(ctx, file);
	return true;
}
