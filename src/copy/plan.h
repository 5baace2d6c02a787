// SPDX-License-Identifier: MIT
/**
 * Which movers are asked for the data of a file. Pure.
 */

#ifndef UCP_PLAN_H
#define UCP_PLAN_H

#include <stdbool.h>
#include <stdint.h>

struct mover;
struct opts;

/** Most movers of a plan, including the NULL at the end. */
#define PLAN_MOST 6

/** Switches of plan_facts::flags: what is known of both ends of a copy. */
enum plan_facts_flags {
	/** The source is a regular file. */
	FACT_REGULAR = 1 << 0,
	/** Sizes of files cannot be trusted on the source's file system. */
	FACT_UNSIZED = 1 << 1,
	/** The source has fewer blocks than its size needs: it has holes, or is compressed. */
	FACT_FEW_BLOCKS = 1 << 2,
	/** The destination is no regular file. */
	FACT_SPECIAL = 1 << 3,
	/** The destination is a hard link to a file that is the same (--link-dest). */
	FACT_LINKED = 1 << 4,
	/** An earlier copy has a file that is the same and may be cloned (--reflink-dest). */
	FACT_EARLIER = 1 << 5,
};

/** The facts from which plan_choose() decides. */
struct plan_facts {
	/** Bytes of the source. */
	uint64_t size;
	/** enum plan_facts_flags. */
	unsigned flags;
};

/** Switches of struct plan::flags. */
enum plan_flags {
	/** Pass over holes, if there are any. */
	PLAN_SKIP_HOLES = 1 << 0,
	/** Turn zeros into holes (--sparse=always). */
	PLAN_MAKE_HOLES = 1 << 1,
	/** Write from the first byte to the last: the destination may accept nothing else. */
	PLAN_FORWARD = 1 << 2,
	/** Reserve space for the file. */
	PLAN_RESERVE = 1 << 3,
	/** Clone or fail (--reflink=always). */
	PLAN_MUST_CLONE = 1 << 4,
	/** Read the source from its current offset to its end, whatever its size. */
	PLAN_UNSIZED = 1 << 5,
	/** Read and hash all data, even if it was cloned (--verify, --checksums). */
	PLAN_HASH = 1 << 6,
	/** Reserve space for each range between holes. */
	PLAN_RESERVE_PARTS = 1 << 7,
};

/** How a file that is moved in ranges uses the page cache. */
enum cache_use {
	CACHE_KEEP,
	/** Data read leaves the page cache (RWF_DONTCACHE). */
	CACHE_READ_ONCE,
	/** Data goes through the page cache and leaves it (RWF_DONTCACHE). */
	CACHE_LEAVE,
	/** Data bypasses the page cache (O_DIRECT), except for the end of the file. */
	CACHE_BYPASS,
};

/** How the data of a file is moved. */
struct plan {
	/** The movers to ask, one after the other, followed by NULL. */
	const struct mover *ways[PLAN_MOST];
	/** enum plan_flags. */
	unsigned flags;
	/**
	 * Chosen by file_cache_choose() when workers begin to move the file in ranges, since it depends on how much was
	 * moved until then, and how fast.
	 */
	enum cache_use cache;
};

/** Choose the movers for a file, and what to do about holes. */
struct plan plan_choose(const struct opts *opts, const struct plan_facts *facts);

/** Whether reserving space pays for SIZE bytes, of a file or between two holes, that are moved in ranges. */
bool plan_reserves(const struct plan *plan, uint64_t size);

/** Whether files are copied in order (--verify, --checksums). */
bool plan_is_in_order(const struct opts *opts);

#endif // UCP_PLAN_H
