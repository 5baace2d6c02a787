// SPDX-License-Identifier: MIT
#include "engine/chunk.h"

#include <errno.h>

/** The step that reads the wanted bytes. */
static enum chunk_next fetch(const struct chunk *chunk) {
	return chunk->flags & (CHUNK_LOOK | CHUNK_APART) ? CHUNK_READ : CHUNK_SUBMIT;
}

enum chunk_next chunk_start(struct chunk *chunk, uint64_t off, uint32_t len, enum chunk_flags flags) {
	*chunk = (struct chunk) {
		.off = off,
		.len = len,
		.flags = (uint8_t)flags,
	};
	return fetch(chunk);
}

/** Whether to repeat a failed request: it was interrupted, not possible now, or cancelled before it began. */
static bool try_again(struct chunk *chunk, int res) {
	if (res != -EINTR && res != -EAGAIN && res != -ECANCELED) {
		return false;
	}
	return ++chunk->tries < CHUNK_TRIES;
}

static enum chunk_next failed(struct chunk *chunk, int err, enum chunk_next next) {
	chunk->err = err;
	return next;
}

/** Continue after all bytes up to chunk::cut were written or skipped. */
static enum chunk_next cut_done(struct chunk *chunk) {
	if (chunk->put < chunk->got) {
		return CHUNK_INSPECT;
	}
	if (chunk->got == chunk->len) {
		return CHUNK_DONE;
	}
	chunk->off += chunk->got;
	chunk->len -= chunk->got;
	chunk->got = chunk->put = chunk->cut = 0;
	return fetch(chunk);
}

static enum chunk_next read_step(struct chunk *chunk, int res) {
	if (res < 0) {
		return try_again(chunk, res) ? fetch(chunk) : failed(chunk, -res, CHUNK_READ_FAILED);
	}
	if (res == 0) {
		return CHUNK_END;
	}
	if ((uint32_t)res > chunk->len) {
		return failed(chunk, EIO, CHUNK_READ_FAILED);
	}
	chunk->tries = 0;
	chunk->got = (uint32_t)res;
	if (chunk->flags & CHUNK_LOOK) {
		return CHUNK_INSPECT;
	}
	chunk->cut = chunk->got;
	return CHUNK_WRITE;
}

static enum chunk_next write_step(struct chunk *chunk, int res) {
	if (chunk->got == 0) {
		// This is the write of a linked pair, so its read was full
		chunk->got = chunk->cut = chunk->len;
	}
	if (res < 0) {
		return try_again(chunk, res) ? CHUNK_WRITE : failed(chunk, -res, CHUNK_WRITE_FAILED);
	}
	// A write of 0 bytes without an error would repeat for ever
	if (res == 0 || (uint32_t)res > chunk->cut - chunk->put) {
		return failed(chunk, EIO, CHUNK_WRITE_FAILED);
	}
	chunk->tries = 0;
	chunk->put += (uint32_t)res;
	chunk->written += (uint32_t)res;
	return chunk->put < chunk->cut ? CHUNK_WRITE : cut_done(chunk);
}

enum chunk_next chunk_step(struct chunk *chunk, enum chunk_op op, int res) {
	return op == CHUNK_OP_READ ? read_step(chunk, res) : write_step(chunk, res);
}

enum chunk_next chunk_cut(struct chunk *chunk, uint32_t skip, uint32_t run) {
	chunk->put += skip;
	chunk->cut = chunk->put + run;
	return run > 0 ? CHUNK_WRITE : cut_done(chunk);
}
