// SPDX-License-Identifier: MIT
#include "dest/remove.h"

#include "base/array.h"
#include "base/buf.h"
#include "base/io.h"
#include "base/open.h"
#include "base/opts.h"
#include "dest/dest-impl.h"
#include "filter/select.h"
#include "journal/journal.h"
#include "report/report.h"
#include "sys/tempfile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/** How many nested directories stay open, so that they need not be reopened from their subdirectories. */
#define MOST_OPEN 8

/** A directory that is being emptied. */
struct level {
	/** The descriptor, or -1 while the directory is closed. */
	int fd;
	struct inode inode;
	/** The name in the directory above. */
	const char *name;
	/** The names in the directory, and the next ones to handle. */
	struct listing listing;
	size_t next_file;
	size_t next_dir;
	/** The selection, as in tree::select. */
	struct select_dir *select;
	/** Whether some name in the directory stays. */
	bool stays;
};

/** State of dest_remove(). */
struct removal {
	struct dest *dest;
	const struct tree *tree;
	/** The directories on the way down; the first one is in the tree's destination. */
	struct level *levels;
	size_t depth;
	size_t size;
	/** Buffer of path_of(). */
	struct buf path;
	enum dest_remove what;
	/** How many names were removed, or would be. */
	uint64_t count;
	/** Whether some name failed; this was reported. */
	bool failed;
};

/** The path, relative to the tree, of a name in the last directory. Valid until the next call. */
static const char *path_of(struct removal *r, const char *name) {
	r->path.len = 0;
	for (size_t i = 0; i < r->depth; ++i) {
		buf_str(&r->path, r->levels[i].name);
		buf_char(&r->path, '/');
	}
	buf_str(&r->path, name);
	return r->path.failed || !r->path.data ? name : r->path.data;
}

static void complain(struct removal *r, const char *name, enum error_op op, int err, const char *what) {
	const char *path = path_of(r, name);
	r->failed = true;
	if (r->what == DEST_REMOVE_COUNT) {
		return;
	}
	tree_report(r->tree, &(struct entry) {.name = path, .dst_name = path}, error_make(op, err, what));
}

/** Count and report a name that was removed, or would be. */
static void note_removed(struct removal *r, const char *name, mode_t type) {
	++r->count;
	if (r->what == DEST_REMOVE_COUNT) {
		return;
	}
	counter_add(&r->dest->removed, 1);
	if (!(r->dest->opts->flags & OPT_VERBOSE) && !r->dest->opts->itemize) {
		return;
	}
	const char *path = path_of(r, name);
	const struct entry entry = {.name = path, .dst_name = path};
	if (r->dest->opts->flags & OPT_VERBOSE) {
		tree_say(r->tree, &entry, SAY_REMOVED, S_ISDIR(type) ? "removed directory %d" : "removed %d");
	}
	tree_change(r->tree, &entry, CHANGE_DELETED, type);
}

/** Whether nothing is really removed. */
static bool is_dry(const struct removal *r) {
	return r->what == DEST_REMOVE_COUNT || (r->dest->opts->flags & OPT_DRY_RUN);
}

/**
 * Whether a file is a source that is reached through the destination, or is on the way to one; if so, this is reported.
 */
static bool is_source(struct removal *r, const char *name, const struct stat *st) {
	struct dest *dest = r->dest;
	struct trees *trees = r->tree->trees;
	bool led = dest->opts->deref == DEREF_ALWAYS || atomic_load(&trees->mounted);
	bool is = inode_set_has(&dest->above, inode_of(st));
	if (!is && led && S_ISDIR(st->st_mode)) {
		is = dest_is_source_directory(dest, inode_of(st));
	} else if (!is && led && S_ISREG(st->st_mode)) {
		is = dest_is_source(dest, st);
	}
	if (is && !dest_is_cancelled(dest)) {
		complain(r, name, ERROR_REMOVE, 0, "will not remove %d: it is to be copied, or leads to what is");
	}
	return is;
}

