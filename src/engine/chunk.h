// SPDX-License-Identifier: MIT
/**
 * The state of one chunk: decides what to do after each completion. Pure: no I/O, no clock, no memory.
 *
 * A chunk is submitted as a pair: a linked read and write of the same length. The pair ends in one event: the write's
 * result if the read was full, else the read's result (then nothing was written).
 */

#ifndef UCP_CHUNK_H
#define UCP_CHUNK_H

/** The request that an event answers. */
enum chunk_op {
	CHUNK_OP_READ,
	CHUNK_OP_WRITE,
};

/** The next step for the caller. */
enum chunk_next {
	/** Submit chunk::len bytes at chunk::off as linked read and write. */
	CHUNK_SUBMIT,
	/** Read chunk::len bytes at chunk::off into the buffer. */
	CHUNK_READ,
	/** Write the buffer's bytes from chunk::put up to chunk::cut, at chunk::off + chunk::put. */
	CHUNK_WRITE,
	/** Choose with chunk_cut() which of the buffer's bytes from chunk::put up to chunk::got to write. */
	CHUNK_INSPECT,
	/** The chunk is copied. */
	CHUNK_DONE,
	/** The source ended at chunk::off: it was truncated. */
	CHUNK_END,
	/** Reading failed with chunk::err. */
	CHUNK_READ_FAILED,
	/** Writing failed with chunk::err. */
	CHUNK_WRITE_FAILED,
};

/** Switches of chunk_start(). */
enum chunk_flags {
	/** Inspect the data before writing it: never submit a linked pair. */
	CHUNK_LOOK = 1 << 0,
	/** Read first, then write: never submit a linked pair. */
	CHUNK_APART = 1 << 1,
};

/** How many tries an interrupted request gets: enough for signals, but no endless loop. */
#define CHUNK_TRIES 100

/** A chunk being copied. */
struct chunk {
	/** Offset of the buffer's first byte in both files. */
	uint64_t off;
	/** Bytes to copy from there. */
	uint32_t len;
	/** Bytes in the buffer. */
	uint32_t got;
	/** How many of them are written or skipped. */
	uint32_t put;
	/** End of the bytes being written. */
	uint32_t cut;
	/** Bytes written in total. */
	uint32_t written;
	/** A positive errno, after a failure. */
	int err;
	/** Interrupted requests in a row. */
	uint8_t tries;
	/** enum chunk_flags. */
	uint8_t flags;
};

/** Begin a chunk of LEN > 0 bytes. Returns CHUNK_SUBMIT or CHUNK_READ. */
enum chunk_next chunk_start(struct chunk *chunk, uint64_t off, uint32_t len, enum chunk_flags flags);

/** Handle the result of a request: bytes or -errno, as in a completion. */
enum chunk_next chunk_step(struct chunk *chunk, enum chunk_op op, int res);

/** After CHUNK_INSPECT: skip SKIP bytes (a hole), then write RUN bytes. Their sum must not be 0. */
enum chunk_next chunk_cut(struct chunk *chunk, uint32_t skip, uint32_t run);

#endif // UCP_CHUNK_H
