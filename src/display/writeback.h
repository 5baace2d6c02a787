// SPDX-License-Identifier: MIT
/**
 * Tracks how much of the copies is on the medium, and not only in memory (--progress=synced).
 *
 * A thread syncs the file systems written to, again and again. Data written before a sync began is on the medium after
 * it, or an error is reported; on file systems that report no errors (flush_reports()) each file must be flushed on its
 * own, too. To keep each sync short, writing is limited to what the medium accepts in a second or two.
 */

#ifndef UCP_WRITEBACK_H
#define UCP_WRITEBACK_H

#include "display/progress.h"

#include <sys/types.h>

struct throttle;

/**
 * Most file systems and block devices that are synced individually. With more, sync(2) syncs all of the machine, and
 * reports no errors.
 */
#define WRITEBACK_SYSTEMS 16

/** State of the thread and of the media. */
struct writeback {
	/** The counts that are on the medium; guarded by lock. */
	struct counters synced;
	/** Syncs the file system of FD, like syncfs(2), or NULL. */
	int (*sync)(int fd);
	/** If it becomes true, no sync is waited for. */
	const atomic_bool *stop;
	struct throttle *throttle;
	/** The workers' counters, and how many workers there are. */
	const struct counters *counters;
	unsigned count;

	/** Guards the following members. */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	/** The file systems and block devices written to, each with a descriptor of a file on it. */
	struct {
		dev_t dev;
		int fd;
		/** The block device itself was written to. */
		bool raw;
	} systems[WRITEBACK_SYSTEMS];
	unsigned system_count;
	/** Whether there are others, which are not in systems. */
	bool others;
	/** finishing: no more will be written; finished: all is on the medium, or syncing has failed or been stopped. */
	bool finishing;
	bool finished;
	/** The first error of syncing, as -errno. */
	int err;
	pthread_t thread;
	bool started;
};

/** Set up WRITEBACK. SYNC is NULL for syncfs(2), in a process that is left behind when STOP is set. */
void writeback_init(struct writeback *writeback, struct throttle *throttle, const atomic_bool *stop,
	int (*sync)(int fd));

/** Start the thread, for the counters of COUNT workers. Returns 0 or -errno. */
int writeback_start(struct writeback *writeback, const struct counters *counters, unsigned count);

/** Track the file system, or the block device, of FD; call this before writing there. */
void writeback_track(struct writeback *writeback, int fd);

/** Set SUM to the counts on the medium; without a thread, to what is done. */
void writeback_synced(struct writeback *writeback, struct counters *sum);

/**
 * Announce that no more is written. Returns whether all is on the medium, or never will be; if not, call this again.
 */
bool writeback_finish(struct writeback *writeback);

/** At the end: sync everything here if there is no thread. */
void writeback_catch_up(struct writeback *writeback);

/** Stop the thread and free. Returns the first error of syncing as -errno, or 0. */
int writeback_stop(struct writeback *writeback);

#endif // UCP_WRITEBACK_H
