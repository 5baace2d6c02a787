// SPDX-License-Identifier: MIT
/**
 * Declarations that the files of the tree room share.
 */

#ifndef UCP_TREE_IMPL_H
#define UCP_TREE_IMPL_H

#include "tree/tree.h"

/** A directory's name for system calls: an empty NAME means the parent itself. */
static inline const char *tree_or_dot(const char *name) {
	return name[0] ? name : ".";
}

/** Allocate a tree with one reference and closed descriptors; it holds a reference to PARENT. NULL without memory. */
struct tree *tree_new(struct trees *trees, struct tree *parent, const char *src_name, const char *dst_name);

/** Count TREE as open and pin it once; its descriptors have just been opened. */
void tree_opened(struct tree *tree);

/** As tree_pin(), for the parent of CHILD, which is pinned (or NULL). */
int tree_pin_through(struct tree *tree, const struct tree *child);

/** Choose how TREE is flushed if trees::flush is set; the destination has just been opened. */
void tree_choose_flush(struct tree *tree);

/** Flush the directory of TREE, which is pinned and complete, if TREE_FLUSH_EACH is set. Errors are reported. */
void tree_flush(struct tree *tree);

/**
 * Whether the source is a directory that this run made, seen through another file system (overlayfs, FUSE, NFS): each
 * copy would then add to the source, without end. Sets tree::changed.
 */
bool tree_meets_copy(struct tree *tree);

/**
 * Whether the source, to which a symbolic link or a mount leads directly, is inside a directory that this run made. A
 * source that contains such a directory does not count: the walk down meets that directory.
 */
bool tree_leads_into_made(const struct tree *tree);

/**
 * Find out whether a tree's destination, which is open and existed before, may be a source under another name (sets
 * TREE_ELSEWHERE, TREE_IN_SOURCE). Returns an error if TREE_ELSEWHERE is set and the destination is a source directory
 * itself.
 *
 * @param mount  Whether something is mounted at the destination.
 */
struct error tree_spare_source(struct tree *tree, bool mount);

/**
 * Act as if the destination of TREE were made (--dry-run).
 *
 * @param gone  Whether the existing file would be out of the way.
 * @return 0 or -errno: -EEXIST if something stands there.
 */
int tree_simulate_make(struct tree *tree, const char *name, bool gone);

/** Whether the copy would be made inside the source directory of TREE (--dry-run). */
bool tree_would_meet_itself(struct tree *tree);

/** Open a placeholder for a destination that does not exist. Returns a descriptor or -errno. */
int tree_open_absent(void);

#endif // UCP_TREE_IMPL_H
