// SPDX-License-Identifier: MIT
#include "display/scan-impl.h"

#include "base/array.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/limits.h"
#include "base/opts.h"
#include "filter/select.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

/** Most directories kept open on the way to the one being read, besides the top. */
#define MOST_OPEN 16

/** A walk may use one OPEN_SHARE-th of the descriptors for directories. */
#define OPEN_SHARE 8

/** A directory on the way to the one being read. */
struct level {
	/** -1 if it was closed because too many below it are open; the top stays open. */
	int fd;
	struct inode inode;
	/** Subdirectories to copy: for each its type (DT_DIR, DT_LNK), and its name with a NUL. */
	struct buf dirs;
	/** Offsets in dirs of the next one to enter, and of the one the walk is in. */
	size_t next;
	size_t inside;
	struct select_dir *select;
};

/** State of a walk. */
struct state {
	const struct walk *walk;
	const struct opts *opts;
	/** The directories on the way, the top first. */
	struct level *levels;
	size_t depth;
	size_t size;
	/** How many levels stay open. */
	size_t keep;
	/** The first error: 0 or -errno. */
	int err;
	bool ended;
};

static void failed(struct state *s, int err) {
	s->err = s->err < 0 ? s->err : err;
	s->ended |= s->walk->flags & WALK_ALL;
}

/** Whether the walk is over. */
static bool is_over(struct state *s) {
	if (!s->ended && s->walk->stop && atomic_load(s->walk->stop)) {
		s->err = -EINTR;
		s->ended = true;
	}
	return s->ended;
}

/** Whether directories are copied at all. */
static bool enters(const struct opts *opts) {
	return (opts->flags & OPT_RECURSIVE) || (opts->select && opts->select->filelist);
}

/** Close one directory that can be reopened, but not DIR. Returns false if there is none. */
static bool close_one(struct state *s, int dir) {
	for (size_t i = 1; i < s->depth; ++i) {
		if (s->levels[i].fd >= 0 && s->levels[i].fd != dir) {
			close_fd(&s->levels[i].fd);
			return true;
		}
	}
	return false;
}

/** Open a directory and read its status. Returns its descriptor or -errno. */
static int open_directory(struct state *s, int dir, const char *name, bool follow, struct stat *st) {
	int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW);
	int fd;
	do {
		fd = openat(dir, name, flags);
	} while (fd < 0 && (errno == EMFILE || errno == ENFILE) && close_one(s, dir));
	if (fd < 0) {
		return -errno;
	}
	if (fstat(fd, st) != 0) {
		int err = errno;
		close_fd(&fd);
		return -err;
	}
	return fd;
}

/** The subdirectory that the walk is in: its type, then its name. */
static const char *inside(const struct level *level) {
	return level->dirs.data + level->inside;
}

/** Reopen a level by a name in DIR. Returns false if that fails or is another directory. */
static bool reopen(struct state *s, struct level *level, int dir, const char *name, bool follow) {
	struct stat st = {0};
	int fd = open_directory(s, dir, name, follow, &st);
	if (fd >= 0 && inode_same(inode_of(&st), level->inode)) {
		level->fd = fd;
		return true;
	}
	close_fd(&fd);
	return false;
}

/** Keep at most state::keep directories open above and at level I. */
static void close_above(struct state *s, size_t i) {
	if (i > s->keep) {
		close_fd(&s->levels[i - s->keep].fd);
	}
}

static void drop(struct state *s) {
	struct level *level = &s->levels[--s->depth];
	close_fd(&level->fd);
	buf_free(&level->dirs);
	select_leave(level->select);
}

/** Reopen the innermost level, going down from one that is open. Levels that cannot be found are dropped. */
static void find_again(struct state *s) {
	size_t i = s->depth - 1;
	while (s->levels[i].fd < 0) {
		--i;
	}
	while (++i < s->depth) {
		struct level *from = &s->levels[i - 1];
		const char *name = inside(from);
		if (!reopen(s, &s->levels[i], from->fd, name + 1, name[0] == DT_LNK)) {
			failed(s, -ESTALE);
			while (s->depth > i) {
				drop(s);
			}
			return;
		}
		close_above(s, i);
	}
}

