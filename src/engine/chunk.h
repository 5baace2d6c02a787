/**
 * One chunk on its way: what to do after each completion. Pure: no I/O, no clock, no memory.
 *
 * A pair is submitted as a linked read and write of the same length, and ends in exactly one event: the write's
 * result if the read was full, the read's result if it was not (then nothing was written).
 */

#ifndef UCP_CHUNK_H
#define UCP_CHUNK_H

/** The half of a pair an event is about. */
enum pair_op {
	PAIR_OP_READ,
	PAIR_OP_WRITE,
};

/** What to do next. */
enum pair_next {
	/** Submit pair::len bytes at pair::off as linked read and write. */
	PAIR_SUBMIT,
	/** Read pair::len bytes at pair::off into the buffer. */
	PAIR_READ,
	/** Write the buffer's bytes from pair::put up to pair::cut, at pair::off + pair::put. */
	PAIR_WRITE,
	/** Bytes from pair::put up to pair::got wait in the buffer: say with pair_cut() which are to be written. */
	PAIR_INSPECT,
	/** All is copied. */
	PAIR_DONE,
	/** The source ended at pair::off: the rest does not exist any more. */
	PAIR_END,
	/** Reading failed with pair::err. */
	PAIR_READ_FAILED,
	/** Writing failed with pair::err. */
	PAIR_WRITE_FAILED,
};

/** Switches of pair_start(). */
enum pair_flags {
	/** Look at what was read before writing it: never submitted as a linked pair. */
	PAIR_LOOK = 1 << 0,
	/** Read first and write then, each alone: never submitted as a linked pair. */
	PAIR_APART = 1 << 1,
};

/** How often in a row an interrupted request is tried again. */
#define PAIR_TRIES 100

/** A chunk on its way. */
struct pair {
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
	/** enum pair_flags. */
	uint8_t flags;
};

/** Begin a chunk of LEN > 0 bytes. Returns PAIR_SUBMIT or PAIR_READ. */
enum pair_next pair_start(struct pair *pair, uint64_t off, uint32_t len, enum pair_flags flags);

/** Take the result of a request: bytes or -errno, as in a completion. */
enum pair_next pair_step(struct pair *pair, enum pair_op op, int res);

/** After PAIR_INSPECT: pass over SKIP bytes (a hole), then write RUN bytes. Their sum is not 0. */
enum pair_next pair_cut(struct pair *pair, uint32_t skip, uint32_t run);

#endif // UCP_CHUNK_H
