/**
 * One chunk on its way: what to do after each completion. Pure: no I/O, no clock, no memory.
 *
 * It is submitted as a pair: a linked read and write of the same length, and ends in exactly one event: the write's
 * result if the read was full, the read's result if it was not (then nothing was written).
 */

#ifndef UCP_CHUNK_H
#define UCP_CHUNK_H

/** Which request of a chunk an event is about. */
enum chunk_op {
	CHUNK_OP_READ,
	CHUNK_OP_WRITE,
};

/** What to do next. */
enum chunk_next {
	/** Submit chunk::len bytes at chunk::off as linked read and write. */
	CHUNK_SUBMIT,
	/** Read chunk::len bytes at chunk::off into the buffer. */
	CHUNK_READ,
	/** Write the buffer's bytes from chunk::put up to chunk::cut, at chunk::off + chunk::put. */
	CHUNK_WRITE,
	/** Bytes from chunk::put up to chunk::got wait in the buffer: say with chunk_cut() which are to be written. */
	CHUNK_INSPECT,
	/** All is copied. */
	CHUNK_DONE,
	/** The source ended at chunk::off: the rest does not exist any more. */
	CHUNK_END,
	/** Reading failed with chunk::err. */
	CHUNK_READ_FAILED,
	/** Writing failed with chunk::err. */
	CHUNK_WRITE_FAILED,
};

/** Switches of chunk_start(). */
enum chunk_flags {
	/** Look at what was read before writing it: never submitted as a linked pair. */
	CHUNK_LOOK = 1 << 0,
	/** Read first and write then, each alone: never submitted as a linked pair. */
	CHUNK_APART = 1 << 1,
};

/** How often in a row an interrupted request is tried again. */
#define CHUNK_TRIES 100

/** A chunk on its way. */
struct chunk {
	/** Where the chunk's first byte, which is the buffer's first byte, stands in both files. */
	uint64_t off;
	/** Bytes wanted from there. */
	uint32_t len;
	/** Bytes in the buffer. */
	uint32_t got;
	/** How many of them are dealt with. */
	uint32_t put;
	/** Up to where they are being written. */
	uint32_t cut;
	/** Bytes written in all. */
	uint32_t written;
	/** A positive errno, after a failure. */
	int err;
	/** Requests in a row that were interrupted. */
	uint8_t tries;
	/** enum chunk_flags. */
	uint8_t flags;
};

/** Begin a chunk of LEN > 0 bytes. Returns CHUNK_SUBMIT or CHUNK_READ. */
enum chunk_next chunk_start(struct chunk *chunk, uint64_t off, uint32_t len, enum chunk_flags flags);

/** Take the result of a request: bytes or -errno, as in a completion. */
enum chunk_next chunk_step(struct chunk *chunk, enum chunk_op op, int res);

/** After CHUNK_INSPECT: pass over SKIP bytes (a hole), then write RUN bytes. Their sum is not 0. */
enum chunk_next chunk_cut(struct chunk *chunk, uint32_t skip, uint32_t run);

#endif // UCP_CHUNK_H
