// SPDX-License-Identifier: MIT
/**
 * Whether the sources are on a medium with a head, on which everything costs a movement that does not follow what was
 * read last. Pure.
 *
 * That the kernel calls a device rotational is only a permission to ask: it says so of many virtual disks, too. The
 * proof is how long the first reads of data take that is not in memory.
 */

#ifndef UCP_HEAD_H
#define UCP_HEAD_H

#include <stdbool.h>

/** How many first reads prove something. */
#define HEAD_PROBES 8u

/**
 * Until so much is done without reading data from the medium, a proof is waited for. A directory counts as 1, another
 * name without data as HEAD_NAME, and a file that is in the page cache as HEAD_WARM.
 */
#define HEAD_WARM 64u
#define HEAD_NAME 4u

/** How the sources are read. */
enum head_way {
	/** By all workers, which share big files. */
	HEAD_FREE,
	/** By one worker until more is known. */
	HEAD_CAREFUL,
	/** In the order in which they lie on the medium, by one worker, after the others have found out where they lie. */
	HEAD_SWEEP,
};

/** What head_choose() decides from. */
struct head_facts {
	/** Whether the kernel calls the device of the sources rotational. */
	bool rotational;
	/** Whether the options say how to read: several workers, a rate, or file by file to hash it. */
	bool bound;
	/** First reads of this trial that had to wait for the medium, and the seconds that took. */
	unsigned probes;
	double waited;
	/** What was done in this trial without reading data from the medium, counted as for HEAD_WARM. */
	unsigned warm;
	/** Whether nothing at all was done for a while. */
	bool stuck;
	/** Work per second, and how much work is enough to call it fast. */
	double rate;
	double fast;
	/** The share of the recent work whose data was read from the medium. */
	double cold;
	/** How many more trials there may be. */
	unsigned trials;
};

/** A decision. */
struct head_choice {
	enum head_way way;
	/** The reason, for --debug. */
	const char *why;
};

/**
 * Choose how to go on after NOW. A trial begins with each change to HEAD_CAREFUL: from there head_facts::probes and
 * head_facts::warm are counted.
 */
struct head_choice head_choose(struct head_choice now, const struct head_facts *facts);

#endif // UCP_HEAD_H
