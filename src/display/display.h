// SPDX-License-Identifier: MIT
/**
 * Progress for the user: a bar on a terminal, plain lines, and the line that SIGUSR1 asks for.
 */

#ifndef UCP_DISPLAY_H
#define UCP_DISPLAY_H

#include "display/progress.h"
#include "display/scan.h"

struct opts;
struct report;

/** The form in which progress is shown. */
enum display_style {
	/** No progress. */
	DISPLAY_NOTHING,
	/** A line that is updated in place. */
	DISPLAY_BAR,
	/** A new line now and then. */
	DISPLAY_LINES,
};

/** State of the display; only the coordinator uses it. */
struct display {
	const struct opts *opts;
	const struct limits *limits;
	struct report *report;
	struct progress progress;
	struct scan scan;
	/** How many operands are sources. */
	int sources;
	/** Bytes that will be overwritten; UINT64_MAX if unknown. */
	uint64_t over;
	enum display_style style;
	/** enum line_flags. */
	unsigned flags;
	/** Whether stderr is a terminal. */
	bool terminal;
	/** The name of the file that has been under way longest, or "". */
	char current[256];
	/** Whether a line was shown, and whether look_ahead() compared the sources with the free space. */
	bool shown;
	bool looked_ahead;
	/** Seconds the copy took, once it has ended. */
	double elapsed;
	/** When flushing everything began, or 0. */
	double flushing;
	/**
	 * When the next plain line, the next event, and the answer to display_ask() are due; the answer only if asked is
	 * set.
	 */
	double next_line;
	double next_event;
	bool asked;
	double answer;
};

/** Results for display_summary(). */
struct summary {
	const struct counters *sum;
	/** Directories made, and names removed (OPT_DELETE, or sources with OPT_MOVE). */
	uint64_t directories;
	uint64_t removed;
	/**
	 * Workers, and the engine: "uring" or "sync", and its details in words; both NULL if no data had to be moved by it.
	 */
	unsigned workers;
	const char *engine;
	const char *engine_details;
	/** The signal that ended the copy, or 0. */
	int signal;
};

/** Report the start of a run with so many operands (--json). */
void display_started(struct report *report, uint64_t operands, bool dry_run);

/** Decide what to show. */
void display_init(struct display *display, const struct opts *opts, const struct limits *limits, struct report *report);

/**
 * Begin to measure. SOURCES: number of operands that are copied. OVER: bytes to be overwritten; UINT64_MAX if unknown.
 */
void display_start(struct display *display, int sources, uint64_t over);

/** Request a line for the user. One of the next calls of display_tick(), or display_end(), prints it. */
void display_ask(struct display *display);

/** Show the progress in SUM. Call this about every 100 ms. */
void display_tick(struct display *display, const struct counters *sum);

/** Begin to show the time that flushing takes, since everything is copied. */
void display_flushing(struct display *display);

/** Clear the line, because the process is going to be stopped. */
void display_suspend(struct display *display);

/** Continue after display_suspend(); the pause does not count. */
void display_resume(struct display *display);

/** Show the last line. FINISHED: the copy was not interrupted. */
void display_end(struct display *display, const struct counters *sum, bool finished);

/**
 * Find out how many bytes we may use on the file system of PATH.
 *
 * @param used  Set to the bytes in use there; or NULL.
 * @return Whether the file system reports this.
 */
bool display_room(const struct opts *opts, const char *path, uint64_t *room, uint64_t *used);

/**
 * Print a hint if BYTES exceed the free space at the destination plus the bytes that may be overwritten there. No hint
 * if copies may share data with the sources. VERB: "are to be" or "would be".
 */
void display_look_ahead(const struct display *display, uint64_t bytes, const char *verb);

/** Print what was done, if --stats, --json or --dry-run asks for it. */
void display_summary(struct display *display, const struct summary *summary);

/** Report the end of a run whose command line is wrong (--json). */
void display_nothing(struct report *report);

#endif // UCP_DISPLAY_H
