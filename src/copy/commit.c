// SPDX-License-Identifier: MIT
#include "copy/file-impl.h"

#include "base/opts.h"
#include "sys/flush.h"
#include "sys/meta.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

/** With trees::flush, flush a destination that is not flushed with its file system. */
static struct error flush(struct file_context *ctx, struct file *file) {
	const struct opts *opts = ctx->files->opts;
	const struct tree *tree = file->tree;
	// A destination written through a link may be on another file system than its directory
	bool elsewhere = file->target.flags & TARGET_CREATED ? opts->flags & OPT_POSIX
														 : file->target.found.st_dev != tree->inode[DST].dev;
	bool device = (file->target.flags & TARGET_SPECIAL) && S_ISBLK(file->target.found.st_mode);

	if (!tree->trees->flush || ((file->target.flags & TARGET_SPECIAL) && !device)
		|| !((tree->flags & TREE_FLUSH_EACH) || elsewhere || device))
	{
		return NO_ERROR;
	}
	int ret = flush_file(file->target.fd, &ctx->files->cancelled);
	if (ret < 0) {
		file->flags |= FILE_INCOMPLETE;
		file->keep = 0;
	}
	return ret < 0 && ret != -EINTR ? error_make(ERROR_SYNC, ret, "error syncing %d") : NO_ERROR;
}

/** Set the size, unless it is right already. Returns 0 or -errno. */
static int set_size(const struct file *file) {
	struct stat st;
	if (ftruncate(file->target.fd, (off_t)file->size) == 0) {
		return 0;
	}
	int err = errno;
	bool right = fstat(file->target.fd, &st) == 0 && (uint64_t)st.st_size == file->size;
	return right || file_move_end(file, err, file->size) ? 0 : -err;
}

/** Whether the destination may have an ACL: its own, one from its directory, or one left by an earlier run. */
static bool may_have_acl(const struct file_context *ctx, const struct file *file) {
	// A file made through a dangling link is in another directory
	bool elsewhere = (file->target.flags & TARGET_BY_LINK) || (ctx->files->opts->flags & OPT_POSIX);
	return !(file->target.flags & TARGET_CREATED) || (file->tree->flags & TREE_DEFAULT_ACL) || elsewhere || file->part;
}

/** Set the size and attributes of a destination that has all its data. */
static struct error complete(struct file_context *ctx, struct file *file) {
	const struct opts *opts = ctx->files->opts;
	if (file->target.flags & TARGET_LINKED) {
		return flush(ctx, file);
	}
	int ret = (file->flags & FILE_SET_SIZE) && !(file->target.flags & TARGET_SPECIAL) ? set_size(file) : 0;
	if (ret < 0) {
		file->flags |= FILE_INCOMPLETE;
		return error_make(ERROR_WRITE, ret, "error writing %d");
	}
	struct error inherited = file->target.flags & TARGET_INHERITS ? file_inherit(ctx, file) : NO_ERROR;
	struct meta meta = {
		.opts = opts,
		.src = &file->source.st,
		.dst = file->target.flags & TARGET_CREATED ? NULL : &file->target.found,
		.final_mode = file->target.final_mode,
		.src_fd = file->source.fd,
		.dst_fd = file->target.fd,
	};
	meta.flags |= file->target.flags & TARGET_CREATED ? META_NEW : 0;
	meta.flags |= file->target.has_final_mode ? META_FINAL_MODE : 0;
	meta.flags |= may_have_acl(ctx, file) ? META_STRAY_ACL : 0;
	meta.flags |= opts->preserve & PRESERVE_MODE ? file_unlisted_acls(file->tree, file->source.fd) : 0;
	struct error fail = meta_apply(&meta);
	fail = fail.text ? fail : inherited;
	struct error flushed = flush(ctx, file);
	return flushed.text ? flushed : fail;
}

struct error file_commit(struct file_context *ctx, struct file *file) {
	if (!(file->flags & FILE_INCOMPLETE) && !plan_is_in_order(ctx->files->opts)) {
		file_copy_tail(ctx, file);
	}
	struct error fail = file->fail;
	if (!fail.text && !(file->flags & FILE_INCOMPLETE)) {
		fail = complete(ctx, file);
	}
	if (file->flags & FILE_INCOMPLETE) {
		return fail;
	}
	bool staged = target_is_staged(&file->target);
	struct error unnamed = file->target.ops->commit(ctx, file);
	fail = unnamed.text ? unnamed : fail;
	if (staged && (!fail.text || fail.excused) && !(file->flags & FILE_INCOMPLETE)) {
		file_note_finished(ctx, file);
	}
	return fail;
}
