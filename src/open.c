#include "open.h"

#include "inode.h"
#include "std.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

bool open_has_proc(void) {
	return access("/proc/self/fd", X_OK) == 0;
}

/** Open a path, and see that it leads to what a descriptor stands for. */
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
	char name[32];
	snprintf(name, sizeof(name), "/proc/self/fd/%d", seen);
	int fd = open(name, flags | O_NOCTTY);
	if (fd >= 0) {
		return fd;
	}
	int err = errno;
	if (err != ENOENT || open_has_proc()) {
		return -err;
	}
	return path ? open_compared(seen, dir, path, flags) : OPEN_NO_PROC;
}
