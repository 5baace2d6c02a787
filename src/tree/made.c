// SPDX-License-Identifier: MIT
#include "tree/tree-impl.h"

#include "base/io.h"
#include "base/opts.h"
#include "sys/meta.h"
#include "sys/symlink.h"
#include "sys/twin.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char tree_made_link[] = "will not copy %s through just-created symlink %d";

/**
 * How many made directories above a source are compared with it. If the source shows one of them, the copy lies as many
 * levels below the source as that directory lies above it.
 */
#define NEAR 16

/** More nested source directories than this, all changed since this run began, are taken for this run's own copies. */
#define MOST_CHANGED 4096

/** State of a walk along symbolic links. */
struct way {
	struct trees *trees;
	/** Whether this run made the directory reached, or one above it: then this run made the links in it, too. */
	bool among;
};

/** Whether this run made the directory, so that all links in it are its own. */
static bool has_own_only(const struct tree *tree) {
	return tree->flags & (TREE_CREATED | TREE_AMONG_MADE);
}

/**
 * Whether users other than OWNER and us can move a file of OWNER out of a directory of this run, now or when it is
 * complete.
 */
static bool is_open_to_others(const struct tree *tree, uid_t owner) {
	const struct opts *opts = tree->trees->opts;
	const struct stat *dst = &tree->dst_stat;
	// A default ACL ignores the umask
	mode_t mode = meta_widest_mode(opts, tree->src_stat.st_mode) | dst->st_mode;
	struct stat copy = {.st_uid = meta_owner(opts, &tree->src_stat).uid};
	bool stays = copy.st_uid == (uid_t)-1 || symlink_owner_is_trusted(&copy);
	bool theirs = !symlink_owner_is_trusted(dst) || (!stays && copy.st_uid != owner);
	return (opts->flags & OPT_PRIVILEGED) && ((mode & (S_IWGRP | S_IWOTH)) || theirs);
}

bool tree_begin_link(const struct tree *tree, uid_t owner) {
	// If no other user can move links out of this run's directories, the path there identifies them
	bool noted = !has_own_only(tree) || is_open_to_others(tree, owner);
	if (noted) {
		rwlock_read(&tree->trees->linking);
	}
	return noted;
}

/** Whether NAME is the link we made and no other user replaced it. TARGET and SAME as in tree_end_link(). */
static bool is_ours(const struct tree *tree, const char *name, const struct stat *st, const char *target,
	struct inode same) {
	char there[PATH_MAX];
	struct stat link;
	if (!(tree->trees->opts->flags & OPT_PRIVILEGED) || symlink_is_closed(tree->fd[DST])) {
		return true;
	}
	if (!target) {
		return inode_same(inode_of(st), same);
	}
	return st->st_uid == geteuid() && symlink_read(tree->fd[DST], name, &link, there) == 0
		&& inode_same(inode_of(st), inode_of(&link)) && strcmp(target, there) == 0;
}

void tree_end_link(const struct tree *tree, const char *name, const char *target, struct inode same) {
	struct trees *trees = tree->trees;
	struct stat st;
	if (name) {
		bool known = fstatat(tree->fd[DST], name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode)
			&& is_ours(tree, name, &st, target, same);
		mutex_lock(&trees->links_lock);
		trees->links_unknown |= !known || inode_set_add(&trees->links, inode_of(&st)) < 0;
		mutex_unlock(&trees->links_lock);
	}
	rwlock_unlock(&trees->linking);
}

bool tree_is_made_link(struct trees *trees, struct inode inode) {
	// Wait until links that are being made are noted
	rwlock_write(&trees->linking);
	// If a link is unknown, answer yes: refusing to follow is safe
	bool is = trees->links_unknown || inode_set_has(&trees->links, inode);
	rwlock_unlock(&trees->linking);
	return is;
}

bool tree_is_made(struct trees *trees, struct inode inode) {
	if (trees->opts->flags & OPT_DRY_RUN) {
		return false;
	}
	mutex_lock(&trees->lock);
	bool is = inode_set_has(&trees->made, inode);
	mutex_unlock(&trees->lock);
	return is;
}

