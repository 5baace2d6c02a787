/**
 * What is left to do: big files somebody has opened, batches of names, and trees with subdirectories to enter.
 *
 * Nobody ever waits to push. Workers wait only to take, and only while others may still push.
 */

#ifndef UCP_WORK_H
#define UCP_WORK_H

#include "base/list.h"
#include "base/thread.h"

struct entry;
struct file;
struct link_name;
struct tree;

/** Some names of one tree, to be copied by one worker. */
struct batch {
	/** In work's list. */
	struct list node;
	/** Holds a reference. */
	struct tree *tree;
	/** A part of its listing. */
	struct entry *entries;
	size_t count;
};

/** What is left to do. */
struct work {
	pthread_mutex_t lock;
	pthread_cond_t cond;
	/** Of struct file, oldest first. */
	struct list files;
	/** Of struct batch, newest first. */
	struct list batches;
	unsigned batch_count;
	/** Of struct tree with subdirectories left, newest first. */
	struct list trees;
	/** Of struct batch: each only when all before it is done. */
	struct list deferred;
	/** Of struct link_name: each when all else is done. */
	struct list last;
	/** Workers that are doing something, and so may push. */
	unsigned busy;
	/** Workers that wait. */
	unsigned waiting;
	/** Most that may be busy. */
	unsigned limit;
	/** Nothing is handed out any more. */
	bool cancelled;
};

/** Kinds of work. */
enum work_kind {
	/** Nothing now, or, after having waited, nothing any more. */
	WORK_NONE,
	/** Claim ranges of a shared file. */
	WORK_FILE,
	/** Copy a batch of names. */
	WORK_BATCH,
	/** Enter a subdirectory of a tree. */
	WORK_TREE,
	/** Try a name for the last time. */
	WORK_NAME,
};

/** A piece of work taken. */
struct work_item {
	enum work_kind kind;
	/** WORK_FILE: with a reference. */
	struct file *file;
	/** WORK_BATCH: to be freed with batch_free(). */
	struct batch *batch;
	/** WORK_NAME: now the taker's. */
	struct link_name *name;
	/** WORK_TREE: with a reference, and the subdirectory. */
	struct tree *tree;
	const struct entry *entry;
};

/** Most batches kept; with more to do, who has them does them. */
#define WORK_BATCHES 1024

/** Set up. */
void work_init(struct work *work);

/** Free what was never taken. */
void work_destroy(struct work *work);

/** Offer a file's ranges. Takes a reference until work_unshare(). */
void work_share(struct work *work, struct file *file);

/** Withdraw a file that has no ranges left. Returns whether its reference is now the caller's to give back. */
bool work_unshare(struct work *work, struct file *file);

/** Make a batch; it takes a reference to the tree. NULL without memory. */
struct batch *batch_new(struct tree *tree, struct entry *entries, size_t count);

/** Free a batch with its reference. */
void batch_free(struct batch *batch);

/** Push a batch. Returns false if there are too many: it remains the caller's. */
bool work_push(struct work *work, struct batch *batch);

/** Push a batch to be taken when all that was pushed before, and all that came of it, is done. */
void work_push_later(struct work *work, struct batch *batch);

/** Push names, of struct link_name, to be taken one by one when everything else is done, TRY_PART last. Takes them all over. */
void work_push_last(struct work *work, struct list *names);

/** Push a tree that has subdirectories to be entered. Takes a reference. */
void work_push_tree(struct work *work, struct tree *tree);

/**
 * Take the next piece of work: a shared file, else a batch, else a subdirectory.
 *
 * @param wait  Sleep until there is some for one more worker, or there will be none any more. The caller has nothing else
 *              to do.
 */
struct work_item work_take(struct work *work, bool wait);

/** COUNT more workers are going to take. */
void work_join(struct work *work, unsigned count);

/** COUNT workers that were announced will never take. */
void work_leave(struct work *work, unsigned count);

/** Have at most LIMIT workers busy from when the others have done what they took; UINT_MAX at first. */
void work_limit(struct work *work, unsigned limit);

/** What one more worker could take now: names rather than shared files, or WORK_NONE. */
enum work_kind work_pending(struct work *work);

/** Hand nothing out any more, and wake all who wait. */
void work_cancel(struct work *work);

#endif // UCP_WORK_H
