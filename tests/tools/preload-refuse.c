// SPDX-License-Identifier: MIT
/**
 * To be preloaded: of the calls to the system that a program makes, one fails, or that one and all after it.
 *
 *   UCP_REFUSE=N:ERRNO     the N-th fails with the error of that number; N+:ERRNO: and all after it; 0 is none
 *   UCP_REFUSE_TOLD=FILE   gets the number of calls, the name of the first one that failed, and how many descriptors are
 *                          still open at exit
 *
 * Counted are only the first few calls from each place of the program, lest a loop is tried again and again, and, with
 * EINTR, only those that may wait. Messages are let through, and what gcov writes: it has functions for small files.
 */

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

#define PLACES 4096
/** Calls counted from each place. */
#define EACH 2

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool ready;
static bool for_good;
static long nth;
static long count;
static int error;
static const char *refused_name = "none";

static struct {
	const void *from;
	int calls;
} places[PLACES];

/** Whether this is one of the first calls from a place; the lock is held. */
static bool is_among_first(const void *from) {
	for (size_t i = ((size_t)from >> 1) % PLACES;; i = (i + 1) % PLACES) {
		if (!places[i].from || places[i].from == from) {
			places[i].from = from;
			return places[i].calls++ < EACH;
		}
	}
}

/** Whether a call is to fail. Then errno is set. */
static bool refused(const char *name, const void *from, bool may_wait) {
	if (!ready || (error == EINTR && !may_wait)) {
		return false;
	}
	pthread_mutex_lock(&lock);
	bool counted = is_among_first(from);
	count += counted;
	bool first = counted && count == nth;
	if (first) {
		refused_name = name;
	}
	bool fails = first || (for_good && nth > 0 && count >= nth);
	pthread_mutex_unlock(&lock);
	if (fails) {
		errno = error;
	}
	return fails;
}

