// SPDX-License-Identifier: MIT
#include "sys/output.h"

#include "base/open.h"
#include "sys/symlink.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/** How often a file that appears or goes meanwhile is looked for again. */
#define TRIES 10

/** Whether another user may have put the file THERE into the directory DIR to get at what is written to it. */
static bool may_be_planted(int dir, int there) {
	struct stat st;
	struct stat parent;
	if (fstat(there, &st) != 0 || fstat(dir, &parent) != 0) {
		return true;
	}
	bool closed = symlink_owner_is_trusted(&parent) && !(parent.st_mode & (S_IWGRP | S_IWOTH));
	if (closed || symlink_owner_is_trusted(&st)) {
		return false;
	}
	bool shared = symlink_owner_is_trusted(&parent) ? !(parent.st_mode & S_ISVTX) : parent.st_uid == st.st_uid;
	// A fifo could have us wait for ever
	return !S_ISREG(st.st_mode) || !shared;
}

static int open_end(const struct symlink_end *end, int flags) {
	if (end->there < 0) {
		return or_errno(openat(end->dir, end->name, flags | O_CREAT | O_EXCL | O_NOFOLLOW, 0666));
	}
	if (may_be_planted(end->dir, end->there)) {
		return -EACCES;
	}
	// After a link of another user, do not open by name: that user could replace the file
	return open_again(end->there, end->dir, end->foreign ? NULL : end->name, flags);
}

int output_open(const char *path, int flags) {
	int fd = -ESTALE;
	if (path[0] == '\0' || path[strlen(path) - 1] == '/') {
		return path[0] == '\0' ? -ENOENT : -EISDIR;
	}
	for (int i = 0; i < TRIES && (fd == -ESTALE || fd == -EEXIST); ++i) {
		struct symlink_end end;
		fd = symlink_walk(AT_FDCWD, path, SYMLINK_TO_THEIRS, NULL, &end);
		if (fd == 0) {
			fd = open_end(&end, flags | O_WRONLY | O_NOCTTY | O_CLOEXEC);
			symlink_close(&end);
		}
	}
	return fd == SYMLINK_FOREIGN || fd == OPEN_NO_PROC ? -EACCES : fd;
}
