/**
 * Everything ucp says: errors, -v lines, the progress line. Nobody else prints.
 *
 * Texts are templates in which %s stands for the quoted name of the source and %d for that of the destination (%D:
 * quoted only where the shell needs it; %S and %E: as they are, but quoted in a line for a terminal if not all of it can be
 * printed), and %% for a percent sign. Every message is one write(2), so that lines of several threads never mix.
 */

#ifndef UCP_REPORT_H
#define UCP_REPORT_H

#include "base/buf.h"
#include "base/error.h"
#include "base/thread.h"
#include "report/event.h"

/** Errnos that are told apart when errors are counted: Linux has none above. */
#define REPORT_ERRNOS 134

/** Where messages go. Shared by all threads. */
struct report {
	pthread_mutex_t lock;
	/** What messages begin with. */
	const char *program;
	/** Lines for standard output that are not written yet. */
	struct buf out;
	/** Whether standard output is a terminal: each line is written at once, and every name in it can be printed. */
	bool out_terminal;
	/** The first error of writing to standard output, as -errno, and whether nothing is to be said of it. */
	int out_err;
	bool out_err_silent;
	/** Held while a question waits for its answer, so that there is one at a time; taken before report::lock. */
	pthread_mutex_t asking;
	/** The one that does, or nothing: no progress line is shown. */
	struct buf question;
	/** The progress line that stands on the terminal, or nothing: it is cleared before anything else is written. */
	struct buf painted;
	/** Whether standard output cannot be where the progress line is. */
	bool out_apart;
	/** Whether everything that goes to standard output is an event, and errors are events besides (--json). */
	bool json;
	/**
	 * The first destination for which there was no room (ENOSPC, EDQUOT), whether that was because of a quota, and whether
	 * there were too many open files.
	 */
	char *nospace;
	bool over_quota;
	bool too_many_files;
	/** Whether messages go to a terminal; there, those beyond the first few with the same errno are only counted. */
	bool err_terminal;
	uint32_t same[REPORT_ERRNOS];
	/** Whether the user's locale was taken over. */
	bool localized;
	/** How many errors have been printed, or were declined by the user: any makes the exit status 1. */
	counter errors;
	counter declined;
};

/** Begin to report under a program name, which must live on. */
void report_init(struct report *report, const char *program);

/**
 * Take over the user's locale as far as anything depends on it: characters, the language of messages, decimal points. What
 * prints names does so by itself; call it before there is another thread, and before numbers are formatted. Costs the more
 * of a start the less there is to do, so it is not part of report_init().
 */
void report_localize(struct report *report);

/** Print an error, with the text of ERR behind it unless 0. The exit status will be 1. Names may be NULL. */
void report_error(struct report *report, enum error_op op, int err, const char *what, const char *src, const char *dst);

/** Print a warning like an error, leaving the exit status alone. */
void report_warn(struct report *report, enum error_op op, int err, const char *what, const char *src, const char *dst);

/** Print an error as the error or warning it is. Nothing is printed for NO_ERROR. */
void report_failure(struct report *report, const struct error *error, const char *src, const char *dst);

/** Print how many messages were only counted, for each errno. To be called before what closes the messages. */
void report_rest(struct report *report);

/** Print to standard error, formatted, what can be done about an error that was reported. */
attr_printf(2, 3)
void report_hint(struct report *report, const char *format, ...);

/** Print a line to standard output (-v). */
void report_say(struct report *report, enum say say, const char *what, const char *src, const char *dst);

/** Print formatted text to standard output. */
attr_printf(2, 3)
void report_text(struct report *report, const char *format, ...);

/** With report::json, print an event as a line of JSON. */
void report_event(struct report *report, const char *type, const struct member *members, size_t count);

/** Ask a question on standard error and read the answer from standard input: whether it was yes in this locale. */
bool report_ask(struct report *report, const char *what, const char *src, const char *dst);

/** Note that the user's answer left something undone: the exit status will be 1. */
void report_declined(struct report *report);

/**
 * Print a usage error, and where to look. The exit status will be 1.
 *
 * @param what     A text in which %s is ARG and %d is OPTION; NULL if a message was printed already.
 * @param choices  Lines that tell what would have been right, or NULL.
 */
void report_usage(struct report *report, const char *what, const char *arg, const char *option, const char *choices);

/**
 * Show a progress line in place of the last one; NULL takes it away; with a newline at its end it stays. Nothing is
 * written where nothing changed.
 */
void report_paint(struct report *report, const char *line);

/** Print a line to standard error, whatever else stands there: a progress line, or a question. */
void report_status(struct report *report, const char *line);

/** Write what is held back for standard output; returns 0 or -errno. */
int report_flush(struct report *report);

/** Say nothing of standard output that cannot be written: SIGPIPE is going to. */
void report_out_silent(struct report *report);

/** Write what is held back, complain if that fails, and return the exit status. */
int report_finish(struct report *report);

/** Append a name quoted as the shell would need it, as GNU tools do in messages. */
void quote_name(struct buf *buf, const char *name);

/** Append a name, quoted only if the shell would not take it as it is. */
void quote_name_if_needed(struct buf *buf, const char *name);

/** Append a name as it is, or quoted if not all of it can be printed. */
void quote_name_if_unprintable(struct buf *buf, const char *name);

/** Append a quoted name to a text that is going to be a template. */
void quote_in_template(struct buf *buf, const char *name);

#endif // UCP_REPORT_H
