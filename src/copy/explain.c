// SPDX-License-Identifier: MIT
#include "copy/file-impl.h"

#include "base/buf.h"
#include "base/opts.h"
#include "report/report.h"

#include <stdlib.h>
#include <sys/stat.h>

/** Describe how a file was copied in order and read back. */
static void explain_sequential(struct buf *line, const struct file *file) {
	static const char *const backs[] = {
		[MOVE_BACK_NOT] = "",
		[MOVE_BACK_DIRECT] = ", read back from the device",
		[MOVE_BACK_DROPPED] = ", read back after it was written out and dropped from memory",
		[MOVE_BACK_MEMORY] = ", read back perhaps from memory, from which it could not be dropped",
	};
	if (file->flags & FILE_CLONED) {
		buf_str(line, move_reflink.name);
		buf_str(line, file->read_back == MOVE_BACK_NOT ? " and read" : "");
	} else {
		buf_str(line, file->mover->name);
	}
	buf_str(line, backs[file->read_back]);
}

/** Describe how a file was moved in ranges. */
static const char *range_words(const struct file *file) {
	switch (file->plan.cache) {
	case CACHE_BYPASS:
		return "linked reads and writes, past the page cache";
	case CACHE_READ_ONCE:
		return "linked reads and writes, what is read is not kept";
	case CACHE_LEAVE:
		return "linked reads and writes, leaving the page cache";
	case CACHE_KEEP:
		break;
	}
	if (file->plan.flags & PLAN_FORWARD) {
		return "reads, written one after the other";
	}
	if (file->plan.flags & PLAN_MAKE_HOLES) {
		return "reads, zeros left out";
	}
	if (file->plan.flags & PLAN_SKIP_HOLES) {
		return "linked reads and writes, holes passed over";
	}
	return file->flags & FILE_SHARED ? "linked reads and writes, shared by all workers" : file->mover->name;
}

/**
 * Describe the copy in cp's words (copy_debug_string() in its copy.c), which scripts read. This and what follows are
 * one message, so that no other line gets between them.
 */
static void explain_as_cp(struct buf *line, const struct opts *opts, const struct file *file) {
	bool cloned = file->flags & FILE_CLONED;
	bool tried = S_ISREG(file->source.st.st_mode) && file->source.st.st_size > 0
		&& !(file->target.flags & TARGET_SPECIAL);
	bool never = opts->reflink == WHEN_NEVER;
	bool seek = opts->sparse != WHEN_NEVER
		&& (uint64_t)file->source.st.st_blocks * 512 < (uint64_t)file->source.st.st_size && tried;
	bool zeros = opts->sparse == WHEN_ALWAYS;
	const char *offload = never || zeros ? "avoided" : "no";
	const char *reflink = tried || opts->reflink == WHEN_ALWAYS ? "unsupported" : "unknown";
	const char *without_seek = zeros ? "zeros" : "no";
	const char *with_seek = zeros ? "SEEK_HOLE + zeros" : "SEEK_HOLE";
	const char *holes = seek ? with_seek : without_seek;
	if (cloned) {
		offload = holes = "unknown";
		reflink = "yes";
	} else {
		offload = file->mover == &move_server ? "yes" : offload;
		reflink = never ? "no" : reflink;
	}

	if (!(opts->flags & OPT_ATTRIBUTES_ONLY) && !(file->target.flags & TARGET_LINKED)) {
		buf_str(line, "copy offload: ");
		buf_str(line, offload);
		buf_str(line, ", reflink: ");
		buf_str(line, reflink);
		buf_str(line, ", sparse detection: ");
		buf_str(line, holes);
		buf_char(line, '\n');
	}
}

void file_explain(struct file_context *ctx, const struct file *file) {
	struct buf line = {0};
	char *src = tree_path(file->tree, SRC, file->entry.name);

	explain_as_cp(&line, ctx->files->opts, file);
	buf_str(&line, "%s: ");
	if (file->target.flags & TARGET_LINKED) {
		buf_str(&line, "hard link to an earlier copy");
	} else if (file->mover == &move_sequential) {
		explain_sequential(&line, file);
	} else {
		buf_str(&line, file->mover == &move_ranges ? range_words(file) : file->mover->name);
	}
	if (!line.failed) {
		report_say(ctx->files->report, SAY_NOTE, line.data, src, NULL);
	}
	buf_free(&line);
	free(src);
}
