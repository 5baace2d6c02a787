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
enum display_style {
	/** Not at all. */
	DISPLAY_NOTHING,
	/** A line that changes. */
	DISPLAY_BAR,
	/** A line now and then. */
	DISPLAY_LINES,
};

/** What is shown. The coordinator's. */
struct display {
	const struct opts *opts;
	const struct limits *limits;
	struct report *report;
	struct progress progress;
	struct scan scan;
	/** How many operands are sources. */
	int sources;
	/** Bytes that are going to be overwritten; UINT64_MAX: not known. */
	uint64_t over;
	enum display_style style;
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
void display_init(struct display *display, const struct opts *opts, const struct limits *limits, struct report *report);

/** The copying of so many operands begins. OVER: bytes that are going to be overwritten; UINT64_MAX: not known. */
void display_start(struct display *display, int sources, uint64_t over);

/** The user asks for a line. It is printed by one of the next calls of display_tick(), or by display_end(). */
void display_ask(struct display *display);

/** Show what has been done by now. To be called every 100 ms or so. */
void display_tick(struct display *display, const struct counters *sum);

/** Everything is copied; what follows is to be shown as flushing. */
void display_flushing(struct display *display);

/** The process is going to be stopped: leave the terminal as it should be. */
void display_suspend(struct display *display);

/** It goes on. */
void display_resume(struct display *display);

/** Everything is done, or given up: FINISHED or not. */
void display_end(struct display *display, const struct counters *sum, bool finished);

/**
 * Find out how many bytes are free for us on the file system of PATH.
 *
 * @param used  Set to how many others have there; or NULL.
 * @return Whether that is known.
 */
bool display_room(const struct opts *opts, const char *path, uint64_t *room, uint64_t *used);

/**
 * Give a hint if so many bytes have no room at the destination, whatever is overwritten there. No hint is given where copies
 * may share their data with the sources. VERB: "are to be" or "would be".
 */
void display_look_ahead(const struct display *display, uint64_t bytes, const char *verb);

/** Say what was done, if that is asked for (--stats, --json). */
void display_summary(struct display *display, const struct summary *summary);

#endif // UCP_DISPLAY_H
