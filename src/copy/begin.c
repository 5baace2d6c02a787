// SPDX-License-Identifier: MIT
#include "copy/file-impl.h"

#include "base/opts.h"
#include "display/progress.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

void file_context_init(struct file_context *ctx, struct files *files, struct counters *counters) {
	*ctx = (struct file_context) {.files = files, .counters = counters};
	list_init(&ctx->retry);
	list_init(&ctx->deferred);
	list_init(&ctx->nospace);
}

void file_context_destroy(struct file_context *ctx) {
	for (struct list *node;
		 (node = list_pop(&ctx->retry)) || (node = list_pop(&ctx->deferred)) || (node = list_pop(&ctx->nospace));)
	{
		link_name_free(list_item(node, struct link_name, node));
	}
	movers_free(&ctx->movers);
}

/** Report a source that cannot be opened. As cp does, first judge the destination and print the name (-v). */
static void source_failed(struct file_context *ctx, struct file *file, struct judged *judged, struct error fail) {
	struct stat st;
	int flags = tree_follows(file->tree) ? 0 : AT_SYMLINK_NOFOLLOW;

	if (fail.err == EINTR && atomic_load(&ctx->files->cancelled)) {
		return;
	}
	if (!judged->known && fstatat(file->tree->fd[SRC], file->entry.name, &st, flags) == 0) {
		if (!file_judge(ctx, file->tree, &file->entry, &st, judged) && judged->verdict != DEST_OVERWRITE
			&& judged->verdict != DEST_CREATE)
		{
			return;
		}
		file_say(ctx, file->tree, &file->entry, judged->found.backup);
	} else if (judged->known) {
		file_say(ctx, file->tree, &file->entry, judged->found.backup);
	}
	tree_report(file->tree, &file->entry, fail);
	file_failed(ctx, &file->source.st);
	if (judged->found.backup) {
		dest_undo_backup(ctx->files->dest, file->tree, &file->entry, judged->found.backup);
		free(judged->found.backup);
	}
}

/** Put aside a name that has to wait. */
static void defer(struct file_context *ctx, struct file *file) {
	struct link_name *name = link_name_new(file->tree, &file->entry);
	if (!name) {
		tree_report(file->tree, &file->entry, error_make(ERROR_CREATE, ENOMEM, "cannot create regular file %d"));
		return;
	}
	name->agreed = ctx->agreed;
	name->said = ctx->said;
	list_append(&ctx->deferred, &name->node);
}

/** Give up a file that was not begun after all. */
static void drop(struct file_context *ctx, struct file *file) {
	file_release(ctx, file);
	file_free(file);
}

/** Open the source of a file, and defer the file if that has to wait. Returns whether to go on; errors are reported. */
static bool open_source(struct file_context *ctx, struct file *file, const struct stat *st, struct judged *judged) {
	// Wait if the destination was judged already: after a deferral it would be judged again
	struct error fail = file_open_source(ctx, file, st, ctx->may_wait || judged->known);
	// Only now it is known whether it is mounted by itself
	bool unreserved = !(file->source.flags & SOURCE_READING) && (!st || (file->source.flags & SOURCE_MOUNTED));
	if (!fail.text && !(file->flags & FILE_DEFERRED) && unreserved) {
		file->flags |= file_reserve_source(ctx, file, &file->source.st) ? 0 : FILE_DEFERRED;
		// While that was waited for, it may have been written
		if ((file->source.flags & SOURCE_READING) && fstat(file->source.fd, &file->source.st) != 0) {
			fail = error_make(ERROR_STAT, errno, "cannot fstat %s");
		}
	}
	if (!(file->flags & FILE_DEFERRED)) {
		if (fail.text) {
			source_failed(ctx, file, judged, fail);
		}
		return !fail.text;
	}
	if (judged->found.backup) {
		dest_undo_backup(ctx->files->dest, file->tree, &file->entry, judged->found.backup);
		free(judged->found.backup);
	}
	defer(ctx, file);
	return false;
}

/**
 * Judge a file and open both of its ends. Returns whether to move its data. If not, it was deferred or linked, nothing
 * is to be done, or an error was reported.
 */
