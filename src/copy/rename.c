// SPDX-License-Identifier: MIT
#include "copy/file-impl.h"

#include "base/opts.h"
#include "dest/rename.h"
#include "display/progress.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

/** Whether a tree's names may be on the file system of its destination. */
static bool may_rename(const struct file_context *ctx, const struct tree *tree) {
	return (ctx->files->opts->flags & OPT_MOVE)
		&& ((tree->flags & TREE_BASE) || tree->inode[SRC].dev == tree->inode[DST].dev);
}

/** Print the change (--itemize). */
static void note_change(const struct tree *tree, const struct entry *entry, enum change change) {
	const struct opts *opts = tree->trees->opts;
	bool dry = opts->flags & OPT_DRY_RUN;
	int dir = tree->fd[dry ? SRC : DST];
	struct stat st;
	if (opts->itemize && fstatat(dir, dry ? entry->name : entry->dst_name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		tree_change(tree, entry, change, st.st_mode);
	}
}

bool file_rename(struct file_context *ctx, struct tree *tree, const struct entry *entry, bool directory) {
	char *backup = NULL;
	if (!may_rename(ctx, tree)) {
		return false;
	}
	enum dest_renamed renamed = dest_rename(ctx->files->dest, tree, entry, directory, &backup);
	switch (renamed) {
	case DEST_RENAME_COPY:
		return false;
	case DEST_RENAMED:
	case DEST_RENAMED_OVER:
		file_say_renamed(ctx, tree, entry, backup);
		note_change(tree, entry, renamed == DEST_RENAMED ? CHANGE_NEW : CHANGE_DATA);
		counter_add(&ctx->counters->files, 1);
		break;
	case DEST_RENAME_LEFT:
		file_skipped(ctx, NULL);
		break;
	case DEST_RENAME_FAILED:
		file_failed(ctx, NULL);
		break;
	}
	free(backup);
	return true;
}