/** A function TYPE NAME(PARAMETERS) that returns FAILURE, or what the library's returns for ARGUMENTS. */
#define FAILS(type, failure, name, parameters, arguments, may_wait)                                     \
	type name parameters;                                                                           \
	type name parameters {                                                                          \
		static type(*_Atomic real) parameters;                                                  \
		if (refused(#name, __builtin_return_address(0), may_wait)) {                            \
			return failure;                                                                 \
		}                                                                                       \
		if (!real) {                                                                            \
			real = (type(*) parameters)dlsym(RTLD_NEXT, #name);                             \
		}                                                                                       \
		return real arguments;                                                                  \
	}
#define QUICK(name, parameters, arguments) FAILS(int, -1, name, parameters, arguments, false)
#define WAITS(name, parameters, arguments) FAILS(int, -1, name, parameters, arguments, true)
#define MOVES(name, parameters, arguments) FAILS(ssize_t, -1, name, parameters, arguments, true)
#define TELLS(name, parameters, arguments) FAILS(ssize_t, -1, name, parameters, arguments, false)

QUICK(fstat64, (int fd, struct stat64 *st), (fd, st))
QUICK(stat64, (const char *path, struct stat64 *st), (path, st))
QUICK(fstatat64, (int dir, const char *path, struct stat64 *st, int flags), (dir, path, st, flags))
QUICK(statx, (int dir, const char *path, int flags, unsigned mask, struct statx *stx), (dir, path, flags, mask, stx))
QUICK(fstatfs64, (int fd, struct statfs64 *fs), (fd, fs))
QUICK(statvfs64, (const char *path, struct statvfs64 *fs), (path, fs))
QUICK(access, (const char *path, int mode), (path, mode))
QUICK(faccessat, (int dir, const char *path, int mode, int flags), (dir, path, mode, flags))
QUICK(mkdir, (const char *path, mode_t mode), (path, mode))
QUICK(mkdirat, (int dir, const char *path, mode_t mode), (dir, path, mode))
QUICK(mknodat, (int dir, const char *path, mode_t mode, dev_t dev), (dir, path, mode, dev))
QUICK(symlinkat, (const char *target, int dir, const char *path), (target, dir, path))
QUICK(linkat, (int from, const char *old, int to, const char *new, int flags), (from, old, to, new, flags))
QUICK(renameat, (int from, const char *old, int to, const char *new), (from, old, to, new))
QUICK(renameat2, (int from, const char *old, int to, const char *new, unsigned flags), (from, old, to, new, flags))
QUICK(unlinkat, (int dir, const char *path, int flags), (dir, path, flags))
QUICK(ftruncate64, (int fd, off64_t size), (fd, size))
QUICK(chmod, (const char *path, mode_t mode), (path, mode))
QUICK(fchmod, (int fd, mode_t mode), (fd, mode))
QUICK(fchown, (int fd, uid_t uid, gid_t gid), (fd, uid, gid))
QUICK(fchownat, (int dir, const char *path, uid_t uid, gid_t gid, int flags), (dir, path, uid, gid, flags))
QUICK(futimens, (int fd, const struct timespec times[2]), (fd, times))
QUICK(utimensat, (int dir, const char *path, const struct timespec times[2], int flags), (dir, path, times, flags))
QUICK(fsetxattr, (int fd, const char *name, const void *value, size_t size, int flags), (fd, name, value, size, flags))
QUICK(setxattr, (const char *path, const char *name, const void *value, size_t size, int flags),
	(path, name, value, size, flags))
QUICK(fremovexattr, (int fd, const char *name), (fd, name))
QUICK(removexattr, (const char *path, const char *name), (path, name))
QUICK(mincore, (void *start, size_t len, unsigned char *pages), (start, len, pages))
QUICK(sync_file_range, (int fd, off64_t start, off64_t len, unsigned flags), (fd, start, len, flags))
QUICK(syncfs, (int fd), (fd))
WAITS(flock, (int fd, int how), (fd, how))
WAITS(fsync, (int fd), (fd))
WAITS(fdatasync, (int fd), (fd))
WAITS(fallocate64, (int fd, int mode, off64_t start, off64_t len), (fd, mode, start, len))
TELLS(readlinkat, (int dir, const char *path, char *target, size_t size), (dir, path, target, size))
TELLS(flistxattr, (int fd, char *list, size_t size), (fd, list, size))
TELLS(llistxattr, (const char *path, char *list, size_t size), (path, list, size))
TELLS(fgetxattr, (int fd, const char *name, void *value, size_t size), (fd, name, value, size))
TELLS(lgetxattr, (const char *path, const char *name, void *value, size_t size), (path, name, value, size))
TELLS(getdents64, (int fd, void *entries, size_t size), (fd, entries, size))
TELLS(getrandom, (void *bytes, size_t size, unsigned flags), (bytes, size, flags))
MOVES(read, (int fd, void *data, size_t len), (fd, data, len))
MOVES(pread64, (int fd, void *data, size_t len, off64_t off), (fd, data, len, off))
MOVES(pwrite64, (int fd, const void *data, size_t len, off64_t off), (fd, data, len, off))
MOVES(preadv64v2, (int fd, const struct iovec *iov, int n, off64_t off, int flags), (fd, iov, n, off, flags))
MOVES(pwritev64v2, (int fd, const struct iovec *iov, int n, off64_t off, int flags), (fd, iov, n, off, flags))
MOVES(copy_file_range, (int from, off64_t *at, int to, off64_t *there, size_t len, unsigned flags),
	(from, at, to, there, len, flags))
FAILS(int, -error, io_uring_submit_and_wait, (void *ring, unsigned wait), (ring, wait), true)
FAILS(int, -error, io_uring_submit_and_get_events, (void *ring), (ring), true)
FAILS(int, error, pthread_create,
	(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *arg),
	(thread, attributes, start, arg), false)
FAILS(off64_t, -1, lseek64, (int fd, off64_t off, int whence), (fd, off, whence), false)
FAILS(void *, MAP_FAILED, mmap64, (void *at, size_t len, int prot, int flags, int fd, off64_t off),
	(at, len, prot, flags, fd, off), false)

ssize_t write(int fd, const void *data, size_t len) {
	if (fd > STDERR_FILENO && refused("write", __builtin_return_address(0), true)) {
		return -1;
	}
	return syscall(SYS_write, fd, data, len);
}

// The descriptor is gone even so
int close(int fd) {
	bool fails = refused("close", __builtin_return_address(0), true);
	int ret = (int)syscall(SYS_close, fd);
	if (fails) {
		errno = error;
	}
	return fails ? -1 : ret;
}

static int open_it(const char *name, const void *from, int dir, const char *path, int flags, mode_t mode) {
	return refused(name, from, false) ? -1 : (int)syscall(SYS_openat, dir, path, flags, mode);
}

/** The mode that follows FLAGS, if there is one. */
#define with_mode(flags, mode)                                          \
	mode_t mode = 0;                                                \
	if (flags & (O_CREAT | __O_TMPFILE)) {                          \
		va_list args;                                           \
		va_start(args, flags);                                  \
		mode = va_arg(args, mode_t);                            \
		va_end(args);                                           \
	}

int open64(const char *path, int flags, ...) {
	with_mode(flags, mode);
	return open_it("open", __builtin_return_address(0), AT_FDCWD, path, flags, mode);
}

int openat64(int dir, const char *path, int flags, ...) {
	with_mode(flags, mode);
	return open_it("openat", __builtin_return_address(0), dir, path, flags, mode);
}

int fcntl64(int fd, int what, ...) {
	va_list args;
	va_start(args, what);
	long arg = va_arg(args, long);
	va_end(args);
	// Whether a descriptor is one can be found out
	bool fails = what != F_GETFD && refused("fcntl", __builtin_return_address(0), false);
	return fails ? -1 : (int)syscall(SYS_fcntl, fd, what, arg);
}

int ioctl(int fd, unsigned long what, ...) {
	va_list args;
	va_start(args, what);
	long arg = va_arg(args, long);
	va_end(args);
	return refused("ioctl", __builtin_return_address(0), true) ? -1 : (int)syscall(SYS_ioctl, fd, what, arg);
}

__attribute__((constructor)) static void begin(void) {
	const char *wish = getenv("UCP_REFUSE");
	char *end = NULL;
	nth = wish ? strtol(wish, &end, 10) : 0;
	for_good = end && *end == '+';
	end = end ? strchr(end, ':') : NULL;
	error = end ? atoi(end + 1) : EIO;
	ready = wish;
}

__attribute__((destructor)) static void tell(void) {
	char text[100];
	ready = false;
	const char *path = getenv("UCP_REFUSE_TOLD");
	int fd = path ? (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666) : -1;
	if (fd >= 0) {
		int open_fds = 0;
		for (int i = STDERR_FILENO + 1; i < 256; ++i) {
			open_fds += i != fd && syscall(SYS_fcntl, i, F_GETFD, 0) >= 0;
		}
		int len = snprintf(text, sizeof(text), "%ld %s %d\n", count, refused_name, open_fds);
		(void)!write(fd, text, (size_t)len);
		close(fd);
	}
}
