// SPDX-License-Identifier: MIT
/**
 * All output of ucp: errors, -v lines, the progress line. No other room prints.
 *
 * Texts are templates: %s is the quoted name of the source, %d that of the destination. %D is the destination, quoted
 * only if the shell needs it. %S and %E are source and destination unquoted, except on a terminal if some character is
 * not printable. %% is a percent sign. Each message is one write(2), so that lines of different threads never mix.
 */

#ifndef UCP_REPORT_H
#define UCP_REPORT_H

#include "base/buf.h"
#include "base/error.h"
#include "base/thread.h"
#include "report/event.h"

/** Errnos that are counted separately: Linux has none above. */
#define REPORT_ERRNOS 134

struct log;

/** State of the output. Shared by all threads. */
struct report {
	pthread_mutex_t lock;
	/** Prefix of messages. */
	const char *program;
	/** Buffered lines for standard output. */
	struct buf out;
	/** Whether standard output is a terminal: then each line is written at once, and unprintable names are quoted. */
	bool out_terminal;
	/** The first error of writing to standard output, as -errno, and whether it is not to be reported. */
	int out_err;
	bool out_err_silent;
	/** Held while a question waits for its answer, so that there is one at a time; taken before report::lock. */
	pthread_mutex_t asking;
	/** The question that waits, or empty: meanwhile no progress line is shown. */
	struct buf question;
	/** The progress line on the terminal, or empty: it is cleared before any other output. */
	struct buf painted;
	/** Whether standard output is surely not on the terminal of the progress line. */
	bool out_apart;
	/** The log (--log-file), or NULL. */
	struct log *log;
	/** Whether lines of report_say() only go to the log. */
	bool says_to_log;
	/** With --json: all of standard output is events, and each error is an event, too. */
	bool json;
	/**
	 * For hints: the first destination that failed for lack of space (ENOSPC, EDQUOT), whether a quota was the reason,
	 * the first destination that was too large (EFBIG), and whether too many files were open.
	 */
	char *nospace;
	char *too_large;
	bool over_quota;
	bool too_many_files;
	/**
	 * Whether standard error is a terminal: there, only the first messages with the same errno are printed, and all
	 * counted.
	 */
	bool err_terminal;
	uint32_t same[REPORT_ERRNOS];
	/** Whether report_localize() was called. */
	bool localized;
	/**
	 * How many errors were reported, and how many copies the user declined, which count as errors, too: any error makes
	 * the exit status 1.
	 */
	counter errors;
	counter declined;
	/** How many errors were excused (error::excused); the destination and the errno of the first one. */
	counter excused;
	char *excused_first;
	int excused_err;
	/** After how many errors nothing more is to be begun; 0: any number. Set before other threads start. */
	uint64_t most_errors;
};

/** Set up REPORT. PROGRAM must outlive it. */
void report_init(struct report *report, const char *program);

/**
 * Use the user's locale for characters, the language of messages, and decimal points. Functions that print names call
 * this themselves; call it before another thread starts, and before numbers are formatted. Not part of report_init(),
 * because it takes much of the time of a short run.
 */
void report_localize(struct report *report);

/** Print an error, followed by the text of ERR unless that is 0. The exit status will be 1. Names may be NULL. */
void report_error(struct report *report, enum error_op op, int err, const char *what, const char *src, const char *dst);

/** Print a warning in the form of an error; the exit status stays. */
void report_warn(struct report *report, enum error_op op, int err, const char *what, const char *src, const char *dst);

/** Print an error or warning, or count it if it is excused. NO_ERROR prints nothing. */
void report_failure(struct report *report, const struct error *error, const char *src, const char *dst);

/** Print a warning about all excused errors, if there are any. */
void report_excused(struct report *report);

/** Whether there were as many errors as report::most_errors, so that nothing more is to be begun. */
bool report_has_enough(struct report *report);

/** Print the number of messages that were only counted, for each errno. Call this before the last message. */
void report_rest(struct report *report);

/** Print a hint, formatted, to standard error: what the user can do about a reported error. */
attr_printf(2, 3) void report_hint(struct report *report, const char *format, ...);

/** Print a line to standard output (-v). */
void report_say(struct report *report, enum say say, const char *what, const char *src, const char *dst);

/** Print a change. OBJECT: in one word, what was changed. SRC: NULL if there is no source. */
void report_change(struct report *report, enum change change, const char *object, const char *src, const char *dst);

/**
 * Write what is printed from now on, with the time, to the end of a file, too. One that is neither empty nor a log is
 * refused. Returns whether that is possible; if not, an error was reported.
 *
 * @param fd    The file, opened to append to it; this closes it. Or -errno if it could not be opened.
 * @param path  Its name, which must outlive REPORT.
 */
bool report_log_to(struct report *report, int fd, const char *path);

/** Write a line, formatted, only to the log, if there is one. */
attr_printf(2, 3) void report_log(struct report *report, const char *format, ...);

/** Print formatted text to standard output. */
attr_printf(2, 3) void report_text(struct report *report, const char *format, ...);

/** With report::json, print an event as a line of JSON. */
void report_event(struct report *report, const char *type, const struct member *members, size_t count);

/**
 * Ask a question on standard error and read the answer from standard input. Returns whether it means yes in this
 * locale.
 */
bool report_ask(struct report *report, const char *what, const char *dst);

/** Count a declined copy: the exit status will be 1. */
void report_declined(struct report *report);

/**
 * Print a usage error and a reference to --help. The exit status will be 1.
 *
 * @param what     A text in which %s is ARG and %d is OPTION; NULL if a message was printed already.
 * @param choices  Lines with the valid arguments, or NULL.
 */
void report_usage(struct report *report, const char *what, const char *arg, const char *option, const char *choices);

/**
 * Show a progress line in place of the last one. NULL clears it; a line that ends in a newline stays. If nothing
 * changed, nothing is written.
 */
void report_paint(struct report *report, const char *line);

/** Print a line to standard error, above a progress line or a question. */
void report_status(struct report *report, const char *line);

/** Write the buffered lines of standard output. Returns 0 or the first -errno of writing there. */
int report_flush(struct report *report);

/** Do not report that standard output cannot be written: the program will die of SIGPIPE. */
void report_out_silent(struct report *report);

/** Write the buffered lines, report an error of that, and return the exit status. */
int report_finish(struct report *report);

/** Append a name quoted for the shell, as GNU tools quote in messages. */
void quote_name(struct buf *buf, const char *name);

/** Append a name, quoted only if the shell needs that. */
void quote_name_if_needed(struct buf *buf, const char *name);

/** Append a name, quoted only if some character is not printable. */
void quote_name_if_unprintable(struct buf *buf, const char *name);

/** Append a quoted name to a template. */
void quote_in_template(struct buf *buf, const char *name);

#endif // UCP_REPORT_H
