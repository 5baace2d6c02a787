/**
 * A limit to how much is moved: bytes a second (--bwlimit), shared by all workers, and bytes in all so far.
 */

#ifndef UCP_THROTTLE_H
#define UCP_THROTTLE_H

#include "base/thread.h"

#include <sys/stat.h>

/** Where bytes drip into at a rate, and are taken from. */
struct bucket {
	/** Bytes a second; 0: as many as one likes. */
	uint64_t rate;
	/** Bytes that may be taken; negative where more were taken than there had been. */
	double level;
	/** When that was so. */
	double time;
};

/** A limit that can change at any time. */
struct throttle {
	/** Whether there is any. */
	atomic_bool active;
	/** Guards the rest. */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct bucket bucket;
	/** Bytes taken so far, and how many may be in all. */
	uint64_t taken;
	uint64_t ceiling;
	/** Nothing waits any more. */
	bool stopped;
};

/** A file that says the rate. */
struct rate_file {
	const char *path;
	/** What it was when it was read. */
	struct stat st;
};

/** Change the rate at a time. What was taken does not count any more, but for one portion. */
void bucket_set(struct bucket *bucket, uint64_t rate, double t);

/**
 * Take from a bucket at a time. A portion is what drips in a sixteenth of a second, so that it goes evenly.
 *
 * @param wait  Set to the seconds until there is something, if there is nothing.
 * @return How many of WANT bytes may be moved at once; 0 if there is nothing.
 */
size_t bucket_take(struct bucket *bucket, size_t want, double t, double *wait);

/** Set up without a limit. */
void throttle_init(struct throttle *throttle);

/** Free. Nobody may wait. */
void throttle_destroy(struct throttle *throttle);

/** Set the rate in bytes a second; 0: none. */
void throttle_set_rate(struct throttle *throttle, uint64_t rate);

/** Let so many bytes more be taken than were taken by now, or if those were taken at an earlier time (throttle_taken()). */
void throttle_set_ceiling(struct throttle *throttle, uint64_t ceiling);

/** How many bytes were taken so far; counted only while there is a limit. */
uint64_t throttle_taken(struct throttle *throttle);

/** Make nobody wait any more: there is nothing to be had. */
void throttle_stop(struct throttle *throttle);

/** Whether there is a limit. */
static inline bool throttle_is_active(struct throttle *throttle) {
	return atomic_load_explicit(&throttle->active, memory_order_relaxed);
}

/** Wait for throttle_take() where there is a limit. */
size_t throttle_wait(struct throttle *throttle, size_t want);

/** Wait until some of WANT bytes may be moved. Returns how many; 0 only after throttle_stop(). */
static inline size_t throttle_take(struct throttle *throttle, size_t want) {
	return throttle_is_active(throttle) ? throttle_wait(throttle, want) : want;
}

/** Give back what was taken and not moved. */
void throttle_give(struct throttle *throttle, size_t bytes);

/**
 * Read the rate from a file that has changed.
 *
 * @return 1 if there is a new rate, 0 if there is nothing new, -EINVAL if it holds no rate, or -errno.
 */
int rate_file_read(struct rate_file *file, uint64_t *rate);

#endif // UCP_THROTTLE_H
