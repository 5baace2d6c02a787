// SPDX-License-Identifier: MIT
/**
 * Declarations that the files of report share.
 */

#ifndef UCP_REPORT_IMPL_H
#define UCP_REPORT_IMPL_H

#include "base/buf.h"
#include "report/report.h"

#include <time.h>

/** An error or a warning. */
struct message {
	/** The operation that failed. */
	enum error_op op;
	/** A positive errno, or 0. */
	int err;
	/** A template, and its names, which may be NULL. */
	const char *text;
	const char *src;
	const char *dst;
	bool warning;
};

/** Size of the date and the time at the beginning of a line, with its NUL. */
#define STAMP_SIZE sizeof("0000-00-00 00:00:00 ")

/** The file of --log-file. */
struct log {
	int fd;
	const char *path;
	/** Lines that are not written yet. */
	struct buf lines;
	/** The first error of writing, as -errno. */
	int err;
	/** The text of a second. */
	time_t second;
	char stamp[STAMP_SIZE];
};

/**
 * Begin a log in a file, to be closed with log_close(). Returns 0, -EEXIST if the file is neither empty nor a log, or
 * -errno. FD and PATH are as for report_log_to().
 */
int log_begin(struct log **log, int fd, const char *path);

/** Append lines to a log. Errors are kept for log_close(). */
void log_add(struct log *log, const char *text);

/** Write the buffered lines of a log. */
void log_flush(struct log *log);

/** Close a log and free it. Returns 0, or the first -errno of writing it. */
int log_close(struct log *log);

/** Switches of fill_in(). */
enum fill_flags {
	/** The text is for a terminal: quote names that contain control characters. */
	FILL_TERMINAL = 1 << 0,
};

/** Append a template with its names filled in. FLAGS: enum fill_flags. Returns the name filled in first, or NULL. */
const char *fill_in(struct buf *buf, const char *what, const char *src, const char *dst, unsigned flags);

/** Append an event as a line of JSON. */
void json_line(struct buf *buf, const char *type, const struct member *members, size_t count);

/** Append an error as a line of JSON. */
void json_error(struct buf *buf, const struct message *message);

/** Append a line of -v or --debug as a line of JSON. */
void json_said(struct buf *buf, enum say say, const char *what, const char *src, const char *dst);

#endif // UCP_REPORT_IMPL_H
