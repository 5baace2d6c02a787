// SPDX-License-Identifier: MIT
/**
 * What the tests of ring work with.
 */

#ifndef UCP_TEST_RING_KIT_H
#define UCP_TEST_RING_KIT_H

#include "base/opts.h"
#include "base/random.h"
#include "engine/ring.h"
#include "unit.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define KIB 1024u

/** A way to set up a ring. */
struct way {
	const char *name;
	bool sync;
	unsigned inject;
};

static const struct way ways[] = {
	{"system calls", true, 0},
	{"io_uring", false, 0},
	{"io_uring, two completions a pair", false, INJECT_NO_CQE_SKIP},
	{"io_uring, plain buffers", false, INJECT_NO_FIXED_BUFFERS},
	{"io_uring, plain files", false, INJECT_NO_FIXED_FILES},
	{"io_uring, as on old kernels", false,
		INJECT_NO_CQE_SKIP | INJECT_NO_FIXED_BUFFERS | INJECT_NO_FIXED_FILES | INJECT_NO_SINGLE_ISSUER},
};

/** Set up a ring, or return NULL where the kernel has none. */
static struct ring *open_way(const struct way *way, unsigned depth, size_t chunk_size) {
	struct ring *ring = NULL;
	struct ring_params params = {
		.depth = depth, .chunk_size = chunk_size, .sync = way->sync, .inject = way->inject, .seed = 1,
	};
	int ret = ring_open(&ring, &params);
	CHECK_MSG(ret == 0 || !way->sync, "%s: %s", way->name, strerror(-ret));
	return ret == 0 ? ring : NULL;
}

/** Open what "uring" names, the first of the table that is one; leave the test where there is none. */
static struct ring *need_uring(unsigned depth, size_t chunk_size) {
	struct ring *ring = open_way(&ways[1], depth, chunk_size);
	if (!ring) {
		SKIP("no io_uring here");
	}
	return ring;
}

/** Run CHECK_IT with a ring of each engine. */
static void with_all(unsigned depth, size_t chunk_size, void (*check_it)(struct ring *ring)) {
	for (size_t i = 0; i < countof(ways); ++i) {
		struct ring *ring = open_way(&ways[i], depth, chunk_size);
		if (!ring) {
			continue;
		}
		unsigned before = atomic_load(&unit_failures);
		check_it(ring);
		ring_close(ring);
		if (atomic_load(&unit_failures) > before) {
			printf("# so with %s\n", ways[i].name);
		}
	}
}

// --- Files without names

static int new_file(void) {
	int fd = open(".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0) {
		fd = memfd_create("ring", MFD_CLOEXEC);
	}
	REQUIRE(fd >= 0);
	return fd;
}

/** The byte at an offset of a file by a seed. */
static char byte_at(uint64_t seed, uint64_t off) {
	uint64_t state = seed * 1000003 + off / 8;
	return (char)(random_next(&state) >> (off % 8 * 8));
}

static int new_random_file(uint64_t seed, size_t size) {
	int fd = new_file();
	char *data = malloc(size);
	for (size_t i = 0; i < size; ++i) {
		data[i] = byte_at(seed, i);
	}
	CHECK_EQ(pwrite(fd, data, size, 0), size);
	free(data);
	return fd;
}

static size_t size_of(int fd) {
	struct stat st = {0};
	CHECK(fstat(fd, &st) == 0);
	return (size_t)st.st_size;
}

/** A part of a file is as a seed has it, from an offset of its own. */
static void check_content(int fd, off_t at, size_t len, uint64_t seed, uint64_t off) {
	char *data = malloc(len);
	CHECK_EQ(pread(fd, data, len, at), len);
	for (size_t i = 0; i < len; ++i) {
		if (data[i] != byte_at(seed, off + i)) {
			CHECK_MSG(false, "byte %zu of %zu at %jd is wrong", i, len, (intmax_t)at);
			break;
		}
	}
	free(data);
}

static void check_same(int a, int b) {
	size_t size = size_of(a);
	char *x = malloc(size);
	char *y = malloc(size);
	CHECK_EQ(size_of(b), size);
	CHECK_EQ(pread(a, x, size, 0), size);
	CHECK_EQ(pread(b, y, size, 0), size);
	CHECK_MEM(x, y, size);
	free(x);
	free(y);
}

// --- Events

static struct ring_event next_event(struct ring *ring) {
	struct ring_event event = {.slot = ~0u};
	int n;
	do {
		n = ring_wait(ring, &event, 1, 1);
	} while (n == 0);
	CHECK_EQ(n, 1);
	return event;
}

static void check_no_event(struct ring *ring) {
	struct ring_event event;
	CHECK_EQ(ring_wait(ring, &event, 1, 0), 0);
}

/** The next event is this one, and there is no other. */
static void check_event(struct ring *ring, unsigned slot, enum chunk_op op, int res) {
	struct ring_event event = next_event(ring);
	CHECK_EQ(event.slot, slot);
	CHECK_EQ(event.op, op);
	CHECK_EQ(event.res, res);
	check_no_event(ring);
}

#endif // UCP_TEST_RING_KIT_H
