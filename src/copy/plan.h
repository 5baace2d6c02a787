/**
 * Which movers are asked for the data of a file. Pure.
 */

#ifndef UCP_PLAN_H
#define UCP_PLAN_H

#include <stdbool.h>
#include <stdint.h>

struct mover;
struct opts;

/** Most movers of a plan, with the NULL behind them. */
#define PLAN_MOST 5

/** Switches of plan_facts::flags: what is known of both ends of a copy. */
enum plan_facts_flags {
	/** The source is a regular file. */
	FACT_REGULAR = 1 << 0,
	/** Sizes of files are not to be believed on the source's file system. */
	FACT_UNSIZED = 1 << 1,
	/** The source has fewer blocks than its size takes: it has holes, or is compressed. */
	FACT_FEW_BLOCKS = 1 << 2,
	/** The destination is no regular file. */
	FACT_SPECIAL = 1 << 3,
};

/** What plan_choose() decides by. */
struct plan_facts {
	/** Bytes of the source. */
	uint64_t size;
	/** enum plan_facts_flags. */
	unsigned flags;
};

/** Switches of struct plan::flags. */
enum plan_flags {
	/** Holes are passed over, if there are any. */
	PLAN_SKIP_HOLES = 1 << 0,
	/** Zeros become holes (--sparse=always). */
	PLAN_MAKE_HOLES = 1 << 1,
	/** The destination may take what is written only from the first byte to the last. */
	PLAN_FORWARD = 1 << 2,
	/** Space is set aside for it. */
	PLAN_RESERVE = 1 << 3,
	/** A clone, or nothing (--reflink=always). */
	PLAN_MUST_CLONE = 1 << 4,
	/** The source is read from its current offset to its end, whatever its size. */
	PLAN_UNSIZED = 1 << 5,
	/** All data is read and hashed, whatever became of it (--verify, --checksums). */
	PLAN_HASH = 1 << 6,
};

/** What the data of a file that is moved in ranges has to do with the page cache. */
enum cache_use {
	CACHE_KEEP,
	/** What is read of it leaves the page cache (RWF_DONTCACHE). */
	CACHE_READ_ONCE,
	/** It goes through the page cache and leaves it (RWF_DONTCACHE). */
	CACHE_LEAVE,
	/** It is read and written past the page cache (O_DIRECT), all but the end of it. */
	CACHE_BYPASS,
};

/** How the data of a file is moved. */
struct plan {
	/** The movers to ask, one after the other, and NULL. */
	const struct mover *ways[PLAN_MOST];
	/** enum plan_flags. */
	unsigned flags;
	/** Chosen when workers move the file in ranges. */
	enum cache_use cache;
};

/** Choose the movers for a file, and what they are to do about holes. */
struct plan plan_choose(const struct opts *opts, const struct plan_facts *facts);

/** Whether setting space aside pays for a file of SIZE bytes that is moved in ranges. */
bool plan_reserves(const struct plan *plan, uint64_t size);

/** Whether files are copied in order (--verify, --checksums). */
bool plan_is_in_order(const struct opts *opts);

#endif // UCP_PLAN_H
