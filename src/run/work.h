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
#include "run/head.h"
#include "tree/listing.h"

struct file;
struct link_name;
struct tree;

/** A name of a tree, and where its data begins. */
struct spot {
	/** Bytes from the beginning of the medium, or 0. */
	uint64_t place;
	/** Holds a reference; NULL once the name was begun. */
	struct tree *tree;
	/** In the tree's listing. */
	const struct listed *listed;
};

/** Some names of one tree, to be copied by one worker; or, with SPOTS, of many. */
struct batch {
	/** In a list of work. */
	struct list node;
	/** Holds a reference; NULL with SPOTS. */
	struct tree *tree;
	/** A part of the tree's listing. */
	const struct listed *listed;
	/** The names of a sweep in the order of their places, or NULL. */
	struct spot *spots;
	size_t count;
};

/** What the workers find out about the medium of the sources, for head_choose(). */
struct findings {
	/** enum head_way; changed only by the coordinator. */
	atomic_uint way;
	/** Whether the sources may be on a medium with a head: then the rest is counted. Const once workers run. */
	bool counted;
	/** First reads that were timed in this trial, and the nanoseconds they took. */
	atomic_uint probes;
	_Atomic uint64_t waited;
	/** As head_facts::warm. */
	atomic_uint warm;
	/** Bytes claimed that were not in the page cache, and WORK_UNIT for each claim. */
	_Atomic uint64_t cold;
};

/** What is left to do. */
struct work {
	/** Apart from the rest, which changes all the time. */
	_Alignas(64) struct findings findings;
	pthread_mutex_t lock;
	pthread_cond_t cond;
	/** Shared files, struct file, oldest first. */
	struct list files;
	/** struct batch, newest first. */
	struct list batches;
	unsigned batch_count;
	/** struct tree with subdirectories left, newest first. */
	struct list trees;
	/** Names for the next sweep. */
	struct spot *spots;
	size_t spot_count;
	size_t spot_size;
	/** The sweep that a worker is at, if SWEEPING; it gets all of its names then. */
	struct batch sweep;
	bool sweeping;
	/** How often in a row work_urge() found as many names as the last time, and how many there were. */
	unsigned idle;
	size_t urged;
	/** struct batch, each taken only when everything before it is done. */
	struct list deferred;
	/** struct link_name, each taken only when everything else is done. */
	struct list last;
	/** Workers that are working, and so may push. */
	unsigned busy;
	/** Workers that wait for work. */
	unsigned waiting;
	/** Most workers that may be busy; changed with the lock held. */
	atomic_uint limit;
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
	/** Copy the names of a sweep, while others get no work. */
	WORK_SWEEP,
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
	/** WORK_BATCH: to be freed with batch_free(). WORK_SWEEP: to be ended with work_swept(). */
	struct batch *batch;
	/** WORK_NAME: the name, which the taker owns. */
	struct link_name *name;
	/** WORK_TREE: the tree, with a reference, and the subdirectory. */
	struct tree *tree;
	struct entry entry;
};

/** Bytes that count as much work as a file. */
#define WORK_UNIT 65536u

/** Most batches kept; a worker that has more copies them itself. */
#define WORK_BATCHES 1024

/** Names from which on a sweep waits for no more: the more there are, the less the head moves. One takes 24 bytes. */
#define WORK_SPOTS 16384

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

/** Push a name for the next sweep, which takes a reference to the tree. Returns whether there was memory for it. */
bool work_put(struct work *work, struct spot spot);

/** End a sweep, and free it; names that were not begun count as failed. */
void work_swept(struct work *work);

/** To be called now and then: let a sweep begin if no name was added for long, whatever other workers wait for. */
void work_urge(struct work *work);

/** Push a tree that has subdirectories to enter. Takes a reference. */
void work_push_tree(struct work *work, struct tree *tree);

/** Switches of work_take(). */
enum work_take_flags {
	/** Sleep until there is work for one more worker, or none will come. The caller has nothing else to do. */
	WORK_WAIT = 1 << 0,
	/** The caller keeps little in flight, so it leaves sweeps to others, unless these have something else to do. */
	WORK_NARROW = 1 << 1,
};

/**
 * Take the next piece of work: a shared file, else a batch, else a subdirectory, else what has to wait for all these. A
 * sweep begins when nothing is left to be put into it, or when it has enough names.
 *
 * @param flags  enum work_take_flags.
 */
struct work_item work_take(struct work *work, unsigned flags);

/** Announce COUNT more workers. */
void work_join(struct work *work, unsigned count);

/** Withdraw COUNT announced workers, which take nothing any more. */
void work_leave(struct work *work, unsigned count);

/** Let at most LIMIT workers be busy, once the others are done with what they took; initially UINT_MAX. */
void work_limit(struct work *work, unsigned limit);

/** Whether the worker INDEX, from 0, is to leave its work to others: more are busy than work_limit() allows. */
bool work_is_surplus(struct work *work, unsigned index);

/** The work that one more worker could take now: names rather than shared files, or WORK_NONE. */
enum work_kind work_pending(struct work *work);

/** Hand out no more work, and wake all workers that wait. */
void work_cancel(struct work *work);

#endif // UCP_WORK_H
