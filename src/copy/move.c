// SPDX-License-Identifier: MIT
#include "copy/file-impl.h"

#include "base/io.h"
#include "base/limits.h"
#include "sys/extent.h"
#include "sys/fstype.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/** Bytes up to which one request moves a file: then it does not matter in which order its destination accepts data. */
#define ONE_REQUEST (256u << 10)

/** The argument of the sink's functions. */
struct run {
	struct file_context *ctx;
	struct file *file;
};

/** sink::begin. Clears O_NONBLOCK, with which io_uring would not wait. */
static void begin(void *arg) {
	const struct run *run = arg;
	struct file *file = run->file;
	if (file->begun) {
		return;
	}
	if (file->source.flags & SOURCE_NONBLOCK) {
		fcntl(file->source.fd, F_SETFL, O_RDONLY);
	}
	if (file->target.flags & TARGET_NONBLOCK) {
		fcntl(file->target.fd, F_SETFL, 0);
	}
	file_note_begun(run->ctx, file);
}

/** sink::wrote. */
static void wrote(void *arg, uint64_t start, uint64_t end) {
	const struct run *run = arg;
	file_wrote(run->ctx, run->file, start, end);
}

static struct sink sink_of(struct run *run) {
	struct file_context *ctx = run->ctx;
	return (struct sink) {
		.cancelled = &ctx->files->cancelled,
		.throttle = &ctx->files->throttle,
		.bytes = &ctx->counters->bytes,
		.moved = &run->file->moved,
		.zeros = &run->file->zeros,
		.begin = begin,
		.wrote = wrote,
		.arg = run,
	};
}

static struct plan_facts facts_of(const struct file *file) {
	const struct stat *st = &file->source.st;
	struct plan_facts facts = {.size = (uint64_t)st->st_size};
	facts.flags |= S_ISREG(st->st_mode) ? FACT_REGULAR : 0;
	facts.flags |= file->tree->flags & TREE_UNSIZED ? FACT_UNSIZED : 0;
	facts.flags |= (uint64_t)st->st_blocks * 512 < facts.size ? FACT_FEW_BLOCKS : 0;
	facts.flags |= file->target.flags & TARGET_SPECIAL ? FACT_SPECIAL : 0;
	facts.flags |= file->target.flags & TARGET_LINKED ? FACT_LINKED : 0;
	return facts;
}

static struct transfer transfer_of(const struct file_context *ctx, const struct file *file, const struct sink *sink) {
	return (struct transfer) {
		.opts = ctx->files->opts,
		.sink = sink,
		.src = file->source.fd,
		.dst = file->target.fd,
		.earlier = -1,
		.src_dev = file->source.st.st_dev,
		.dst_dev = target_device(file),
		.size = (uint64_t)file->source.st.st_size,
		.bad = UINT64_MAX,
		.flags = file->plan.flags,
		.special = file->target.flags & TARGET_SPECIAL,
	};
}

/**
 * Drop PLAN_SKIP_HOLES if there are no holes: few blocks may mean compression. To be called before the source is read.
 */
static void look_for_holes(struct file *file, struct transfer *t) {
	if ((t->flags & PLAN_SKIP_HOLES) && !extent_has_hole(t->src, t->size)) {
		t->flags &= ~(unsigned)PLAN_SKIP_HOLES;
		file->plan.flags = t->flags;
	}
}

/** Whether a file of an earlier copy may be cloned in place of the source. */
static bool wants_earlier(const struct opts *opts, const struct plan_facts *facts) {
	return opts->reflink_dests.count > 0 && !(opts->flags & OPT_ATTRIBUTES_ONLY)
		&& !(facts->flags & (FACT_SPECIAL | FACT_LINKED));
}

/** Ask the movers of the plan, one after the other. */
static enum move ask(struct movers *movers, struct file *file, struct transfer *t) {
	enum move move = MOVE_DECLINED;
	bool looked = false;
	for (size_t i = 0; file->plan.ways[i] && move == MOVE_DECLINED; ++i) {
		t->by = file->plan.ways[i];
		if (t->by != &move_reflink && t->by != &move_earlier && !looked) {
			look_for_holes(file, t);
			looked = true;
		}
		move = t->by->move(movers, t);
	}
	return move;
}

