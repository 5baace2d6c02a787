// SPDX-License-Identifier: MIT
#include "dest/dest-impl.h"

#include "base/io.h"
#include "base/open.h"
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
static int backup_name(const struct opts *opts, enum backup control, int parent, const char *path, const char *base,
	char **name) {
	char highest[DIGITS] = "";
	// An unreadable directory counts as one without backups
	if (control != BACKUP_SIMPLE && parent >= 0) {
		int ret = highest_backup(parent, base, highest);
		if (ret < 0) {
			return ret;
		}
	}
	bool numbered = control == BACKUP_NUMBERED || highest[0] != '\0';
	if (numbered) {
		increment(highest);
		*name = asprintf(name, "%s.~%s~", path, highest) < 0 ? NULL : *name;
	} else {
		*name = add_suffix(path, opts->suffix);
	}
	if (!*name) {
		return -ENOMEM;
	}
	// Below --backup-dir a name without a suffix is as long as what it is a backup of
	if (numbered || opts->suffix[0] != '\0') {
		shorten(*name, strlen(path), parent);
	}
	return numbered;
}

/** As dest_backup_name(), with this control in the place of opts::backup. */
static int name_backup(const struct opts *opts, enum backup control, int dir, const char *path, char **name) {
	int parent = open_parent(dir, path, O_RDONLY);
	if (parent < 0 && parent != -EACCES) {
		return parent;
	}
	int ret = backup_name(opts, control, parent, path, last_component(path), name);
	close_fd(&parent);
	return ret;
}

int dest_backup_name(const struct opts *opts, int dir, const char *path, char **name) {
	return name_backup(opts, opts->backup, dir, path, name);
}

/** A backup that is being made: from a file to a name in a directory. */
struct backup_move {
	struct dest *dest;
	const struct dest_old *old;
	int to;
	const char *name;
	/** The name must be free. */
	bool numbered;
};

/** Whether both names lead to one file. */
static bool is_one_file(int dir_a, const char *a, int dir_b, const char *b) {
	struct stat st_a;
	struct stat st_b;
	return fstatat(dir_a, a, &st_a, AT_SYMLINK_NOFOLLOW) == 0 && fstatat(dir_b, b, &st_b, AT_SYMLINK_NOFOLLOW) == 0
		&& inode_same(inode_of(&st_a), inode_of(&st_b));
}

