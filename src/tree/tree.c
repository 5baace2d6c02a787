// SPDX-License-Identifier: MIT
#include "tree/tree-impl.h"
#include "tree/tree.h"

#include "base/io.h"
#include "base/must.h"
#include "base/limits.h"
#include "base/opts.h"
#include "filter/select.h"
#include "report/report.h"
#include "sys/fstype.h"
#include "sys/meta.h"
#include "sys/symlink.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

void trees_init(struct trees *trees, const struct opts *opts, const struct limits *limits, struct report *report) {
	*trees = (struct trees) {
		.opts = opts,
		.limits = limits,
		.report = report,
		.max = limits->max_trees,
	};
	list_init(&trees->idle);
	thread_must(pthread_mutex_init(&trees->lock, NULL));
	thread_must(pthread_mutex_init(&trees->links_lock, NULL));
	pthread_rwlockattr_t attr;
	thread_must(pthread_rwlockattr_init(&attr));
	// A thread that follows a link must not wait for all links that others make meanwhile
	thread_must(pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP));
	thread_must(pthread_rwlock_init(&trees->linking, &attr));
	thread_must(pthread_rwlockattr_destroy(&attr));
}

void trees_destroy(struct trees *trees) {
	inode_set_clear(&trees->made, free);
	inode_set_clear(&trees->links, free);
	thread_must(pthread_rwlock_destroy(&trees->linking));
	thread_must(pthread_mutex_destroy(&trees->links_lock));
	thread_must(pthread_mutex_destroy(&trees->lock));
}

struct tree *tree_new(struct trees *trees, struct tree *parent, const char *src_name, const char *dst_name) {
	struct tree *tree = calloc(1, sizeof(*tree));
	if (!tree) {
		return NULL;
	}
	tree->trees = trees;
	tree->parent = parent;
	tree->depth = parent ? parent->depth + 1 : 0;
	tree->made_top = parent ? parent->made_top : NULL;
	tree->fd[SRC] = tree->fd[DST] = -1;
	tree->name[SRC] = src_name ? strdup(src_name) : NULL;
	tree->name[DST] = dst_name ? strdup(dst_name) : NULL;
	list_init(&tree->idle);
	list_init(&tree->work_node);
	atomic_init(&tree->refs, 1);
	atomic_init(&tree->keeps, 1);
	if ((src_name && !tree->name[SRC]) || (dst_name && !tree->name[DST])) {
		free(tree->name[SRC]);
		free(tree->name[DST]);
		free(tree);
		return NULL;
	}
	if (parent) {
		tree_ref(parent);
		tree_keep(parent);
	}
	return tree;
}

struct tree *tree_base(struct trees *trees, int dst_fd, const char *path) {
	struct tree *tree = tree_new(trees, NULL, NULL, path);
	if (tree) {
		tree->flags = TREE_BASE | TREE_OPERANDS;
		tree->fd[SRC] = AT_FDCWD;
		tree->fd[DST] = dst_fd;
		tree->pins = 1;
		struct stat st;
		// If operands name their destination whole, its directory is not known here
		bool own = dst_fd >= 0 && fstat(dst_fd, &st) == 0 && symlink_owner_is_trusted(&st);
		if (!own || meta_may_have_default_acl(dst_fd)) {
			tree->flags |= TREE_DEFAULT_ACL;
		}
		tree_choose_flush(tree);
	}
	return tree;
}

void tree_ref(struct tree *tree) {
	unsigned refs = atomic_fetch_add(&tree->refs, 1);
	must(refs > 0);
}

void tree_keep(struct tree *tree) {
	unsigned keeps = atomic_fetch_add(&tree->keeps, 1);
	must(keeps > 0);
}

static void close_both(struct tree *tree) {
	for (enum side side = SRC; side <= DST; ++side) {
		if (tree->fd[side] != AT_FDCWD) {
			close_fd(&tree->fd[side]);
		}
	}
}

/** Close the descriptors of a tree unless it is pinned. */
static void shut(struct tree *tree) {
	struct trees *trees = tree->trees;
	mutex_lock(&trees->lock);
	if (tree->flags & TREE_BASE) {
		close_both(tree);
	} else if (tree->fd[DST] >= 0 && tree->pins == 0) {
		list_remove(&tree->idle);
		close_both(tree);
		--trees->open;
	}
	mutex_unlock(&trees->lock);
}

void tree_drop(struct tree *tree) {
	while (tree && atomic_fetch_sub(&tree->keeps, 1) == 1) {
		struct tree *parent = tree->parent;
		shut(tree);
		select_leave(tree->select);
		inode_set_clear(&tree->moved, free);
		free(tree->name[SRC]);
		free(tree->name[DST]);
		free(tree);
		tree = parent;
	}
}

