// SPDX-License-Identifier: MIT
#include "tree/tree-impl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

/**
 * Whether DEV is mounted in one place only: then copies on it have no other name. Called only for devices mounted in a
 * destination.
 */
static bool is_mounted_once(dev_t dev) {
	FILE *file = fopen("/proc/self/mountinfo", "re");
	char *line = NULL;
	size_t size = 0;
	unsigned count = 0;
	while (file && getline(&line, &size, file) >= 0) {
		unsigned major_number;
		unsigned minor_number;
		count += sscanf(line, "%*u %*u %u:%u", &major_number, &minor_number) == 2
			&& makedev(major_number, minor_number) == dev;
	}
	free(line);
	if (file) {
		fclose(file);
	}
	// Some file systems show other device numbers in mountinfo, so that count is 0
	return count == 1;
}

/** Whether the destination is one of the source directories above its own source. */
static bool is_on_the_way(const struct tree *tree) {
	for (const struct tree *t = tree->parent; !(t->flags & TREE_BASE); t = t->parent) {
		if (inode_same(t->inode[SRC], tree->inode[DST])) {
			return true;
		}
	}
	return false;
}

struct error tree_spare_source(struct tree *tree, bool mount) {
	const struct tree *parent = tree->parent;
	if (tree->flags & TREE_CREATED) {
		return NO_ERROR;
	}
	tree->flags |= parent->flags & (TREE_ELSEWHERE | TREE_IN_SOURCE);
	tree->flags |= is_on_the_way(tree) ? TREE_IN_SOURCE : 0;
	// Names that the user gave are trusted
	bool named = tree_is_named_whole(parent) || strcmp(tree_or_dot(tree->name[DST]), ".") == 0;
	// In a chroot mountinfo may lack mounts, so the source's device may be mounted elsewhere, too
	if (mount && !named && (tree->inode[DST].dev == tree->inode[SRC].dev || !is_mounted_once(tree->inode[DST].dev))) {
		tree->flags |= TREE_ELSEWHERE;
	}
	// If source and destination are the same directory, each file in it is reported instead
	bool own = inode_same(tree->inode[SRC], tree->inode[DST]);
	if ((tree->flags & TREE_ELSEWHERE) && !own && tree->trees->is_source(tree->trees->dest, tree->inode[DST])) {
		return error_make(ERROR_COPY, 0, "will not copy %s into %d, a directory that is to be copied itself");
	}
	if ((tree->flags & TREE_ELSEWHERE) && tree->trees->cancelled && atomic_load(tree->trees->cancelled)) {
		// is_source() may not have finished its search
		return error_make(ERROR_ACCESS, EINTR, "cannot access %d");
	}
	return NO_ERROR;
}
