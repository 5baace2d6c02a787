// SPDX-License-Identifier: MIT
#include "tree/tree-impl.h"

#include "base/opts.h"
#include "base/path.h"
#include "report/report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

int tree_may_make(const struct tree *tree, const char *name) {
	if (tree->flags & TREE_ABSENT) {
		return 0;
	}
	char *dir = parent_directory(name);
	int ret = dir ? or_errno(faccessat(tree->fd[DST], dir, W_OK | X_OK, AT_EACCESS)) : -ENOMEM;
	free(dir);
	return ret;
}

int tree_open_absent(void) {
	// Every lookup in an eventfd fails, so no real file is mistaken for a missing one. It needs neither /dev nor /proc
	int fd = eventfd(0, EFD_CLOEXEC);
	return or_errno(fd);
}

/** Remember the directory in which TREE would be made: if that is met as a source, it would contain its copy. */
static void note_place(struct tree *tree, const char *name) {
	struct trees *trees = tree->trees;
	struct stat st;
	char *dir = parent_directory(name);
	if (dir && !(tree->parent->flags & TREE_ABSENT) && fstatat(tree->parent->fd[DST], dir, &st, 0) == 0) {
		mutex_lock(&trees->lock);
		inode_set_add(&trees->made, inode_of(&st));
		mutex_unlock(&trees->lock);
	}
	free(dir);
}

/** Whether NAME ends in a slash and a symbolic link that leads nowhere stands there. */
static bool is_dangling(int dir, const char *name) {
	struct stat st;
	size_t len = strlen(name);
	if (len < 2 || name[len - 1] != '/') {
		return false;
	}
	while (len > 1 && name[len - 1] == '/') {
		--len;
	}
	char *plain = strndup(name, len);
	bool dangling = plain && fstatat(dir, plain, &st, AT_SYMLINK_NOFOLLOW) == 0;
	free(plain);
	return dangling;
}

int tree_simulate_make(struct tree *tree, const char *name, bool gone) {
	struct tree *parent = tree->parent;
	struct stat st;
	if (!(parent->flags & TREE_ABSENT) && !gone) {
		if (fstatat(parent->fd[DST], name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
			return -EEXIST;
		}
		if (errno != ENOENT) {
			return -errno;
		}
		if (is_dangling(parent->fd[DST], name)) {
			return -EEXIST;
		}
	}
	int ret = tree_may_make(parent, name);
	if (ret == 0) {
		tree->flags |= TREE_CREATED | TREE_ABSENT;
		counter_add(&tree->trees->created, 1);
		note_place(tree, name);
	}
	return ret;
}

bool tree_would_meet_itself(struct tree *tree) {
	struct trees *trees = tree->trees;
	mutex_lock(&trees->lock);
	bool would = inode_set_has(&trees->made, tree->inode[SRC]);
	mutex_unlock(&trees->lock);
	return would;
}
