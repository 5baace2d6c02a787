/**
 * Removing what only the destination has (--delete).
 *
 * A directory is emptied depth first, by descriptors that were opened without following a link and are compared with
 * what was looked at. Nothing is removed over a mount, nor what the user left out of the copy, nor what this or another
 * ucp needs, nor the way to a source.
 */

#ifndef UCP_REMOVE_H
#define UCP_REMOVE_H

#include "dest/dest.h"

struct select_dir;

/** What is done. */
enum dest_remove {
	/** Remove, and say so; with --dry-run say so only. */
	DEST_REMOVE,
	/** Count the names that would go. */
	DEST_REMOVE_COUNT,
};

/** What became of it. */
enum dest_removed {
	/** It is gone. */
	DEST_REMOVED,
	/** It is protected, or a directory with something that is. */
	DEST_REMOVE_STAYS,
	/** It, or something in it, could not be removed, which was reported. */
	DEST_REMOVE_FAILED,
};

/**
 * Remove a name in a tree's destination with everything in it. Only one thread at a time may do this in a tree.
 *
 * @param tree   Pinned.
 * @param count  Increased by the number of names that went, or would go.
 */
enum dest_removed dest_remove(struct dest *dest, const struct tree *tree, const char *name, enum dest_remove what,
	uint64_t *count);

/**
 * Whether something that only the destination has is kept: the user left it out of the copy, or it is a backup, a
 * journal or a file that this run writes.
 *
 * @param select  Of the directory that it is in; NULL if everything is chosen.
 * @param st      What it is, no link followed.
 */
bool dest_is_protected(struct dest *dest, struct select_dir *select, const char *name, const struct stat *st);

/** Find out what must not be removed whatever it is: the way to the sources, and files that this run writes. */
void dest_protect(struct dest *dest);

/**
 * As trees::surplus: everything in a directory is done. Remove what its source does not have, if nothing failed in it
 * or below.
 */
void dest_remove_surplus(struct dest *dest, struct tree *tree);

/**
 * With opts::max_delete, a directory was listed, which is pinned and that nobody else works with yet: count what is
 * going to be removed from it, and have it wait for dest_release_surplus().
 */
void dest_count_surplus(struct dest *dest, struct tree *tree);

/** Everything else is done: remove what dest_count_surplus() has counted, or report that it is too much. */
void dest_release_surplus(struct dest *dest);

/** Whether more is going to be removed than the user allows. */
bool dest_has_too_much(const struct dest *dest);

/** Complain about operands that --delete makes no sense with. Returns whether it does. */
bool dest_may_delete(struct dest *dest);

#endif // UCP_REMOVE_H
