/**
 * What has been done so far: counters the workers add to, and the line that shows them.
 */

#ifndef UCP_PROGRESS_H
#define UCP_PROGRESS_H

#include "thread.h"

/** What one worker has done. Each has its own cache lines. */
struct counters {
	/** Bytes of file data copied, cloned or found to be holes. */
	_Alignas(128) counter bytes;
	/** Files, links and special files finished. */
	counter files;
	/** Files that share their data with the source. */
	counter clones;
	/** Small files copied at once since their data was cached. */
	counter cached;
	/** Files streamed to their end by system calls. */
	counter streams;
	/** Big files shared among workers. */
	counter shared;
};

/** What there is to do, as far as it is known. */
struct totals {
	uint64_t bytes;
	uint64_t files;
	/** Whether that is all. */
	bool final;
};

/** The progress line. */
struct progress {
	double start;
	/** Bytes a second, smoothed. */
	double rate;
	/** When the rate was last looked at, and the bytes then. */
	double last_time;
	uint64_t last_bytes;
};

/** Begin to measure. */
void progress_init(struct progress *progress);

/** Add up the counters of COUNT workers. */
void counters_sum(struct counters *sum, const struct counters *counters, unsigned count);

/**
 * Write the line into a buffer of SIZE bytes.
 *
 * @param columns  The terminal's width; the line is kept shorter.
 * @param last     Whether all is done.
 */
void progress_line(struct progress *progress, const struct counters *sum, const struct totals *totals, unsigned columns,
	bool last, char *line, size_t size);

#endif // UCP_PROGRESS_H
