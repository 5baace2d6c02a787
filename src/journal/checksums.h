// SPDX-License-Identifier: MIT
/**
 * The list of checksums (--checksums=FILE): a line for each copied file, in the format of xxhsum(1) -c.
 *
 * Lines are buffered while files are finished, and written as whole lines.
 */

#ifndef UCP_CHECKSUMS_H
#define UCP_CHECKSUMS_H

#include "base/buf.h"
#include "base/inode.h"
#include "base/thread.h"

struct report;

/** A list being written. Shared by all threads. */
struct checksums {
	struct report *report;
	/** The list's name, or NULL if there is no list. */
	const char *path;
	/** The list's descriptor; -1 for standard output. */
	int fd;
	/** The status of the list's file. */
	struct stat st;
	/** Set when ucp is to stop: then a blocked write to the list is given up, too. */
	const atomic_bool *cancelled;

	pthread_mutex_t lock;
	/** Buffered whole lines. */
	struct buf lines;
	/** The first error, as -errno; then nothing more is written. */
	int err;
};

/**
 * Open a list; "-" is standard output. The file keeps its content until checksums_begin().
 *
 * @param path       Must outlive CHECKSUMS; NULL for no list.
 * @param cancelled  Set when ucp is to stop.
 * @return Whether this succeeded; errors are reported.
 */
bool checksums_open(struct checksums *checksums, const char *path, struct report *report, const atomic_bool *cancelled);

/**
 * Lock and empty the list. The caller has checked that the list's file is not a source. An existing file that is no
 * list of checksums, or that another ucp is writing, keeps its content.
 *
 * @return Whether this succeeded; errors are reported.
 */
bool checksums_begin(struct checksums *checksums);

/** Whether ST is the list's file. */
bool checksums_is(const struct checksums *checksums, const struct stat *st);

/** Add the line of a file. */
void checksums_add(struct checksums *checksums, const char *hash, const char *path);

/** Switches of checksums_finish(). */
enum checksums_flags {
	/** Flush the list to its medium. */
	CHECKSUMS_FLUSH = 1 << 0,
};

/** Write the buffered lines, and close the list. Errors since checksums_begin() are reported. */
void checksums_finish(struct checksums *checksums, enum checksums_flags flags);

#endif // UCP_CHECKSUMS_H
