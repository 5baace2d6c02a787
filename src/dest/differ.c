// SPDX-License-Identifier: MIT
#include "dest/dest-impl.h"

#include "base/io.h"
#include "base/opts.h"
#include "sys/meta.h"
#include "sys/symlink.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/** Bytes of each file that are compared at a time. */
#define BLOCK ((size_t)256 << 10)

/** Open source or destination, if it still is the regular file that was found. Returns a descriptor or -1. */
static int open_as_found(const struct dest_pair *pair, enum side side) {
	const struct stat *found = side == SRC ? pair->src : pair->dst;
	const char *name = side == SRC ? pair->entry->name : pair->entry->dst_name;
	bool follow = side == SRC ? tree_follows(pair->tree) : tree_is_named_whole(pair->tree);
	struct stat st;
	int fd =
		openat(pair->tree->fd[side], name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW));
	if (fd >= 0 && (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || !inode_same(inode_of(&st), inode_of(found)))) {
		close_fd(&fd);
	}
	return max(fd, -1);
}

/**
 * Whether two open files have the same content. Also true if the copy is cancelled, so that nothing is done to them.
 */
static bool read_same(const struct dest *dest, const int fd[2], char *block[2]) {
	for (uint64_t off = 0;; off += BLOCK) {
		ssize_t n = read_full(fd[SRC], block[SRC], BLOCK, off, NULL);
		if (n < 0 || read_full(fd[DST], block[DST], BLOCK, off, NULL) != n
			|| memcmp(block[SRC], block[DST], (size_t)n) != 0) {
			return dest_is_cancelled(dest);
		}
		if ((size_t)n < BLOCK || dest_is_cancelled(dest)) {
			return true;
		}
	}
}

bool dest_has_same_data(const struct dest *dest, const int fd[2]) {
	char *data = malloc(2 * BLOCK);
	bool same = data && read_same(dest, fd, (char *[2]) {data, data + BLOCK});
	free(data);
	return same;
}

/** Whether two regular files have the same contents. An unreadable file differs: copying it reports why. */
static bool has_same_contents(const struct dest *dest, const struct dest_pair *pair) {
	int fd[2] = {open_as_found(pair, SRC), -1};
	fd[DST] = fd[SRC] >= 0 ? open_as_found(pair, DST) : -1;
	bool same = fd[DST] >= 0 && dest_has_same_data(dest, fd);
	close_fd(&fd[SRC]);
	close_fd(&fd[DST]);
	return same;
}

/** Whether two symbolic links have the same text. */
static bool leads_to_same(const struct dest_pair *pair) {
	char src[PATH_MAX];
	char dst[PATH_MAX];
	ssize_t n = readlinkat(pair->tree->fd[SRC], pair->entry->name, src, sizeof(src));
	return n > 0 && n < PATH_MAX && readlinkat(pair->tree->fd[DST], pair->entry->dst_name, dst, sizeof(dst)) == n
		&& memcmp(src, dst, (size_t)n) == 0;
}

/** Whether the destination, which belongs to another user, would get the access rights of its source. */
static bool is_given_away(const struct dest_pair *pair) {
	const struct opts *opts = pair->opts;
	return (opts->flags & OPT_PRIVILEGED) && (opts->preserve & (PRESERVE_OWNERSHIP | PRESERVE_MODE))
		&& pair->src->st_uid != pair->dst->st_uid && !symlink_owner_is_trusted(pair->src);
}

/** Whether others can have moved what stands in a destination directory, also before this run took it from them. */
static bool was_open_to_others(const struct tree *tree) {
	const struct stat *found = &tree->dst_stat;
	bool shared = (found->st_mode & (S_IWGRP | S_IWOTH)) && !(found->st_mode & S_ISVTX);
	return shared || !symlink_owner_is_trusted(found) || !symlink_is_closed(tree->fd[DST]);
}

/**
 * Whether a fifo or socket would get access rights that it does not have, although others can have moved it here. It
 * has no content that would show which one it is.
 */
static bool may_be_another(const struct dest_pair *pair) {
	const struct opts *opts = pair->opts;
	const struct stat *dst = pair->dst;
	const struct meta_owner owner = meta_owner(opts, pair->src);
	bool given = (owner.uid != (uid_t)-1 && owner.uid != dst->st_uid)
		|| (owner.gid != (gid_t)-1 && owner.gid != dst->st_gid);
	bool has_mode = opts->preserve & (PRESERVE_MODE | PRESERVE_MODE_CHANGED);
	bool wider = has_mode && (meta_wanted_mode(opts, pair->src, dst) & ~dst->st_mode & 0777);
	return (opts->flags & OPT_PRIVILEGED) && (given || wider) && was_open_to_others(pair->tree);
}

/** Whether two regular files are equal in what the user compares. */
static bool is_same_file(struct dest *dest, const struct dest_pair *pair, bool same_times) {
	bool by_contents = pair->opts->update == UPDATE_CHECKSUM;
	if (pair->src->st_size != pair->dst->st_size || (pair->tree->flags & TREE_UNSIZED) || (!by_contents && !same_times))
	{
		return false;
	}
	// The source may be another file by now, to which its owner gave this size and time
	return (!by_contents && !is_given_away(pair)) || has_same_contents(dest, pair);
}

bool dest_is_alike(struct dest *dest, const struct dest_pair *pair, const struct dest_look *look, bool *same_times) {
	const struct stat *src = pair->src;
	const struct stat *dst = pair->dst;
	// The owner of the existing file may have it open
	if (((src->st_mode ^ dst->st_mode) & S_IFMT) || (pair->opts->flags & (OPT_HARD_LINK | OPT_SYMBOLIC_LINK))
		|| dest_is_strangers(pair->opts, pair->tree, src, dst))
	{
		return false;
	}
	*same_times = dest_has_same_time(dest, look, &src->st_mtim, dst);
	switch (src->st_mode & S_IFMT) {
	case S_IFREG:
		return is_same_file(dest, pair, *same_times);
	case S_IFLNK:
		return leads_to_same(pair);
	case S_IFCHR:
	case S_IFBLK:
		return src->st_rdev == dst->st_rdev;
	default:
		return !may_be_another(pair);
	}
}

bool dest_is_copied(struct dest *dest, const struct dest_pair *pair) {
	struct dest_look look = {.dir = pair->tree->fd[DST], .name = pair->entry->dst_name, .flags = AT_SYMLINK_NOFOLLOW};
	bool same_times;
	return !inode_same(inode_of(pair->src), inode_of(pair->dst)) && dest_is_alike(dest, pair, &look, &same_times)
		&& (!S_ISREG(pair->src->st_mode) || has_same_contents(dest, pair));
}
