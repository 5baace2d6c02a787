// SPDX-License-Identifier: MIT
/**
 * Selects which files below the operands are copied.
 *
 * Patterns are matched against paths that start with the last component of the operand, or with the whole operand if
 * its whole name is copied. An operand "/", or one that ends in "." or "..", adds nothing to the path; neither does one
 * of which only a list of names is copied.
 */

#ifndef UCP_SELECT_H
#define UCP_SELECT_H

#include "base/buf.h"
#include "base/inode.h"
#include "filter/filelist.h"
#include "filter/rules.h"

struct stat;

/** The user's selection. Const after parsing. */
struct select {
	/** --exclude and similar options, in their order. */
	struct filter filter;
	/** Limits on the size of regular files. */
	uint64_t min_size;
	uint64_t max_size;
	/** The names of the one source to copy (--files-from); NULL for all. */
	struct filelist *filelist;
	/** Whether names that git ignores are left out, unless a pattern includes them. */
	bool gitignore;
	/** Whether operands keep their whole name (--parents). */
	bool whole_names;
	/** The files from which patterns and names were read. */
	struct inode_set lists;
};

/** Most bytes of a .gitignore: git ignores larger ones, too. */
#define SELECT_IGNORE_MOST (100u << 20)

/** A directory of a source, as far as selection is concerned. */
struct select_dir {
	const struct select *select;
	/** The parent directory, or NULL for an operand. */
	struct select_dir *parent;
	/** The names in it to copy, unless something else excludes them; NULL for all. */
	const struct filelist *filelist;
	/** The directory's part of the path: its name; for an operand the part that patterns see, or "". */
	char *name;
	/** Length of the path, including a slash at its end if it is not empty. */
	size_t path_len;
	/**
	 * The path, to which select_name() appends each name for the match, without its first select_dir::cut bytes, which
	 * no pattern needs; empty after select_pause().
	 */
	struct buf path;
	size_t cut;
	/** The path after select_pause(), if patterns need all of it, until a subdirectory takes it over. */
	_Atomic(char *) kept;
	/** How many of the last components of a path all patterns together need, or FILTER_ALL. */
	unsigned components;
	/** The patterns of the directory's .gitignore. */
	struct filter ignore;
	/** The nearest parent in the same repository that has patterns, or NULL. */
	struct select_dir *above;
	/** This directory if it has patterns, else above. */
	struct select_dir *ignoring;
	/** Number of patterns in ignore and in all of above. */
	size_t patterns;
	/** The .gitignore is larger than SELECT_IGNORE_MOST, or the patterns would exceed FILTER_MOST. */
	bool too_much;
	/** This is a .git directory, or inside one: nothing is ignored. */
	bool is_git;
};

/** Make a selection of everything. NULL without memory. */
struct select *select_new(void);

/** Free a selection; NULL is ignored. */
void select_free(struct select *select);

/** Whether an operand is copied. Returns 1, 0, or -ENOMEM. */
int select_operand(const struct select *select, const char *operand, const struct stat *st);

/** Enter an operand that is a directory, open as FD (or -1: its .gitignore is not read). NULL without memory. */
struct select_dir *select_begin(const struct select *select, const char *operand, int fd);

/** Enter a subdirectory, FD as in select_begin(); PARENT must outlive it. NULL without memory. */
struct select_dir *select_enter(struct select_dir *parent, const char *name, int fd);

/**
 * Whether a name in a directory is copied. Only one thread may call this at a time. The first call builds the path of
 * the directory, which is kept until select_pause().
 *
 * @return 1, 0, or -ENOMEM.
 */
int select_name(struct select_dir *dir, const char *name, bool is_dir);

/**
 * Free the path of a directory when no name is to be tested for now: otherwise a tree would need memory proportional to
 * the square of its depth.
 *
 * @param below  Whether subdirectories will be entered: the first of them takes the path over, so that it is not built
 *               anew from the names of all its parents.
 */
void select_pause(struct select_dir *dir, bool below);

/** Whether a file's size is within the limits. */
bool select_size(const struct select *select, const struct stat *st);

/** Whether there are limits for select_size(). */
static inline bool select_has_sizes(const struct select *select) {
	return select->min_size > 0 || select->max_size < UINT64_MAX;
}

/** Free a directory; NULL is ignored. */
void select_leave(struct select_dir *dir);

#endif // UCP_SELECT_H
