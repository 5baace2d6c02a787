/**
 * What the parts of report share.
 */

#ifndef UCP_REPORT_IMPL_H
#define UCP_REPORT_IMPL_H

#include "report.h"

/** An error or a warning. */
struct failure {
	/** A positive errno, or 0. */
	int err;
	/** A template, and its names or NULL. */
	const char *what;
	const char *src;
	const char *dst;
	bool warning;
};

/** Append a template with its names filled in. */
void fill_in(struct buf *buf, const char *what, const char *src, const char *dst);

/** Append an event as a line of JSON. */
void json_line(struct buf *buf, const char *type, const struct member *members, size_t count);

/** Append an error as one. */
void json_error(struct buf *buf, const struct failure *failure);

/** Append a line of -v or --debug as one. */
void json_said(struct buf *buf, const char *what, const char *src, const char *dst);

#endif // UCP_REPORT_IMPL_H
