// SPDX-License-Identifier: MIT
#include "dest/dest-impl.h"

#include "base/io.h"
#include "base/opts.h"
#include "base/path.h"
#include "sys/tempfile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/** How many numbers are tried if other processes take them. */
#define TRIES 100

/** Room for the digits of a backup's number: no file name is longer. */
#define DIGITS 256

/** Find the digits N in an entry NAME.~N~. Returns how many there are, 0 if the entry has another form. */
static size_t backup_digits(const char *entry, const char *name, const char **digits) {
	size_t len = strlen(name);
	if (strncmp(entry, name, len) != 0 || strncmp(entry + len, ".~", 2) != 0) {
		return 0;
	}
	*digits = entry + len + 2;
	size_t count = strspn(*digits, "0123456789");
	return **digits != '0' && strcmp(*digits + count, "~") == 0 && count < DIGITS - 1 ? count : 0;
}

/** Find the highest number of NAME's backups in a directory, "" if there are none. Returns 0 or -errno. */
static int highest_backup(int dir, const char *name, char highest[DIGITS]) {
	size_t longest = 0;
	highest[0] = '\0';
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = fd >= 0 ? fdopendir(fd) : NULL;
	if (!stream) {
		int err = errno;
		close_fd(&fd);
		return -err;
	}
	for (struct dirent *entry; (entry = readdir(stream));) {
		const char *digits;
		size_t count = backup_digits(entry->d_name, name, &digits);
		if (count > longest || (count > 0 && count == longest && strncmp(digits, highest, count) > 0)) {
			memcpy(highest, digits, count);
			highest[count] = '\0';
			longest = count;
		}
	}
	closedir(stream);
	return 0;
}

/** Add one to a number in decimal digits. */
static void increment(char digits[DIGITS]) {
	size_t len = strlen(digits);
	size_t i = len;
	while (i > 0 && digits[i - 1] == '9') {
		digits[--i] = '0';
	}
	if (i > 0) {
		++digits[i - 1];
	} else {
		memmove(digits + 1, digits, len + 1);
		digits[0] = '1';
	}
}

