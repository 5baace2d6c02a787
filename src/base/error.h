// SPDX-License-Identifier: MIT
/**
 * The reason why an operation failed, passed from the place that knows it to report.
 */

#ifndef UCP_ERROR_H
#define UCP_ERROR_H

#include <stdbool.h>

/** The operation that failed. */
enum error_op {
	/** Copying: cp's rules or the user forbid it, or no single call failed. */
	ERROR_COPY,
	ERROR_OPEN,
	ERROR_STAT,
	ERROR_SEEK,
	ERROR_READ,
	ERROR_WRITE,
	ERROR_CLOSE,
	/** Sharing data (--reflink=always). */
	ERROR_CLONE,
	/** Making a file, a link or a directory. */
	ERROR_CREATE,
	ERROR_REMOVE,
	/** Making a backup, or undoing one. */
	ERROR_BACKUP,
	/** Entering a directory. */
	ERROR_ACCESS,
	/** Preserving an attribute: reading it or setting it. */
	ERROR_PRESERVE,
	/** Starting. */
	ERROR_START,
	/** Flushing the destination (--fsync) or the journal (--resume). */
	ERROR_SYNC,
	/** Writing messages. */
	ERROR_REPORT,
	/** Finding the copy equal to its source (--verify). */
	ERROR_VERIFY,
	/** Understanding the command line, or a list that it names. */
	ERROR_USAGE,
};

/** A failed operation. All zero: no error. */
struct error {
	/** The operation, for --json and for decisions. */
	enum error_op op;
	/** A positive errno, or 0 if the text needs none. */
	int err;
	/**
	 * The text for the user: %s is the source's name, %d the destination's. Code does not interpret it. NULL: no error.
	 */
	const char *text;
	/** Whether it is only a warning, which leaves the exit status alone. */
	bool warning;
	/** Whether it is only counted (--best-effort); then it is a warning, too. */
	bool excused;
};

/** Means that no operation failed. */
#define NO_ERROR ((struct error) {0})

/** Make an error. ERR: an errno of either sign, or 0. */
static inline struct error error_make(enum error_op op, int err, const char *text) {
	return (struct error) {.op = op, .err = err < 0 ? -err : err, .text = text};
}

#endif // UCP_ERROR_H
