// SPDX-License-Identifier: MIT
#include "base/open.h"

#include "base/inode.h"
#include "base/io.h"
#include "base/path.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

int open_parent(int dir, const char *path, int flags) {
	char *parent = parent_directory(path);
	int ret = parent ? or_errno(openat(dir, parent, flags | O_DIRECTORY | O_CLOEXEC)) : -ENOMEM;
	free(parent);
	return ret;
}

bool open_finds_empty(int dir, const char *name, const char *const *ignored) {
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *names = fd >= 0 ? fdopendir(fd) : NULL;
	bool empty = names;
	errno = 0;
	for (const struct dirent *entry; empty && (entry = readdir(names));) {
		const char *const *known = ignored;
		while (known && *known && strcmp(*known, entry->d_name) != 0) {
			++known;
		}
		empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 || (known && *known);
	}
	empty &= errno == 0;
	if (names) {
		closedir(names);
	} else {
		close_fd(&fd);
	}
	return empty;
}

int open_look(int dir, const char *name, int flags, struct stat *st, bool *mount) {
	struct statx stx;
	// Seccomp filters of old containers refuse statx(2)
	if (statx(dir, name, flags, STATX_BASIC_STATS, &stx) != 0) {
		*mount = true;
		return or_errno(fstatat(dir, name, st, flags & ~AT_STATX_SYNC_TYPE));
	}
	*mount = !(stx.stx_attributes_mask & ~stx.stx_attributes & STATX_ATTR_MOUNT_ROOT);
	*st = (struct stat) {
		.st_dev = makedev(stx.stx_dev_major, stx.stx_dev_minor),
		.st_ino = stx.stx_ino,
		.st_mode = stx.stx_mode,
		.st_nlink = stx.stx_nlink,
		.st_uid = stx.stx_uid,
		.st_gid = stx.stx_gid,
		.st_rdev = makedev(stx.stx_rdev_major, stx.stx_rdev_minor),
		.st_size = (off_t)stx.stx_size,
		.st_blksize = stx.stx_blksize,
		.st_blocks = (blkcnt_t)stx.stx_blocks,
		.st_atim = {.tv_sec = stx.stx_atime.tv_sec, .tv_nsec = stx.stx_atime.tv_nsec},
		.st_mtim = {.tv_sec = stx.stx_mtime.tv_sec, .tv_nsec = stx.stx_mtime.tv_nsec},
		.st_ctim = {.tv_sec = stx.stx_ctime.tv_sec, .tv_nsec = stx.stx_ctime.tv_nsec},
	};
	return 0;
}

bool open_has_proc(void) {
	return access("/proc/self/fd", X_OK) == 0;
}

/** Open a path, and check that it leads to the file of SEEN. */
static int open_compared(int seen, int dir, const char *path, int flags) {
	struct stat st = {0};
	struct stat there = {0};
	int fd = openat(dir, path, flags | O_NONBLOCK | O_NOCTTY);
	if (fd < 0) {
		return -errno;
	}
	int ret = fstat(seen, &st) != 0 || fstat(fd, &there) != 0 ? -errno : 0;
	if (ret == 0 && !inode_same(inode_of(&st), inode_of(&there))) {
		ret = -ESTALE;
	}
	if (ret < 0) {
		close_fd(&fd);
		return ret;
	}
	if (!(flags & O_NONBLOCK)) {
		fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
	}
	return fd;
}

int open_again(int seen, int dir, const char *path, int flags) {
	char name[FD_PATH_SIZE];
	int fd = open(fd_path(seen, name), flags | O_NOCTTY);
	if (fd >= 0) {
		return fd;
	}
	int err = errno;
	if (err != ENOENT || open_has_proc()) {
		return -err;
	}
	return path ? open_compared(seen, dir, path, flags) : OPEN_NO_PROC;
}
