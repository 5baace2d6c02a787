// SPDX-License-Identifier: MIT
/**
 * Declarations that the files of report share.
 */

#ifndef UCP_REPORT_IMPL_H
#define UCP_REPORT_IMPL_H

#include "base/buf.h"
#include "report/report.h"

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