/** Open the directory of a destination, and find its last component. Returns a descriptor or -errno. */
static int open_parent(int dir, const char *path, const char **base) {
	*base = last_component(path);
	char *parent = parent_directory(path);
	int fd = parent ? openat(dir, parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	int ret = or_errno(fd);
	free(parent);
	return ret;
}

static char *add_suffix(const char *name, const char *suffix) {
	char *text;
	return asprintf(&text, "%s%s", name, suffix) < 0 ? NULL : text;
}

/**
 * Shorten a backup's name that is too long: end it in "~" alone, which may replace last letters.
 *
 * @param len  Length of the name without the suffix.
 */
static void shorten(char *name, size_t len, int parent) {
	long most = parent >= 0 ? fpathconf(parent, _PC_NAME_MAX) : -1;
	// One byte less than possible, as in cp
	size_t room = (size_t)(most > 2 ? most : NAME_MAX) - 1;
	size_t before = (size_t)(last_component(name) - name);
	if (strlen(name) - before > room) {
		size_t end = min(len, before + room - 1);
		name[end] = '~';
		name[end + 1] = '\0';
	}
}

/** Choose the name of a backup. Returns 1 if it is numbered, 0 if it is simple, or -errno. */
static int backup_name(const struct opts *opts, int parent, const char *path, const char *base, char **name) {
	char highest[DIGITS] = "";
	// An unreadable directory counts as one without backups
	if (opts->backup != BACKUP_SIMPLE && parent >= 0) {
		int ret = highest_backup(parent, base, highest);
		if (ret < 0) {
			return ret;
		}
	}
	bool numbered = opts->backup == BACKUP_NUMBERED || highest[0] != '\0';
	if (numbered) {
		increment(highest);
		*name = asprintf(name, "%s.~%s~", path, highest) < 0 ? NULL : *name;
	} else {
		*name = add_suffix(path, opts->suffix);
	}
	if (!*name) {
		return -ENOMEM;
	}
	shorten(*name, strlen(path), parent);
	return numbered;
}

int dest_backup_name(const struct opts *opts, int dir, const char *path, char **name) {
	const char *base;
	int parent = open_parent(dir, path, &base);
	if (parent < 0 && parent != -EACCES) {
		return parent;
	}
	int ret = backup_name(opts, parent, path, base, name);
	close_fd(&parent);
	return ret;
}

/** Move a destination to a backup's name, which must be free if NUMBERED. Returns 0 or -errno. */
static int move_to(int dir, const char *path, const char *name, bool numbered) {
	int ret = renameat2(dir, path, dir, name, numbered ? RENAME_NOREPLACE : 0) == 0 ? 0 : -errno;
	if (ret == -EINVAL && numbered) {
		// The file system does not know RENAME_NOREPLACE
		ret = or_errno(renameat(dir, path, dir, name));
	}
	return ret;
}

/** Choose a free temporary name for linking a backup. Returns 0 or -errno; the caller frees *TEMPFILE. */
static int choose_tempfile(int dir, const char *name, struct tempfile_patience *patience, char **tempfile) {
	*tempfile = tempfile_path(name, TEMPFILE_KNOWN);
	int ret = *tempfile ? tempfile_clear(dir, *tempfile, patience) : -ENOMEM;
	if (ret == -EBUSY) {
		free(*tempfile);
		*tempfile = tempfile_path(name, TEMPFILE_RANDOM);
		ret = *tempfile ? 0 : -ENOMEM;
	}
	return ret;
}

/** Replace an existing simple backup by a link to PATH. Returns 0 or -errno. */
static int link_over(int dir, const char *path, const char *name, struct tempfile_patience *patience) {
	struct stat st = {0};
	char *tempfile = NULL;
	int ret = tempfile_can_go(dir) ? choose_tempfile(dir, name, patience, &tempfile) : -EPERM;
	if (ret == 0 && (linkat(dir, path, dir, tempfile, 0) != 0 || fstatat(dir, tempfile, &st, AT_SYMLINK_NOFOLLOW) != 0))
	{
		ret = -errno;
	}
	if (ret == 0) {
		ret = or_errno(renameat(dir, tempfile, dir, name));
		// If both were names of one file, rename(2) did nothing
		tempfile_drop(dir, tempfile, inode_of(&st));
	}
	free(tempfile);
	return ret;
}

/** Link a destination to a backup's name. Returns 0 or -errno. */
static int link_to(int dir, const char *path, const char *name, bool numbered, struct tempfile_patience *patience) {
	int ret = or_errno(linkat(dir, path, dir, name, 0));
	if (ret == -EEXIST && !numbered) {
		ret = link_over(dir, path, name, patience);
	}
	// Hard links are unknown here, forbidden for files of others, or too many
	bool refused = ret == -EPERM || ret == -EOPNOTSUPP || ret == -ENOSYS || ret == -EMLINK;
	return refused ? move_to(dir, path, name, numbered) : ret;
}

int dest_backup_in(const struct opts *opts, int dir, const char *path, enum dest_backup how,
	struct tempfile_patience *patience, char **name)
{
	int ret = -EEXIST;
	for (int i = 0; i < TRIES; ++i) {
		int numbered = dest_backup_name(opts, dir, path, name);
		if (numbered < 0) {
			return numbered;
		}
		if (opts->flags & OPT_DRY_RUN) {
			return 0;
		}
		ret = how == DEST_BACKUP_LINK ? link_to(dir, path, *name, numbered, patience)
			: move_to(dir, path, *name, numbered);
		if (ret == 0) {
			return 0;
		}
		free(*name);
		*name = NULL;
		// Another process may have taken the number
		if (ret != -EEXIST || !numbered) {
			break;
		}
	}
	return ret;
}

int dest_backup(const struct dest_pair *pair, enum dest_backup how, char **name) {
	const struct tree *tree = pair->tree;
	return dest_backup_in(pair->opts, tree->fd[DST], pair->entry->dst_name, how, &tree->trees->patience, name);
}

bool dest_is_backup_name(const struct opts *opts, const char *name) {
	size_t len = strlen(name);
	size_t suffix = strlen(opts->suffix);
	if (len > suffix && strcmp(name + len - suffix, opts->suffix) == 0) {
		return true;
	}
	// NAME.~N~
	const char *tilde = len > 4 && name[len - 1] == '~' ? memrchr(name, '~', len - 1) : NULL;
	return tilde && tilde > name + 1 && tilde[-1] == '.' && tilde + 2 < name + len
		&& strspn(tilde + 1, "0123456789") == (size_t)(name + len - 1 - (tilde + 1));
}

int dest_restore(int dir, const char *backup, const char *path) {
	struct stat old;
	struct stat st;
	int ret = tempfile_move(dir, backup, path);
	if (ret != -EEXIST || fstatat(dir, backup, &old, AT_SYMLINK_NOFOLLOW) != 0
		|| fstatat(dir, path, &st, AT_SYMLINK_NOFOLLOW) != 0 || !inode_same(inode_of(&old), inode_of(&st)))
	{
		return ret;
	}
	// The backup was only a second name
	return tempfile_drop(dir, backup, inode_of(&old));
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
