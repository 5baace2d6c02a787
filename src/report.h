/**
 * Everything ucp says: errors, -v lines, the progress line. Nobody else prints.
 *
 * Texts are templates in which %s stands for the quoted name of the source and %d for that of the destination. Every
 * message is one write(2), so that lines of several threads never mix.
 */

#ifndef UCP_REPORT_H
#define UCP_REPORT_H

#include "fail.h"
#include "std.h"
#include "thread.h"

/** Where messages go. Shared by all threads. */
struct report {
	pthread_mutex_t lock;
	/** What messages begin with. */
	const char *program;
	/** Lines for standard output that are not written yet. */
	struct buf out;
	/** Whether each line is written to standard output at once. */
	bool out_unbuffered;
	/** The first error of writing to standard output, as -errno. */
	int out_err;
	/** Whether a progress line stands on the terminal, to be cleared before anything else is written there. */
	bool painted;
	/** How many errors have been printed: any makes the exit status 1. */
	counter errors;
};

/** Begin to report under a program name, which must live on. */
void report_init(struct report *report, const char *program);

/** Print an error, with the text of ERR behind it unless 0. The exit status will be 1. Names may be NULL. */
void report_error(struct report *report, int err, const char *what, const char *src, const char *dst);

/** Print a warning like an error, leaving the exit status alone. */
void report_warn(struct report *report, int err, const char *what, const char *src, const char *dst);

/** Print a fail as the error or warning it is. Nothing is printed for FAIL_NONE. */
void report_fail(struct report *report, const struct fail *fail, const char *src, const char *dst);

/** Print a line to standard output (-v). */
void report_say(struct report *report, const char *what, const char *src, const char *dst);

/** Print formatted text to standard output. */
attr_printf(2, 3)
void report_text(struct report *report, const char *format, ...);

/** Ask a question on standard error and read the answer from standard input: whether it was yes in this locale. */
bool report_ask(struct report *report, const char *what, const char *src, const char *dst);

/**
 * Print a usage error, and where to look. The exit status will be 1.
 *
 * @param what     A text in which %s is ARG and %d is OPTION; NULL if a message was printed already.
 * @param choices  The words that would have been right, NULL-terminated; or NULL.
 */
void report_usage(struct report *report, const char *what, const char *arg, const char *option,
	const char *const *choices);

/** Show a progress line in place of the last one; NULL takes it away; with a newline at its end it stays. */
void report_paint(struct report *report, const char *line);

/** Write what is held back for standard output; returns 0 or -errno. */
int report_flush(struct report *report);

/** Write what is held back, complain if that fails, and return the exit status. */
int report_finish(struct report *report);

/** Append a name quoted as the shell would need it, as GNU tools do in messages. */
void quote_name(struct buf *buf, const char *name);

#endif // UCP_REPORT_H
