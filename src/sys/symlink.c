// SPDX-License-Identifier: MIT
#include "sys/symlink.h"

#include "base/io.h"
#include "base/open.h"
#include "sys/fstype.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/** Most symbolic links in a path, as in the kernel. */
#define MAX_LINKS 40

/** A link of another user. MAKER must own the component after which at most REST bytes of the path remain. */
struct debt {
	uid_t maker;
	size_t rest;
};

/** State of symlink_walk(). */
struct walk {
	const struct symlink_rule *rule;
	enum symlink_trust trust;
	struct symlink_end *end;
	/** The rest of the path. */
	char path[2 * PATH_MAX];
	struct debt debts[MAX_LINKS];
	size_t debt_count;
	/** A link led to a component that its maker does not own, so the maker must own the end. */
	bool deferred;
	uid_t maker;
};

bool symlink_owner_is_trusted(const struct stat *st) {
	return st->st_uid == 0 || st->st_uid == geteuid();
}

bool symlink_is_closed(int dir) {
	struct stat st;
	return fstatat(dir, "", &st, AT_EMPTY_PATH) == 0 && symlink_owner_is_trusted(&st)
		&& ((st.st_mode & S_ISVTX) || !(st.st_mode & (S_IWGRP | S_IWOTH)));
}

int symlink_read(int dir, const char *name, struct stat *link, char target[PATH_MAX]) {
	int fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0) {
		return -errno;
	}
	int ret = or_errno(fstat(fd, link));
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

/** Open a component of a path and read its status. Returns a descriptor or -errno. */
static int open_component(int dir, const char *name, int more_flags, struct stat *st) {
	int fd = openat(dir, name, O_CLOEXEC | more_flags);
	int ret = fd < 0 || fstat(fd, st) != 0 ? -errno : fd;
	if (ret < 0) {
		close_fd(&fd);
	}
	return ret;
}

/** Replace a link by its text in front of the rest of the path. Returns 0 or -errno. */
static int put_ahead(struct walk *walk, int link, const char *rest) {
	char target[PATH_MAX];
	ssize_t n = readlinkat(link, "", target, sizeof(target));
	size_t len = strlen(rest);
	if (n < 0) {
		return -errno;
	}
	if ((size_t)n + len + 2 > sizeof(walk->path)) {
		return -ENAMETOOLONG;
	}
	memmove(walk->path + n + 1, rest, len + 1);
	memcpy(walk->path, target, (size_t)n);
	walk->path[n] = '/';
	return 0;
}

/** Check a link before it is followed. Returns 0 or an error of symlink_walk(). */
static int ask(struct walk *walk, const struct stat *link, size_t rest) {
	bool foreign = !symlink_owner_is_trusted(link);
	if (++walk->end->links > MAX_LINKS) {
		return -ELOOP;
	}
	if (walk->rule && walk->rule->refuses(walk->rule->arg, link)) {
		return SYMLINK_REFUSED;
	}
	walk->end->foreign |= foreign;
	if (foreign && walk->trust != SYMLINK_ANYWHERE) {
		walk->debts[walk->debt_count++] = (struct debt) {.maker = link->st_uid, .rest = rest};
	}
	return 0;
}

/**
 * Check that the component reached belongs to the makers of links that end at it; if not, defer that to the end.
 * Returns 0 or SYMLINK_FOREIGN.
 */
static int settle(struct walk *walk, const struct stat *st) {
	size_t rest = strlen(walk->path);
	for (; walk->debt_count > 0 && walk->debts[walk->debt_count - 1].rest >= rest; --walk->debt_count) {
		uid_t maker = walk->debts[walk->debt_count - 1].maker;
		if (maker == st->st_uid) {
			continue;
		}
		if (walk->deferred && walk->maker != maker) {
			return SYMLINK_FOREIGN;
		}
		walk->deferred = true;
		walk->maker = maker;
	}
	return 0;
}

/** Handle the end of the path: the file THERE, or -1 for none. Returns 0 or an error of symlink_walk(). */
static int arrive(struct walk *walk, int there, const char *name, struct stat *st) {
	struct symlink_end *end = walk->end;
	size_t len = strlen(name);
	end->there = there;
	if (len >= sizeof(end->name)) {
		return -ENAMETOOLONG;
	}
	memcpy(end->name, name, len + 1);
	walk->path[0] = '\0';
	if ((there < 0 || walk->trust == SYMLINK_INTO_THEIRS) && fstat(end->dir, st) != 0) {
		return -errno;
	}
	int ret = settle(walk, st);
	return ret == 0 && walk->deferred && walk->maker != st->st_uid ? SYMLINK_FOREIGN : ret;
}

