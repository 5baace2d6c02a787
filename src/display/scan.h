/**
 * Walks through the sources: how much there is to copy, in a thread of its own, for the progress line only; and whether a
 * file is one of those that are to be copied, when somebody has to know.
 */

#ifndef UCP_SCAN_H
#define UCP_SCAN_H

#include "base/inode.h"
#include "display/progress.h"

struct limits;
struct opts;

/** A walk under way. */
struct scan {
	const struct opts *opts;
	const struct limits *limits;
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
void scan_start(struct scan *scan, const struct opts *opts, const struct limits *limits, int count);

/** What is known now. */
struct totals scan_totals(const struct scan *scan);

/** Stop and free, if it was begun. */
void scan_stop(struct scan *scan);

/** Which regular files, directories and operands of any kind are to be copied. */
struct sources {
	const struct opts *opts;
	const struct limits *limits;
	/** When it is set a walk ends, and nothing is known; or NULL. Set by the caller. */
	const atomic_bool *stop;
	/** Held while the sources are walked: whoever asks meanwhile needs what that finds. */
	pthread_mutex_t lock;
	/** Which files were noted. */
	unsigned flags;
	dev_t dev;
	struct inode_list list;
};

/** What is known of a file. */
enum sources_verdict {
	SOURCES_NO,
	SOURCES_YES,
	/** It cannot be found out: a directory cannot be read, or changes meanwhile, there is no memory, or it was stopped. */
	SOURCES_MAYBE,
};

/** Set up; nothing is looked at yet. */
void sources_init(struct sources *sources, const struct opts *opts, const struct limits *limits);

/** Free it. */
void sources_destroy(struct sources *sources);

/**
 * Whether a regular file, a directory, or what may be an operand, is one of those that are to be copied. All of the sources
 * are walked for the first answer, and at most twice more for others: what is kept in memory is only what can be asked for,
 * directories and files on the same device, and only those with several names as long as nobody asked for one that has one
 * name. Safe for threads.
 *
 * @param count  How many operands are sources: always the same.
 */
enum sources_verdict sources_have(struct sources *sources, int count, const struct stat *st);

#endif // UCP_SCAN_H
