#include "copy/file-impl.h"

#include "base/io.h"
#include "base/path.h"
#include "sys/tempfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

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

int file_hide_again(const struct tree *tree, int dir, char **path) {
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
