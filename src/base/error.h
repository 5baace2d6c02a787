/**
 * Why something could not be done, from where it is known to where it is reported.
 */

#ifndef UCP_ERROR_H
#define UCP_ERROR_H

#include <stdbool.h>

/** What could not be done. */
enum error_op {
	/** To copy: cp's rules or the user forbid it, or no single call failed. */
	ERROR_COPY,
	ERROR_OPEN,
	ERROR_STAT,
	ERROR_SEEK,
	ERROR_READ,
	ERROR_WRITE,
	ERROR_CLOSE,
	/** To share data (--reflink=always). */
	ERROR_CLONE,
	/** To make a file, a link or a directory. */
	ERROR_CREATE,
	ERROR_REMOVE,
	/** To make a backup, or to undo one. */
	ERROR_BACKUP,
	/** To get at a directory. */
	ERROR_ACCESS,
	/** To keep an attribute. */
	ERROR_PRESERVE,
	/** To begin at all. */
	ERROR_START,
	/** To flush the destination (--fsync). */
	ERROR_SYNC,
	/** To write messages. */
	ERROR_REPORT,
};

/** Why something could not be done. All zero: nothing failed. */
struct error {
	/** What could not be done: for --json, and for who decides by it. */
	enum error_op op;
	/** A positive errno, or 0 if the text says it all. */
	int err;
	/** The text for the user, in which %s is the source's name and %d the destination's. No code reads it. NULL: no error. */
	const char *text;
	/** Whether it is only worth a warning: the exit status stays. */
	bool warning;
};

/** Nothing failed. */
#define NO_ERROR ((struct error) {0})

/** Make an error. ERR: an errno of either sign, or 0. */
static inline struct error error_make(enum error_op op, int err, const char *text) {
	return (struct error) {.op = op, .err = err < 0 ? -err : err, .text = text};
}

#endif // UCP_ERROR_H
