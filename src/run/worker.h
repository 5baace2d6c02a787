/**
 * The thread that copies: take work, fill chunks, wait, step, finish.
 */

#ifndef UCP_WORKER_H
#define UCP_WORKER_H

#include "copy/file.h"
#include "display/progress.h"
#include "engine/ring.h"

struct work;

/** A worker, as the coordinator sees it. */
struct worker {
	const struct opts *opts;
	struct report *report;
	struct work *work;
	struct files *files;
	struct counters *counters;
	/** Which one, from 0. */
	unsigned index;
	/** Whether there are others. */
	bool alone;
	/** Bytes of a chunk, and the most it keeps in flight: chunks, and their bytes, if it is not one chunk. */
	size_t chunk_size;
	unsigned depth;
	size_t window;

	pthread_t thread;
	/** Set once the thread has nothing left to do. */
	atomic_bool done;
	/** Whom to send WAKE_SIGNAL then. */
	pthread_t coordinator;

	/** What its ring did and was made of; to be read when it is done. */
	struct ring_stats stats;
	const char *engine;
	char engine_details[160];
};

/** Tells the coordinator that a worker is done or has shared work, and makes a worker's blocking call return with EINTR. */
#define WAKE_SIGNAL SIGRTMIN

/** Run a worker to its end; the argument is a struct worker. Returns NULL. */
void *worker_run(void *arg);

#endif // UCP_WORKER_H
