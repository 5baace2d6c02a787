// SPDX-License-Identifier: MIT
#include "engine/ring-impl.h"
#include "engine/ring.h"

#include "base/opts.h"
#include "base/random.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static size_t buffers_size(const struct ring *ring) {
	return ring->params.depth * ring->params.chunk_size;
}

int ring_open(struct ring **out, const struct ring_params *params) {
	struct ring *ring = calloc(1, sizeof(*ring));
	if (!ring) {
		return -ENOMEM;
	}
	ring->params = *params;
	ring->random = params->seed;
	ring->slots = calloc(params->depth, sizeof(*ring->slots));
	ring->done = calloc(params->depth, sizeof(*ring->done));
	// mmap() instead of malloc(): pages that no request needs are never touched
	ring->buffers = mmap(NULL, buffers_size(ring), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (ring->buffers == MAP_FAILED) {
		ring->buffers = NULL;
	} else {
		// A huge page would cost 2 MiB for a file of a few bytes
		madvise(ring->buffers, buffers_size(ring), MADV_NOHUGEPAGE);
		// The kernel would copy registered buffers for each process that flushes
		madvise(ring->buffers, buffers_size(ring), MADV_DONTFORK);
	}

	int ret = ring->slots && ring->done && ring->buffers ? 0 : -ENOMEM;
	if (ret == 0 && params->sync) {
		snprintf(ring->description, sizeof(ring->description), "system calls");
	} else if (ret == 0) {
		ret = params->inject & INJECT_NO_RING ? -EPERM : ring_uring_open(ring);
	}
	if (ret < 0) {
		ring->params.sync = true;
		ring_close(ring);
		return ret;
	}
	*out = ring;
	return 0;
}

void ring_close(struct ring *ring) {
	if (!ring) {
		return;
	}
	if (!ring->params.sync) {
		ring_uring_close(ring);
	}
	if (ring->buffers && !ring->left) {
		munmap(ring->buffers, buffers_size(ring));
	}
	for (unsigned i = 0; ring->slots && i < ring->params.depth; ++i) {
		if (ring->slots[i].buffer) {
			munmap(ring->slots[i].buffer, ring->params.chunk_size);
		}
	}
	free(ring->slots);
	free(ring->done);
	free(ring);
}

struct ring_file ring_register_file(struct ring *ring, int fd) {
	return ring_is_sync(ring) ? ring_plain_file(fd) : ring_uring_register_file(ring, fd);
}

void ring_unregister_file(struct ring *ring, struct ring_file file) {
	if (file.fixed >= 0) {
		ring_uring_unregister_file(ring, file);
	}
}

/** The length to request: sometimes shorter, if that fault is injected. */
static uint32_t ask(struct ring *ring, unsigned fault, uint32_t len) {
	if ((ring->params.inject & fault) && len > 1 && random_next(&ring->random) % 4 == 0) {
		return (uint32_t)(1 + random_next(&ring->random) % (len - 1));
	}
	return len;
}

/** Start a slot's request. */
static void begin(struct ring *ring, unsigned slot, struct ring_request request) {
	ring->slots[slot].asked = request;
	if (ring_is_sync(ring)) {
		ring_do_now(ring, slot);
	} else {
		ring->slots[slot].due = true;
		++ring->due;
		ring_uring_ask(ring, slot);
	}
}

void ring_pair(struct ring *ring, unsigned slot, struct ring_file src, struct ring_file dst, uint64_t off,
	uint32_t len) {
	uint32_t read_len = ask(ring, INJECT_SHORT_READ, len);
	if (read_len < len) {
		// A shortened read would be full, so that the linked write would follow: read without a link
		ring_read(ring, slot, src, off, read_len);
		return;
	}
	++ring->stats.pairs;
	begin(ring, slot,
		(struct ring_request) {
			.chunk = true,
			.op = CHUNK_OP_READ,
			.src = src,
			.dst = dst,
			.off = off,
			.len = len,
			.write_len = ask(ring, INJECT_SHORT_WRITE, len),
		});
}

void ring_read(struct ring *ring, unsigned slot, struct ring_file src, uint64_t off, uint32_t len) {
	++ring->stats.reads;
	begin(ring, slot,
		(struct ring_request) {
			.op = CHUNK_OP_READ,
			.src = src,
			.off = off,
			.len = ask(ring, INJECT_SHORT_READ, len),
		});
}

void ring_write(struct ring *ring, unsigned slot, struct ring_file dst, uint64_t off, uint32_t at, uint32_t len) {
	++ring->stats.writes;
	begin(ring, slot,
		(struct ring_request) {
			.op = CHUNK_OP_WRITE,
			.dst = dst,
			.off = off,
			.at = at,
			.write_len = ask(ring, INJECT_SHORT_WRITE, len),
		});
}

int ring_write_now(struct ring *ring, unsigned slot, struct ring_file dst, uint64_t off, uint32_t at, uint32_t len) {
	++ring->stats.calls;
	ssize_t n = pwrite(dst.fd, ring_buffer(ring, slot) + at, ask(ring, INJECT_SHORT_WRITE, len), (off_t)off);
	return n < 0 ? -errno : (int)n;
}

/** Fetch events of requests that were done by system calls. */
static unsigned fetch_done(struct ring *ring, struct ring_event *events, unsigned count) {
	unsigned n = min(count, ring->done_count);
	for (unsigned i = 0; i < n; ++i) {
		events[i] = ring->done[--ring->done_count];
	}
	return n;
}

unsigned ring_wait(struct ring *ring, struct ring_event *events, unsigned count, unsigned want) {
	unsigned n = fetch_done(ring, events, count);
	if (ring->params.sync || n == count || (ring->turned && ring->due == 0)) {
		return n;
	}
	unsigned more = ring_uring_wait(ring, events + n, count - n, n > 0 ? 0 : want);
	for (unsigned i = n; i < n + more; ++i) {
		ring_believe(ring, &events[i]);
	}
	return n + more;
}

bool ring_is_sync(const struct ring *ring) {
	return ring->params.sync || ring->turned;
}

const struct ring_stats *ring_get_stats(const struct ring *ring) {
	return &ring->stats;
}

const char *ring_name(const struct ring *ring) {
	return ring->params.sync ? "sync" : "uring";
}

const char *ring_describe(const struct ring *ring) {
	return ring->description;
}
