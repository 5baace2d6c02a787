// SPDX-License-Identifier: MIT
#include "copy/file-impl.h"

#include "base/buf.h"
#include "base/opts.h"
#include "display/progress.h"
#include "display/writeback.h"
#include "journal/checksums.h"
#include "report/report.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

/** As file_say(). VERB: what comes before the names. */
static void say(struct file_context *ctx, const struct tree *tree, const struct entry *entry, const char *backup,
	const char *verb) {
	// An earlier try may have printed it already
	if (!(ctx->files->opts->flags & OPT_VERBOSE) || ctx->last_try || ctx->said) {
		return;
	}
	struct buf what = {0};
	buf_str(&what, verb);
	buf_str(&what, "%s -> %d");
	if (backup) {
		char *path = dest_backup_path(ctx->files->opts, tree, backup);
		buf_str(&what, " (backup: ");
		quote_in_template(&what, path ? path : backup);
		buf_char(&what, ')');
		free(path);
	}
	if (what.data && !what.failed) {
		tree_say(tree, entry, SAY_COPYING, what.data);
	}
	buf_free(&what);
}

void file_say(struct file_context *ctx, const struct tree *tree, const struct entry *entry, const char *backup) {
	say(ctx, tree, entry, backup, ctx->files->opts->flags & OPT_MOVE ? "copied " : "");
}

void file_say_renamed(struct file_context *ctx, const struct tree *tree, const struct entry *entry,
	const char *backup) {
	say(ctx, tree, entry, backup, "renamed ");
}

void file_done(struct file_context *ctx, const struct tree *tree, const struct entry *entry, counter *kind) {
	if (ctx->files->writeback) {
		writeback_track(ctx->files->writeback, tree->fd[DST]);
	}
	counter_add(&ctx->counters->files, 1);
	counter_add(kind, 1);
	dest_made(ctx->files->dest, tree, entry, NULL);
	tree_flush_name(tree, entry);
}

/** About how many bytes were to be copied. Each name of several counts its share of them. */
static uint64_t expected_bytes(const struct opts *opts, const struct stat *st) {
	if (!st || !S_ISREG(st->st_mode) || (opts->flags & (OPT_HARD_LINK | OPT_SYMBOLIC_LINK | OPT_ATTRIBUTES_ONLY))) {
		return 0;
	}
	uint64_t size = (uint64_t)st->st_size;
	if (opts->sparse != WHEN_NEVER) {
		size = min(size, (uint64_t)st->st_blocks * 512);
	}
	return opts->preserve & PRESERVE_LINKS ? size / max(st->st_nlink, 1u) : size;
}

void file_skipped(struct file_context *ctx, const struct stat *st) {
	counter_add(&ctx->counters->skipped, 1);
	counter_add(&ctx->counters->skipped_bytes, expected_bytes(ctx->files->opts, st));
}

void file_failed(struct file_context *ctx, const struct stat *st) {
	counter_add(&ctx->counters->failed, 1);
	counter_add(&ctx->counters->skipped_bytes, expected_bytes(ctx->files->opts, st));
}

/** The space that the data of a file needs, judging by its source, without what its destination keeps. */
static uint64_t room_for(const struct opts *opts, const struct file *file, const atomic_bool *cancelled) {
	uint64_t data = (uint64_t)file->source.st.st_size;
	if (opts->sparse != WHEN_NEVER && (uint64_t)file->source.st.st_blocks * 512 < data) {
		data = extent_sum(file->source.fd, data, cancelled);
	}
	uint64_t kept = file->target.flags & TARGET_CREATED ? 0 : min(file->keep, file->cursor);
	return data - min(data, kept);
}

void file_note_made(struct file_context *ctx, struct file *file) {
	struct dest *dest = ctx->files->dest;
	struct inode found = inode_of(&file->target.found);
	bool serial = dest->flags & DEST_SERIAL;
	bool known = !serial && (file->target.flags & TARGET_RESERVED) && !(ctx->files->opts->flags & OPT_ATOMIC);
	if (!(file->tree->flags & TREE_OPERANDS) || !(dest->flags & DEST_SEVERAL)
		|| (!serial && (file->target.flags & TARGET_BY_LINK)))
	{
		return;
	}
	if (tree_pin(file->tree) == 0) {
		dest_made(dest, file->tree, &file->entry, known ? &found : NULL);
		tree_unpin(file->tree);
	}
}

void file_count_copied(struct file_context *ctx, const struct file *file) {
	struct counters *counters = ctx->counters;
	counter_add(&counters->files, 1);
	counter_add(&counters->data, counter_get(&file->moved));
	counter_add(&counters->holes, file->holes);
	counter_add(&counters->zeros, counter_get(&file->zeros));
	counter_add(&counters->clones, file->flags & FILE_CLONED ? 1 : 0);
	counter_add(&counters->clone_bytes, file->flags & FILE_CLONED ? counter_get(&file->moved) : 0);
	counter_add(&counters->cached, file->mover == &move_cached);
	counter_add(&counters->streams, file->mover == &move_stream);
	counter_add(&counters->shared, file->flags & FILE_SHARED ? 1 : 0);
	if (file->target.flags & TARGET_LINKED) {
		counter_add(&counters->hard_links, 1);
		counter_add(&counters->skipped_bytes, expected_bytes(ctx->files->opts, &file->source.st));
	}
}

void file_count_failed(struct file_context *ctx, const struct file *file, int err) {
	struct counters *counters = ctx->counters;
	counter_add(&counters->failed, 1);
	counter_add(&counters->skipped_bytes, file->size - min(file->size, file->cursor));
	if ((err == ENOSPC || err == EDQUOT) && !(file->target.flags & TARGET_SPECIAL)) {
		uint64_t room = room_for(ctx->files->opts, file, &ctx->files->cancelled);
		uint64_t kept = file->part ? min(counter_get(&file->moved) + file->resumed, room) : 0;
		counter_add(&counters->nospace, room - kept);
		counter_add(&counters->kept, kept);
	}
}

void file_note_sum(struct file_context *ctx, struct file *file) {
	struct checksums *checksums = ctx->files->checksums;
	if (!checksums || file->mover != &move_sequential || (file->target.flags & TARGET_SPECIAL)) {
		return;
	}
	char *path = tree_path(file->tree, DST, file->entry.dst_name);
	if (path) {
		checksums_add(checksums, file->sum, path);
	} else {
		tree_report(file->tree, &file->entry, error_make(ERROR_WRITE, ENOMEM, "cannot note the checksum of %d"));
	}
	free(path);
}
