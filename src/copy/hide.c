// SPDX-License-Identifier: MIT
#include "copy/file-impl.h"

#include "base/io.h"
#include "base/path.h"
#include "sys/tempfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/** Most attempts to find a temporary name that is not taken, and at what others may spoil by doing the same. */
#define TRIES 100

bool file_expects(const struct tree *tree, const char *name) {
	struct stat st;
	if (!(tree->flags & TREE_OPERANDS)) {
		return fstatat(tree->fd[SRC], name, &st, AT_SYMLINK_NOFOLLOW) == 0;
	}
	for (size_t i = 0; i < tree->listing.file_count; ++i) {
		if (strcmp(last_component(listing_entry(&tree->listing.files[i]).dst_name), name) == 0) {
			return true;
		}
	}
	return !(tree->flags & TREE_BASE);
}

/** Make a temporary name usable that turned out to be taken: clear it, or choose another one. Returns 0 or -errno. */
static int hide_again(const struct tree *tree, int dir, char **path) {
	if (!file_expects(tree, last_component(*path)) && tempfile_clear(dir, *path, &tree->trees->patience) == 0) {
		return 0;
	}
	char *other = tempfile_path(*path, TEMPFILE_RANDOM);
	if (!other) {
		return -ENOMEM;
	}
	free(*path);
	*path = other;
	return 0;
}

int file_try_tempfile(const struct tree *tree, int dir, const char *name, int (*make)(void *arg, const char *tempfile),
	void *arg, char **tempfile) {
	bool can_go = tempfile_can_go(dir);
	*tempfile = can_go ? tempfile_path(name, TEMPFILE_KNOWN) : NULL;
	if (!*tempfile) {
		return can_go ? -ENOMEM : -EPERM;
	}
	for (int i = 0; i < TRIES; ++i) {
		int ret = make(arg, *tempfile);
		if (ret == -EEXIST) {
			ret = hide_again(tree, dir, tempfile) < 0 ? -ENOMEM : TEMPFILE_LOST;
		}
		if (ret != TEMPFILE_LOST) {
			return ret;
		}
	}
	return -EEXIST;
}

void file_drop_tempfile(const struct tree *tree, int dir, const char *path, struct inode inode) {
	int ret = tempfile_drop(dir, path, inode);
	if (ret < 0) {
		const struct entry left = {.name = path, .dst_name = path};
		tree_report(tree, &left, error_make(ERROR_REMOVE, ret, "cannot remove %d"));
	}
}

void file_let_go(const struct file_context *ctx, struct file *file) {
	if (!ctx->leaves_open) {
		close_fd(&file->target.fd);
	}
}
