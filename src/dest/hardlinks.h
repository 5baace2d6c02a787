// SPDX-License-Identifier: MIT
/**
 * Files with several names: which name was copied first, so that the others become links to that copy.
 *
 * While the first name is being copied the others wait: its copy may still fail and be removed.
 */

#ifndef UCP_HARDLINKS_H
#define UCP_HARDLINKS_H

#include "base/inode.h"
#include "base/list.h"
#include "base/thread.h"

struct dest_found;
struct entry;
struct tree;

/** Kind of work that is tried for the last time. */
enum try_what {
	TRY_FILE,
	TRY_DIRECTORY,
	/** A partial file that is kept: comes after all others, since it would take their space. */
	TRY_PART,
};

/** A name at which a file was met. */
struct link_name {
	/** Link in link::waiting. */
	struct list node;
	/** Kept (tree_keep()) after the copy; referenced (tree_ref()) while the name waits. */
	struct tree *tree;
	/** The names in the source and in the destination. */
	char *src_name;
	char *dst_name;
	/** Whether the user has agreed to replacing the destination (-i). */
	bool agreed;
	/** Whether the line of --verbose was printed for the name. */
	bool said;
	/** The backup of the destination of a name that waits, or NULL. */
	char *backup;
	/** last_try: the copy found no space once and is tried for the last time; what: enum try_what. */
	bool last_try;
	unsigned char what;
	/** After the copy: its inode, and whether an error was reported for it, such as an attribute that was refused. */
	struct inode copy;
	bool flawed;
};

/** A file with several names. */
struct link {
	struct inode inode;
	/** Where the file was copied to; tree is NULL during the copy. */
	struct link_name first;
	/** Names met during the copy, of struct link_name. */
	struct list waiting;
	/** With OPT_MOVE: whether the file was copied without any error, and its size and times before. */
	bool copied;
	off_t size;
	struct timespec mtime;
	struct timespec ctime;
};

/** All files with several names. */
struct hardlinks {
	pthread_mutex_t lock;
	/** The files, of struct link. */
	struct inode_set set;
	/** The copies to which further names are linked, of struct inode. */
	struct inode_set copies;
	/** Memory ran out while a copy was recorded in copies. */
	bool copies_unknown;
};

/** What to do with a name. */
enum link_verdict {
	/** Copy the file, then call hardlinks_done() or hardlinks_failed(). */
	LINK_COPY,
	/** Link to the stored name. */
	LINK_TO,
	/** Do nothing: the name waits, and hardlinks_done() or hardlinks_failed() returns it. */
	LINK_WAIT,
	/** Memory ran out. */
	LINK_NO_MEMORY,
};

/** Set up HARDLINKS. */
void hardlinks_init(struct hardlinks *hardlinks);

/** Free all records. */
void hardlinks_destroy(struct hardlinks *hardlinks);

/**
 * Handle a name of a file with several names.
 *
 * @param found  How the destination was judged, or NULL: if the name waits, it keeps the answer and the backup.
 * @param link   Set for LINK_COPY: pass it to hardlinks_done() or hardlinks_failed().
 * @param to     Set for LINK_TO: the first copy; valid until hardlinks_destroy().
 */
enum link_verdict hardlinks_enter(struct hardlinks *hardlinks, struct inode inode, struct tree *tree,
	const struct entry *entry, const struct dest_found *found, struct link **link, const struct link_name **to);

/** With OPT_MOVE, note the source of a first name that was copied without any error, before hardlinks_done(). */
void link_copied(struct link *link, const struct stat *src);

/**
 * With OPT_MOVE: whether TO, from hardlinks_done() or hardlinks_enter(), names a copy of SRC, and SRC has not changed
 * since.
 */
bool link_is_copy_of(const struct link_name *to, const struct stat *src);

/**
 * Record that the first name was copied.
 *
 * @param copy     The inode of the copy.
 * @param waiting  An empty list; receives the waiting struct link_name: link each, then link_name_free().
 * @return The name to link them to.
 */
const struct link_name *hardlinks_done(struct hardlinks *hardlinks, struct link *link, struct tree *tree,
	struct inode copy, struct list *waiting);

/**
 * Whether a file is, or may be, a copy to which other names are or will be linked: nothing else may be written into it.
 */
bool hardlinks_is_copy(struct hardlinks *hardlinks, struct inode inode);

/** Record that the first name was not copied: the waiting names, moved to WAITING, must be entered again. */
void hardlinks_failed(struct hardlinks *hardlinks, struct link *link, struct list *waiting);

/** Allocate a name in TREE, with a reference to TREE; NULL without memory. */
struct link_name *link_name_new(struct tree *tree, const struct entry *entry);

/** Free a name and its reference to its tree. */
void link_name_free(struct link_name *name);

#endif // UCP_HARDLINKS_H
