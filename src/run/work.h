// SPDX-License-Identifier: MIT
/**
 * Work that is left to do: big files that are open, batches of names, and trees with subdirectories to enter.
 *
 * Pushing never waits. Workers wait only to take work, and only while others may still push.
 */

#ifndef UCP_WORK_H
#define UCP_WORK_H

#include "base/list.h"
#include "base/thread.h"
#include "tree/listing.h"

struct file;
struct link_name;
struct tree;

/** Some names of one tree, to be copied by one worker. */
struct batch {
	/** In a list of work. */
	struct list node;
	/** Holds a reference. */
	struct tree *tree;
	/** A part of the tree's listing. */
	const struct listed *listed;
	size_t count;
};

/** What is left to do. */
struct work {
	pthread_mutex_t lock;
	pthread_cond_t cond;
	/** Shared files, struct file, oldest first. */
	struct list files;
	/** struct batch, newest first. */
	struct list batches;
	unsigned batch_count;
	/** struct tree with subdirectories left, newest first. */
	struct list trees;
	/** struct batch, each taken only when everything before it is done. */
	struct list deferred;
	/** struct link_name, each taken only when everything else is done. */
	struct list last;
	/** Workers that are working, and so may push. */
	unsigned busy;
	/** Workers that wait for work. */
	unsigned waiting;
	/** Most workers that may be busy. */
	unsigned limit;
	/** No work is handed out any more. */
	bool cancelled;
};

/** Kinds of work. */
enum work_kind {
	/** No work now or, after waiting, no more work at all. */
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

/** A piece of work that was taken. */
struct work_item {
	enum work_kind kind;
	/** WORK_FILE: the file, with a reference. */
	struct file *file;
	/** WORK_BATCH: to be freed with batch_free(). */
	struct batch *batch;
	/** WORK_NAME: the name, which the taker owns. */
	struct link_name *name;
	/** WORK_TREE: the tree, with a reference, and the subdirectory. */
	struct tree *tree;
	struct entry entry;
};

/** Most batches kept; a worker that has more copies them itself. */
#define WORK_BATCHES 1024

/** Set up. */
void work_init(struct work *work);

/** Free work that was never taken. */
void work_destroy(struct work *work);

/** Offer a file's ranges to all workers. Takes a reference until work_unshare(). */
void work_share(struct work *work, struct file *file);

/** Withdraw a file that has no ranges left. Returns whether the caller has to drop the reference of work_share(). */
bool work_unshare(struct work *work, struct file *file);

/** Make a batch, which takes a reference to the tree. Returns NULL without memory. */
struct batch *batch_new(struct tree *tree, const struct listed *listed, size_t count);

/** Free a batch, and drop its reference. */
void batch_free(struct batch *batch);

/** Push a batch. Returns false if there are too many: then it remains the caller's. */
bool work_push(struct work *work, struct batch *batch);

/** Push a batch to be taken when everything pushed before, and all work that came from it, is done. */
void work_push_later(struct work *work, struct batch *batch);

/**
 * Push NAMES (struct link_name), to be taken one by one when everything else is done, TRY_PART last. Takes over all.
 */
void work_push_last(struct work *work, struct list *names);

/** Push a tree that has subdirectories to enter. Takes a reference. */
void work_push_tree(struct work *work, struct tree *tree);

/**
 * Take the next piece of work: a shared file, else a batch, else a subdirectory, else what has to wait for all these.
 *
 * @param wait  Sleep until there is work for one more worker, or none will come. The caller has nothing else to do.
 */
struct work_item work_take(struct work *work, bool wait);

/** Announce COUNT more workers. */
void work_join(struct work *work, unsigned count);

/** Withdraw COUNT announced workers, which take nothing any more. */
void work_leave(struct work *work, unsigned count);

/** Let at most LIMIT workers be busy, once the others are done with what they took; initially UINT_MAX. */
void work_limit(struct work *work, unsigned limit);

/** The work that one more worker could take now: names rather than shared files, or WORK_NONE. */
enum work_kind work_pending(struct work *work);

/** Hand out no more work, and wake all workers that wait. */
void work_cancel(struct work *work);

#endif // UCP_WORK_H