/** Whether this run has made any directory or link that a path could lead through. */
static bool has_made_any(struct trees *trees) {
	rwlock_write(&trees->linking);
	bool any = trees->links_unknown || trees->links.root;
	rwlock_unlock(&trees->linking);
	mutex_lock(&trees->lock);
	any |= trees->made.root != NULL;
	mutex_unlock(&trees->lock);
	return any && !(trees->opts->flags & OPT_DRY_RUN);
}

static bool refuses(void *arg, const struct stat *link) {
	const struct way *way = arg;
	return way->among || tree_is_made_link(way->trees, inode_of(link));
}

static void passes(void *arg, const struct stat *st) {
	struct way *way = arg;
	way->among |= tree_is_made(way->trees, inode_of(st));
}

int tree_symlink_open(const struct tree *tree, const char *name, int flags) {
	struct way way = {.trees = tree->trees, .among = has_own_only(tree)};
	const struct symlink_rule rule = {.refuses = refuses, .passes = passes, .arg = &way};
	return symlink_open(tree->fd[DST], name, flags, &rule);
}

int tree_symlink_walk(const struct tree *tree, const char *name, struct symlink_end *end) {
	struct way way = {.trees = tree->trees, .among = has_own_only(tree)};
	const struct symlink_rule rule = {.refuses = refuses, .passes = passes, .arg = &way};
	enum symlink_trust trust = tree_is_named_whole(tree) ? SYMLINK_ANYWHERE : SYMLINK_INTO_THEIRS;
	return symlink_walk(tree->fd[DST], name, trust, &rule, end);
}

bool tree_leads_through_made(const struct tree *tree, const char *name, bool *among) {
	struct way way = {.trees = tree->trees, .among = has_own_only(tree)};
	const struct symlink_rule rule = {.refuses = refuses, .passes = passes, .arg = &way};
	struct symlink_end end;
	*among = way.among;
	if (!way.among && !has_made_any(tree->trees)) {
		return false;
	}
	int ret = symlink_walk(tree->fd[DST], tree_or_dot(name), SYMLINK_ANYWHERE, &rule, &end);
	if (ret == 0) {
		symlink_close(&end);
	}
	*among = way.among;
	return ret < 0 && ret != -ENOENT && ret != -ENOTDIR;
}

/** Whether a source has changed since a directory was made: compares ctime, which users cannot set. */
static bool has_changed_since(const struct stat *src, const struct stat *made) {
	// Some file systems store ctime in microseconds
	long src_us = src->st_ctim.tv_nsec / 1000;
	long made_us = made->st_ctim.tv_nsec / 1000;
	return src->st_ctim.tv_sec != made->st_ctim.tv_sec ? src->st_ctim.tv_sec > made->st_ctim.tv_sec : src_us >= made_us;
}

static bool is_copy(struct tree *made, const struct tree *tree) {
	if (tree_pin(made) < 0) {
		return false;
	}
	bool is = twin_is(made->fd[DST], tree->fd[SRC]);
	tree_unpin(made);
	return is;
}

bool tree_leads_into_made(const struct tree *tree) {
	struct inode inode = tree->inode[SRC];
	int fd = -1;
	bool made = false;
	bool up = tree->fd[SRC] >= 0 && has_made_any(tree->trees);
	while (up && !made) {
		struct stat st;
		int above = openat(fd < 0 ? tree->fd[SRC] : fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
		close_fd(&fd);
		fd = above;
		up = fd >= 0 && fstat(fd, &st) == 0 && !inode_same(inode_of(&st), inode);
		inode = up ? inode_of(&st) : inode;
		made = up && tree_is_made(tree->trees, inode);
	}
	close_fd(&fd);
	return made;
}

bool tree_meets_copy(struct tree *tree) {
	struct tree *parent = tree->parent;
	struct tree *top = parent->made_top;
	unsigned near = 0;
	if (!top || (tree->trees->opts->flags & OPT_DRY_RUN) || !has_changed_since(&tree->src_stat, &top->dst_stat)) {
		return false;
	}
	tree->changed = parent->changed + 1;
	for (struct tree *made = parent; made != top && near < NEAR; made = made->parent, ++near) {
		if (is_copy(made, tree)) {
			return true;
		}
	}
	return is_copy(top, tree) || tree->changed > MOST_CHANGED;
}
