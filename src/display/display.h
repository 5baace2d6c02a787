/**
 * How far the copying is, as the user sees it: a bar on a terminal, plain lines, the line that SIGUSR1 asks for.
 */

#ifndef UCP_DISPLAY_H
#define UCP_DISPLAY_H

#include "display/progress.h"
#include "display/scan.h"

struct opts;
struct report;

/** In what form progress is shown. */
enum show_style {
	/** Not at all. */
	SHOW_NOTHING,
	/** A line that changes. */
	SHOW_BAR,
	/** A line now and then. */
	SHOW_LINES,
};

/** What is shown. The coordinator's. */
struct show {
	const struct opts *opts;
	struct report *report;
	struct progress progress;
	struct scan scan;
	/** How many operands are sources. */
	int sources;
	/** Bytes that are going to be overwritten; UINT64_MAX: not known. */
	uint64_t over;
	enum show_style style;
	/** enum line_flags. */
	unsigned flags;
	/** Whether it goes to a terminal. */
	bool terminal;
	/** The name of the file that is being copied longest, or "". */
	char current[256];
	/** Whether anything was shown, and whether it was seen if there is room for all. */
	bool shown;
	bool looked_ahead;
	/** Seconds it took, in the end. */
	double elapsed;
	/** When everything began to be flushed, or 0. */
	double flushing;
	/** When the next plain line and event are due, and the line that was asked for, if any was. */
	double next_line;
	double next_event;
	bool asked;
	double answer;
};

/** What was done, in the end. */
struct summary {
	const struct counters *sum;
	/** Directories made. */
	uint64_t directories;
	/** Workers; what moved the data, "uring" or "sync", and in words; NULL if nothing had to be moved by it. */
	unsigned workers;
	const char *engine;
	const char *engine_details;
	/** The signal that ended it, or 0. */
	int signal;
};

/** Decide what is going to be shown. */
void show_init(struct show *show, const struct opts *opts, struct report *report);

/** The copying of so many operands begins. OVER: bytes that are going to be overwritten; UINT64_MAX: not known. */
void show_start(struct show *show, int sources, uint64_t over);

/** The user asks for a line. It is printed by one of the next calls of show_tick(), or by show_end(). */
void show_ask(struct show *show);

/** Show what has been done by now. To be called every 100 ms or so. */
void show_tick(struct show *show, const struct counters *sum);

/** Everything is copied; what follows is to be shown as flushing. */
void show_flushing(struct show *show);

/** The process is going to be stopped: leave the terminal as it should be. */
void show_suspend(struct show *show);

/** It goes on. */
void show_resume(struct show *show);

/** Everything is done, or given up: FINISHED or not. */
void show_end(struct show *show, const struct counters *sum, bool finished);

/**
 * Find out how many bytes are free for us on the file system of PATH.
 *
 * @param used  Set to how many others have there; or NULL.
 * @return Whether that is known.
 */
bool show_room(const struct opts *opts, const char *path, uint64_t *room, uint64_t *used);

/**
 * Give a hint if so many bytes have no room at the destination, whatever is overwritten there. No hint is given where copies
 * may share their data with the sources. VERB: "are to be" or "would be".
 */
void show_look_ahead(const struct show *show, uint64_t bytes, const char *verb);

/** Say what was done, if that is asked for (--stats, --json). */
void show_summary(struct show *show, const struct summary *summary);

#endif // UCP_DISPLAY_H
