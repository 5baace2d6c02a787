// SPDX-License-Identifier: MIT
#include "sys/tempfile.h"

#include "base/io.h"
#include "base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <xxhash.h>

/** Prefix of temporary names, and how many digits follow. */
#define PREFIX ".ucp-"
#define DIGITS 16

/** Milliseconds to wait for the lock of a file that looks like a leftover, unless the caller says how long. */
#define CLEAR_WAIT 500

char *tempfile_path(const char *path, enum tempfile_kind kind) {
	const char *name = last_component(path);
	uint64_t number = XXH3_64bits(name, strlen(name));
	char *tempfile;

	if (kind == TEMPFILE_RANDOM && getrandom(&number, sizeof(number), 0) != sizeof(number)) {
		return NULL;
	}
	int len = (int)(name - path);
	return asprintf(&tempfile, "%.*s" PREFIX "%016" PRIx64, len, path, number) < 0 ? NULL : tempfile;
}

bool tempfile_is_name(const char *name) {
	size_t len = strlen(PREFIX);
	return strncmp(name, PREFIX, len) == 0 && strspn(name + len, "0123456789abcdef") == DIGITS
		&& name[len + DIGITS] == '\0';
}

/** Lock a file, waiting up to WAIT milliseconds for another holder. Returns 0 or -errno. */
static int lock(int fd, unsigned wait) {
	const struct timespec interval = {.tv_nsec = 1000000};
	while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno != EWOULDBLOCK || wait-- == 0) {
			return -errno;
		}
		nanosleep(&interval, NULL);
	}
	return 0;
}

/** Whether a running process writes to a file. A file that cannot be opened or locked counts as used. */
static bool is_used(int dir, const char *path, unsigned wait) {
	int fd = openat(dir, path, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 && errno == EACCES) {
		// Its final mode may have been set already
		fd = openat(dir, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	}
	bool used = fd < 0 || lock(fd, wait) != 0;
	close_fd(&fd);
	return used;
}

int tempfile_clear(int dir, const char *path, struct tempfile_patience *patience) {
	unsigned wait = patience && patience->wait > 0 ? patience->wait : CLEAR_WAIT;
	struct stat st;
	if (fstatat(dir, path, &st, AT_SYMLINK_NOFOLLOW) != 0) {
		return errno == ENOENT ? 0 : -errno;
	}
	if (S_ISDIR(st.st_mode)) {
		return -EBUSY;
	}
	if (S_ISREG(st.st_mode) && is_used(dir, path, patience && atomic_load(&patience->spent) ? 0 : wait)) {
		if (patience) {
			atomic_store(&patience->spent, true);
		}
		return -EBUSY;
	}
	return unlinkat(dir, path, 0) == 0 || errno == ENOENT ? 0 : -errno;
}

int tempfile_drop(int dir, const char *path, struct inode inode) {
	struct stat st;
	if (fstatat(dir, path, &st, AT_SYMLINK_NOFOLLOW) != 0) {
		return errno == ENOENT ? 0 : -errno;
	}
	if (!inode_same(inode_of(&st), inode)) {
		return 0;
	}
	return unlinkat(dir, path, 0) == 0 || errno == ENOENT ? 0 : -errno;
}

bool tempfile_can_go(int dir) {
	struct statx stx;
	return statx(dir, "", AT_EMPTY_PATH, STATX_TYPE, &stx) != 0 || !(stx.stx_attributes & STATX_ATTR_APPEND);
}

int tempfile_lock(int fd, unsigned wait) {
	struct stat st;
	// Errors other than EWOULDBLOCK mean that the file system has no locks: go on without
	if (lock(fd, wait) == -EWOULDBLOCK) {
		return -EBUSY;
	}
	return fstat(fd, &st) == 0 && st.st_nlink > 0 ? 0 : -ESTALE;
}

int tempfile_owner(int dir, uid_t *owner) {
	struct stat st = {0};
	char *name = NULL;
	int fd = openat(dir, ".", O_WRONLY | O_TMPFILE | O_CLOEXEC, 0600);
	if (fd < 0) {
		name = tempfile_path("", TEMPFILE_RANDOM);
		fd = name ? openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600) : -1;
	}
	int ret = fd >= 0 && fstat(fd, &st) == 0 ? 0 : -errno;
	if (ret == 0) {
		*owner = st.st_uid;
	}
	close_fd(&fd);
	if (ret == 0 && name) {
		ret = tempfile_drop(dir, name, inode_of(&st));
	}
	free(name);
	return ret;
}

int tempfile_link(int fd, int dir, const char *path) {
	char name[FD_PATH_SIZE];
	if (linkat(fd, "", dir, path, AT_EMPTY_PATH) == 0) {
		return 0;
	}
	if (errno != ENOENT && errno != EPERM) {
		return -errno;
	}
	// AT_EMPTY_PATH needed privileges before Linux 6.10
	return or_errno(linkat(AT_FDCWD, fd_path(fd, name), dir, path, AT_SYMLINK_FOLLOW));
}

/**
 * As tempfile_move_open(), on file systems without RENAME_NOREPLACE. Returns 0 or -errno; 1 if the file has two names
 * now.
 */
static int move_slowly(int dir, const char *from, const char *to) {
	struct stat st;
	if (linkat(dir, from, dir, to, 0) == 0) {
		return 1;
	}
	if (errno == EEXIST) {
		return -EEXIST;
	}
	// The file system has no hard links either
	if (fstatat(dir, to, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		return -EEXIST;
	}
	return or_errno(renameat(dir, from, dir, to));
}

int tempfile_move_open(int dir, const char *from, const char *to) {
	if (renameat2(dir, from, dir, to, RENAME_NOREPLACE) == 0) {
		return 0;
	}
	return errno == EINVAL || errno == ENOSYS ? move_slowly(dir, from, to) : -errno;
}

int tempfile_move(int dir, const char *from, const char *to) {
	struct stat st;
	int ret = tempfile_move_open(dir, from, to);
	if (ret <= 0) {
		return ret;
	}
	return fstatat(dir, to, &st, AT_SYMLINK_NOFOLLOW) == 0 ? tempfile_drop(dir, from, inode_of(&st)) : 0;
}
