/**
 * How much there is to copy, found out by walking the sources in a thread of its own, for the progress line only.
 */

#ifndef UCP_SCAN_H
#define UCP_SCAN_H

#include "inode.h"
#include "progress.h"

struct opts;

/** A walk under way. */
struct scan {
	const struct opts *opts;
	/** The operands that are sources, and how many. */
	char **operands;
	int operand_count;

	/** Files with several names that were met, to be counted once; the thread's own. */
	struct inode_set linked;
	/** What was found so far: bytes of data that are to be copied, and names but for those of directories. */
	counter bytes;
	counter files;
	atomic_bool final;
	/** Set to make it stop. */
	atomic_bool stop;
	pthread_t thread;
	bool started;
};

/** Begin to walk the first COUNT operands, unless that was begun. Where no thread can be had nothing will be known. */
void scan_start(struct scan *scan, const struct opts *opts, int count);

/** Add all files that the first COUNT operands lead to to a set. Returns 0 or -ENOMEM. */
int scan_sources(const struct opts *opts, int count, struct inode_set *set);

/** What is known now. */
struct totals scan_totals(const struct scan *scan);

/** Stop and free, if it was begun. */
void scan_stop(struct scan *scan);

#endif // UCP_SCAN_H
