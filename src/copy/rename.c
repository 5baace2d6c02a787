// SPDX-License-Identifier: MIT
#include "copy/file-impl.h"

#include "base/opts.h"
#include "dest/rename.h"
#include "display/progress.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>

/** Whether a tree's names may be on the file system of its destination. */
static bool may_rename(const struct file_context *ctx, const struct tree *tree) {
	return (ctx->files->opts->flags & OPT_MOVE)
		&& ((tree->flags & TREE_BASE) || tree->inode[SRC].dev == tree->inode[DST].dev);
}

bool file_rename(struct file_context *ctx, struct tree *tree, const struct entry *entry, bool directory) {
	char *backup = NULL;
	if (!may_rename(ctx, tree)) {
		return false;
	}
	switch (dest_rename(ctx->files->dest, tree, entry, directory, &backup)) {
	case DEST_RENAME_COPY:
		return false;
	case DEST_RENAMED:
		file_say_renamed(ctx, tree, entry, backup);
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