bool dest_is_protected(struct dest *dest, struct select_dir *select, const char *name, const struct stat *st) {
	const struct opts *opts = dest->opts;
	struct inode inode = inode_of(st);
	if (strcmp(name, JOURNAL_NAME) == 0 || inode_set_has(&dest->kept, inode)
		|| (opts->select && inode_set_has(&opts->select->lists, inode)))
	{
		return true;
	}
	if (opts->backup_dir ? dest_is_backups(dest, st) : opts->backup != BACKUP_NONE && dest_is_backup_name(opts, name)) {
		return true;
	}
	if (!select || (opts->flags & OPT_DELETE_EXCLUDED)) {
		return false;
	}
	return select_name(select, name, S_ISDIR(st->st_mode)) <= 0 || !select_size(opts->select, st);
}

/** Remove a name that is no directory, but of TYPE. Returns whether it is gone. */
static bool drop(struct removal *r, int dir, const char *name, mode_t type) {
	const char *what = "cannot remove %d";
	enum error_op op = ERROR_REMOVE;
	int ret = 0;
	if (is_dry(r)) {
		bool asks = r->what != DEST_REMOVE_COUNT && !tempfile_is_name(name);
		ret = asks ? or_errno(faccessat(dir, ".", W_OK | X_OK, AT_EACCESS)) : 0;
	} else if (tempfile_is_name(name)) {
		ret = tempfile_clear(dir, name, &r->tree->trees->patience);
		if (ret == -EBUSY) {
			// Another ucp is writing this file
			return false;
		}
	} else if (r->dest->opts->backup != BACKUP_NONE) {
		char *backup = NULL;
		const struct dest_old old = {.dir = dir, .path = name, .tree = r->tree, .tree_path = path_of(r, name)};
		what = "cannot backup %d";
		op = ERROR_BACKUP;
		ret = dest_backup(r->dest, &old, DEST_BACKUP_MOVE, &backup);
		free(backup);
	} else {
		ret = or_errno(unlinkat(dir, name, 0));
	}
	if (ret == -ENOENT) {
		return true;
	}
	if (ret < 0) {
		complain(r, name, op, ret, what);
		return false;
	}
	note_removed(r, name, type);
	return true;
}

/** Open a directory, whose status SEEN is known, and descend into it. Returns 0 or -errno. */
static int descend(struct removal *r, int dir, const char *name, const struct stat *seen, struct select_dir *select) {
	struct stat st;
	bool mount;
	int ret = array_reserve(r->levels, r->depth, r->size);
	if (ret < 0) {
		return ret;
	}
	struct level level = {.name = name};
	level.fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (level.fd < 0) {
		return -errno;
	}
	ret = open_look(level.fd, "", AT_EMPTY_PATH, &st, &mount);
	if (ret == 0 && (mount || !inode_same(inode_of(&st), inode_of(seen)))) {
		ret = mount ? -EBUSY : -ESTALE;
	}
	level.inode = inode_of(&st);
	if (ret == 0) {
		ret = listing_read(&level.listing, level.fd);
	}
	if (ret == 0 && select) {
		level.select = select_enter(select, name, level.fd);
		ret = level.select ? 0 : -ENOMEM;
	}
	if (ret < 0) {
		listing_free(&level.listing);
		close_fd(&level.fd);
		return ret;
	}
	if (r->depth >= MOST_OPEN) {
		close_fd(&r->levels[r->depth - 1].fd);
	}
	r->levels[r->depth++] = level;
	return 0;
}

/** Examine a name, and remove it or descend into it. Returns whether it stays for now. */
static bool meet(struct removal *r, int dir, const char *name, struct select_dir *select) {
	struct stat st;
	bool mount;
	int ret = open_look(dir, name, AT_SYMLINK_NOFOLLOW, &st, &mount);
	if (ret == -ENOENT) {
		return false;
	}
	if (ret < 0) {
		complain(r, name, ERROR_STAT, ret, "cannot stat %d");
		return true;
	}
	// The caller of dest_remove() has checked the first name against the selection
	struct select_dir *chosen = r->depth > 0 ? select : NULL;
	if (dest_is_protected(r->dest, chosen, name, &st) || is_source(r, name, &st)) {
		return true;
	}
	if (mount) {
		complain(r, name, ERROR_REMOVE, 0, "will not remove %d: something is mounted there");
		return true;
	}
	if (!S_ISDIR(st.st_mode)) {
		return !drop(r, dir, name, st.st_mode);
	}
	ret = descend(r, dir, name, &st, select);
	if (ret < 0 && ret != -ENOENT) {
		complain(r, name, ERROR_REMOVE, ret == -ESTALE ? 0 : ret,
			ret == -ESTALE ? "not removing %d, as it was replaced meanwhile" : "cannot remove %d");
	}
	return ret != -ENOENT;
}

