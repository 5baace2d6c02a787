/**
 * What the machine allows of what the user asked for. Chosen once when a run begins, const to everybody else.
 */

#ifndef UCP_LIMITS_H
#define UCP_LIMITS_H

/** Switches of struct limits::flags. */
enum limits_flags {
	/** There is hardly room for a thread, or no need of one: the only one there is does everything. */
	LIMITS_ALONE = 1 << 0,
	/** All there is to do is a small file that nothing has to be waited for (coordinator_is_done_at_once()). */
	LIMITS_AT_ONCE = 1 << 1,
};

/** What a run may take. */
struct limits {
	/** enum limits_flags. */
	unsigned flags;
	/** Worker threads to begin with. */
	unsigned threads;
	/** Most worker threads there may become, while they wait more than they work. */
	unsigned max_threads;
	/** Most threads that the kernel may have for what a worker's io_uring waits for; 0: as many as it likes. */
	unsigned helpers;
	/** Most chunks a worker keeps in flight. */
	unsigned queue_depth;
	/** Bytes of a chunk. */
	size_t chunk_size;
	/** Bytes of a range, at least a chunk; a file larger than this is shared among the workers. */
	uint64_t range_size;
	/** Most bytes a worker keeps in flight, at least a chunk. */
	size_t window;
	/** Most directories kept open at once, each taking two descriptors. */
	unsigned max_trees;
	/** Bytes of memory there are. */
	uint64_t memory;
};

#endif // UCP_LIMITS_H
