#include "reach.h"

#include "open.h"
#include "std.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

bool reach_is_own(const struct stat *st) {
	return st->st_uid == 0 || st->st_uid == geteuid();
}

bool reach_is_closed(int dir) {
	struct stat st;
	return fstatat(dir, "", &st, AT_EMPTY_PATH) == 0 && reach_is_own(&st)
		&& ((st.st_mode & S_ISVTX) || !(st.st_mode & (S_IWGRP | S_IWOTH)));
}

bool reach_may_lead(const struct stat *link, const struct stat *there) {
	return reach_is_own(link) || link->st_uid == there->st_uid;
}

int reach_read(int dir, const char *name, struct stat *link, char target[PATH_MAX]) {
	int fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0) {
		return -errno;
	}
	int ret = fstat(fd, link) == 0 ? 0 : -errno;
	if (ret == 0 && !S_ISLNK(link->st_mode)) {
		ret = -ESTALE;
	}
	ssize_t n = ret == 0 ? readlinkat(fd, "", target, PATH_MAX) : 0;
	if (n < 0 || n == PATH_MAX) {
		ret = n < 0 ? -errno : -ENAMETOOLONG;
	} else {
		target[n] = '\0';
	}
	close_fd(&fd);
	return ret;
}

int reach_open(int dir, const char *name, int flags, const struct reach_rule *rule) {
	char target[PATH_MAX];
	struct stat link = {0};
	struct stat there;

	int ret = reach_read(dir, name, &link, target);
	if (ret < 0) {
		return ret;
	}
	if (rule->refuses(rule->arg, &link)) {
		return REACH_REFUSED;
	}
	// Looked at first, since merely opening a device or a fifo has effects
	int seen = openat(dir, target, O_PATH | O_CLOEXEC | (flags & O_DIRECTORY));
	if (seen < 0) {
		return -errno;
	}
	ret = fstat(seen, &there) != 0 ? -errno : reach_may_lead(&link, &there) ? 0 : REACH_FOREIGN;
	if (ret == 0 && (flags & O_PATH)) {
		return seen;
	}
	if (ret == 0 && S_ISDIR(there.st_mode)) {
		ret = openat(seen, ".", flags);
		ret = ret < 0 ? -errno : ret;
	} else if (ret == 0) {
		// What is behind a link of others is opened in no way that they could turn elsewhere
		ret = open_again(seen, dir, reach_is_own(&link) ? target : NULL, flags);
	}
	close_fd(&seen);
	return ret;
}
