/**
 * Which of the things that the operands lead to are copied.
 *
 * Patterns see a path that begins with the last component of the operand, or with all of the operand where its whole name
 * is copied. An operand that ends in "." or "..", or is "/", adds nothing to it, and neither does one of which only a
 * list of names is copied.
 */

#ifndef UCP_SELECT_H
#define UCP_SELECT_H

#include "base/buf.h"
#include "filter/filelist.h"
#include "filter/rules.h"

struct stat;

/** What the user chose. Const after parsing. */
struct select {
	/** --exclude and its like, in the order given. */
	struct filter filter;
	/** Regular files of other sizes are left out. */
	uint64_t min_size;
	uint64_t max_size;
	/** What of the one source is copied (--files-from); NULL: all. */
	struct filelist *filelist;
	/** Whether what git ignores is left out, unless a pattern includes it. */
	bool gitignore;
	/** Whether operands keep their whole name (--parents). */
	bool whole_names;
};

/** The most bytes of a .gitignore: git passes over larger ones, too. */
#define SELECT_IGNORE_MOST (100u << 20)

/** A directory of a source, as far as choosing is concerned. */
struct select_dir {
	const struct select *select;
	/** The directory it is in, or NULL if it is an operand. */
	struct select_dir *parent;
	/** What of it is copied, of names that nobody left out; NULL: all. */
	const struct filelist *filelist;
	/** What it adds to the path: its name, of an operand all of it, or "". */
	char *name;
	/** Bytes of its path with a slash behind it, if it is not empty. */
	size_t path_len;
	/** While names are chosen: its path, to which each is appended for a moment. */
	struct buf path;
	/** What its .gitignore says of names in it and below. */
	struct filter ignore;
	/** The nearest directory above it in the same repository in which something is ignored, or NULL. */
	struct select_dir *above;
	/** Itself, if something is ignored in it, or that one. */
	struct select_dir *ignoring;
	/** Patterns in it and in all those. */
	size_t patterns;
	/** It has a .gitignore that is larger than SELECT_IGNORE_MOST, or with which there are more than FILTER_MOST patterns. */
	bool too_much;
	/** It is the repository itself (.git) or in it: nothing is ignored. */
	bool is_git;
};

/** Make what is chosen empty: everything is copied. NULL without memory. */
struct select *select_new(void);

/** Free it; NULL is fine. */
void select_free(struct select *select);

/** Whether an operand is copied. Returns 1, 0, or -ENOMEM. */
int select_operand(const struct select *select, const char *operand, const struct stat *st);

/** Enter an operand that is a directory, open as FD (or -1: it has no .gitignore). NULL without memory. */
struct select_dir *select_begin(const struct select *select, const char *operand, int fd);

/** Enter a subdirectory; PARENT must outlive it. NULL without memory. */
struct select_dir *select_enter(struct select_dir *parent, const char *name, int fd);

/**
 * Whether a name of a directory is copied. One thread at a time. Builds the path of the directory, unless that was done,
 * and keeps it until select_pause(), for the next name.
 *
 * @return 1, 0, or -ENOMEM.
 */
int select_name(struct select_dir *dir, const char *name, bool is_dir);

/**
 * Give back the memory that is as large as the path is long, once there is no name to be chosen for now: else a tree would
 * take memory by the square of its depth.
 */
void select_pause(struct select_dir *dir);

/** Whether a file is copied, as far as its size is concerned. */
bool select_size(const struct select *select, const struct stat *st);

/** Whether select_size() has to be asked at all. */
static inline bool select_has_sizes(const struct select *select) {
	return select->min_size > 0 || select->max_size < UINT64_MAX;
}

/** Leave a directory; NULL is fine. */
void select_leave(struct select_dir *dir);

#endif // UCP_SELECT_H
