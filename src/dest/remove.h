// SPDX-License-Identifier: MIT
/**
 * Removing names that only the destination has (--delete).
 *
 * A directory is emptied depth first. Its descriptor is opened without following a link, and compared with the status
 * seen before. Not removed are mount points, names that the user left out of the copy, files that this or another ucp
 * needs, and directories on the way to a source.
 */

#ifndef UCP_REMOVE_H
#define UCP_REMOVE_H

#include "dest/dest.h"

struct select_dir;

/** How dest_remove() works. */
enum dest_remove {
	/** Remove, and report that; with --dry-run only report. */
	DEST_REMOVE,
	/** Only count the names that would be removed. */
	DEST_REMOVE_COUNT,
};

/** Result of dest_remove(). */
enum dest_removed {
	/** The name is removed, or would be. */
	DEST_REMOVED,
	/** The name is protected, or a directory with a protected name in it. */
	DEST_REMOVE_STAYS,
	/** The name, or one in it, could not be removed; this was reported. */
	DEST_REMOVE_FAILED,
};

/**
 * Remove a name in a tree's destination with everything in it. Only one thread at a time may do this in a tree.
 *
 * @param tree   Must be pinned.
 * @param count  Increased by the number of names that were removed, or would be.
 */
enum dest_removed dest_remove(struct dest *dest, const struct tree *tree, const char *name, enum dest_remove what,
	uint64_t *count);

/**
 * Whether a name that only the destination has is kept: the user left it out of the copy, or it is a backup, a journal
 * or a file that this run needs.
 *
 * @param select  The selection of its directory; NULL if everything is selected.
 * @param st      Its status, links not followed.
 */
bool dest_is_protected(struct dest *dest, struct select_dir *select, const char *name, const struct stat *st);

/**
 * Record the files that must never be removed: the directories on the way to the sources, and files that this run
 * writes.
 */
void dest_protect(struct dest *dest);

/**
 * As trees::surplus: remove the names that the source of a complete directory does not have, if nothing in it or below
 * failed.
 */
void dest_remove_surplus(struct dest *dest, struct tree *tree);

/**
 * With OPT_MAX_DELETE, count the names that will be removed from a listed directory, and hold the directory until
 * dest_release_surplus(). TREE must be pinned and not shared with other threads yet.
 */
void dest_count_surplus(struct dest *dest, struct tree *tree);

/** After all other work: remove the names counted by dest_count_surplus(), or report that they are too many. */
void dest_release_surplus(struct dest *dest);

/** Whether more names would be removed than opts::max_delete allows. */
bool dest_has_too_much(const struct dest *dest);

/** Check that the operands make sense with --delete. Returns whether they do; if not, this is reported. */
bool dest_may_delete(struct dest *dest);

#endif // UCP_REMOVE_H
