// SPDX-License-Identifier: MIT
/**
 * To be preloaded. Runs a shell command right after the first call of a kind that succeeds, while the program waits for it:
 * what others could do just then. The command is $UCP_ACT, the call $UCP_ACT_AFTER: NAME:PATH, for one whose path has PATH
 * as its last component. NAME is one of the functions below.
 */

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *command;
static char call[16];
static const char *wanted;
static atomic_bool done;

__attribute__((constructor)) static void begin(void) {
	const char *after = getenv("UCP_ACT_AFTER");
	const char *colon = after ? strchr(after, ':') : NULL;
	command = getenv("UCP_ACT");
	if (!command || !colon || (size_t)(colon - after) >= sizeof(call)) {
		return;
	}
	memcpy(call, after, (size_t)(colon - after));
	wanted = strdup(colon + 1);
	command = strdup(command);
	unsetenv("LD_PRELOAD");
}

static void act(const char *name, const char *path) {
	const char *slash = strrchr(path, '/');
	int err = errno;
	if (!wanted || strcmp(name, call) != 0 || strcmp(slash ? slash + 1 : path, wanted) != 0
		|| atomic_exchange(&done, true))
	{
		return;
	}
	char sh[] = "sh";
	char dash_c[] = "-c";
	char *argv[] = {sh, dash_c, (char *)(size_t)command, NULL};
	pid_t child;
	if (posix_spawnp(&child, sh, NULL, NULL, argv, environ) == 0) {
		while (waitpid(child, NULL, 0) < 0 && errno == EINTR) {
		}
	}
	errno = err;
}

static void act_on_fd(const char *name, int fd) {
	char path[32];
	char target[4096];
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ssize_t n = readlink(path, target, sizeof(target) - 1);
	if (n >= 0) {
		target[n] = '\0';
		act(name, target);
	}
}

#define NEXT(name) ((__typeof__(&(name)))(size_t)dlsym(RTLD_NEXT, #name))

int mkdirat(int dir, const char *path, mode_t mode) {
	int ret = NEXT(mkdirat)(dir, path, mode);
	if (ret == 0) {
		act("mkdirat", path);
	}
	return ret;
}

int mknodat(int dir, const char *path, mode_t mode, dev_t dev) {
	int ret = NEXT(mknodat)(dir, path, mode, dev);
	if (ret == 0) {
		act("mknodat", path);
	}
	return ret;
}

/** When a file is made: under its name, or without one in the directory that is named. */
int openat(int dir, const char *path, int flags, ...) {
	va_list args;
	va_start(args, flags);
	mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(args, mode_t) : 0;
	va_end(args);
	int fd = NEXT(openat)(dir, path, flags, mode);
	if (fd >= 0 && ((flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE)) {
		act("openat", path);
	}
	return fd;
}

/** When a file was cloned. */
int ioctl(int fd, unsigned long request, ...) {
	va_list args;
	va_start(args, request);
	void *arg = va_arg(args, void *);
	va_end(args);
	int ret = NEXT(ioctl)(fd, request, arg);
	if (ret == 0 && request == FICLONE) {
		act_on_fd("ioctl", fd);
	}
	return ret;
}

int ftruncate(int fd, off_t size) {
	int ret = NEXT(ftruncate)(fd, size);
	if (ret == 0) {
		act_on_fd("ftruncate", fd);
	}
	return ret;
}

int fchown(int fd, uid_t uid, gid_t gid) {
	int ret = NEXT(fchown)(fd, uid, gid);
	if (ret == 0) {
		act_on_fd("fchown", fd);
	}
	return ret;
}
