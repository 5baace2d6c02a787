/**
 * What has been done so far: counters the workers add to, what can be told from them, and the line that tells it.
 */

#ifndef UCP_PROGRESS_H
#define UCP_PROGRESS_H

#include "base/thread.h"

/** What one worker has done. Each has its own cache lines. */
struct counters {
	/** Bytes of file data moved or cloned, also for files that failed then; and those of files that are finished. */
	_Alignas(128) counter bytes;
	counter data;
	/** Files, links and special files finished. */
	counter files;
	/** Those of them that are no regular files. */
	counter symlinks;
	counter hard_links;
	counter specials;
	/** Bytes of holes that were passed over, and bytes that were left out for being zeros. */
	counter holes;
	counter zeros;
	/** Names that are not copied by what the user asked for, and those that failed. */
	counter skipped;
	counter failed;
	/** Bytes that are not copied for either reason. */
	counter skipped_bytes;
	/** Files that an earlier run had finished, which are among those skipped, and all bytes that it had copied (--resume). */
	counter resumed;
	counter resumed_bytes;
	/** Bytes of the files that failed because there was no room for them. */
	counter nospace;
	/** Bytes that are kept of them, to go on with (--resume). */
	counter kept;
	/** Files that share their data with the source, and their bytes. */
	counter clones;
	counter clone_bytes;
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

/** How much passes by in a second, where what is long ago counts less. */
struct flow {
	double sum;
	double weight;
};

/** How a copy goes. */
struct progress {
	/** When it began, by the clock of now(). */
	double start;
	/** Bytes copied, and work done (see progress_look()), in a second. */
	struct flow bytes;
	struct flow work;
	/** When it was last looked at, and what was done by then. */
	double last_time;
	double last_bytes;
	double last_work;
	/** The share of the work that was told last: it never gets less. */
	double share;
};

/** What can be told of a moment. */
struct view {
	/** Bytes and files that are dealt with, and those that there are, which are final or not. */
	uint64_t bytes;
	uint64_t files;
	struct totals totals;
	/** How much of the work is done, from 0 to 1; negative if nobody knows. */
	double share;
	/** Bytes of those copied that are shared with the source. */
	uint64_t shared;
	/** Bytes moved in a second; negative if all there is was shared. */
	double rate;
	/** Seconds since the beginning, and to the end; negative if nobody knows. */
	double elapsed;
	double left;
	/** Seconds since everything is being flushed; 0 if it is not. */
	double flushing;
	/** Whether this is the end. */
	bool last;
	/** The name of a file that is being copied, as it can be printed, and how many columns it takes; or NULL. */
	const char *name;
	unsigned name_columns;
	/** Names that failed, those left as they were, and errors that were printed; for the last line. */
	uint64_t failed;
	uint64_t skipped;
	uint64_t errors;
};

/** Switches of progress_line(). */
enum line_flags {
	/** The bar may have characters of Unicode. */
	LINE_UTF8 = 1 << 0,
	/** It may be coloured. */
	LINE_COLOR = 1 << 1,
	/** No bar, and no limit to the width. */
	LINE_PLAIN = 1 << 2,
};

/** Bytes that are enough for any line. */
#define PROGRESS_LINE 2048

/** Begin to measure at a time. */
void progress_init(struct progress *progress, double t);

/** After a pause in which nothing could be done: what was measured holds on. */
void progress_resume(struct progress *progress, double t);

/** Add up the counters of COUNT workers. */
void counters_sum(struct counters *sum, const struct counters *counters, unsigned count);

/**
 * Find out what can be told now. The time left is that of the work left at the pace of late: the bytes, and a constant
 * for each file.
 *
 * @param t     The time; it must not go back.
 * @param last  Whether all is done.
 */
struct view progress_look(struct progress *progress, double t, const struct counters *sum, const struct totals *totals,
	bool last);

/**
 * Write a view as a line into a buffer of SIZE bytes, best PROGRESS_LINE.
 *
 * The last line of a copy in which something failed says what was done and what was not.
 *
 * @param columns  The terminal's width: the line is narrower, and leaves out whole what has no room. 0: as long as it
 *                 likes.
 * @param flags    enum line_flags.
 */
void progress_line(const struct view *view, unsigned columns, unsigned flags, char *line, size_t size);

/** How many columns view::name may take in a line of so many; 0 if the line is too short for one. */
unsigned progress_name_room(unsigned columns);

/** Write what an interrupt left, in one sentence, into a buffer of SIZE bytes, best PROGRESS_LINE. */
void progress_interrupted(const struct view *view, char *line, size_t size);

/** Write a number of bytes for people: "512 B", "1.5 MiB". */
void progress_format_bytes(char *text, size_t size, double bytes);

/** Write seconds as 2:03, 1:02:03 or 3d 04h. */
void progress_format_time(char *text, size_t size, double seconds);

#endif // UCP_PROGRESS_H
