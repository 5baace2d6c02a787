/**
 * What of the copies is on the medium, and not only in memory on its way there (--progress=synced).
 *
 * A thread of its own has the file systems written to synced again and again. What was done before that began is on the
 * medium when it is over, or an error is reported; files on file systems that do not report any (flush_reports()) have to be
 * flushed on their own besides. So that syncing never takes long, no more is written meanwhile than the medium takes in a
 * second or two.
 */

#ifndef UCP_WRITEBACK_H
#define UCP_WRITEBACK_H

#include "display/progress.h"

#include <sys/types.h>

struct throttle;

/**
 * Most file systems and block devices that are told apart. With more, all there are on the machine are synced, which
 * reports no errors.
 */
#define WRITEBACK_SYSTEMS 16

/** The medium, or several. */
struct writeback {
	/** Has one file system written out, like syncfs(2). */
	int (*sync)(int fd);
	struct throttle *throttle;
	/** What the workers have done. */
	const struct counters *counters;
	unsigned count;

	/** Guards what follows. */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	/** The file systems and block devices that were written to, each by a descriptor of something on it. */
	struct {
		dev_t dev;
		int fd;
		/** The device itself was written to. */
		bool raw;
	} systems[WRITEBACK_SYSTEMS];
	unsigned system_count;
	/** Whether there are others, nobody knows which. */
	bool others;
	/** What is on the medium. */
	struct counters synced;
	/** Nothing more is going to be done; everything is on the medium, or it was given up. */
	bool finishing;
	bool finished;
	/** The first error of syncing, as -errno. */
	int err;
	pthread_t thread;
	bool started;
};

/** Set up. SYNC is NULL for syncfs(2). */
void writeback_init(struct writeback *writeback, struct throttle *throttle, int (*sync)(int fd));

/** Begin, with the counters of COUNT workers. Returns 0 or -errno. */
int writeback_start(struct writeback *writeback, const struct counters *counters, unsigned count);

/** Something is going to be written to what a descriptor leads to. */
void writeback_track(struct writeback *writeback, int fd);

/** What is on the medium; if there is no thread to find out, what is done. */
void writeback_synced(struct writeback *writeback, struct counters *sum);

/** Nothing more is going to be written. Returns whether all is on the medium, or will never be; to be asked again. */
bool writeback_finish(struct writeback *writeback);

/** In the end: if there is no thread for that, have everything written out. */
void writeback_catch_up(struct writeback *writeback);

/** End and free. Returns the first error of syncing, as -errno, or 0. */
int writeback_stop(struct writeback *writeback);

#endif // UCP_WRITEBACK_H
