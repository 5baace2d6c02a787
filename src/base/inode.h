/**
 * Sets and lists of inodes: files told apart by (device, inode number), never by name.
 */

#ifndef UCP_INODE_H
#define UCP_INODE_H

#include <sys/stat.h>

/** What identifies a file while it exists. */
struct inode {
	dev_t dev;
	ino_t ino;
};

/** A set of inodes. Zero-initialise. Not locked. */
struct inode_set {
	/** The root of a tsearch(3) tree. */
	void *root;
};

/** Many inodes in little memory: first all are added, then asked for. Zero-initialise. Not locked. */
struct inode_list {
	struct inode *items;
	size_t count;
	size_t size;
};

/** The inode a stat buffer is about. */
static inline struct inode inode_of(const struct stat *st) {
	return (struct inode) {.dev = st->st_dev, .ino = st->st_ino};
}

/** Whether two are the same. */
static inline bool inode_same(struct inode a, struct inode b) {
	return a.ino == b.ino && a.dev == b.dev;
}

/** Add an inode. Returns 1 if it is new, 0 if it was there, -ENOMEM. */
int inode_set_add(struct inode_set *set, struct inode inode);

/** Add an inode that is the first member of something larger, allocated with malloc(). Returns 0 or -ENOMEM. */
int inode_set_insert(struct inode_set *set, struct inode *item);

/** Find what was added or inserted, or NULL. */
void *inode_set_find(const struct inode_set *set, struct inode inode);

/** Take something out without freeing it. */
void inode_set_remove(struct inode_set *set, const struct inode *item);

/** Whether an inode is in the set. */
bool inode_set_has(const struct inode_set *set, struct inode inode);

/** Empty the set, freeing each item with RELEASE. */
void inode_set_clear(struct inode_set *set, void (*release)(void *item));

/** Add an inode, which may be there already. Returns 0 or -ENOMEM. */
int inode_list_add(struct inode_list *list, struct inode inode);

/** All are added: prepare for inode_list_has(). */
void inode_list_sort(struct inode_list *list);

/** Whether an inode is in a sorted list. */
bool inode_list_has(const struct inode_list *list, struct inode inode);

/** Free the inodes and make the list empty. */
void inode_list_free(struct inode_list *list);

#endif // UCP_INODE_H