/** Record in the file what a mover has done. */
static void note(struct file *file, const struct transfer *t, enum move move) {
	uint64_t keep = min(t->done, t->bad);
	file->cursor = t->done;
	file->holes += t->holes;
	file->mover = t->by;
	file->read_back = t->read_back;
	file->flags |= t->cloned ? FILE_CLONED : 0;
	file->flags |= t->by == &move_nothing ? FILE_NO_DATA : 0;
	if (t->by == &move_sequential) {
		file->size = t->size;
		memcpy(file->sum, t->sum, sizeof(file->sum));
	}
	switch (move) {
	case MOVE_DONE:
	case MOVE_RANGES:
	case MOVE_DECLINED:
		return;
	case MOVE_CANCELLED:
		file_abandon(file, keep);
		return;
	case MOVE_FAILED:
		file_fail(file, keep, t->fail);
		return;
	case MOVE_DIFFERS:
		tree_report(file->tree, &file->entry, t->fail);
		file_abandon(file, keep);
		return;
	}
}

/** Prepare a file for being moved in ranges. */
static void prepare_ranges(struct file_context *ctx, struct file *file) {
	struct plan *plan = &file->plan;
	uint64_t size = (uint64_t)file->source.st.st_size;
	bool holes = plan->flags & (PLAN_SKIP_HOLES | PLAN_MAKE_HOLES);
	bool many = holes || size > min((uint64_t)ctx->files->limits->chunk_size, (uint64_t)ONE_REQUEST);
	if (many && fstype_is(file->target.fd, FSTYPE_ORDERED)) {
		plan->flags |= PLAN_FORWARD;
	}
	if (plan_reserves(plan, size) && fstype_is(file->target.fd, FSTYPE_RESERVES)) {
		plan->flags |= PLAN_RESERVE | (plan->flags & PLAN_SKIP_HOLES ? PLAN_RESERVE_PARTS : 0);
		if (!(plan->flags & PLAN_SKIP_HOLES)) {
			extent_reserve(file->target.fd, size);
		}
	}
	file_cache_choose(ctx, file);
}

bool file_move(struct file_context *ctx, struct file *file) {
	struct plan_facts facts = facts_of(file);
	struct earlier *earlier = NULL;
	int like = wants_earlier(ctx->files->opts, &facts) ? file_open_earlier(ctx, file, &earlier) : -1;
	facts.flags |= like >= 0 ? FACT_EARLIER : 0;
	struct run run = {.ctx = ctx, .file = file};
	const struct sink sink = sink_of(&run);

	file->plan = plan_choose(ctx->files->opts, &facts);
	if (file->plan.ways[0] != &move_nothing && file_is_too_large(file)) {
		file_fail(file, 0, error_make(ERROR_WRITE, EFBIG, "error writing %d"));
		close_fd(&like);
		return false;
	}
	struct transfer t = transfer_of(ctx, file, &sink);
	t.earlier = like;
	enum move move = ask(&ctx->movers, file, &t);
	if (t.earlier_err != 0) {
		file_not_cloned(ctx->files, earlier, t.earlier_err);
	}
	close_fd(&like);
	// move_cached streams a small file that has grown
	bool grown = t.by == &move_stream && !t.special && !(t.flags & PLAN_UNSIZED);
	if (t.by == &move_server || t.by == &move_cached || t.by == &move_ranges || grown) {
		file->size = t.size;
		file->flags |= file->plan.flags & (PLAN_SKIP_HOLES | PLAN_MAKE_HOLES) ? FILE_SET_SIZE : 0;
	}
	note(file, &t, move);
	if (move == MOVE_RANGES) {
		prepare_ranges(ctx, file);
	}
	return move == MOVE_RANGES;
}

void file_copy_tail(struct file_context *ctx, struct file *file) {
	struct stat st;
	off_t size = (off_t)file->size;
	bool cut = file->size < file_cache_planned(file);
	// For a small file this fstat(2) would cost more than it finds
	if (file->size <= MOVE_BUFFER || cut || fstat(file->source.fd, &st) != 0 || st.st_size <= size) {
		return;
	}
	file_cache_use(file);
	if (lseek(file->source.fd, size, SEEK_SET) != size || lseek(file->target.fd, size, SEEK_SET) != size) {
		file_fail(file, file->size, error_make(ERROR_SEEK, errno, "cannot lseek %s"));
		return;
	}
	struct run run = {.ctx = ctx, .file = file};
	const struct sink sink = sink_of(&run);
	struct transfer t = transfer_of(ctx, file, &sink);
	t.by = file->mover;
	t.done = file->size;
	enum move move = move_stream.move(&ctx->movers, &t);
	note(file, &t, move);
	file->size = file->cursor;
}
