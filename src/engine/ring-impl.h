/**
 * What ring's two engines share; for the ring room only.
 */

#ifndef UCP_RING_IMPL_H
#define UCP_RING_IMPL_H

#include "engine/ring.h"

#include <liburing.h>

#ifndef RWF_DONTCACHE
/** Only in the headers of newer kernels. */
#	define RWF_DONTCACHE 0x80
#endif

/** What a ring found out about registering something. */
enum ring_fixed {
	/** Not tried yet: the first big request will. */
	RING_FIXED_UNTRIED,
	RING_FIXED_READY,
	/** Not to be had here. */
	RING_FIXED_OFF,
};

/** What a slot was asked for, so that it can be asked of the system instead. */
struct ring_request {
	/** A pair's read and write; or one of them alone, of which only that file is set. */
	bool chunk;
	enum chunk_op op;
	struct ring_file src;
	struct ring_file dst;
	uint64_t off;
	/** Where in the buffer a write alone begins. */
	uint32_t at;
	/** Bytes of the read, and of the write. */
	uint32_t len;
	uint32_t write_len;
};

/** One request's place. */
struct ring_slot {
	struct ring_request asked;
	/** Whether the io_uring owes an answer. */
	bool due;
	/** A buffer in place of that in ring::buffers, which the kernel may still write to; or NULL. */
	char *buffer;
	/** Counts the slot's requests: completions of earlier ones are ignored. */
	uint32_t generation;
	/** Whether the buffer is registered. */
	bool fixed;
	/** Whether the request is a pair. */
	bool chunk;
	/** Without CQE_SKIP both halves of a pair complete: the results so far. */
	bool both;
	bool have[2];
	int res[2];
	/** The length of the pair's read. */
	uint32_t len;
};

/** One io_uring or its twin. */
struct ring {
	struct ring_params params;
	struct ring_stats stats;
	/** All buffers, one after the other. */
	char *buffers;
	struct ring_slot *slots;
	/** State of the injected faults. */
	uint64_t random;

	/** The io_uring, unless ring_params::sync. */
	struct io_uring uring;
	/** Whether new requests are made by system calls all the same, since the kernel does not do them any more. */
	bool turned;
	/** Whether the kernel may still write to the buffers, so that they have to stay. */
	bool left;
	/** Slots whose answer is due. */
	unsigned due;
	/** How often in a row the kernel had not what it takes: to take requests, and to do one. */
	unsigned refusals;
	unsigned put_off;
	/** Whether a successful read of a pair posts no completion (IORING_FEAT_CQE_SKIP, 5.17). */
	bool cqe_skip;
	enum ring_fixed fixed_buffers;
	enum ring_fixed fixed_files;
	/** Indices of free places in the table of registered files, and how many. */
	int *free_files;
	unsigned free_file_count;

	/** The twin's answers that were not fetched yet. */
	struct ring_event *done;
	unsigned done_count;

	char description[160];
};

/** Set up the io_uring of a ring. Returns 0 or -errno. */
int ring_uring_open(struct ring *ring);

/** Tear the io_uring down. */
void ring_uring_close(struct ring *ring);

/** As ring_register_file(). */
struct ring_file ring_uring_register_file(struct ring *ring, int fd);

/** As ring_unregister_file(). */
void ring_uring_unregister_file(struct ring *ring, struct ring_file file);

/** As ring_wait(), but errors are as the io_uring tells them. */
unsigned ring_uring_wait(struct ring *ring, struct ring_event *events, unsigned count, unsigned want);

/** Prepare what a slot was asked for. */
void ring_uring_ask(struct ring *ring, unsigned slot);

/** Hand nothing to the kernel any more: what it has not got yet is done by system calls. */
void ring_uring_turn(struct ring *ring);

/** An event of the io_uring: if it tells of an error, what a system call says counts, but if the copy is cancelled. */
void ring_believe(struct ring *ring, struct ring_event *event);

/** Whether the copy is cancelled. */
bool ring_is_cancelled(const struct ring *ring);

/** Make a request, or the write of a pair that was read (FROM is CHUNK_OP_WRITE), by system calls. */
struct ring_event ring_call(struct ring *ring, unsigned slot, enum chunk_op from);

/** Do what a slot was asked for by system calls, and have ring_wait() tell. If the copy is cancelled, nothing is done. */
void ring_do_now(struct ring *ring, unsigned slot);

#endif // UCP_RING_IMPL_H
