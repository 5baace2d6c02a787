// SPDX-License-Identifier: MIT
/**
 * Declarations that ring's two engines share; for the ring room only.
 */

#ifndef UCP_RING_IMPL_H
#define UCP_RING_IMPL_H

#include "engine/ring.h"

#include <liburing.h>

#ifndef RWF_DONTCACHE
/** Missing in headers of older kernels. */
#	define RWF_DONTCACHE 0x80
#endif

/** Whether a ring can register buffers or files. */
enum ring_fixed {
	/** Not tried yet: the first big request will try. */
	RING_FIXED_UNTRIED,
	RING_FIXED_READY,
	/** Not possible here. */
	RING_FIXED_OFF,
};

/** The request of a slot, kept so that system calls can do it instead. */
struct ring_request {
	/** Whether it is a pair; if not, only src or only dst is set, as op says. */
	bool chunk;
	enum chunk_op op;
	struct ring_file src;
	struct ring_file dst;
	uint64_t off;
	/** Offset in the buffer at which a single write starts. */
	uint32_t at;
	/** Bytes to read, and to write. */
	uint32_t len;
	uint32_t write_len;
};

/** State of one slot. */
struct ring_slot {
	struct ring_request asked;
	/** Whether the io_uring must still answer. */
	bool due;
	/** Replaces the slot's part of ring::buffers, to which the kernel may still write; or NULL. */
	char *buffer;
	/** Number of the current request: completions of earlier ones are ignored. */
	uint32_t generation;
	/** Whether the buffer is registered. */
	bool fixed;
	/** Whether the request is a pair. */
	bool chunk;
	/** Whether both halves of a pair post completions (no CQE_SKIP), and the results so far. */
	bool both;
	bool have[2];
	int res[2];
	/** The length of the pair's read. */
	uint32_t len;
};

/** One io_uring or its synchronous twin. */
struct ring {
	struct ring_params params;
	struct ring_stats stats;
	/** The buffers of all slots, contiguous. */
	char *buffers;
	struct ring_slot *slots;
	/** State of the injected faults. */
	uint64_t random;

	/** The io_uring, unless ring_params::sync. */
	struct io_uring uring;
	/** Whether system calls do all new requests, because the kernel no longer does. */
	bool turned;
	/** Whether the kernel may still write to the buffers, so that they must stay mapped. */
	bool left;
	/** Slots with ring_slot::due. */
	unsigned due;
	/** How often in a row the kernel lacked memory to accept requests, and answered a request with EAGAIN. */
	unsigned refusals;
	unsigned put_off;
	/** Whether a successful read of a pair posts no completion (IORING_FEAT_CQE_SKIP, 5.17). */
	bool cqe_skip;
	enum ring_fixed fixed_buffers;
	enum ring_fixed fixed_files;
	/** Free indices in the table of registered files, and how many there are. */
	int *free_files;
	unsigned free_file_count;

	/** Events of requests done by system calls, not fetched yet. */
	struct ring_event *done;
	unsigned done_count;

	char description[160];
};

/** Set up the io_uring of a ring. Returns 0 or -errno. */
int ring_uring_open(struct ring *ring);

/** Tear down the io_uring. */
void ring_uring_close(struct ring *ring);

/** As ring_register_file(). */
struct ring_file ring_uring_register_file(struct ring *ring, int fd);

/** As ring_unregister_file(). */
void ring_uring_unregister_file(struct ring *ring, struct ring_file file);

/** As ring_wait(), but errors are the io_uring's own. */
unsigned ring_uring_wait(struct ring *ring, struct ring_event *events, unsigned count, unsigned want);

/** Prepare the entries for a slot's request. */
void ring_uring_ask(struct ring *ring, unsigned slot);

/**
 * Check an event of the io_uring: after an error repeat the request by a system call, whose result counts, unless the
 * copy is cancelled.
 */
void ring_believe(struct ring *ring, struct ring_event *event);

/** Whether the copy is cancelled. */
bool ring_is_cancelled(const struct ring *ring);

/** Do a slot's request by system calls; with FROM CHUNK_OP_WRITE only the write of a pair. */
struct ring_event ring_call(struct ring *ring, unsigned slot, enum chunk_op from);

/** Do a slot's request by system calls, for ring_wait() to return. If the copy is cancelled, do nothing. */
void ring_do_now(struct ring *ring, unsigned slot);

#endif // UCP_RING_IMPL_H
