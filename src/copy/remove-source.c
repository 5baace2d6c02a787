// SPDX-License-Identifier: MIT
#include "copy/file-impl.h"

#include "base/clock.h"
#include "base/io.h"
#include "base/open.h"
#include "base/opts.h"
#include "base/path.h"
#include "display/progress.h"
#include "report/report.h"
#include "sys/flush.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/** After so many copies they are flushed, and their sources removed. */
#define BATCH 4096

/** A source that was copied and can be removed once its copy is on the medium. */
struct moved {
	/** In removals::copied or removals::late. */
	struct list node;
	/** Holds a reference. For a directory: the tree of its name. */
	struct tree *tree;
	char *name;
	char *dst_name;
	/** The source as it was before it was read. */
	struct stat src;
	/** The inode of the copy. */
	struct inode copy;
	/** Whether a change of the source may not show in its times: compare the data. */
	bool untold;
	/** Whether a name that is still in a directory is no surprise. */
	bool may_stay;
};

/** A source with several names, after one of them was removed, which has changed its ctime. */
struct unlinked {
	struct inode inode;
	struct timespec ctime;
};

void removals_init(struct removals *removals) {
	thread_must(pthread_mutex_init(&removals->lock, NULL));
	list_init(&removals->copied);
	list_init(&removals->late);
}

static void moved_free(struct moved *moved) {
	free(moved->name);
	free(moved->dst_name);
	free(moved);
}

/** Give back what a source needs, without removing it. */
static void let_go(struct moved *moved) {
	struct tree *tree = moved->tree;
	moved_free(moved);
	tree_unref(tree);
}

void removals_destroy(struct removals *removals) {
	inode_set_clear(&removals->unlinked, free);
	thread_must(pthread_mutex_destroy(&removals->lock));
}

static struct moved *moved_new(struct tree *tree, const struct entry *entry, const struct stat *st, struct inode copy) {
	struct moved *moved = calloc(1, sizeof(*moved));
	if (!moved) {
		return NULL;
	}
	list_init(&moved->node);
	*moved = (struct moved) {.node = moved->node,
		.tree = tree,
		.name = strdup(entry->name),
		.dst_name = strdup(entry->dst_name),
		.src = *st,
		.copy = copy};
	if (!moved->name || !moved->dst_name) {
		moved_free(moved);
		return NULL;
	}
	tree_ref(tree);
	return moved;
}

/** Whether sources are not removed any more. */
static bool is_over(const struct files *files) {
	return atomic_load(&files->cancelled) || atomic_load(&files->removals.doubtful);
}

static int stays(const struct moved *moved, enum error_op op, int err, const char *what) {
	const struct entry entry = {.name = moved->name, .dst_name = moved->dst_name};
	tree_report(moved->tree, &entry, error_make(op, err, what));
	return -1;
}

/** Whether a source is as it was before it was read, as far as its status shows. */
static bool is_unchanged(const struct files *files, const struct stat *then, const struct stat *now) {
	struct inode inode = inode_of(then);
	const struct unlinked *unlinked = then->st_nlink > 1 ? inode_set_find(&files->removals.unlinked, inode) : NULL;
	return inode_same(inode, inode_of(now)) && ((then->st_mode ^ now->st_mode) & S_IFMT) == 0
		&& then->st_size == now->st_size && time_same(then->st_mtim, now->st_mtim)
		&& time_same(unlinked ? unlinked->ctime : then->st_ctim, now->st_ctim);
}

/** Open a source of which other names are still to be removed, or may be. Returns an O_PATH descriptor or -1. */
static int open_linked(const struct moved *moved) {
	bool linked = moved->src.st_nlink > 1 && !S_ISDIR(moved->src.st_mode);
	return linked ? openat(moved->tree->fd[SRC], moved->name, O_PATH | O_NOFOLLOW | O_CLOEXEC) : -1;
}

/** Record that a name of the source FD, which is closed, was removed. Without memory its other names will stay. */
static void note_unlinked(struct removals *removals, int fd) {
	struct stat st;
	if (fd >= 0 && fstat(fd, &st) == 0 && st.st_nlink > 0) {
		struct unlinked *unlinked = inode_set_find(&removals->unlinked, inode_of(&st));
		bool fresh = !unlinked && (unlinked = malloc(sizeof(*unlinked)));
		if (fresh) {
			unlinked->inode = inode_of(&st);
		}
		if (fresh && inode_set_insert(&removals->unlinked, &unlinked->inode) < 0) {
			free(unlinked);
			unlinked = NULL;
		}
		if (unlinked) {
			unlinked->ctime = st.st_ctim;
		}
	}
	close_fd(&fd);
}

/** Open a regular file that is still INODE. Returns a descriptor or -1. */
static int open_known(int dir, const char *name, struct inode inode) {
	struct stat st;
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd >= 0 && (fstat(fd, &st) != 0 || !inode_same(inode_of(&st), inode))) {
		close_fd(&fd);
	}
	return fd;
}

