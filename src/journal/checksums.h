/**
 * The list of checksums (--checksums=FILE): a line for each file that was copied, as xxhsum(1) reads it with -c.
 *
 * Lines are written as files are finished, many at once and always whole ones.
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
	/** Its name, or NULL: there is none. */
	const char *path;
	/** Its descriptor; -1 for standard output. */
	int fd;
	/** What it is. */
	struct stat st;
	/** Whether nobody waits for it any more: then neither does anybody for writing to it. */
	const atomic_bool *cancelled;

	pthread_mutex_t lock;
	/** Whole lines to be written. */
	struct buf lines;
	/** The first error, as -errno; after it nothing is written. */
	int err;
};

/**
 * Open a list, which may be "-" for standard output. What it holds stays there until checksums_begin().
 *
 * @param path       Lives on; NULL for no list.
 * @param cancelled  Set when ucp is to stop.
 * @return Whether that went well; if not, it was reported.
 */
bool checksums_open(struct checksums *checksums, const char *path, struct report *report, const atomic_bool *cancelled);

/**
 * Lock it and empty it; the caller has seen that nothing of what it holds is to be copied. An existing file that is no
 * list of checksums stays as it is, and so does one that another ucp is writing.
 *
 * @return Whether that went well; if not, it was reported.
 */
bool checksums_begin(struct checksums *checksums);

/** Whether an inode is that of the list. */
bool checksums_is(const struct checksums *checksums, const struct stat *st);

/** Add a file. */
void checksums_add(struct checksums *checksums, const char *hash, const char *path);

/** Switches of checksums_finish(). */
enum checksums_flags {
	/** Have it on its medium. */
	CHECKSUMS_FLUSH = 1 << 0,
};

/** Write the rest, and close it. What went wrong since checksums_begin() is reported. */
void checksums_finish(struct checksums *checksums, enum checksums_flags flags);

#endif // UCP_CHECKSUMS_H