static bool open_both(struct file_context *ctx, struct file *file, const struct stat *st) {
	struct tree *tree = file->tree;
	const struct entry *entry = &file->entry;
	struct judged judged = {0};
	// Ahead of the judgement, so that nobody is asked twice
	if (st && !file_reserve_source(ctx, file, st)) {
		defer(ctx, file);
		return false;
	}
	bool hardlinks = st && file_has_links(ctx, tree, st);
	if (st && !hardlinks && !file_judge(ctx, tree, entry, st, &judged)) {
		return false;
	}
	if (!open_source(ctx, file, st, &judged)) {
		return false;
	}
	if (file_has_links(ctx, tree, &file->source.st)
		&& file_hardlinks_enter(ctx, tree, entry, &file->source.st, &file->link, &judged) != FILE_HARDLINKS_COPY)
	{
		return false;
	}
	if (file_open_destination(ctx, file, &judged)) {
		return true;
	}
	if (file->target.backup) {
		dest_undo_backup(ctx->files->dest, tree, entry, file->target.backup);
	}
	if (file->flags & FILE_DEFERRED) {
		defer(ctx, file);
	}
	file_hardlinks_end(ctx, file->link, tree, NULL);
	return false;
}

/** Copy a regular file, or read something else as if it were one. */
static struct file *begin_regular(struct file_context *ctx, struct tree *tree, const struct entry *entry,
	const struct stat *st, struct link_name *retry) {
	struct file *file = file_new(tree, entry, retry);
	if (!file) {
		tree_report(tree, entry, error_make(ERROR_OPEN, ENOMEM, "cannot open %s for reading"));
		file_failed(ctx, st);
		if (retry) {
			link_name_free(retry);
		}
		return NULL;
	}
	if (!open_both(ctx, file, st)) {
		drop(ctx, file);
		return NULL;
	}
	if (file_move(ctx, file)) {
		return file;
	}
	file_unref(ctx, file);
	return NULL;
}

/** Whether to look at a source before it is opened: if the destination may stay as it is, that is cheaper. */
static bool wants_look(const struct opts *opts, const struct entry *entry) {
	return entry->type != DT_REG || opts->update != UPDATE_ALL || (opts->flags & (OPT_HARD_LINK | OPT_SYMBOLIC_LINK));
}

/** Whether the content of a source is read, rather than a link, a pipe or a device made. */
static bool is_read(const struct opts *opts, mode_t mode) {
	bool contents = !(opts->flags & OPT_RECURSIVE) || (opts->flags & OPT_COPY_CONTENTS);
	return !(opts->flags & (OPT_HARD_LINK | OPT_SYMBOLIC_LINK)) && (S_ISREG(mode) || (contents && !S_ISLNK(mode)));
}

struct file *file_begin(struct file_context *ctx, struct tree *tree, const struct entry *entry, const struct stat *st,
	struct link_name *retry) {
	const struct opts *opts = ctx->files->opts;
	struct stat got;
	const struct stat *known = st;

	ctx->agreed = retry && retry->agreed;
	ctx->said = retry && retry->said;
	if (file_rename(ctx, tree, entry, false)) {
		goto out;
	}
	if (opts->flags & OPT_DRY_RUN) {
		file_simulate(ctx, tree, entry, st);
		return NULL;
	}
	if (!st && wants_look(opts, entry)) {
		if (fstatat(tree->fd[SRC], entry->name, &got, tree_follows(tree) ? 0 : AT_SYMLINK_NOFOLLOW) != 0) {
			tree_report(tree, entry, error_make(ERROR_STAT, errno, "cannot stat %s"));
			file_failed(ctx, NULL);
			goto out;
		}
		known = &got;
	}
	mode_t mode = known ? known->st_mode : S_IFREG;
	if (file_is_journal(ctx, tree, entry)) {
		tree_report(tree, entry, error_make(ERROR_COPY, 0, "cannot copy %s: --resume keeps its journal at %d"));
		file_failed(ctx, known);
	} else if (S_ISDIR(mode)) {
		tree_report(tree, entry, error_make(ERROR_COPY, 0, "skipping file %s, as it was replaced while being copied"));
		file_failed(ctx, NULL);
	} else if (is_read(opts, mode)) {
		return begin_regular(ctx, tree, entry, known, retry);
	} else if (opts->flags & (OPT_HARD_LINK | OPT_SYMBOLIC_LINK)) {
		file_make_link(ctx, tree, entry, known);
	} else if (S_ISLNK(mode)) {
		file_copy_symlink(ctx, tree, entry, known);
	} else {
		file_copy_special(ctx, tree, entry, known);
	}
out:
	if (retry) {
		link_name_free(retry);
	}
	return NULL;
}
