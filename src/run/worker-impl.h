// SPDX-License-Identifier: MIT
/**
 * The state of a worker's thread, and the moving of data; for the worker's files only.
 */

#ifndef UCP_WORKER_IMPL_H
#define UCP_WORKER_IMPL_H

#include "run/worker.h"

#include "engine/chunk.h"
#include "engine/ring.h"

/** A file whose data a worker is moving. */
struct hold {
	struct file *file;
	struct ring_file src;
	struct ring_file dst;
	/** What is left of the claimed range. */
	struct extent range;
	/** Chunks in flight. */
	unsigned inflight;
	/** Whether other workers may hold the file, too. */
	bool shared;
	/** Whether zeros are looked for. */
	bool make_holes;
	/** Whether data is read through the ring and written by system calls. */
	bool direct;
	/** Whether the range is in the page cache. */
	bool cached;
	/** Whether chunks are written one after the other. */
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
	/** Bytes of the slot's buffer that are touched. */
	uint32_t reach;
	/** Whether the buffer's memory cannot be given back to the kernel. */
	bool stays;
	/** The offset at which it began, or UINT64_MAX if it was given up. */
	uint64_t start;
	/** The chunk's number in its file, and whether it waits for earlier chunks to be written. */
	unsigned turn;
	bool waits;
};

/** The state of a worker's thread. */
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
	/** Number of slots. */
	unsigned depth;
	/** Bytes in flight. */
	size_t inflight;
	/** Bytes of the slots' buffers that are touched. */
	size_t resident;
	/** Chunks that wait for earlier ones to be written. */
	unsigned waiting;
	/** Requests that the kernel does not have yet. */
	unsigned unsent;
	/** Whether it took long to begin with the last name. */
	bool slow;
	/** Whether the worker got no buffers, and so leaves the work to others. Nothing waits in its lists then. */
	bool leaving;

	/** The file whose chunks are being filled, or NULL. */
	struct hold *hold;
	/** The hold of a file for which there was no other memory; its file is NULL while it is free. */
	struct hold spare;
	/** The current batch, or NULL, and the index of its next name. The batch's tree is pinned. */
	struct batch *batch;
	size_t next;
	/** Batches for which work had no room. */
	struct list overflow;
};

/** How the sources are read: enum head_way. */
unsigned state_way(const struct state *s);

/** Whether the copy was cancelled, so that nothing more is to be begun. */
bool state_is_cancelled(const struct state *s);

/** Begin to move a file's data, and share the file if it is big. Takes over the reference. */
void hold_begin(struct state *s, struct file *file, bool shared);

/** Claim the next range of the file being filled. Returns false if no range is left. */
bool hold_claim(struct state *s);

/** Stop filling a file that has no range left. */
void hold_exhausted(struct state *s);

/** Leave the ranges of the file being filled that were not claimed to others. Returns whether they can take them. */
bool hold_leave(struct state *s);

/** Start the next chunk of the file being filled. There must be room (slots_have_room()). */
void slot_begin(struct state *s);

/** Whether there is room for another chunk in flight, or to begin with the next file. */
bool slots_have_room(const struct state *s);

/** Whether enough requests were collected to hand them to the kernel. */
bool slots_are_due(const struct state *s);

/** Hand requests to the kernel, wait for events if there is no room, and handle them. */
void slots_drain(struct state *s);

#endif // UCP_WORKER_IMPL_H
