// SPDX-License-Identifier: MIT
/**
 * Walks through the sources: a thread that counts what there is to copy, only for the progress line; and a search
 * whether a given file is one of the sources.
 */

#ifndef UCP_SCAN_H
#define UCP_SCAN_H

#include "base/inode.h"
#include "display/progress.h"

struct limits;
struct opts;

/** The counting thread. */
struct scan {
	const struct opts *opts;
	const struct limits *limits;
	/** The operands to walk, and how many. */
	char **operands;
	int operand_count;

	/** Inodes already counted of files with several names; only the thread uses it. */
	struct inode_set linked;
	/** Counts so far: bytes of data to be copied, and names except directories. */
	counter bytes;
	counter files;
	atomic_bool final;
	/** Set to stop the thread. */
	atomic_bool stop;
	pthread_t thread;
	bool started;
};

/**
 * Start the thread for the first COUNT operands, unless it was started. If no thread can be had, the totals stay
 * unknown.
 */
void scan_start(struct scan *scan, const struct opts *opts, const struct limits *limits, int count);

/** The counts so far. */
struct totals scan_totals(const struct scan *scan);

/** Stop the thread if it was started, and free its memory. */
void scan_stop(struct scan *scan);

/** The set of regular files and directories to be copied, and of operands of any type. */
struct sources {
	const struct opts *opts;
	const struct limits *limits;
	/** Ends a walk once set, and nothing is known then; or NULL. Set by the caller. */
	const atomic_bool *stop;
	/** Held during a walk: other callers need its result. */
	pthread_mutex_t lock;
	/** enum sources_flags: which files were noted. */
	unsigned flags;
	dev_t dev;
	struct inode_list list;
};

/** Answer of sources_have(). */
enum sources_verdict {
	SOURCES_NO,
	SOURCES_YES,
	/** Unknown: a directory was unreadable or changed during the walk, memory ran out, or the walk was stopped. */
	SOURCES_MAYBE,
};

/** Set up SOURCES, without a walk. */
void sources_init(struct sources *sources, const struct opts *opts, const struct limits *limits);

/** Free SOURCES. */
void sources_destroy(struct sources *sources);

/**
 * Whether a regular file, a directory, or an operand of any type, is to be copied. The first call walks all sources,
 * later calls at most twice more. To save memory, the walk notes only files on the device asked for, and files with one
 * name only once such a file is asked for. Thread-safe.
 *
 * @param count  How many operands are sources: the same in each call.
 */
enum sources_verdict sources_have(struct sources *sources, int count, const struct stat *st);

#endif // UCP_SCAN_H
