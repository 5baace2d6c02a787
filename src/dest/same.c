// SPDX-License-Identifier: MIT
#include "dest/dest-impl.h"

#include "base/clock.h"
#include "base/io.h"
#include "base/opts.h"
#include "base/path.h"
#include "sys/twin.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

/** Split a path into its directory and last component; the caller frees both. Returns false if memory ran out. */
static bool split(const char *path, char **dir, char **base) {
	*base = strdup(last_component(path));
	*dir = parent_directory(path);
	if (!*base || !*dir) {
		free(*base);
		free(*dir);
		return false;
	}
	strip_slashes(*base);
	strip_slashes(*dir);
	return true;
}

bool dest_same_entry(int dir_a, const char *path_a, int dir_b, const char *path_b, int flags) {
	char *parent_a;
	char *parent_b;
	char *name_a;
	char *name_b;
	struct stat a;
	struct stat b;

	if (!split(path_a, &parent_a, &name_a)) {
		return true;
	}
	if (!split(path_b, &parent_b, &name_b)) {
		free(parent_a);
		free(name_a);
		return true;
	}
	bool same = strcmp(name_a, name_b) == 0;
	if (same && fstatat(dir_a, parent_a, &a, flags) == 0 && fstatat(dir_b, parent_b, &b, flags) == 0) {
		same = inode_same(inode_of(&a), inode_of(&b));
	}
	free(parent_a);
	free(name_a);
	free(parent_b);
	free(name_b);
	return same;
}

/** Whether source and destination are one entry of one directory. */
static bool same_name(const struct dest_pair *pair) {
	return dest_same_entry(pair->tree->fd[SRC], pair->entry->name, pair->tree->fd[DST], pair->entry->dst_name, 0);
}

/** Whether both ends lead to one file, links followed; SRC and DST are the entries themselves. */
static bool lead_to_same(const struct dest_pair *pair, const struct stat *src, const struct stat *dst) {
	struct stat a = *src;
	struct stat b = *dst;
	if (S_ISLNK(a.st_mode) && fstatat(pair->tree->fd[SRC], pair->entry->name, &a, 0) != 0) {
		return false;
	}
	if (S_ISLNK(b.st_mode) && fstatat(pair->tree->fd[DST], pair->entry->dst_name, &b, 0) != 0) {
		return false;
	}
	return inode_same(inode_of(&a), inode_of(&b));
}

/** Judge a copy with a backup: the old content survives, with two exceptions. */
static enum dest_same with_backup(const struct dest_pair *pair, const struct stat *src, const struct stat *dst) {
	if (inode_same(inode_of(src), inode_of(dst))) {
		return same_name(pair) ? SAME_REFUSE : SAME_OK;
	}
	// The backup would move the file that the source link leads to
	bool gone = tree_follows(pair->tree) && S_ISLNK(src->st_mode) && !S_ISLNK(dst->st_mode);
	return gone ? SAME_REFUSE : SAME_OK;
}

/** Judge SRC and DST, the entries themselves, which lead or may lead to one file. */
static enum dest_same look_closer(const struct dest_pair *pair, const struct stat *src, const struct stat *dst) {
	const struct opts *opts = pair->opts;
	bool same_link = inode_same(inode_of(src), inode_of(dst));

	if (opts->backup != BACKUP_NONE) {
		return with_backup(pair, src, dst);
	}
	if (opts->flags & OPT_REMOVE_DESTINATION) {
		if (S_ISLNK(dst->st_mode) || (same_link && dst->st_nlink > 1 && !same_name(pair))) {
			return SAME_OK;
		}
	}
	if (!S_ISLNK(src->st_mode) && !S_ISLNK(dst->st_mode) && !same_link) {
		return SAME_OK;
	}
	if (!S_ISLNK(src->st_mode) && !S_ISLNK(dst->st_mode) && (opts->flags & OPT_HARD_LINK)) {
		return SAME_DONE;
	}
	if ((opts->flags & OPT_SYMBOLIC_LINK) && S_ISLNK(dst->st_mode)) {
		return SAME_OK;
	}
	if (!tree_follows(pair->tree)) {
		if (!lead_to_same(pair, src, dst)) {
			return SAME_OK;
		}
		if (opts->flags & OPT_HARD_LINK) {
			return S_ISLNK(dst->st_mode) ? SAME_OK : SAME_DONE;
		}
	}
	return SAME_REFUSE;
}

/** Open NAME (O_PATH), links followed, if it still is the file SEEN. Returns a descriptor or -1. */
static int open_as_seen(const struct tree *tree, enum side side, const char *name, const struct stat *seen) {
	struct stat st;
	int dir = tree->fd[side];
	// The caller changes the destination's time, so follow only trusted links there
	bool trusted = side == SRC || tree_is_named_whole(tree);
	int fd = openat(dir, name, O_PATH | O_CLOEXEC | (trusted ? 0 : O_NOFOLLOW));
	if (!trusted && fd >= 0 && fstat(fd, &st) == 0 && S_ISLNK(st.st_mode)) {
		close_fd(&fd);
		fd = tree_symlink_open(tree, name, O_PATH | O_CLOEXEC);
	}
	if (fd >= 0 && (fstat(fd, &st) != 0 || !inode_same(inode_of(&st), inode_of(seen)))) {
		close_fd(&fd);
	}
	return max(fd, -1);
}

bool dest_is_shown_twice(const struct dest_pair *pair) {
	const struct stat *src = pair->src;
	const struct stat *dst = pair->dst;
	bool alike = src->st_dev != dst->st_dev && S_ISREG(src->st_mode) && S_ISREG(dst->st_mode)
		&& src->st_size == dst->st_size && time_same(src->st_ctim, dst->st_ctim)
		&& time_same(src->st_mtim, dst->st_mtim);
	if (alike && (pair->opts->flags & OPT_DRY_RUN)) {
		return src->st_ino == dst->st_ino;
	}
	int dst_fd = alike ? open_as_seen(pair->tree, DST, pair->entry->dst_name, dst) : -1;
	int src_fd = dst_fd >= 0 ? open_as_seen(pair->tree, SRC, pair->entry->name, src) : -1;
	bool twice = src_fd >= 0 && twin_is(dst_fd, src_fd);
	close_fd(&dst_fd);
	close_fd(&src_fd);
	return twice;
}

enum dest_same dest_same(const struct dest_pair *pair) {
	const struct opts *opts = pair->opts;
	bool same = inode_same(inode_of(pair->src), inode_of(pair->dst));

	if (same && (opts->flags & OPT_HARD_LINK)) {
		return SAME_DONE;
	}
	if (!tree_follows(pair->tree)) {
		if (S_ISLNK(pair->src->st_mode) && S_ISLNK(pair->dst->st_mode)) {
			if (same_name(pair)) {
				return SAME_REFUSE;
			}
			return same && opts->backup == BACKUP_NONE ? SAME_DONE : SAME_OK;
		}
		return look_closer(pair, pair->src, pair->dst);
	}
	struct stat src;
	struct stat dst;
	if (!same || fstatat(pair->tree->fd[DST], pair->entry->dst_name, &dst, AT_SYMLINK_NOFOLLOW) != 0
		|| fstatat(pair->tree->fd[SRC], pair->entry->name, &src, AT_SYMLINK_NOFOLLOW) != 0)
	{
		return SAME_OK;
	}
	if (S_ISLNK(src.st_mode) && S_ISLNK(dst.st_mode) && (opts->flags & OPT_REMOVE_DESTINATION)) {
		return SAME_OK;
	}
	return look_closer(pair, &src, &dst);
}
