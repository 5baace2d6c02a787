// SPDX-License-Identifier: MIT
#include "tree/tree-impl.h"

#include "base/opts.h"
#include "base/path.h"
#include "sys/flush.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/**
 * Up to this many operands, each operand that is a file is flushed on its own: its file system may have much else to
 * write.
 */
#define FEW_OPERANDS 8

void tree_choose_flush(struct tree *tree) {
	struct trees *trees = tree->trees;
	bool base = tree->flags & TREE_BASE;
	// --progress=synced flushes whole file systems again and again; it needs single flushes only if that reports no
	// errors
	bool fsync = trees->opts->flags & (OPT_FSYNC | OPT_MOVE);
	struct stat st = {.st_dev = tree->inode[DST].dev};

	if (!trees->flush) {
		return;
	}
	// With --atomic a copy has to be on its medium before it gets its name
	if ((trees->opts->flags & OPT_FSYNC) && (trees->opts->flags & OPT_ATOMIC)) {
		tree->flags |= TREE_FLUSH_EACH;
		return;
	}
	// If operands name their destination whole there is no directory to ask, but only one operand
	bool few = fsync && trees->opts->operand_count <= FEW_OPERANDS;
	if (base && (few || fstat(tree->fd[DST], &st) != 0)) {
		tree->flags |= TREE_FLUSH_EACH;
		return;
	}
	char *path = tree_path(tree, DST, NULL);
	if (flush_choose(trees->flush, tree->fd[DST], st.st_dev, path) == FLUSH_EACH) {
		tree->flags |= TREE_FLUSH_EACH;
	}
	free(path);
}

void tree_flush(struct tree *tree) {
	if (!(tree->flags & TREE_FLUSH_EACH)) {
		return;
	}
	// A directory open only for searching is opened again, for the error this gives
	const atomic_bool *stop = tree->trees->cancelled;
	int ret = tree->flags & TREE_DST_PATH ? flush_directory_at(tree->fd[DST], ".", stop)
										  : flush_directory(tree->fd[DST], stop);
	if (ret < 0 && ret != -EINTR) {
		tree_report_itself(tree, error_make(ERROR_SYNC, ret, "error syncing %d"));
	}
	if (tree->parent->flags & TREE_BASE) {
		tree_flush_name(tree->parent, &(struct entry) {.name = tree->name[SRC], .dst_name = tree->name[DST]});
	}
}

void tree_flush_name(const struct tree *tree, const struct entry *entry) {
	if (!(tree->flags & TREE_BASE) || !(tree->flags & TREE_FLUSH_EACH)) {
		return;
	}
	char *dir = parent_directory(entry->dst_name);
	int ret = dir ? flush_directory_at(tree->fd[DST], dir, tree->trees->cancelled) : -ENOMEM;
	free(dir);
	if (ret < 0 && ret != -EINTR) {
		tree_report(tree, entry, error_make(ERROR_SYNC, ret, "error syncing the directory of %d"));
	}
}