/** Leave the innermost level, and reopen its parent if necessary. */
static void leave(struct state *s) {
	struct level *level = &s->levels[s->depth - 1];
	// ".." is another directory if a symbolic link was followed
	bool found = s->depth == 1 || level[-1].fd >= 0 || is_over(s) || reopen(s, &level[-1], level->fd, "..", false);
	drop(s);
	if (!found) {
		find_again(s);
	}
}

/** Whether the walk is inside INODE already and a symbolic link leads there again. */
static bool is_in(const struct state *s, struct inode inode) {
	for (size_t i = 0; i < s->depth; ++i) {
		if (inode_same(s->levels[i].inode, inode)) {
			return true;
		}
	}
	return false;
}

static void meet(struct state *s, int dir, const char *name, const struct stat *st) {
	if (!s->walk->meet(s->walk->arg, &(struct walk_found) {.dir = dir, .name = name, .st = st})) {
		s->ended = true;
	}
}

/** Whether an error means that there is no file, so that nothing is copied. */
static bool is_nothing(int err) {
	return err == ENOENT || err == ENOTDIR || err == ELOOP;
}

static bool is_link(int dir, const char *name) {
	struct stat st = {0};
	return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode);
}

/** The names in a level that --files-from lists; NULL for all. */
static const struct filelist *names_of(const struct level *level) {
	return level->select ? level->select->filelist : NULL;
}

/** Read the status of a name in a level. Returns whether this succeeded. */
static bool look_at(struct state *s, const struct level *level, const char *name, struct stat *st) {
	bool follow = s->opts->deref == DEREF_ALWAYS;
	if (fstatat(level->fd, name, st, follow ? 0 : AT_SYMLINK_NOFOLLOW) == 0) {
		return true;
	}
	int err = errno;
	// A listed name that is gone may have been moved to where the walk has been, so that is an error
	bool nothing = is_nothing(err) && (names_of(level) || (follow && is_link(level->fd, name)));
	if (!nothing) {
		failed(s, -err);
	}
	return false;
}

/** Note a subdirectory, to be entered after all names are read. */
static void add_directory(struct state *s, struct level *level, const char *name, unsigned char type) {
	buf_char(&level->dirs, (char)type);
	buf_add(&level->dirs, name, strlen(name) + 1);
	if (level->dirs.failed) {
		failed(s, -ENOMEM);
		level->dirs.len = level->next = 0;
	}
}

/** Handle a name of the innermost level; TYPE may be DT_UNKNOWN. */
static void take_name(struct state *s, const char *name, unsigned char type) {
	struct level *level = &s->levels[s->depth - 1];
	bool follow = s->opts->deref == DEREF_ALWAYS;
	struct stat st = {.st_mode = (mode_t)DTTOIF(type)};

	// Ask stat(2) about files: something else may be mounted over one, which its directory does not show
	bool known = type == DT_DIR || (type == DT_LNK && !follow);
	if (!known && !look_at(s, level, name, &st)) {
		return;
	}
	int chosen = level->select ? select_name(level->select, name, S_ISDIR(st.st_mode)) : 1;
	if (chosen < 0) {
		failed(s, chosen);
	} else if (chosen == 0 || (level->select && !select_size(s->opts->select, &st))) {
		return;
	} else if (S_ISDIR(st.st_mode)) {
		add_directory(s, level, name, type == DT_DIR || !follow ? DT_DIR : DT_LNK);
	} else {
		meet(s, level->fd, name, &st);
	}
}

/** Handle an entry of the innermost level. Returns whether the walk is over. */
static int take_entry(void *arg, const struct dirent64 *entry) {
	struct state *s = arg;
	if (!is_over(s)) {
		take_name(s, entry->d_name, entry->d_type);
	}
	return s->ended;
}

/** Look up the names of --files-from, instead of searching the directory for them. */
static void look_for(struct state *s, const struct filelist *names) {
	for (size_t i = 0; i < names->count && !is_over(s); ++i) {
		take_name(s, names->below[i].name, DT_UNKNOWN);
	}
}

static bool is_changed(int fd, const struct stat *before) {
	struct stat st = {0};
	return fstat(fd, &st) != 0 || !time_same(st.st_mtim, before->st_mtim) || !time_same(st.st_ctim, before->st_ctim);
}

