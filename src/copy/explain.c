#include "copy/file-impl.h"

#include "base/buf.h"
#include "base/opts.h"
#include "report/report.h"
#include "sys/symlink.h"

#include <stdlib.h>
#include <sys/stat.h>

const char *file_order_words(const struct file *file) {
	static const char *const words[][2] = {
		[FILE_BACK_NOT] = {"%s: copied in order", "%s: cloned and read"},
		[FILE_BACK_DIRECT] = {
			"%s: copied in order, read back from the device",
			"%s: cloned, read back from the device",
		},
		[FILE_BACK_DROPPED] = {
			"%s: copied in order, read back after it was written out and dropped from memory",
			"%s: cloned, read back after it was written out and dropped from memory",
		},
		[FILE_BACK_MEMORY] = {
			"%s: copied in order, read back perhaps from memory, from which it could not be dropped",
			"%s: cloned, read back perhaps from memory, from which it could not be dropped",
		},
	};
	return words[file->plan.read_back][file->flags & FILE_CLONED ? 1 : 0];
}

/**
 * Say the same in the words of cp (copy_debug_string() in its copy.c), which scripts read. It is one template with what
 * follows, lest another line gets between them.
 */
static void explain_as_cp(struct buf *line, const struct opts *opts, const struct file *file) {
	bool cloned = file->flags & FILE_CLONED;
	bool tried = S_ISREG(file->source.st.st_mode) && file->source.st.st_size > 0 && !(file->target.flags & TARGET_SPECIAL);
	bool never = opts->reflink == WHEN_NEVER;
	const char *offload = cloned ? "unknown" : file->flags & FILE_OFFLOADED ? "yes"
		: never || opts->sparse == WHEN_ALWAYS ? "avoided" : "no";
	const char *reflink = cloned ? "yes" : never ? "no" : tried || opts->reflink == WHEN_ALWAYS ? "unsupported" : "unknown";
	bool seek = opts->sparse != WHEN_NEVER && (uint64_t)file->source.st.st_blocks * 512 < (uint64_t)file->source.st.st_size && tried;
	bool zeros = opts->sparse == WHEN_ALWAYS;
	const char *holes = cloned ? "unknown" : seek && zeros ? "SEEK_HOLE + zeros" : seek ? "SEEK_HOLE" : zeros ? "zeros" : "no";

	if (!(opts->flags & OPT_ATTRIBUTES_ONLY)) {
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
	const char *how = "%s: linked reads and writes";
	if (file->flags & FILE_ORDERED) {
		how = file_order_words(file);
	} else if (file->plan.cache == FILE_CACHE_PAST) {
		how = "%s: linked reads and writes, past the page cache";
	} else if (file->plan.cache == FILE_CACHE_READ_ONCE) {
		how = "%s: linked reads and writes, what is read is not kept";
	} else if (file->plan.cache == FILE_CACHE_LEAVE) {
		how = "%s: linked reads and writes, leaving the page cache";
	} else if (file->flags & FILE_OFFLOADED) {
		how = "%s: copied by those who keep it";
	} else if (file->flags & FILE_CLONED) {
		how = "%s: cloned";
	} else if (file->flags & FILE_CACHED) {
		how = "%s: read and written at once, being cached";
	} else if (file->flags & FILE_STREAMED) {
		how = "%s: streamed to its end";
	} else if (file->flags & FILE_NO_DATA) {
		how = "%s: attributes only";
	} else if (file->plan.flags & PLAN_FORWARD) {
		how = "%s: reads, written one after the other";
	} else if (file->plan.flags & PLAN_MAKE_HOLES) {
		how = "%s: reads, zeros left out";
	} else if (file->plan.flags & PLAN_SKIP_HOLES) {
		how = "%s: linked reads and writes, holes passed over";
	} else if (file->flags & FILE_SHARED) {
		how = "%s: linked reads and writes, shared by all workers";
	}
	explain_as_cp(&line, ctx->files->opts, file);
	buf_str(&line, how);
	if (!line.failed) {
		report_say(ctx->files->report, line.data, src, NULL);
	}
	buf_free(&line);
	free(src);
}
