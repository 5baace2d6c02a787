// SPDX-License-Identifier: MIT
#include "engine/ring-impl.h"

#include <sys/mman.h>
#include <unistd.h>

char *ring_buffer(struct ring *ring, unsigned slot) {
	char *own = ring->slots[slot].buffer;
	return own ? own : ring->buffers + slot * ring->params.chunk_size;
}

bool ring_buffer_drop(struct ring *ring, unsigned slot) {
	size_t size = ring->params.chunk_size;
	// A registered buffer is pinned: new pages in its place would be unknown to the kernel
	return !ring->slots[slot].fixed && size % (size_t)sysconf(_SC_PAGESIZE) == 0
		&& madvise(ring_buffer(ring, slot), size, MADV_DONTNEED) == 0;
}

struct ring_file ring_plain_file(int fd) {
	return (struct ring_file) {.fd = fd, .fixed = -1};
}

bool ring_is_cancelled(const struct ring *ring) {
	return ring->params.cancelled && atomic_load_explicit(ring->params.cancelled, memory_order_relaxed);
}
