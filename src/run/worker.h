// SPDX-License-Identifier: MIT
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
	/** Its number, from 0. */
	unsigned index;
	/** Whether there can be no other worker. */
	bool alone;
	/** Whether it keeps little in flight. */
	bool narrow;
	/** Bytes of a chunk; most chunks in flight; most bytes in flight, if more than one chunk is. */
	size_t chunk_size;
	unsigned depth;
	size_t window;

	pthread_t thread;
	/** Set once the thread has nothing left to do. */
	atomic_bool done;
	/** The thread that gets WAKE_SIGNAL then. */
	pthread_t coordinator;

	/** What its ring did and what kind it was; valid once DONE is set. */
	struct ring_stats stats;
	const char *engine;
	char engine_details[160];
};

/** Sent to the coordinator when a worker is done or has shared work, and to a worker to interrupt a blocking call. */
#define WAKE_SIGNAL SIGRTMIN

/** Run a worker to its end. ARG: its struct worker. Returns NULL. */
void *worker_run(void *arg);

#endif // UCP_WORKER_H