/** Reopen the directory above the last one, if ".." still leads to it. Returns 0 or -errno. */
static int reopen_above(struct removal *r) {
	struct level *above = &r->levels[r->depth - 2];
	struct stat st;
	above->fd = openat(r->levels[r->depth - 1].fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (above->fd < 0) {
		return -errno;
	}
	if (fstat(above->fd, &st) != 0 || !inode_same(inode_of(&st), above->inode)) {
		close_fd(&above->fd);
		return -ESTALE;
	}
	return 0;
}

static void leave(struct level *level) {
	close_fd(&level->fd);
	listing_free(&level->listing);
	select_leave(level->select);
}

/**
 * Leave the last directory after all its names were handled, and remove it unless some name stays. Returns 0 or -errno.
 */
static int ascend(struct removal *r) {
	bool top = r->depth == 1;
	if (!top && r->levels[r->depth - 2].fd < 0) {
		int ret = reopen_above(r);
		if (ret < 0) {
			complain(r, "", ERROR_REMOVE, ret == -ESTALE ? 0 : ret,
				ret == -ESTALE ? "not removing %d, as it was moved meanwhile" : "cannot remove %d");
			return ret;
		}
	}
	struct level level = r->levels[--r->depth];
	int dir = top ? r->tree->fd[DST] : r->levels[r->depth - 1].fd;
	bool gone = !level.stays;
	if (gone && !is_dry(r) && unlinkat(dir, level.name, AT_REMOVEDIR) != 0) {
		// If others put files there meanwhile, the directory stays
		gone = errno == ENOENT;
		if (!gone) {
			complain(r, level.name, ERROR_REMOVE, errno, "cannot remove %d");
		}
	}
	if (gone) {
		note_removed(r, level.name, S_IFDIR);
	}
	if (!top) {
		r->levels[r->depth - 1].stays |= !gone;
	}
	r->levels[r->depth].stays = !gone;
	leave(&level);
	return 0;
}

/** Empty the directories, the deepest first. Returns whether the first of them is gone. */
static bool empty(struct removal *r) {
	while (r->depth > 0 && !dest_is_cancelled(r->dest)) {
		struct level *level = &r->levels[r->depth - 1];
		size_t depth = r->depth;
		struct listing *listing = &level->listing;
		if (level->next_file < listing->file_count) {
			const char *name = listing->files[level->next_file++].name;
			bool stays = meet(r, level->fd, name, level->select);
			// A name listed as a file may be a directory by now, which meet() has entered
			r->levels[depth - 1].stays |= stays && r->depth == depth;
		} else if (level->next_dir < listing->dir_count) {
			const char *name = listing->dirs[level->next_dir++].name;
			bool stays = meet(r, level->fd, name, level->select);
			r->levels[depth - 1].stays |= stays && r->depth == depth;
		} else if (ascend(r) < 0) {
			break;
		}
	}
	bool done = r->depth == 0 && !r->levels[0].stays;
	while (r->depth > 0) {
		leave(&r->levels[--r->depth]);
	}
	return done;
}

enum dest_removed dest_remove(struct dest *dest, const struct tree *tree, const char *name, enum dest_remove what,
	uint64_t *count) {
	struct removal r = {.dest = dest, .tree = tree, .what = what};
	bool gone = !meet(&r, tree->fd[DST], name, tree->select);
	if (r.depth > 0) {
		gone = empty(&r);
	}
	free(r.levels);
	buf_free(&r.path);
	*count += r.count;
	if (gone) {
		return DEST_REMOVED;
	}
	return r.failed ? DEST_REMOVE_FAILED : DEST_REMOVE_STAYS;
}
