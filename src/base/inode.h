// SPDX-License-Identifier: MIT
/**
 * Sets and lists of inodes: files identified by (device, inode number), never by name.
 */

#ifndef UCP_INODE_H
#define UCP_INODE_H

#include <sys/stat.h>

/** Identifies a file while it exists. */
struct inode {
	dev_t dev;
	ino_t ino;
};

/** A set of inodes. Zero-initialise. Not locked. */
struct inode_set {
	/** The root of a tsearch(3) tree. */
	void *root;
};

/** Many inodes in little memory: first add all, then sort, then ask. Zero-initialise. Not locked. */
struct inode_list {
	struct inode *items;
	size_t count;
	size_t size;
};

/** The inode of a stat buffer. */
static inline struct inode inode_of(const struct stat *st) {
	return (struct inode) {.dev = st->st_dev, .ino = st->st_ino};
}

/** Whether two inodes are the same. */
static inline bool inode_same(struct inode a, struct inode b) {
	return a.ino == b.ino && a.dev == b.dev;
}

/** Add an inode. Returns 1 if it is new, 0 if it was in the set, or -ENOMEM. */
int inode_set_add(struct inode_set *set, struct inode inode);

/** Add an inode that is the first member of a larger structure from malloc(3). Returns 0 or -ENOMEM. */
int inode_set_insert(struct inode_set *set, struct inode *item);

/** Find the item of an inode, or NULL. */
void *inode_set_find(const struct inode_set *set, struct inode inode);

/** Remove an item from the set without freeing it. */
void inode_set_remove(struct inode_set *set, const struct inode *item);

/** Whether an inode is in the set. */
bool inode_set_has(const struct inode_set *set, struct inode inode);

/** Empty the set, and free each item with RELEASE. */
void inode_set_clear(struct inode_set *set, void (*release)(void *item));

/** Add an inode, which may be in the list already. Returns 0 or -ENOMEM. */
int inode_list_add(struct inode_list *list, struct inode inode);

/** Prepare the list for inode_list_has(), after all inodes were added. */
void inode_list_sort(struct inode_list *list);

/** Whether an inode is in a sorted list. */
bool inode_list_has(const struct inode_list *list, struct inode inode);

/** Free the inodes and make the list empty. */
void inode_list_free(struct inode_list *list);

#endif // UCP_INODE_H
