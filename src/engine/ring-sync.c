// SPDX-License-Identifier: MIT
#include "engine/ring-impl.h"

#include <errno.h>
#include <sys/uio.h>
#include <unistd.h>

/** Read or write at an offset, like pread(2) and pwrite(2). */
static ssize_t move(enum chunk_op op, struct ring_file file, char *data, size_t len, uint64_t off) {
	struct iovec iov = {.iov_base = data, .iov_len = len};
	// Sandboxes may forbid preadv2(2) and pwritev2(2)
	if (!file.leaves) {
		return op == CHUNK_OP_READ ? pread(file.fd, data, len, (off_t)off) : pwrite(file.fd, data, len, (off_t)off);
	}
	return op == CHUNK_OP_READ ? preadv2(file.fd, &iov, 1, (off_t)off, RWF_DONTCACHE)
							   : pwritev2(file.fd, &iov, 1, (off_t)off, RWF_DONTCACHE);
}

struct ring_event ring_call(struct ring *ring, unsigned slot, enum chunk_op from) {
	const struct ring_request *asked = &ring->slots[slot].asked;
	char *buffer = ring_buffer(ring, slot);
	struct ring_event event = {.slot = slot, .op = from};
	ssize_t n = 0;
	if (from == CHUNK_OP_READ) {
		n = move(CHUNK_OP_READ, asked->src, buffer, asked->len, asked->off);
		if (asked->chunk && n == (ssize_t)asked->len) {
			event.op = CHUNK_OP_WRITE;
		} else {
			ring->stats.cut += asked->chunk;
		}
	}
	if (event.op == CHUNK_OP_WRITE) {
		n = move(CHUNK_OP_WRITE, asked->dst, buffer + asked->at, asked->write_len, asked->off);
	}
	event.res = n < 0 ? -errno : (int)n;
	return event;
}

void ring_do_now(struct ring *ring, unsigned slot) {
	enum chunk_op op = ring->slots[slot].asked.op;
	ring->done[ring->done_count++] = ring_is_cancelled(ring)
		? (struct ring_event) {.slot = slot, .op = op, .res = -ECANCELED}
		: ring_call(ring, slot, op);
}
