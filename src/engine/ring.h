/**
 * One io_uring with its buffers and slots, and the synchronous twin that does the same with pread and pwrite.
 *
 * A ring belongs to one thread, which must also be the one that opens it. Each of its slots has one buffer and can have
 * one request in flight: a linked pair, a read or a write. A request is answered by one event, whatever the kernel's way
 * of reporting. Nothing is handed to the kernel before ring_wait().
 *
 * What the io_uring fails to do is done by system calls: each request that ends with an error once more, so that an error
 * told is one of read(2) or write(2); and if the kernel lacks what it takes (threads, memory), all that follows.
 */

#ifndef UCP_RING_H
#define UCP_RING_H

#include "engine/chunk.h"

#include <stdatomic.h>
#include <stddef.h>

/** Bytes of the text of ring_features(). */
#define RING_FEATURES 512

/** A ring; see ring_open(). */
struct ring;

/** How to set up a ring. */
struct ring_params {
	/** Slots: most requests in flight. */
	unsigned depth;
	/** Bytes of a slot's buffer. */
	size_t chunk_size;
	/** Whether to do without io_uring. */
	bool sync;
	/** Most threads that the kernel may have for what waits; 0: as many as it likes. */
	unsigned helpers;
	/** Set when nothing is to be tried again; or NULL. */
	const atomic_bool *cancelled;
	/** enum inject, and the seed for it. */
	unsigned inject;
	uint64_t seed;
};

/** A file that a ring knows. */
struct ring_file {
	int fd;
	/** Its index in the table of registered files, or -1. */
	int fixed;
	/**
	 * Whether what is read and written leaves the page cache at once (RWF_DONTCACHE, Linux 6.14), unless it was there
	 * before. Where that cannot be, requests fail with EOPNOTSUPP.
	 */
	bool leaves;
};

/** The answer to a request. */
struct ring_event {
	unsigned slot;
	enum chunk_op op;
	/** Bytes or -errno. */
	int res;
};

/** What a ring has done. */
struct ring_stats {
	/** Linked pairs, single reads, single writes submitted, and writes by system calls. */
	uint64_t pairs;
	uint64_t reads;
	uint64_t writes;
	uint64_t calls;
	/** Pairs whose link was cut by a short or failed read. */
	uint64_t cut;
	/** Requests (a pair is two) on registered buffers, and on registered files. */
	uint64_t fixed_buffer;
	uint64_t fixed_file;
	/** Calls of io_uring_enter(2). */
	uint64_t enters;
	/** Requests that the io_uring failed to do, and that were made once more. */
	uint64_t again;
};

/**
 * Set up a ring with the set-up flags this kernel has.
 *
 * @return 0 or -errno: -ENOSYS, -EPERM, -ENOMEM, -EMFILE, … where there is no io_uring to be had.
 */
int ring_open(struct ring **ring, const struct ring_params *params);

/** Tear a ring down. Nothing may be in flight. NULL is ignored. */
void ring_close(struct ring *ring);

/** The buffer of a slot. */
char *ring_buffer(struct ring *ring, unsigned slot);

/**
 * Give the memory of a buffer back, whose slot has no request in flight; its content is lost. Returns false where it stays,
 * being registered or sharing pages with others.
 */
bool ring_buffer_drop(struct ring *ring, unsigned slot);

/**
 * Whether a kernel whose io_uring has these features (struct io_uring_params::features) lets go of a registered file as soon
 * as it is forgotten. Linux up to 6.3 does so a second later, when the program may have ended (io_rsrc_node_ref_zero() in
 * io_uring/rsrc.c): until then a copy is open for writing, and can be neither run nor unmounted. Up to 6.12 all requests that
 * were made before have to end first, those for other files too. So it takes a feature that is newer (RW_ATTR, 6.14).
 */
bool ring_releases_files(unsigned kernel);

/**
 * Register a file if the ring can and ring_releases_files(); the descriptor must stay open until ring_unregister_file(). Registered or
 * not, nothing keeps the file open when it is forgotten and the descriptor closed.
 */
struct ring_file ring_register_file(struct ring *ring, int fd);

/** A file for a few requests only, which is not worth registering. */
struct ring_file ring_plain_file(int fd);

/** Undo ring_register_file(). None of its requests may be in flight. */
void ring_unregister_file(struct ring *ring, struct ring_file file);

/** Prepare a linked pair: read LEN bytes of SRC at OFF and write them to DST at OFF. */
void ring_pair(struct ring *ring, unsigned slot, struct ring_file src, struct ring_file dst, uint64_t off, uint32_t len);

/** Prepare a read of LEN bytes of SRC at OFF into the slot's buffer. */
void ring_read(struct ring *ring, unsigned slot, struct ring_file src, uint64_t off, uint32_t len);

/** Prepare a write of LEN bytes of the slot's buffer, from byte AT of it, to DST at OFF. */
void ring_write(struct ring *ring, unsigned slot, struct ring_file dst, uint64_t off, uint32_t at, uint32_t len);

/**
 * Write LEN bytes of the slot's buffer, from byte AT of it, to DST at OFF by a system call, at once. The slot has no
 * request in flight.
 *
 * @return Bytes written, or -errno.
 */
int ring_write_now(struct ring *ring, unsigned slot, struct ring_file dst, uint64_t off, uint32_t at, uint32_t len);

/**
 * Hand what is prepared to the kernel, and wait until there are WANT events, if nothing comes in between.
 *
 * @return The number of events stored, perhaps 0 (a signal came).
 */
unsigned ring_wait(struct ring *ring, struct ring_event *events, unsigned count, unsigned want);

/** Whether the ring works by system calls, from the beginning or by now: then one request at a time is best. */
bool ring_is_sync(const struct ring *ring);

/** What the ring has done so far. */
const struct ring_stats *ring_get_stats(const struct ring *ring);

/** What moves the data, in one word: "uring" or "sync". */
const char *ring_name(const struct ring *ring);

/** What the ring is made of, in words: "io_uring, single issuer, …". Lives as long as the ring. */
const char *ring_describe(const struct ring *ring);

/** Which features the kernel's io_uring has, and what keeps us from it if there is none, in words. */
void ring_features(char *text, size_t size);

/** Why there may be no io_uring, where opening a ring gave ERR, a positive errno; NULL if that is not known. */
const char *ring_obstacle(int err);

/** The version of liburing, or NULL if that is not known. */
const char *ring_library(void);

#endif // UCP_RING_H
