// SPDX-License-Identifier: MIT
/**
 * Limits on the data moved, shared by all workers: bytes per second (--bwlimit), and bytes in total so far.
 */

#ifndef UCP_THROTTLE_H
#define UCP_THROTTLE_H

#include "base/thread.h"

#include <sys/stat.h>

/** A token bucket: bytes flow in at a rate, and are taken out. */
struct bucket {
	/** Bytes per second; 0: no limit. */
	uint64_t rate;
	/** Bytes available; negative if more were taken than available. */
	double level;
	/** The time of level. */
	double time;
};

/** A rate and a ceiling, which can change at any time. */
struct throttle {
	/** Whether there is any limit. */
	atomic_bool active;
	/** Guards the rest. */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct bucket bucket;
	/** Bytes taken so far, and the ceiling for them. */
	uint64_t taken;
	uint64_t ceiling;
	/** Waiting is over: throttle_wait() returns 0. */
	bool stopped;
};

/** A file that contains the rate. */
struct rate_file {
	const char *path;
	/** The file's status when it was last read. */
	struct stat st;
};

/** Change the rate at time T. Bytes owed are reduced to at most one portion. */
void bucket_set(struct bucket *bucket, uint64_t rate, double t);

/**
 * Take bytes from a bucket at time T. At most a portion is taken at once, the bytes of a sixteenth of a second, so that
 * data flows evenly.
 *
 * @param wait  Set to the seconds until bytes are available, if there are none.
 * @return How many of WANT bytes may be moved now; 0 if none.
 */
size_t bucket_take(struct bucket *bucket, size_t want, double t, double *wait);

/** Set up THROTTLE without a limit. */
void throttle_init(struct throttle *throttle);

/** Free THROTTLE. No thread may wait on it. */
void throttle_destroy(struct throttle *throttle);

/** Set the rate in bytes per second; 0: no limit. */
void throttle_set_rate(struct throttle *throttle, uint64_t rate);

/** Set the highest value that throttle_taken() may reach; callers wait at it. UINT64_MAX: no limit. */
void throttle_set_ceiling(struct throttle *throttle, uint64_t ceiling);

/** How many bytes were taken so far; counted only while there is a limit. */
uint64_t throttle_taken(struct throttle *throttle);

/** End all waiting: throttle_take() then returns 0 if there is a limit. */
void throttle_stop(struct throttle *throttle);

/** Whether there is a limit. */
static inline bool throttle_is_active(struct throttle *throttle) {
	return atomic_load_explicit(&throttle->active, memory_order_relaxed);
}

/** As throttle_take(), when there is a limit. */
size_t throttle_wait(struct throttle *throttle, size_t want);

/** Wait until some of WANT bytes may be moved. Returns how many; 0 only after throttle_stop(). */
static inline size_t throttle_take(struct throttle *throttle, size_t want) {
	return throttle_is_active(throttle) ? throttle_wait(throttle, want) : want;
}

/** Give back bytes that were taken but not moved. */
void throttle_give(struct throttle *throttle, size_t bytes);

/**
 * Read the rate from a file if the file has changed.
 *
 * @return 1 if *RATE was set, 0 if there is nothing new, -EINVAL if the content is no rate, or -errno.
 */
int rate_file_read(struct rate_file *file, uint64_t *rate);

#endif // UCP_THROTTLE_H
