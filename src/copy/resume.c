// SPDX-License-Identifier: MIT
#include "copy/file-impl.h"

#include "base/io.h"
#include "base/limits.h"
#include "base/modes.h"
#include "base/opts.h"
#include "base/path.h"
#include "display/progress.h"
#include "report/report.h"
#include "sys/tempfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/** Files smaller than this are copied anew rather than in parts. */
#define PART_BYTES (4u << 20)

/** Fingerprint of the options that change what a finished copy looks like. */
static uint64_t options_number(const struct opts *opts) {
	const unsigned flags = OPT_ATTRIBUTES_ONLY | OPT_PRIVILEGED | OPT_FSYNC | OPT_VERIFY;
	uint64_t number = (uint64_t)opts->preserve << 32 | (uint64_t)(opts->flags & flags) << 12 | opts->umask;
	// Without --chown and --chmod nothing is added
	uint64_t owner = (uint64_t)(opts->uid + 1) << 32 | (opts->gid + 1);
	return number ^ owner * 1099511628211u ^ modes_number(opts->modes);
}

/** The path of the journal in the directory of PATH; to be freed. */
static char *journal_beside(const char *path) {
	char *journal;
	int len = (int)(last_component(path) - path);
	return asprintf(&journal, "%.*s" JOURNAL_NAME, len, path) < 0 ? NULL : journal;
}

/** Open the journal in DIR. PATH: its path for messages; taken over. TOP: what it is of. */
static void resume_in(struct files *files, const struct tree *tree, int dir, char *path, struct journal_top top) {
	files->journal_root = tree;
	files->journal_path = path;
	files->journal.top = top;
	files->journal.cancelled = &files->cancelled;
	files->journal.alone = files->limits->flags & LIMITS_ALONE;
	int ret = journal_open(&files->journal, dir, options_number(files->opts));
	if (ret < 0) {
		const char *what = "warning: cannot use %d; nothing is resumed";
		if (ret == -EBUSY) {
			what = "warning: another ucp is working with %d; nothing is resumed";
		} else if (ret == -EEXIST) {
			what = "warning: %d is of another copy, which was interrupted; nothing is resumed";
		} else if (ret == -EPROTO) {
			what = "warning: %d was written by a machine of the other byte order; nothing is resumed";
		}
		int err = ret == -EBUSY || ret == -EEXIST || ret == -EPROTO ? 0 : -ret;
		report_warn(files->report, ERROR_COPY, err, what, NULL, files->journal_path);
	}
}

/** Whether a journal is wanted and none was opened yet. */
static bool wants_journal(const struct files *files) {
	return (files->opts->flags & (OPT_RESUME | OPT_DRY_RUN)) == OPT_RESUME && !files->journal_root;
}

void files_resume_in(struct files *files, const struct tree *tree, int dir, const char *beside) {
	if (wants_journal(files)) {
		char *path = beside ? journal_beside(beside) : tree_path(tree, DST, JOURNAL_NAME);
		resume_in(files, tree, dir, path, (struct journal_top) {.place = JOURNAL_INTO});
	}
}

void files_resume_below(struct files *files, const struct tree *tree) {
	if (wants_journal(files) && (tree->parent->flags & TREE_BASE) && tree->parent->fd[DST] == AT_FDCWD) {
		resume_in(files, tree, tree->fd[DST], tree_path(tree, DST, JOURNAL_NAME),
			journal_top_of(tree->name[SRC], tree->inode[SRC]));
		if (journal_is_open(&files->journal) || !atomic_load(&files->cancelled)) {
			dest_journal_begun(files->dest);
		}
	}
}

void files_resume_end(struct files *files, bool begun) {
	int lost = journal_settle(&files->journal);
	if (lost < 0) {
		report_error(files->report, ERROR_SYNC, -lost, "error syncing the file system of %d", NULL,
			files->journal_path);
	}
	bool done = counter_get(&files->report->errors) == 0 && !atomic_load(&files->cancelled);
	bool useless = (files->opts->flags & OPT_MOVE) && !begun && !journal_goes_on(&files->journal);
	int ret = journal_close(&files->journal, done || useless ? JOURNAL_REMOVE : JOURNAL_KEEP);
	if (ret < 0 && lost == 0 && (!done || ret == -EACCES || ret == -EPERM || ret == -EROFS)) {
		report_warn(files->report, done ? ERROR_REMOVE : ERROR_WRITE, -ret,
			done ? "warning: cannot remove the journal of --resume" : "warning: cannot write the journal of --resume",
			NULL, NULL);
	}
}

void files_tree_closing(struct files *files, const struct tree *tree) {
	bool done = counter_get(&files->report->errors) == 0 && !atomic_load(&files->cancelled);
	if (tree == files->journal_root && done && journal_settle(&files->journal) == 0) {
		files_resume_end(files, true);
	}
}

void file_clear_left(struct file_context *ctx, const struct tree *tree, const struct entry *entry) {
	if (!journal_goes_on(&ctx->files->journal)) {
		return;
	}
	char *tempfile = tempfile_path(entry->dst_name, TEMPFILE_KNOWN);
	if (tempfile && !file_expects(tree, last_component(tempfile))) {
		tempfile_clear(tree->fd[DST], tempfile, &tree->trees->patience);
	}
	free(tempfile);
}

