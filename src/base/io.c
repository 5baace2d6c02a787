// SPDX-License-Identifier: MIT
#include "base/io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/** Bytes read from a directory at once. */
#define DIR_BUFFER (32u << 10)

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

char *fd_path(int fd, char path[FD_PATH_SIZE]) {
	snprintf(path, FD_PATH_SIZE, "/proc/self/fd/%d", fd);
	return path;
}

int write_full(int fd, const void *data, size_t len, const atomic_bool *cancelled) {
	const char *at = data;
	while (len > 0) {
		ssize_t n = write(fd, at, len);
		if (n < 0 && errno == EINTR && !(cancelled && atomic_load(cancelled))) {
			continue;
		}
		if (n <= 0) {
			return n < 0 ? -errno : -EIO;
		}
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

ssize_t read_full(int fd, void *data, size_t len, uint64_t off, const atomic_bool *cancelled) {
	char *at = data;
	size_t got = 0;
	for (ssize_t n = 1; n != 0 && got < len;) {
		n = pread(fd, at + got, len - got, (off_t)(off + got));
		if (n < 0 && (errno != EINTR || (cancelled && atomic_load(cancelled)))) {
			return -errno;
		}
		got += n > 0 ? (size_t)n : 0;
	}
	return (ssize_t)got;
}

int read_names(int dir, int (*take)(void *arg, const struct dirent64 *entry), void *arg) {
	char *data = malloc(DIR_BUFFER);
	int ret = data ? 0 : -ENOMEM;
	ssize_t n = 1;
	while (ret == 0 && n > 0) {
		n = getdents64(dir, data, DIR_BUFFER);
		ret = n < 0 ? -errno : 0;
		for (ssize_t at = 0; at < n && ret == 0;) {
			const struct dirent64 *entry = (const struct dirent64 *)(data + at);
			bool counts = strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
			ret = counts ? take(arg, entry) : 0;
			at += entry->d_reclen;
		}
	}
	free(data);
	return ret;
}

int set_times(int fd, const struct timespec times[2]) {
	char path[FD_PATH_SIZE];
	if (utimensat(fd, "", times, AT_EMPTY_PATH) == 0) {
		return 0;
	}
	if (errno != EINVAL) {
		return -errno;
	}
	// Linux before 5.8 rejects AT_EMPTY_PATH here
	if (utimensat(AT_FDCWD, fd_path(fd, path), times, 0) == 0) {
		return 0;
	}
	int err = errno;
	// A directory needs no /proc
	return err == ENOENT && utimensat(fd, ".", times, 0) == 0 ? 0 : -err;
}