/** Whether what stands at the name of a backup in opts::backup_dir is a source. */
static bool is_source(const struct backup_move *m) {
	struct stat st;
	if (!m->dest->opts->backup_dir || fstatat(m->to, m->name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
		return false;
	}
	bool replaced = m->old->src && inode_same(inode_of(&st), inode_of(m->old->src));
	return replaced || (S_ISREG(st.st_mode) && dest_is_source(m->dest, &st));
}

/** Move a file to a backup's name. Returns 0 or -errno. */
static int move_to(const struct backup_move *m) {
	const struct dest_old *old = m->old;
	int ret = or_errno(renameat2(old->dir, old->path, m->to, m->name, m->numbered ? RENAME_NOREPLACE : 0));
	if (ret == -EINVAL && m->numbered) {
		// The file system does not know RENAME_NOREPLACE
		ret = or_errno(renameat(old->dir, old->path, m->to, m->name));
	}
	// If both were names of one file, rename(2) did nothing
	if (ret == 0 && !m->numbered && is_one_file(old->dir, old->path, m->to, m->name)) {
		ret = or_errno(unlinkat(old->dir, old->path, 0));
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

/** Replace an existing simple backup by a link to the file. Returns 0 or -errno. */
static int link_over(const struct backup_move *m) {
	struct stat st = {0};
	char *tempfile = NULL;
	struct tempfile_patience *patience = &m->old->tree->trees->patience;
	int ret = tempfile_can_go(m->to) ? choose_tempfile(m->to, m->name, patience, &tempfile) : -EPERM;
	if (ret == 0
		&& (linkat(m->old->dir, m->old->path, m->to, tempfile, 0) != 0
			|| fstatat(m->to, tempfile, &st, AT_SYMLINK_NOFOLLOW) != 0))
	{
		ret = -errno;
	}
	if (ret == 0) {
		ret = or_errno(renameat(m->to, tempfile, m->to, m->name));
		// If both were names of one file, the rename did nothing
		tempfile_drop(m->to, tempfile, inode_of(&st));
	}
	free(tempfile);
	return ret;
}

/** Link a file to a backup's name. Returns 0 or -errno. */
static int link_to(const struct backup_move *m) {
	int ret = or_errno(linkat(m->old->dir, m->old->path, m->to, m->name, 0));
	if (ret == -EEXIST && !m->numbered) {
		ret = link_over(m);
	}
	// Hard links are unknown here, forbidden for files of others, or too many
	bool refused = ret == -EPERM || ret == -EOPNOTSUPP || ret == -ENOSYS || ret == -EMLINK;
	return refused ? move_to(m) : ret;
}

/**
 * Whether the file at the name of a backup was moved there by this run, before an earlier operand's copy that is to be
 * replaced now: the file must not be lost for that.
 */
static bool is_taken(const struct backup_move *m) {
	struct dest *dest = m->dest;
	struct stat st;
	if (m->numbered || !dest->opts->backup_dir || fstatat(m->to, m->name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
		return false;
	}
	mutex_lock(&dest->lock);
	bool is = dest->moved_unknown || inode_set_has(&dest->moved, inode_of(&st));
	mutex_unlock(&dest->lock);
	return is;
}

/** Record a backup for is_taken(). */
static void note_moved(const struct backup_move *m) {
	struct dest *dest = m->dest;
	struct stat st;
	if (m->numbered || !dest->opts->backup_dir || !(dest->flags & DEST_SERIAL)) {
		return;
	}
	bool known = fstatat(m->to, m->name, &st, AT_SYMLINK_NOFOLLOW) == 0;
	mutex_lock(&dest->lock);
	dest->moved_unknown |= known && inode_set_add(&dest->moved, inode_of(&st)) < 0;
	mutex_unlock(&dest->lock);
}

/**
 * Whether the backup that is there stays, and no other is made: an earlier run of this move made it, before the copy
 * that is to be replaced now.
 */
static bool is_kept(const struct backup_move *m) {
	struct stat st;
	return m->old->copied && m->to >= 0 && !m->numbered && fstatat(m->to, m->name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/** Make a backup in a directory. PATH: that of the file from there, to which the suffix is added. As dest_backup(). */
static int backup_to(struct dest *dest, const struct dest_old *old, int to, const char *path, enum dest_backup how,
	char **name) {
	enum backup control = dest->opts->backup;
	int ret = -EEXIST;
	for (int i = 0; i < TRIES; ++i) {
		int numbered = to == -1 ? backup_name(dest->opts, control, -1, path, path, name)
								: name_backup(dest->opts, control, to, path, name);
		if (numbered < 0) {
			return numbered;
		}
		struct backup_move move = {.dest = dest, .old = old, .to = to, .name = *name, .numbered = numbered};
		if (to != -1 && is_taken(&move)) {
			free(*name);
			*name = NULL;
			control = BACKUP_NUMBERED;
			continue;
		}
		if (is_kept(&move)) {
			free(*name);
			*name = NULL;
			return 0;
		}
		ret = to != -1 && !numbered && is_source(&move) ? -EEXIST : 0;
		ret = ret == 0 && to != -1 && dest_same_entry(old->dir, old->path, to, *name, 0) ? -EINVAL : ret;
		if (ret == 0 && (dest->opts->flags & OPT_DRY_RUN)) {
			return 0;
		}
		if (ret == 0) {
			ret = how == DEST_BACKUP_LINK ? link_to(&move) : move_to(&move);
		}
		if (ret == 0) {
			note_moved(&move);
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

/** Make a backup in opts::backup_dir. As dest_backup(). */
static int backup_away(struct dest *dest, const struct dest_old *old, enum dest_backup how, char **name) {
	struct dest_place place;
	struct stat st;
	char *path = NULL;
	int ret = dest_backup_place(dest, old->tree, old->tree_path, !(dest->opts->flags & OPT_DRY_RUN), &place);
	if (ret == 0) {
		ret = backup_to(dest, old, place.dir, place.name, how, &path);
	}
	if (ret == 0 && path) {
		*name = asprintf(name, "%s/%s%s", dest->opts->backup_dir, place.above, path) < 0 ? NULL : *name;
		ret = *name ? 0 : -ENOMEM;
	}
	// What is missing may be the directory of the backup
	if (ret == -ENOENT && fstatat(old->dir, old->path, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		ret = -ESTALE;
	}
	free(path);
	dest_place_free(&place);
	return ret;
}

int dest_backup(struct dest *dest, const struct dest_old *old, enum dest_backup how, char **name) {
	return dest->opts->backup_dir ? backup_away(dest, old, how, name)
								  : backup_to(dest, old, old->dir, old->path, how, name);
}

char *dest_backup_path(const struct opts *opts, const struct tree *tree, const char *backup) {
	return opts->backup_dir ? strdup(backup) : tree_path(tree, DST, backup);
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

/** Move a backup back from a directory. Returns 0 or -errno. */
static int restore_from(int from, const char *backup, const struct dest_old *old) {
	struct stat st;
	int ret = from == old->dir ? tempfile_move(from, backup, old->path)
							   : or_errno(renameat2(from, backup, old->dir, old->path, RENAME_NOREPLACE));
	if ((ret == -EINVAL || ret == -ENOSYS) && linkat(from, backup, old->dir, old->path, 0) == 0) {
		// The file system does not know RENAME_NOREPLACE
		ret = -EEXIST;
	}
	if (ret != -EEXIST || !is_one_file(from, backup, old->dir, old->path)
		|| fstatat(from, backup, &st, AT_SYMLINK_NOFOLLOW) != 0)
	{
		return ret;
	}
	// The backup was only a second name
	return tempfile_drop(from, backup, inode_of(&st));
}

int dest_restore(struct dest *dest, const struct dest_old *old, const char *backup) {
	if (!dest->opts->backup_dir) {
		return restore_from(old->dir, backup, old);
	}
	struct dest_place place;
	int ret = dest_backup_place(dest, old->tree, old->tree_path, false, &place);
	if (ret == 0) {
		ret = place.dir < 0 ? -ENOENT : restore_from(place.dir, last_component(backup), old);
		dest_place_free(&place);
	}
	return ret;
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
	same = name && fstatat(pair->tree->fd[DST], name, &st, 0) == 0 && inode_same(inode_of(&st), inode_of(pair->src));
	free(name);
	return same;
}
