// SPDX-License-Identifier: MIT
/**
 * An io_uring with its buffers and slots, and a synchronous twin that works with pread and pwrite.
 *
 * A ring belongs to the thread that opened it. Each slot has one buffer and at most one request in flight: a linked
 * pair, a read or a write. Each request is answered by one event, however the kernel reports. Nothing is submitted
 * before ring_wait().
 *
 * System calls do what the io_uring fails to do: they repeat each request that ends with an error, so that all errors
 * returned are those of read(2) or write(2); and they do all further requests if the kernel lacks threads or memory.
 */

#ifndef UCP_RING_H
#define UCP_RING_H

#include "engine/chunk.h"

#include <stdatomic.h>
#include <stddef.h>

/** Buffer size for ring_features(). */
#define RING_FEATURES 512

/** A ring; see ring_open(). */
struct ring;

/** Parameters of ring_open(). */
struct ring_params {
	/** Slots: the maximum number of requests in flight. */
	unsigned depth;
	/** Bytes of a slot's buffer. */
	size_t chunk_size;
	/** Whether to use system calls instead of io_uring. */
	bool sync;
	/** Most kernel threads for requests that block; 0: no limit. */
	unsigned helpers;
	/** Set when no request is to be repeated; or NULL. */
	const atomic_bool *cancelled;
	/** enum inject, and its seed. */
	unsigned inject;
	uint64_t seed;
};

/** A file for requests of a ring. */
struct ring_file {
	int fd;
	/** Index in the table of registered files, or -1. */
	int fixed;
	/**
	 * Whether data read or written leaves the page cache at once (RWF_DONTCACHE, Linux 6.14), unless it was there
	 * before. If the file system cannot do this, requests fail with EOPNOTSUPP.
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

/** Statistics of a ring. */
struct ring_stats {
	/** Submitted pairs, single reads and single writes, and writes by ring_write_now(). */
	uint64_t pairs;
	uint64_t reads;
	uint64_t writes;
	uint64_t calls;
	/** Pairs whose write was dropped because of a short or failed read. */
	uint64_t cut;
	/** Requests (two in a pair) on registered buffers, and on registered files. */
	uint64_t fixed_buffer;
	uint64_t fixed_file;
	/** Calls of io_uring_enter(2). */
	uint64_t enters;
	/** Requests that failed in the io_uring and were repeated. */
	uint64_t again;
};

/**
 * Set up a ring, with the best set-up flags this kernel knows.
 *
 * @return 0 or -errno: -ENOSYS, -EPERM, -ENOMEM, -EMFILE, … if io_uring is not available.
 */
int ring_open(struct ring **ring, const struct ring_params *params);

/** Tear down a ring. No request may be in flight. NULL is ignored. */
void ring_close(struct ring *ring);

/** The buffer of a slot. */
char *ring_buffer(struct ring *ring, unsigned slot);

/**
 * Return a buffer's memory to the system; its content is lost. The slot must have no request in flight. Returns false
 * if the memory stays, because it is registered or shares pages with other buffers.
 */
bool ring_buffer_drop(struct ring *ring, unsigned slot);

/**
 * Whether an io_uring with these features (struct io_uring_params::features) closes a registered file as soon as it is
 * unregistered. Linux up to 6.3 does that a second later, when the program may have ended (io_rsrc_node_ref_zero() in
 * io_uring/rsrc.c): until then a copy is open for writing, and can neither be run nor unmounted. Up to 6.12 all earlier
 * requests must end first, also those for other files. So a newer feature is required (RW_ATTR, 6.14).
 */
bool ring_releases_files(unsigned kernel);

/**
 * Register a file if the ring can and ring_releases_files(). The descriptor must stay open until
 * ring_unregister_file(). Afterwards the ring does not keep the file open.
 */
struct ring_file ring_register_file(struct ring *ring, int fd);

/** A file for few requests, which is not worth registering. */
struct ring_file ring_plain_file(int fd);

/** Undo ring_register_file(). No request of the file may be in flight. */
void ring_unregister_file(struct ring *ring, struct ring_file file);

/** Prepare a linked pair: read LEN bytes of SRC at OFF and write them to DST at OFF. */
void ring_pair(struct ring *ring, unsigned slot, struct ring_file src, struct ring_file dst, uint64_t off,
	uint32_t len);

/** Prepare a read of LEN bytes of SRC at OFF into the slot's buffer. */
void ring_read(struct ring *ring, unsigned slot, struct ring_file src, uint64_t off, uint32_t len);

/** Prepare a write of LEN bytes of the slot's buffer, from byte AT of it, to DST at OFF. */
void ring_write(struct ring *ring, unsigned slot, struct ring_file dst, uint64_t off, uint32_t at, uint32_t len);

/**
 * Write LEN bytes of the slot's buffer, from its byte AT, to DST at OFF by an immediate system call. The slot must have
 * no request in flight.
 *
 * @return Bytes written, or -errno.
 */
int ring_write_now(struct ring *ring, unsigned slot, struct ring_file dst, uint64_t off, uint32_t at, uint32_t len);

/**
 * Submit the prepared requests, and wait until there are WANT events.
 *
 * @return The number of events stored; may be less than WANT, even 0 (after a signal).
 */
unsigned ring_wait(struct ring *ring, struct ring_event *events, unsigned count, unsigned want);

/** Whether the ring works by system calls, always or by now: then one request at a time is best. */
bool ring_is_sync(const struct ring *ring);

/** The statistics so far. */
const struct ring_stats *ring_get_stats(const struct ring *ring);

/** The engine in one word: "uring" or "sync". */
const char *ring_name(const struct ring *ring);

/** The engine in words: "io_uring, single issuer, …". Lives as long as the ring. */
const char *ring_describe(const struct ring *ring);

/** Write the features of the kernel's io_uring, or the reason why there is none, in words. */
void ring_features(char *text, size_t size);

/** The likely reason why opening a ring failed with ERR, a positive errno; NULL if unknown. */
const char *ring_obstacle(int err);

/** The version of liburing, or NULL if unknown. */
const char *ring_library(void);

#endif // UCP_RING_H
