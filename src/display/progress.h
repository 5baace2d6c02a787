// SPDX-License-Identifier: MIT
/**
 * Progress of a copy: the workers' counters, rates and times computed from them, and the line that shows them.
 */

#ifndef UCP_PROGRESS_H
#define UCP_PROGRESS_H

#include "base/thread.h"

/** Bytes of a cache line and its neighbour, which are fetched together: what two threads write to is that far apart. */
#define CACHE_LINES 128

/**
 * What one worker has done, in counters only. Each has its own cache lines, as there is one for each worker, one behind
 * the other.
 */
struct counters {
	/** Bytes of file data moved or cloned, also for files that failed then; and those of files that are finished. */
	_Alignas(CACHE_LINES) counter bytes;
	counter data;
	/** Finished files, links and special files. */
	counter files;
	/** The finished ones that are not regular files. */
	counter symlinks;
	counter hard_links;
	counter specials;
	/** Bytes of holes that were skipped, and of zeros that were not written. */
	counter holes;
	counter zeros;
	/** Names not copied because of the options, and names that failed. */
	counter skipped;
	counter failed;
	/** Bytes of names in skipped and failed. */
	counter skipped_bytes;
	/** Files finished by an earlier run, which count as skipped, too; and all bytes copied by it (--resume). */
	counter resumed;
	counter resumed_bytes;
	/** Bytes of the files that failed for lack of space. */
	counter nospace;
	/** Bytes of those files that are kept for --resume. */
	counter kept;
	/** Files that share their data with the source, and their bytes. */
	counter clones;
	counter clone_bytes;
	/** Small files copied without the ring because their data was cached. */
	counter cached;
	/** Files streamed to their end by system calls. */
	counter streams;
	/** Big files copied by several workers. */
	counter shared;
};

_Static_assert(_Alignof(struct counters) % CACHE_LINES == 0 && sizeof(struct counters) % CACHE_LINES == 0,
	"counters of two workers share a cache line");

/** What there is to do, as far as it is known. */
struct totals {
	uint64_t bytes;
	uint64_t files;
	/** Whether the counts are complete. */
	bool final;
};

/** A rate per second, averaged with more weight on recent time. */
struct flow {
	double sum;
	double weight;
};

/** State of the measurement. */
struct progress {
	/** When the copy began, in seconds of now(). */
	double start;
	/** Bytes copied per second, and work done per second (see progress_look()). */
	struct flow bytes;
	struct flow work;
	/** Time, bytes and work at the last measurement. */
	double last_time;
	double last_bytes;
	double last_work;
	/** The last share shown: it never decreases. */
	double share;
};

/** The values to show at one moment. */
struct view {
	/** Bytes and files done, and the totals, which may not be final. */
	uint64_t bytes;
	uint64_t files;
	struct totals totals;
	/** Share of the work done, from 0 to 1; negative if unknown. */
	double share;
	/** Bytes among those copied that are shared with the source. */
	uint64_t shared;
	/** Bytes moved per second; negative if all bytes were shared. */
	double rate;
	/** Seconds since the start, and until the end; left is negative if unknown. */
	double elapsed;
	double left;
	/** Seconds since flushing began; 0 if it has not. */
	double flushing;
	/** Whether the copy has ended. */
	bool last;
	/** Printable name of a file being copied, and its columns; or NULL. */
	const char *name;
	unsigned name_columns;
	/** Names that failed, names left as they were, and errors printed; for the last line. */
	uint64_t failed;
	uint64_t skipped;
	uint64_t errors;
};

/** Switches of progress_line(). */
enum line_flags {
	/** The bar may use Unicode characters. */
	LINE_UTF8 = 1 << 0,
	/** The line may use colours. */
	LINE_COLOR = 1 << 1,
	/** No bar, and no limit to the width. */
	LINE_PLAIN = 1 << 2,
};

/** Buffer size that fits any line. */
#define PROGRESS_LINE 2048

/** Begin to measure at time T. */
void progress_init(struct progress *progress, double t);

/** Continue to measure after a pause that ended at time T and does not count. */
void progress_resume(struct progress *progress, double t);

/** Add up the counters of COUNT workers. */
void counters_sum(struct counters *sum, const struct counters *counters, unsigned count);

/**
 * Measure, and compute the values to show. The time left is the work left divided by the recent pace; work is the bytes
 * plus a constant for each file.
 *
 * @param t     The time in seconds; must not go back.
 * @param last  Whether the copy has ended.
 */
struct view progress_look(struct progress *progress, double t, const struct counters *sum, const struct totals *totals,
	bool last);

/**
 * Write a view as a line into a buffer of SIZE bytes, best PROGRESS_LINE.
 *
 * If some names failed, the last line has the numbers of copied and of failed names.
 *
 * @param columns  The terminal's width: the line is shorter, and fields without room are left out. 0: no limit.
 * @param flags    enum line_flags.
 */
void progress_line(const struct view *view, unsigned columns, unsigned flags, char *line, size_t size);

/** How many columns view::name may use in a line of COLUMNS; 0 if the line is too short for a name. */
unsigned progress_name_room(unsigned columns);

/** Write one sentence about the progress of an interrupted copy into a buffer of SIZE bytes, best PROGRESS_LINE. */
void progress_interrupted(const struct view *view, char *line, size_t size);

/** Write a number of bytes in readable form: "512 B", "1.5 MiB". */
void progress_format_bytes(char *text, size_t size, double bytes);

/** Write seconds as 2:03, 1:02:03 or 3d 04h. */
void progress_format_time(char *text, size_t size, double seconds);

#endif // UCP_PROGRESS_H
