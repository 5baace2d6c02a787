#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

int close_fd(int *fd) {
	int old = *fd;
	*fd = -1;
	if (old < 0) {
		return 0;
	}
	// On Linux the descriptor is gone even after EINTR: closing again could hit another file
	if (close(old) != 0 && errno != EINTR) {
		return -errno;
	}
	return 0;
}

uint32_t fs_type(int fd) {
	struct statfs fs;
	return fstatfs(fd, &fs) == 0 ? (uint32_t)fs.f_type : 0;
}

int set_times(int fd, const struct timespec times[2]) {
	char path[32];
	if (utimensat(fd, "", times, AT_EMPTY_PATH) == 0) {
		return 0;
	}
	if (errno != EINVAL) {
		return -errno;
	}
	// Linux before 5.8 takes no AT_EMPTY_PATH
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (utimensat(AT_FDCWD, path, times, 0) == 0) {
		return 0;
	}
	int err = errno;
	// A directory is found without /proc, too
	return err == ENOENT && utimensat(fd, ".", times, 0) == 0 ? 0 : -err;
}