enum dest_verdict file_verdict(struct file_context *ctx, struct tree *tree, const struct entry *entry,
	const struct stat *st, struct dest_found *found, struct error *fail) {
	struct files *files = ctx->files;
	struct stat there;
	if (journal_is_open(&files->journal) && !(files->opts->flags & OPT_MOVE) && S_ISREG(st->st_mode)
		&& fstatat(tree->fd[DST], entry->dst_name, &there, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(there.st_mode)
		&& !dest_is_strangers(files->opts, tree, st, &there) && journal_is_finished(&files->journal, st, &there))
	{
		found->st = there;
		counter_add(&ctx->counters->resumed, 1);
		counter_add(&ctx->counters->resumed_bytes, (uint64_t)st->st_size);
		file_clear_left(ctx, tree, entry);
		return DEST_DONE;
	}
	found->agreed = ctx->agreed;
	enum dest_verdict verdict = dest_judge(files->dest, tree, entry, st, found, fail);
	ctx->agreed = found->agreed;
	if (verdict == DEST_DONE && file_shares_attributes(ctx, tree, entry, st, found)) {
		found->replace = true;
		return DEST_CREATE;
	}
	return verdict;
}

bool file_is_journal(const struct file_context *ctx, const struct tree *tree, const struct entry *entry) {
	return tree == ctx->files->journal_root && strcmp(entry->dst_name, JOURNAL_NAME) == 0;
}

/** Open what an earlier run has left under a temporary name. Returns a locked descriptor, or -1. */
static int open_left(int dir, const char *tempfile, struct stat *st) {
	int fd = openat(dir, tempfile, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	// Another owner may have it open, and is not waited for
	bool ours = fd >= 0 && fstat(fd, st) == 0 && S_ISREG(st->st_mode) && st->st_nlink == 1 && st->st_uid == geteuid();
	if (!ours || tempfile_lock(fd, TEMPFILE_KILLED_WAIT) < 0 || fstat(fd, st) != 0 || st->st_nlink != 1) {
		close_fd(&fd);
	}
	return fd;
}

int file_open_part(struct file_context *ctx, struct file *file, int dir, const char *name, mode_t mode) {
	struct files *files = ctx->files;
	struct stat st = {0};
	bool in_parts = journal_is_open(&files->journal) && S_ISREG(file->source.st.st_mode)
		&& file->source.st.st_size >= PART_BYTES && !(file->source.flags & SOURCE_UNTOLD)
		&& !(file->target.flags & TARGET_BY_LINK) && !(file->tree->flags & TREE_UNSIZED)
		&& !(files->opts->flags & OPT_ATTRIBUTES_ONLY) && !plan_is_in_order(files->opts) && tempfile_can_go(dir);
	char buf[PATH_MAX];
	const char *path = in_parts ? tree_path_below(file->tree, files->journal_root, name, buf, sizeof(buf)) : NULL;
	char *tempfile = path ? tempfile_path(name, TEMPFILE_KNOWN) : NULL;
	if (!tempfile || file_expects(file->tree, tempfile)) {
		free(tempfile);
		return -1;
	}
	int fd = open_left(dir, tempfile, &st);
	file->part = journal_begin(&files->journal, path, &file->source.st, fd >= 0 ? &st : NULL);
	if (fd >= 0 && file->part && file->part->done.count > 0) {
		// Its attributes may be set, if it was about to get its name
		fchmod(fd, mode & 07777);
		file->target.tempfile = tempfile;
		return fd;
	}
	close_fd(&fd);
	if (file->part) {
		tempfile_clear(dir, tempfile, &file->tree->trees->patience);
	}
	free(tempfile);
	return -1;
}

bool file_skip_written(struct file *file, struct extent *range) {
	struct extent gap;
	if (!journal_ranges_gap(&file->part->done, range->start, range->end, &gap)) {
		file->resumed += range->end - range->start;
		file->flags |= FILE_SET_SIZE;
		return false;
	}
	file->resumed += gap.start - range->start;
	file->flags |= FILE_SET_SIZE;
	*range = gap;
	file->cursor = gap.end;
	return true;
}

void file_wrote(struct file_context *ctx, struct file *file, uint64_t start, uint64_t end) {
	if (!file->part) {
		return;
	}
	mutex_lock(&file->lock);
	journal_wrote(&ctx->files->journal, file->part, file->part_ino, start, end);
	mutex_unlock(&file->lock);
}

void file_know_part(struct file *file) {
	struct stat st;
	if (file->part && fstat(file->target.fd, &st) == 0) {
		file->part_ino = st.st_ino;
	} else {
		file->part = NULL;
	}
}

bool file_keep_part(struct file_context *ctx, struct file *file) {
	struct journal *journal = &ctx->files->journal;
	bool yields = file->part && file_yields_part(ctx, file);
	file->flags |= yields ? FILE_YIELDED : 0;
	if (!file->part || yields || (file->part->done.count == 0 && file->part->news.count == 0 && file->cursor == 0)) {
		return false;
	}
	journal_flush_part(journal, file->part, file->part_ino);
	return true;
}

void file_note_finished(struct file_context *ctx, const struct file *file) {
	struct stat st;
	// A move does not look for what is finished, but for what is still in the source
	if (journal_is_open(&ctx->files->journal) && !(file->source.flags & SOURCE_UNTOLD)
		&& !(ctx->files->opts->flags & OPT_MOVE) && fstat(file->target.fd, &st) == 0)
	{
		journal_finish(&ctx->files->journal, &file->source.st, &st);
	}
}