/** Whether source and copy have the same data. */
static bool has_same_data(const struct files *files, const struct moved *moved) {
	const struct tree *tree = moved->tree;
	int fd[2] = {open_known(tree->fd[SRC], moved->name, inode_of(&moved->src)),
		open_known(tree->fd[DST], moved->dst_name, moved->copy)};
	bool same = fd[SRC] >= 0 && fd[DST] >= 0 && dest_has_same_data(files->dest, fd);
	close_fd(&fd[SRC]);
	close_fd(&fd[DST]);
	return same && !atomic_load(&files->cancelled);
}

/** Whether a source's name and its copy's name still lead to what they did. Returns 0; 1 if the source is gone; -1. */
static int check(const struct files *files, const struct moved *moved) {
	const struct tree *tree = moved->tree;
	struct stat now;
	struct stat there;
	bool directory = S_ISDIR(moved->src.st_mode);
	if (fstatat(tree->fd[SRC], moved->name, &now, AT_SYMLINK_NOFOLLOW) != 0) {
		return errno == ENOENT ? 1 : stays(moved, ERROR_STAT, errno, "cannot stat %s");
	}
	if (directory ? !inode_same(inode_of(&now), inode_of(&moved->src)) : !is_unchanged(files, &moved->src, &now)) {
		return stays(moved, ERROR_REMOVE, 0, "not removing %s, as it changed while it was moved");
	}
	if (fstatat(tree->fd[DST], moved->dst_name, &there, AT_SYMLINK_NOFOLLOW) != 0) {
		return stays(moved, ERROR_STAT, errno, "cannot stat %d");
	}
	bool whole = !S_ISREG(now.st_mode) || there.st_size == now.st_size;
	if (!inode_same(moved->copy, inode_of(&there)) || !whole || inode_same(inode_of(&now), inode_of(&there))) {
		return stays(moved, ERROR_REMOVE, 0, "not removing %s, as its copy %d was replaced or changed");
	}
	if (moved->untold && !has_same_data(files, moved)) {
		return stays(moved, ERROR_REMOVE, 0, "not removing %s, as it changed while it was moved");
	}
	return 0;
}

/** Remove a source, if nothing speaks against it. Its tree is pinned. */
static void remove_source(struct files *files, const struct moved *moved) {
	bool directory = S_ISDIR(moved->src.st_mode);
	const struct entry entry = {.name = moved->name, .dst_name = moved->dst_name};
	if (check(files, moved) != 0) {
		return;
	}
	int fd = open_linked(moved);
	if (unlinkat(moved->tree->fd[SRC], moved->name, directory ? AT_REMOVEDIR : 0) != 0) {
		close_fd(&fd);
		bool filled = directory && (errno == ENOTEMPTY || errno == EEXIST);
		if (errno != ENOENT && !(filled && moved->may_stay)) {
			stays(moved, ERROR_REMOVE, errno, "cannot remove %s");
		}
		return;
	}
	note_unlinked(&files->removals, fd);
	counter_add(&files->dest->removed, 1);
	if (files->opts->flags & OPT_VERBOSE) {
		tree_say(moved->tree, &entry, SAY_SOURCE_REMOVED, directory ? "removed directory %s" : "removed %s");
	}
}

/**
 * Bring all copies made so far to the medium. After an error nothing is removed any more: it may concern any copy whose
 * data was being written, and is reported only once.
 */
static void flush_together(struct files *files) {
	struct flush *flush = files->dest->base->trees->flush;
	char *path = NULL;
	int ret = flush_now(flush, &files->cancelled, &path);
	if (ret < 0 && ret != -EINTR) {
		atomic_store(&files->removals.doubtful, true);
		journal_doubt(&files->journal, ret);
		report_error(files->report, ERROR_SYNC, -ret, "nothing more is removed: error syncing the file system of %d",
			NULL, path);
	}
	free(path);
}

/** Flush the directory that holds a name in a tree's destination. */
static int flush_directory_of(const struct tree *tree, const char *dst_name) {
	char *dir = tree->flags & TREE_BASE ? parent_directory(dst_name) : strdup(".");
	int ret = dir ? flush_directory_at(tree->fd[DST], dir, tree->trees->cancelled) : -ENOMEM;
	free(dir);
	return ret;
}

/**
 * Bring a name in a tree's destination, and the directories of this run that it is in, to the medium, as far as they
 * are flushed one by one (TREE_FLUSH_EACH). The tree is pinned.
 *
 * @param batch  Directories that were flushed for this batch already are left out.
 * @return 0 or -errno.
 */