/** Follow the next component. Returns 1 if more follow, 0 at the end, or an error of symlink_walk(). */
static int take_step(struct walk *walk) {
	struct symlink_end *end = walk->end;
	struct stat st = {0};
	char *name = walk->path;
	if (*name == '/') {
		close_fd(&end->dir);
		end->dir = open_component(AT_FDCWD, "/", O_PATH | O_DIRECTORY, &st);
		name += strspn(name, "/");
	}
	char *stop = strchrnul(name, '/');
	char *rest = stop + strspn(stop, "/");
	*stop = '\0';
	name = name[0] ? name : strcpy(walk->path, ".");
	int fd = open_component(end->dir, name, O_PATH | O_NOFOLLOW, &st);
	if (fd == -ENOENT && !*rest) {
		return arrive(walk, -1, name, &st);
	}
	if (fd >= 0 && S_ISLNK(st.st_mode)) {
		int ret = ask(walk, &st, strlen(rest));
		// The text of a link in /proc may be no path, so let the kernel follow it
		bool magic = walk->trust != SYMLINK_INTO_THEIRS && fstype_is(fd, FSTYPE_MAGIC_LINKS);
		ret = ret == 0 && !magic ? put_ahead(walk, fd, rest) : ret;
		close_fd(&fd);
		if (ret < 0 || !magic) {
			return ret < 0 ? ret : 1;
		}
		fd = open_component(end->dir, name, O_PATH, &st);
	} else if (fd >= 0 && S_ISDIR(st.st_mode) && fstype_is(fd, FSTYPE_MOUNTS)) {
		// autofs mounts nothing for O_PATH
		close_fd(&fd);
		fd = open_component(end->dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, &st);
	}
	if (fd < 0) {
		return fd;
	}
	if (walk->rule) {
		walk->rule->passes(walk->rule->arg, &st);
	}
	if (!*rest) {
		return arrive(walk, fd, name, &st);
	}
	memmove(walk->path, rest, strlen(rest) + 1);
	close_fd(&end->dir);
	end->dir = fd;
	int ret = settle(walk, &st);
	return ret < 0 ? ret : 1;
}

int symlink_walk(int dir, const char *path, enum symlink_trust trust, const struct symlink_rule *rule,
	struct symlink_end *end) {
	struct walk walk = {.rule = rule, .trust = trust, .end = end};
	struct stat st;
	size_t size = strlen(path) + 1;
	*end = (struct symlink_end) {.dir = -1, .there = -1};
	if (size > PATH_MAX) {
		return -ENAMETOOLONG;
	}
	memcpy(walk.path, path, size);
	end->dir = open_component(dir, ".", O_PATH | O_DIRECTORY, &st);
	int ret = end->dir < 0 ? end->dir : 1;
	while (ret > 0) {
		ret = take_step(&walk);
	}
	if (ret < 0) {
		symlink_close(end);
	}
	return ret;
}

void symlink_close(struct symlink_end *end) {
	close_fd(&end->dir);
	close_fd(&end->there);
}

int symlink_open(int dir, const char *name, int flags, const struct symlink_rule *rule) {
	struct symlink_end end;
	struct stat st;
	int ret = symlink_walk(dir, name, SYMLINK_TO_THEIRS, rule, &end);
	if (ret < 0) {
		return ret;
	}
	if (end.there < 0 || end.links == 0) {
		ret = end.there < 0 ? -ENOENT : -ESTALE;
	} else if (fstat(end.there, &st) != 0) {
		ret = -errno;
	} else if ((flags & O_DIRECTORY) && !S_ISDIR(st.st_mode)) {
		ret = -ENOTDIR;
	} else if (flags & O_PATH) {
		ret = end.there;
		end.there = -1;
	} else if (S_ISDIR(st.st_mode)) {
		ret = openat(end.there, ".", flags);
		ret = or_errno(ret);
	} else {
		// After a link of another user, do not open by name: that user could replace the file
		ret = open_again(end.there, end.dir, end.foreign ? NULL : end.name, flags);
	}
	symlink_close(&end);
	return ret;
}