/** Read the innermost level, which has just been opened. */
static void read_level(struct state *s, const struct stat *st) {
	struct level *level = &s->levels[s->depth - 1];
	const struct filelist *names = names_of(level);
	int ret = 0;
	if (names) {
		look_for(s, names);
	} else {
		ret = is_over(s) ? 0 : read_names(level->fd, take_entry, s);
	}
	if (level->select) {
		select_pause(level->select, level->dirs.len > 0);
	}
	// A file renamed during the reading may have been missed under both names
	if (ret >= 0 && !names && (s->walk->flags & WALK_ALL) && is_changed(level->fd, st)) {
		ret = -ESTALE;
	}
	if (ret < 0) {
		failed(s, ret);
	}
}

/** Load the rules that select names of a directory. Returns false if memory ran out. */
static bool choose(struct state *s, struct level *level, const char *name) {
	const struct select *select = s->opts->select;
	int fd = s->walk->flags & WALK_ALL ? -1 : level->fd;
	if (select) {
		level->select = s->depth == 0 ? select_begin(select, name, fd) : select_enter(level[-1].select, name, fd);
	}
	return !select || level->select;
}

/** Enter a directory that has just been opened; takes over its descriptor. */
static void enter(struct state *s, int fd, const char *name, const struct stat *st) {
	if (array_reserve(s->levels, s->depth, s->size) < 0) {
		close_fd(&fd);
		failed(s, -ENOMEM);
		return;
	}
	struct level *level = &s->levels[s->depth];
	*level = (struct level) {.fd = fd, .inode = inode_of(st)};
	if (!choose(s, level, name)) {
		close_fd(&level->fd);
		failed(s, -ENOMEM);
		return;
	}
	close_above(s, s->depth);
	++s->depth;
	if (s->walk->flags & WALK_DIRECTORIES) {
		meet(s, fd, ".", st);
	}
	read_level(s, st);
}

/** Enter the next subdirectory of the innermost level. */
static void enter_next(struct state *s) {
	struct level *level = &s->levels[s->depth - 1];
	level->inside = level->next;
	const char *name = inside(level);
	bool follow = name[0] == DT_LNK;
	struct stat st = {0};

	level->next += strlen(name) + 1;
	int fd = open_directory(s, level->fd, name + 1, follow, &st);
	if (fd < 0) {
		failed(s, fd);
	} else if (((s->opts->flags & OPT_ONE_FILE_SYSTEM) && st.st_dev != level->inode.dev)
		|| (follow && is_in(s, inode_of(&st))))
	{
		close_fd(&fd);
	} else {
		enter(s, fd, name + 1, &st);
	}
}

/** Look at the operand, and enter it if it is a directory. */
static void begin(struct state *s, const char *operand) {
	const struct select *select = s->opts->select;
	bool follow = s->opts->deref != DEREF_NEVER;
	struct stat st = {0};
	if (fstatat(AT_FDCWD, operand, &st, follow ? 0 : AT_SYMLINK_NOFOLLOW) != 0) {
		if (!is_nothing(errno)) {
			failed(s, -errno);
		}
		return;
	}
	int chosen = select ? select_operand(select, operand, &st) : 1;
	if (chosen < 0) {
		failed(s, chosen);
	} else if (chosen == 0) {
		return;
	} else if (!S_ISDIR(st.st_mode)) {
		meet(s, AT_FDCWD, operand, &st);
	} else if (enters(s->opts)) {
		int fd = open_directory(s, AT_FDCWD, operand, follow, &st);
		if (fd < 0) {
			failed(s, fd);
		} else {
			enter(s, fd, operand, &st);
		}
	}
}

int walk_operand(const struct walk *walk, const char *operand) {
	const struct opts *opts = walk->opts;
	struct state s = {.walk = walk,
		.opts = opts,
		.keep = max(min(walk->limits->max_trees / OPEN_SHARE, (unsigned)MOST_OPEN), 1u)};
	begin(&s, operand);
	while (s.depth > 0) {
		struct level *level = &s.levels[s.depth - 1];
		if (!is_over(&s) && level->next < level->dirs.len) {
			enter_next(&s);
		} else {
			leave(&s);
		}
	}
	free(s.levels);
	return s.err;
}