static int flush_way(struct tree *tree, const char *dst_name, unsigned batch) {
	bool pinned = false;
	int ret = 0;
	while (ret == 0 && ((tree->flags & TREE_BASE) || tree->flushed != batch)) {
		ret = tree->flags & TREE_FLUSH_EACH ? flush_directory_of(tree, dst_name) : 0;
		tree->flushed = ret == 0 ? batch : tree->flushed;
		struct tree *parent = tree->flags & TREE_CREATED ? tree->parent : NULL;
		dst_name = tree->name[DST];
		if (pinned) {
			tree_unpin(tree);
		}
		pinned = ret == 0 && parent;
		if (!pinned) {
			return ret;
		}
		tree = parent;
		ret = tree_pin(tree);
		pinned = ret == 0;
	}
	if (pinned) {
		tree_unpin(tree);
	}
	return ret;
}

/** Flush, and remove the sources in LIST, which is emptied. */
static void remove_list(struct files *files, struct list *list, bool flush, unsigned batch) {
	if (flush && !is_over(files)) {
		flush_together(files);
	}
	for (struct list *node; (node = list_pop(list));) {
		struct moved *moved = list_item(node, struct moved, node);
		struct tree *tree = moved->tree;
		int ret = is_over(files) ? -EINTR : tree_pin(tree);
		if (ret == 0) {
			ret = flush ? flush_way(tree, moved->dst_name, batch) : 0;
			if (ret == 0) {
				remove_source(files, moved);
			} else if (ret != -EINTR) {
				stays(moved, ERROR_SYNC, ret, "not removing %s: error syncing the directory of %d");
			}
			tree_unpin(tree);
		} else if (!is_over(files)) {
			stays(moved, ERROR_REMOVE, ret, "cannot remove %s");
		}
		let_go(moved);
	}
}

/** Take a batch of sources that are due; LATE: also those with several names. Returns false if there are none. */
static bool take(struct removals *removals, struct list *list, bool late, bool *flush, unsigned *batch) {
	list_init(list);
	mutex_lock(&removals->lock);
	struct list *from = list_empty(&removals->copied) && late ? &removals->late : &removals->copied;
	bool any = !list_empty(from);
	for (struct list *node; (node = list_pop(from));) {
		list_append(list, node);
	}
	removals->count = 0;
	*flush = removals->made;
	removals->made = false;
	*batch = ++removals->batch;
	mutex_unlock(&removals->lock);
	return any;
}

/** Add a source. Returns whether so many are due that the caller has to remove them. */
static bool add(struct removals *removals, struct moved *moved, bool late, bool made) {
	mutex_lock(&removals->lock);
	list_append(late ? &removals->late : &removals->copied, &moved->node);
	removals->count += late ? 0 : 1;
	removals->made |= made;
	bool due = removals->count >= BATCH && !removals->busy;
	removals->busy |= due;
	mutex_unlock(&removals->lock);
	return due;
}

void file_moved_away(struct file_context *ctx, struct tree *tree, const struct entry *entry, const struct stat *st,
	struct inode copy, bool untold) {
	struct files *files = ctx->files;
	struct removals *removals = &files->removals;
	struct list list;
	bool flush;
	unsigned batch;
	struct moved *moved = moved_new(tree, entry, st, copy);
	if (!moved) {
		tree_report(tree, entry, error_make(ERROR_REMOVE, ENOMEM, "cannot remove %s"));
		return;
	}
	moved->untold = untold;
	dest_note_moved(files->dest, tree, copy);
	// The inode of a file with several names must not be given to another file while its copy may get further names
	if (!add(removals, moved, st->st_nlink > 1, true)) {
		return;
	}
	if (take(removals, &list, false, &flush, &batch)) {
		remove_list(files, &list, flush, batch);
	}
	mutex_lock(&removals->lock);
	removals->busy = false;
	mutex_unlock(&removals->lock);
}

void files_tree_moved(struct files *files, struct tree *tree) {
	const unsigned spared = TREE_BASE | TREE_OPERANDS | TREE_CLOSED | TREE_LEFT | TREE_ABSENT | TREE_AS_IS;
	const struct opts *opts = files->opts;
	if ((tree->flags & spared) || atomic_load(&tree->failed) || is_over(files)
		|| inode_same(tree->inode[SRC], tree->inode[DST]))
	{
		return;
	}
	const struct entry entry = {.name = tree->name[SRC], .dst_name = tree->name[DST]};
	struct moved *moved = moved_new(tree->parent, &entry, &tree->src_stat, tree->inode[DST]);
	if (!moved) {
		tree_report_itself(tree, error_make(ERROR_REMOVE, ENOMEM, "cannot remove %s"));
		return;
	}
	moved->may_stay = opts->select || opts->update != UPDATE_ALL
		|| (opts->flags & (OPT_INTERACTIVE | OPT_ONE_FILE_SYSTEM));
	add(&files->removals, moved, false, tree->flags & TREE_CREATED);
}

void files_remove_sources(struct files *files) {
	struct list list;
	bool flush;
	unsigned batch;
	while (take(&files->removals, &list, true, &flush, &batch)) {
		remove_list(files, &list, flush, batch);
	}
}
