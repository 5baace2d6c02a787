#include "dest-impl.h"

#include "opts.h"
#include "std.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/** The number in NAME.~N~ if ENTRY has that form, else 0. */
static unsigned long long backup_number(const char *entry, const char *name) {
	size_t len = strlen(name);
	if (strncmp(entry, name, len) != 0 || strncmp(entry + len, ".~", 2) != 0) {
		return 0;
	}
	const char *digits = entry + len + 2;
	char *end;
	errno = 0;
	unsigned long long n = strtoull(digits, &end, 10);
	bool form = digits[0] >= '1' && digits[0] <= '9' && strcmp(end, "~") == 0 && errno == 0;
	return form ? n : 0;
}

/** The highest number of NAME's numbered backups in a directory. Returns 0 or -errno. */
static int highest_backup(int dir, const char *name, unsigned long long *highest) {
	*highest = 0;
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = fd >= 0 ? fdopendir(fd) : NULL;
	if (!stream) {
		int err = errno;
		close_fd(&fd);
		return -err;
	}
	for (struct dirent *entry; (entry = readdir(stream));) {
		*highest = max(*highest, backup_number(entry->d_name, name));
	}
	closedir(stream);
	return 0;
}

/** Open the directory a destination is in, and find its last component. Returns a descriptor or -errno. */
static int open_parent(int dir, const char *path, const char **base) {
	*base = last_component(path);
	if (*base == path) {
		int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		return fd < 0 ? -errno : fd;
	}
	char *parent = strndup(path, (size_t)(*base - path));
	if (!parent) {
		return -ENOMEM;
	}
	int fd = openat(dir, parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int ret = fd < 0 ? -errno : fd;
	free(parent);
	return ret;
}

static char *add_suffix(const char *name, const char *suffix) {
	char *text;
	return asprintf(&text, "%s%s", name, suffix) < 0 ? NULL : text;
}

/** What a backup in a directory is to be called. Returns 0 or -errno. */
static int backup_name(const struct opts *opts, int parent, const char *path, const char *base, char **name) {
	unsigned long long highest = 0;
	if (opts->backup != BACKUP_SIMPLE) {
		int ret = highest_backup(parent, base, &highest);
		if (ret < 0) {
			return ret;
		}
	}
	if (opts->backup == BACKUP_NUMBERED || highest > 0) {
		if (asprintf(name, "%s.~%llu~", path, highest + 1) < 0) {
			return -ENOMEM;
		}
		return 0;
	}
	*name = add_suffix(path, opts->suffix);
	return *name ? 0 : -ENOMEM;
}

int dest_backup_name(const struct opts *opts, int dir, const char *path, char **name) {
	const char *base;
	int parent = open_parent(dir, path, &base);
	if (parent < 0) {
		return parent;
	}
	int ret = backup_name(opts, parent, path, base, name);
	close_fd(&parent);
	return ret;
}

int dest_backup(const struct opts *opts, int dir, const char *path, char **name) {
	for (;;) {
		int ret = dest_backup_name(opts, dir, path, name);
		if (ret < 0) {
			return ret;
		}
		bool numbered = (*name)[strlen(*name) - 1] == '~' && opts->backup != BACKUP_SIMPLE;
		// A number may be taken by another process meanwhile
		ret = renameat2(dir, path, dir, *name, numbered ? RENAME_NOREPLACE : 0) == 0 ? 0 : -errno;
		if (ret == -EINVAL && numbered) {
			ret = renameat(dir, path, dir, *name) == 0 ? 0 : -errno;
		}
		if (ret == 0 || (ret != -EEXIST || !numbered)) {
			if (ret < 0) {
				free(*name);
				*name = NULL;
			}
			return ret;
		}
		free(*name);
	}
}

bool dest_is_backup(const struct dest_pair *pair) {
	const char *src = last_component(pair->entry->name);
	const char *dst = last_component(pair->entry->dst_name);
	struct stat st;

	char *name = add_suffix(dst, pair->opts->suffix);
	bool same = name && strcmp(src, name) == 0;
	free(name);
	if (!same) {
		return false;
	}
	name = add_suffix(pair->entry->dst_name, pair->opts->suffix);
	same = name && fstatat(pair->tree->fd[DST], name, &st, 0) == 0
		&& inode_same(inode_of(&st), inode_of(pair->src));
	free(name);
	return same;
}
