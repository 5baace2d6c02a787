/**
 * What a worker's thread works with, and the moving of data; for the worker room only.
 */

#ifndef UCP_WORKER_IMPL_H
#define UCP_WORKER_IMPL_H

#include "run/worker.h"

#include "engine/chunk.h"
#include "engine/ring.h"

/** A file that a worker is moving data of. */
struct hold {
	struct file *file;
	struct ring_file src;
	struct ring_file dst;
	/** What is left of the range claimed. */
	struct extent range;
	/** Chunks in flight. */
	unsigned inflight;
	/** Whether other workers may hold the file too. */
	bool shared;
	/** Whether zeros are looked for. */
	bool make_holes;
	/** Whether it is read through the ring and written by system calls. */
	bool direct;
	/** Whether the range is in the page cache. */
	bool cached;
	/** Whether its chunks are written one after the other. */
	bool forward;
	/** Chunks begun so far. */
	unsigned begun;
};

/** A chunk in a slot of the ring. */
struct slot {
	struct chunk chunk;
	/** NULL while the slot is free. */
	struct hold *hold;
	/** Its share of state::inflight. */
	uint32_t bytes;
	/** Bytes of the slot's buffer that were used so far. */
	uint32_t reach;
	/** Whether the buffer's memory cannot be given back. */
	bool stays;
	/** Where it began, or UINT64_MAX if it was given up. */
	uint64_t start;
	/** Which chunk of its file it is, and whether it waits for earlier ones to be written. */
	unsigned turn;
	bool waits;
};

/** What a worker's thread works with. */
struct state {
	struct worker *worker;
	const struct opts *opts;
	struct file_context ctx;
	struct ring *ring;
	/** One for each slot. */
	struct slot *slots;
	/** Slots without a chunk, the last used one last. */
	unsigned *free_slots;
	unsigned free_count;
	/** Slots in all. */
	unsigned depth;
	/** Bytes in flight. */
	size_t inflight;
	/** Bytes of the slots' buffers that were used so far. */
	size_t resident;
	/** Chunks that wait for others to be written. */
	unsigned waiting;
	/** Requests that the kernel has not got yet. */
	unsigned unsent;
	/** Whether the last name took long to begin with. */
	bool slow;
	/** Whether it has no buffers, and so leaves what is left to the others. Nothing waits in its lists then. */
	bool leaving;

	/** The file whose chunks are being filled, or NULL. */
	struct hold *hold;
	/** The batch being worked on, or NULL, and the next of its names. Its tree is pinned. */
	struct batch *batch;
	size_t next;
	/** Batches for which work had no room. */
	struct list overflow;
};

/** Whether nothing more is to be begun. */
bool state_is_cancelled(const struct state *s);

/** Begin to move a file's data, sharing it if it is big. Takes over the reference. */
void hold_begin(struct state *s, struct file *file, bool shared);

/** Claim the next range of the file being filled. Returns false if there is none. */
bool hold_claim(struct state *s);

/** The file being filled has nothing left to claim. */
void hold_exhausted(struct state *s);

/** Start the next chunk of the file being filled. There must be room. */
void slot_begin(struct state *s);

/** Whether there is room for what comes next: a chunk in flight, or to begin with the next file. */
bool slots_have_room(const struct state *s);

/** Whether requests have been kept from the kernel for long enough. */
bool slots_are_due(const struct state *s);

/** Hand requests to the kernel, wait for answers if there is no room, and take them. */
void slots_drain(struct state *s);

#endif // UCP_WORKER_IMPL_H
