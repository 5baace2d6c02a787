/**
 * What the parts of tree share; for the tree room only.
 */

#ifndef UCP_TREE_IMPL_H
#define UCP_TREE_IMPL_H

#include "tree/tree.h"

/** A directory's name for system calls: '' is the directory it is in. */
static inline const char *tree_or_dot(const char *name) {
	return name[0] ? name : ".";
}

/** Allocate a tree with one reference and closed descriptors; it refers to its parent. NULL without memory. */
struct tree *tree_new(struct trees *trees, struct tree *parent, const char *src_name, const char *dst_name);

/** Count a tree whose descriptors were just opened, pinned once. */
void tree_opened(struct tree *tree);

/** Close a tree's descriptors unless it is pinned. */
void tree_shut(struct tree *tree);

/** As tree_pin(), for the parent of a CHILD that is pinned (or NULL). */
int tree_pin_through(struct tree *tree, const struct tree *child);

/** With trees::flush, choose how a tree is flushed; its destination has just been opened. */
void tree_choose_flush(struct tree *tree);

/** Everything in a tree, which is pinned, is done: flush its directory where that is to be on its own. */
void tree_flush(struct tree *tree);

/**
 * Whether the source is what this run made, seen through another file system (overlayfs, FUSE, NFS): what then is copied
 * becomes part of the source, without end. Sets tree::changed.
 */
bool tree_meets_copy(struct tree *tree);

/**
 * Whether the source, which a symbolic link or a mount leads to itself, is in a directory that this run made. A source in
 * which such a directory is, is none: that is met on the way down.
 */
bool tree_leads_into_made(const struct tree *tree);

/** Whether a directory is one of trees::made. */
bool tree_is_made(struct trees *trees, struct inode inode);

/**
 * Find out whether a tree's destination, which is open and was there before, may be a source under another name
 * (TREE_ELSEWHERE, TREE_IN_SOURCE), and if it is reached elsewhere, refuse to copy into what is to be copied itself.
 *
 * @param mount  Whether it is where something is mounted.
 */
struct error tree_spare_source(struct tree *tree, bool mount);

/**
 * As if making a tree's destination (--dry-run).
 *
 * @param gone  What stands there would be out of the way.
 * @return 0 or -errno: -EEXIST if something stands there.
 */
int tree_simulate_make(struct tree *tree, const char *name, bool gone);

/** Whether a copy would be made in a source directory that is to be copied itself (--dry-run). */
bool tree_would_meet_itself(struct tree *tree);

/** A descriptor for a destination that is not there. Returns it or -errno. */
int tree_open_absent(void);

#endif // UCP_TREE_IMPL_H
