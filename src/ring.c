#include "ring.h"
#include "ring-impl.h"

#include "opts.h"
#include "std.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

char *ring_buffer(struct ring *ring, unsigned slot) {
	return ring->buffers + slot * ring->params.chunk_size;
}

bool ring_buffer_drop(struct ring *ring, unsigned slot) {
	size_t size = ring->params.chunk_size;
	// What is registered is pinned: new pages in its place would not be those the kernel knows
	return !ring->slots[slot].fixed && size % (size_t)sysconf(_SC_PAGESIZE) == 0
		&& madvise(ring_buffer(ring, slot), size, MADV_DONTNEED) == 0;
}

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
	// Mapped, not allocated: pages that no request needs are never touched
	ring->buffers = mmap(NULL, buffers_size(ring), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (ring->buffers == MAP_FAILED) {
		ring->buffers = NULL;
	} else {
		// Huge pages would be a buffer's memory, and that of its neighbours, for a file of a few bytes
		madvise(ring->buffers, buffers_size(ring), MADV_NOHUGEPAGE);
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
	if (ring->buffers) {
		munmap(ring->buffers, buffers_size(ring));
	}
	free(ring->slots);
	free(ring->done);
	free(ring);
}

struct ring_file ring_plain(int fd) {
	return (struct ring_file) {.fd = fd, .fixed = -1};
}

struct ring_file ring_know(struct ring *ring, int fd) {
	return ring->params.sync ? ring_plain(fd) : ring_uring_know(ring, fd);
}

void ring_forget(struct ring *ring, struct ring_file file) {
	if (file.fixed >= 0) {
		ring_uring_forget(ring, file);
	}
}

/** The length to ask for: sometimes less than wanted, if that fault is injected. */
static uint32_t ask(struct ring *ring, unsigned fault, uint32_t len) {
	if ((ring->params.inject & fault) && len > 1 && random_next(&ring->random) % 4 == 0) {
		return (uint32_t)(1 + random_next(&ring->random) % (len - 1));
	}
	return len;
}

/** Read or write at an offset, as pread and pwrite do. */
static ssize_t move(enum pair_op op, struct ring_file file, char *data, size_t len, uint64_t off) {
	struct iovec iov = {.iov_base = data, .iov_len = len};
	// Not everywhere may the calls with flags be made
	if (!file.leaves) {
		return op == PAIR_OP_READ ? pread(file.fd, data, len, (off_t)off) : pwrite(file.fd, data, len, (off_t)off);
	}
	return op == PAIR_OP_READ ? preadv2(file.fd, &iov, 1, (off_t)off, RWF_DONTCACHE)
		: pwritev2(file.fd, &iov, 1, (off_t)off, RWF_DONTCACHE);
}

/** The twin's way: do it now, and answer later. */
static void sync_answer(struct ring *ring, unsigned slot, enum pair_op op, ssize_t res) {
	ring->done[ring->done_count++] = (struct ring_event) {
		.slot = slot,
		.op = op,
		.res = res < 0 ? -errno : (int)res,
	};
}

void ring_pair(struct ring *ring, unsigned slot, struct ring_file src, struct ring_file dst, uint64_t off,
	uint32_t len)
{
	uint32_t read_len = ask(ring, INJECT_SHORT_READ, len);
	if (read_len < len) {
		// A link would not be cut by a read that got all it asked for
		ring_read(ring, slot, src, off, read_len);
		return;
	}
	uint32_t write_len = ask(ring, INJECT_SHORT_WRITE, len);
	++ring->stats.pairs;
	if (!ring->params.sync) {
		ring_uring_pair(ring, slot, src, dst, off, len, write_len);
		return;
	}
	char *buffer = ring_buffer(ring, slot);
	ssize_t n = move(PAIR_OP_READ, src, buffer, len, off);
	if (n == (ssize_t)len) {
		sync_answer(ring, slot, PAIR_OP_WRITE, move(PAIR_OP_WRITE, dst, buffer, write_len, off));
	} else {
		++ring->stats.cut;
		sync_answer(ring, slot, PAIR_OP_READ, n);
	}
}

void ring_read(struct ring *ring, unsigned slot, struct ring_file src, uint64_t off, uint32_t len) {
	len = ask(ring, INJECT_SHORT_READ, len);
	++ring->stats.reads;
	if (ring->params.sync) {
		sync_answer(ring, slot, PAIR_OP_READ, move(PAIR_OP_READ, src, ring_buffer(ring, slot), len, off));
	} else {
		ring_uring_single(ring, slot, PAIR_OP_READ, src, off, 0, len);
	}
}

void ring_write(struct ring *ring, unsigned slot, struct ring_file dst, uint64_t off, uint32_t at, uint32_t len) {
	len = ask(ring, INJECT_SHORT_WRITE, len);
	++ring->stats.writes;
	if (ring->params.sync) {
		sync_answer(ring, slot, PAIR_OP_WRITE, move(PAIR_OP_WRITE, dst, ring_buffer(ring, slot) + at, len, off));
	} else {
		ring_uring_single(ring, slot, PAIR_OP_WRITE, dst, off, at, len);
	}
}

int ring_write_now(struct ring *ring, unsigned slot, struct ring_file dst, uint64_t off, uint32_t at, uint32_t len) {
	++ring->stats.calls;
	ssize_t n = pwrite(dst.fd, ring_buffer(ring, slot) + at, ask(ring, INJECT_SHORT_WRITE, len), (off_t)off);
	return n < 0 ? -errno : (int)n;
}

int ring_wait(struct ring *ring, struct ring_event *events, unsigned count, unsigned want) {
	if (!ring->params.sync) {
		return ring_uring_wait(ring, events, count, want);
	}
	unsigned n = min(count, ring->done_count);
	for (unsigned i = 0; i < n; ++i) {
		events[i] = ring->done[--ring->done_count];
	}
	return (int)n;
}

const struct ring_stats *ring_get_stats(const struct ring *ring) {
	return &ring->stats;
}

const char *ring_describe(const struct ring *ring) {
	return ring->description;
}