/** Set the attributes of a directory that is complete. */
static void apply(struct tree *tree) {
	const struct opts *opts = tree->trees->opts;
	struct meta meta = {
		.opts = opts,
		.src = &tree->src_stat,
		.dst = tree->flags & TREE_CREATED ? NULL : &tree->dst_stat,
		.src_fd = tree->flags & TREE_SRC_BY_NAME ? -1 : tree->fd[SRC],
		.src_dir = tree->parent->fd[SRC],
		.src_name = tree->name[SRC],
		.dst_fd = tree->fd[DST],
		.dst_dir = tree->fd[DST],
		.dst_name = ".",
		// Also for a new directory: another one may have been put in its place before it was opened
		.flags = META_STRAY_ACL | (tree->flags & TREE_DST_PATH ? META_DST_PATH : 0)
			| (tree->flags & TREE_UNLISTED_ACLS ? META_UNLISTED_ACLS : 0),
	};
	if (tree->flags & TREE_CREATED) {
		meta.flags |= META_NEW;
		meta.final_mode = tree->dst_stat.st_mode;
		bool prefix = tree->flags & TREE_OPERANDS;
		if (((!prefix || (opts->preserve & (PRESERVE_OWNERSHIP | PRESERVE_MODE_CHANGED)))
				&& meta_final_mode(opts, meta.src->st_mode, tree->dst_stat.st_mode, &meta.final_mode))
			|| (tree->flags & TREE_WIDENED))
		{
			meta.flags |= META_FINAL_MODE;
		}
	}
	// cp sets no extended attributes on directories that --parents makes
	if (tree->flags & TREE_OPERANDS) {
		meta.flags |= META_NO_XATTR;
	}
	struct stat now;
	if (meta.dst && opts_compare(opts) && fstat(tree->fd[DST], &now) == 0) {
		meta.dst = &now;
		bool keep = opts->preserve & PRESERVE_MODE;
		bool narrowed = !keep && now.st_mode != tree->dst_stat.st_mode;
		// Without PRESERVE_MODE the old mode is wanted, or what --chmod makes of it
		now.st_mode = keep ? now.st_mode : tree->dst_stat.st_mode;
		if (!narrowed && !meta_differs(&meta)) {
			return;
		}
	}
	struct error fail = meta_apply(&meta);
	if (fail.text) {
		tree_report_itself(tree, fail);
	}
}

/** With OPT_DELETE, remove the names that only the destination has. */
static void remove_surplus(struct tree *tree) {
	struct trees *trees = tree->trees;
	if (!trees->surplus || (tree->flags & TREE_BASE)) {
		return;
	}
	int ret = tree_pin(tree);
	if (ret < 0) {
		tree_report_itself(tree, error_make(ERROR_ACCESS, ret, "cannot access %d"));
		return;
	}
	trees->surplus(trees->dest, tree);
	tree_unpin(tree);
}

/** Whether a complete directory gets attributes. One that is its own copy (-n) needs none. */
static bool wants_attributes(const struct tree *tree) {
	bool any = (tree->trees->opts->preserve & PRESERVE_ATTRIBUTES) || (tree->flags & TREE_CREATED);
	return any && !(tree->flags & TREE_AS_IS) && !inode_same(tree->inode[SRC], tree->inode[DST]);
}

/** Set the attributes of a complete directory, and flush it. */
static void settle(struct tree *tree) {
	int ret = tree_pin(tree);
	bool pinned = ret == 0;
	// Open the parent by ".." while this directory's mode still allows that: it avoids a long way down
	if (pinned) {
		ret = tree_pin_through(tree->parent, tree);
	}
	bool parent_pinned = pinned && ret == 0;
	if (pinned && tree->trees->closing) {
		tree->trees->closing(tree->trees->files, tree);
	}
	bool wanted = wants_attributes(tree);
	if (wanted && parent_pinned) {
		apply(tree);
	} else if (wanted || (!pinned && (tree->flags & TREE_FLUSH_EACH))) {
		tree_report_itself(tree, error_make(ERROR_ACCESS, ret, "cannot access %d"));
	}
	if (pinned) {
		tree_flush(tree);
		tree_unpin(tree);
	}
	if (parent_pinned) {
		tree_unpin(tree->parent);
	}
}

/** Settle a complete directory, and close it. */
static void finish(struct tree *tree) {
	remove_surplus(tree);
	listing_free(&tree->listing);
	if (!(tree->flags & TREE_BASE) && !(tree->trees->opts->flags & OPT_DRY_RUN)) {
		settle(tree);
		if (tree->trees->moved) {
			tree->trees->moved(tree->trees->files, tree);
		}
	}
	shut(tree);
}

void tree_unref(struct tree *tree) {
	while (tree && atomic_fetch_sub(&tree->refs, 1) == 1) {
		struct tree *parent = tree->parent;
		finish(tree);
		tree_drop(tree);
		tree = parent;
	}
}

/** Close one idle tree; the lock is held. Returns whether there was one. */
static bool evict(struct trees *trees) {
	struct list *node = list_pop(&trees->idle);
	if (!node) {
		return false;
	}
	must(trees->open > 0 && list_item(node, struct tree, idle)->pins == 0);
	close_both(list_item(node, struct tree, idle));
	--trees->open;
	return true;
}

