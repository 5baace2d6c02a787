#include "engine/chunk.h"

#include <errno.h>

/** What gets the wanted bytes into the buffer. */
static enum pair_next fetch(const struct pair *pair) {
	return pair->flags & (PAIR_LOOK | PAIR_APART) ? PAIR_READ : PAIR_SUBMIT;
}

enum pair_next pair_start(struct pair *pair, uint64_t off, uint32_t len, enum pair_flags flags) {
	*pair = (struct pair) {
		.off = off,
		.len = len,
		.flags = (uint8_t)flags,
	};
	return fetch(pair);
}

/** Whether a failed request may be tried again: interrupted, not now, or its link was cut before it began. */
static bool try_again(struct pair *pair, int res) {
	if (res != -EINTR && res != -EAGAIN && res != -ECANCELED) {
		return false;
	}
	return ++pair->tries < PAIR_TRIES;
}

static enum pair_next failed(struct pair *pair, int err, enum pair_next next) {
	pair->err = err;
	return next;
}

/** Everything up to pair::cut is dealt with. */
static enum pair_next cut_done(struct pair *pair) {
	if (pair->put < pair->got) {
		return PAIR_INSPECT;
	}
	if (pair->got == pair->len) {
		return PAIR_DONE;
	}
	pair->off += pair->got;
	pair->len -= pair->got;
	pair->got = pair->put = pair->cut = 0;
	return fetch(pair);
}

static enum pair_next read_step(struct pair *pair, int res) {
	if (res < 0) {
		return try_again(pair, res) ? fetch(pair) : failed(pair, -res, PAIR_READ_FAILED);
	}
	if (res == 0) {
		return PAIR_END;
	}
	if ((uint32_t)res > pair->len) {
		return failed(pair, EIO, PAIR_READ_FAILED);
	}
	pair->tries = 0;
	pair->got = (uint32_t)res;
	if (pair->flags & PAIR_LOOK) {
		return PAIR_INSPECT;
	}
	pair->cut = pair->got;
	return PAIR_WRITE;
}

static enum pair_next write_step(struct pair *pair, int res) {
	if (pair->got == 0) {
		// The write of a linked pair, so its read was full
		pair->got = pair->cut = pair->len;
	}
	if (res < 0) {
		return try_again(pair, res) ? PAIR_WRITE : failed(pair, -res, PAIR_WRITE_FAILED);
	}
	// Nothing written and no reason given would go on for ever
	if (res == 0 || (uint32_t)res > pair->cut - pair->put) {
		return failed(pair, EIO, PAIR_WRITE_FAILED);
	}
	pair->tries = 0;
	pair->put += (uint32_t)res;
	pair->written += (uint32_t)res;
	return pair->put < pair->cut ? PAIR_WRITE : cut_done(pair);
}

enum pair_next pair_step(struct pair *pair, enum pair_op op, int res) {
	return op == PAIR_OP_READ ? read_step(pair, res) : write_step(pair, res);
}

enum pair_next pair_cut(struct pair *pair, uint32_t skip, uint32_t run) {
	pair->put += skip;
	pair->cut = pair->put + run;
	return run > 0 ? PAIR_WRITE : cut_done(pair);
}
