// SPDX-License-Identifier: MIT
#include "copy/file-impl.h"

#include "base/io.h"
#include "base/open.h"
#include "base/path.h"
#include "sys/symlink.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

void location_close(struct location *location) {
	close_fd(&location->own);
	free(location->name);
	location->name = NULL;
}

/** Move a location along PATH, which is relative to its directory. Returns 0 or -errno. */
static int go(struct location *location, const char *path) {
	const char *last = last_component(path);
	char *name = strdup(last);
	if (!name) {
		return -ENOMEM;
	}
	if (last != path) {
		int fd = open_parent(location->dir, path, O_PATH);
		if (fd < 0) {
			free(name);
			return fd;
		}
		close_fd(&location->own);
		location->dir = location->own = fd;
	}
	free(location->name);
	location->name = name;
	return 0;
}

/** Set a location to the end of a link, where a file is or will be. Returns 0 or what tree_symlink_walk() does. */
static int follow(struct location *location, const struct file *file) {
	struct symlink_end end;
	int ret = tree_symlink_walk(file->tree, file->entry.dst_name, &end);
	if (ret < 0) {
		return ret;
	}
	close_fd(&end.there);
	location->dir = location->own = end.dir;
	location->name = strdup(end.name);
	return location->name ? 0 : -ENOMEM;
}

int location_open(struct location *location, const struct file *file) {
	bool by_link = file->target.flags & TARGET_BY_LINK;
	struct stat st;
	*location = (struct location) {.dir = file->tree->fd[DST], .own = -1};

	int ret = by_link ? follow(location, file) : go(location, file->entry.dst_name);
	if (ret == 0 && by_link && (target_is_staged(&file->target))) {
		ret = or_errno(fstatat(location->dir, ".", &st, 0));
		if (ret == 0 && !inode_same(inode_of(&st), file->target.led_to)) {
			ret = -ESTALE;
		}
	}
	if (ret != 0) {
		location_close(location);
	}
	return ret;
}
