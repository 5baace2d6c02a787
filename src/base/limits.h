// SPDX-License-Identifier: MIT
/**
 * The user's wishes, limited to what the machine allows. Set once when a run begins, then const.
 */

#ifndef UCP_LIMITS_H
#define UCP_LIMITS_H

/** Switches of struct limits::flags. */
enum limits_flags {
	/** The main thread does everything: there is hardly room for another thread, or no need of one. */
	LIMITS_ALONE = 1 << 0,
	/** The whole work is one small file, without any waiting (coordinator_is_done_at_once()). */
	LIMITS_AT_ONCE = 1 << 1,
};

/** The limits of a run. */
struct limits {
	/** enum limits_flags. */
	unsigned flags;
	/** Initial number of worker threads. */
	unsigned threads;
	/** Most worker threads, which are added while workers wait more than they work. */
	unsigned max_threads;
	/** Most kernel threads for blocking requests of a worker's io_uring; 0: no limit. */
	unsigned helpers;
	/** Most chunks a worker keeps in flight. */
	unsigned queue_depth;
	/** Bytes of a chunk. */
	size_t chunk_size;
	/** Bytes of a range, at least a chunk; larger files are shared among the workers. */
	uint64_t range_size;
	/** Most bytes a worker keeps in flight, at least a chunk. */
	size_t window;
	/** Most directories kept open at once; each takes two descriptors. */
	unsigned max_trees;
	/** Bytes of memory that may be used. */
	uint64_t memory;
};

#endif // UCP_LIMITS_H