void tree_opened(struct tree *tree) {
	struct trees *trees = tree->trees;
	mutex_lock(&trees->lock);
	tree->pins = 1;
	++trees->open;
	while (trees->open > trees->max && evict(trees)) {
	}
	mutex_unlock(&trees->lock);
}

void tree_unpin(struct tree *tree) {
	struct trees *trees = tree->trees;
	mutex_lock(&trees->lock);
	must(tree->pins > 0);
	if (--tree->pins == 0) {
		list_append(&trees->idle, &tree->idle);
	}
	mutex_unlock(&trees->lock);
}

/** Whether a directory found by its name in DIR is the same although its inode number changed. */
static bool is_still(const struct tree *tree, enum side side, int dir, int fd, const struct stat *st) {
	const struct tree *parent = tree->parent;
	bool named = side == SRC ? parent->flags & TREE_BASE : tree_is_named_whole(parent);
	// Others could have exchanged it only if they can write to DIR
	return st->st_dev == tree->inode[side].dev && fstype_is(fd, FSTYPE_RENUMBERS) && (named || symlink_is_closed(dir));
}

/** Open a directory by its name in DIR, or by ".." if DIR is its child. -ESTALE if it is another directory. */
static int open_side(struct tree *tree, enum side side, int dir, const char *name) {
	int flags = O_DIRECTORY | O_CLOEXEC;
	unsigned path = side == DST ? TREE_DST_PATH : TREE_SRC_BY_NAME;
	flags |= tree->flags & path ? O_PATH : O_RDONLY;
	if (!(tree->flags & (side == SRC ? TREE_FOLLOWED : TREE_DST_FOLLOWED))) {
		flags |= O_NOFOLLOW;
	}
	int fd = openat(dir, tree_or_dot(name), flags);
	if (fd < 0) {
		return -errno;
	}
	struct stat st;
	int ret = or_errno(fstat(fd, &st));
	bool down = name == tree->name[side];
	if (ret == 0 && !inode_same(inode_of(&st), tree->inode[side]) && !(down && is_still(tree, side, dir, fd, &st))) {
		ret = -ESTALE;
	}
	if (ret < 0) {
		close_fd(&fd);
		return ret;
	}
	return fd;
}

/** Open one side of TO, going down from FROM, which stays open. */
static int descend(struct tree *from, struct tree *to, enum side side) {
	int dir = from->fd[side];
	for (struct tree *t = from->down;; t = t->down) {
		int fd = open_side(t, side, dir, t->name[side]);
		if (dir != from->fd[side]) {
			close_fd(&dir);
		}
		if (fd < 0 || t == to) {
			return fd;
		}
		dir = fd;
	}
}

/** Take over new descriptors; the lock is held. */
static void adopt(struct tree *tree, const int fd[2]) {
	struct trees *trees = tree->trees;
	tree->fd[SRC] = fd[SRC];
	tree->fd[DST] = fd[DST];
	++trees->open;
	while (trees->open > trees->max && evict(trees)) {
	}
}

static void close_pair(int fd[2]) {
	close_fd(&fd[SRC]);
	close_fd(&fd[DST]);
}

/** Find a closed tree again from its nearest open ancestor; the lock is held. */
static int reopen(struct tree *tree) {
	struct tree *from = tree;
	while (from->fd[DST] == -1) {
		from->parent->down = from;
		from = from->parent;
	}
	int fd[2] = {-1, -1};
	int ret = 0;
	for (enum side side = SRC; side <= DST && ret >= 0; ++side) {
		// If the source could not be read, neither it nor anything below it is open
		if (side == SRC && (tree->flags & TREE_CLOSED)) {
			continue;
		}
		bool absent = side == DST && (tree->flags & TREE_ABSENT);
		ret = fd[side] = absent ? tree_open_absent() : descend(from, tree, side);
	}
	if (ret < 0) {
		close_pair(fd);
		return ret;
	}
	adopt(tree, fd);
	return 0;
}

/** Find a closed tree again from a child that is open; the lock is held. */
static void reopen_through(struct tree *tree, const struct tree *child) {
	int fd[2];
	for (enum side side = SRC; side <= DST; ++side) {
		fd[side] = child->fd[side] >= 0 ? open_side(tree, side, child->fd[side], "..") : -1;
	}
	if (fd[SRC] >= 0 && fd[DST] >= 0) {
		adopt(tree, fd);
	} else {
		close_pair(fd);
	}
}

int tree_pin_through(struct tree *tree, const struct tree *child) {
	struct trees *trees = tree->trees;
	int ret = 0;

	mutex_lock(&trees->lock);
	++tree->pins;
	if (tree->fd[DST] != -1) {
		list_remove(&tree->idle);
	} else {
		if (child) {
			reopen_through(tree, child);
		}
		if (tree->fd[DST] == -1) {
			ret = reopen(tree);
		}
	}
	if (ret < 0) {
		--tree->pins;
	}
	mutex_unlock(&trees->lock);
	return ret;
}

int tree_pin(struct tree *tree) {
	return tree_pin_through(tree, NULL);
}
