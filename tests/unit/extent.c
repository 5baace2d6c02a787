// SPDX-License-Identifier: MIT
/**
 * extent.c: data, holes and zeros.
 */

#include "scratch.h"
#include "unit.h"

#include "sys/extent.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

// --- Blocks of zeros

TEST(zeros_and_other_bytes_in_blocks) {
	enum { LEN = 10 };
	char data[LEN + 1];
	data[LEN] = 1;
	// All ways to be zero or not, against counting by hand
	for (unsigned bits = 0; bits < 1u << LEN; ++bits) {
		for (unsigned i = 0; i < LEN; ++i) {
			data[i] = bits >> i & 1 ? (char)0x80 : 0;
		}
		for (size_t block = 1; block <= LEN + 1; ++block) {
			for (size_t len = 0; len <= LEN; ++len) {
				size_t zeros = 0;
				size_t others = 0;
				bool in_zeros = true;
				bool in_others = true;
				for (size_t at = 0; at < len; at += block) {
					size_t n = min(block, len - at);
					bool zero = ((bits >> at) & ((1u << n) - 1)) == 0;
					in_zeros &= zero;
					in_others &= !zero;
					zeros += in_zeros ? n : 0;
					others += in_others ? n : 0;
				}
				CHECK_EQ(extent_zeros(data, len, block), zeros);
				CHECK_EQ(extent_nonzeros(data, len, block), others);
			}
		}
	}
}

TEST(zeros_of_usual_sizes) {
	const size_t size = 1 << 20;
	char *data = calloc(size, 1);
	CHECK_EQ(extent_zeros(data, size, 4096), size);
	CHECK_EQ(extent_nonzeros(data, size, 4096), 0);
	data[size - 1] = 1;
	CHECK_EQ(extent_zeros(data, size, 4096), size - 4096);
	CHECK_EQ(extent_zeros(data, size - 1, 4096), size - 1);
	data[0] = 1;
	CHECK_EQ(extent_zeros(data, size, 4096), 0);
	CHECK_EQ(extent_nonzeros(data, size, 4096), 4096);
	CHECK_EQ(extent_zeros(data + 1, size - 1, 4096), (size - 2) / 4096 * 4096);
	free(data);
}

// --- Files

/** A file with room for holes; leaves the test where there is none. */
static int new_file(off_t size) {
	int fd = memfd_create("extent", MFD_CLOEXEC);
	REQUIRE(fd >= 0);
	REQUIRE(ftruncate(fd, size) == 0);
	return fd;
}

static void write_block(int fd, off_t off) {
	char data[4096];
	memset(data, 'x', sizeof(data));
	CHECK_EQ(pwrite(fd, data, sizeof(data), off), sizeof(data));
}

static void check_next(int fd, uint64_t off, uint64_t size, uint64_t start, uint64_t end) {
	struct extent extent = {0};
	CHECK_EQ(extent_next(fd, off, size, &extent), 1);
	CHECK_EQ(extent.start, start);
	CHECK_EQ(extent.end, end);
}

static void check_none(int fd, uint64_t off, uint64_t size) {
	struct extent extent;
	CHECK_EQ(extent_next(fd, off, size, &extent), 0);
}

#define BLOCK 4096u

TEST(extents_of_a_file_with_holes) {
	const uint64_t mib = 1 << 20;
	int fd = new_file((off_t)(8 * mib));
	write_block(fd, (off_t)mib);
	write_block(fd, (off_t)mib + BLOCK);
	write_block(fd, (off_t)(5 * mib));
	uint64_t size = 8 * mib;
	if (lseek(fd, 0, SEEK_DATA) == 0) {
		close(fd);
		SKIP("no holes here");
	}
	check_next(fd, 0, size, mib, mib + 2 * BLOCK);
	check_next(fd, mib, size, mib, mib + 2 * BLOCK);
	// In the middle of data, and at its end
	check_next(fd, mib + 100, size, mib + 100, mib + 2 * BLOCK);
	check_next(fd, mib + 2 * BLOCK - 1, size, mib + 2 * BLOCK - 1, mib + 2 * BLOCK);
	check_next(fd, mib + 2 * BLOCK, size, 5 * mib, 5 * mib + BLOCK);
	check_none(fd, 5 * mib + BLOCK, size);
	check_none(fd, size - 1, size);
	check_none(fd, size, size);
	check_none(fd, size + 1, size);

	// A size that is not (any more) the file's
	check_next(fd, 0, mib + 10, mib, mib + 10);
	check_none(fd, 0, mib);
	check_none(fd, 2 * mib, 5 * mib);
	check_next(fd, 2 * mib, 100 * mib, 5 * mib, 5 * mib + BLOCK);
	check_none(fd, 6 * mib, 100 * mib);
	close(fd);
}

TEST(holes_and_how_much_is_between_them) {
	const uint64_t size = 10 * BLOCK;
	int fd = new_file((off_t)size);
	atomic_bool stop = true;
	if (lseek(fd, 0, SEEK_DATA) == 0) {
		close(fd);
		SKIP("no holes here");
	}
	CHECK(extent_has_hole(fd, size));
	CHECK_EQ(extent_sum(fd, size, NULL), 0);
	for (unsigned i = 0; i < 9; ++i) {
		write_block(fd, i * BLOCK);
	}
	CHECK(extent_has_hole(fd, size));
	CHECK_EQ(extent_sum(fd, size, NULL), 9 * BLOCK);
	CHECK_EQ(extent_sum(fd, size, &stop), 0);
	// All that is asked for
	CHECK(!extent_has_hole(fd, 9 * BLOCK));
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 0);
	write_block(fd, 9 * BLOCK);
	CHECK(!extent_has_hole(fd, size));
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 0);
	CHECK_EQ(extent_sum(fd, size, NULL), size);
	// It became shorter
	CHECK(extent_has_hole(fd, size + 1));
	close(fd);
	// What fails is found out where it is reported
	CHECK(extent_has_hole(-1, size));
	CHECK_EQ(extent_sum(-1, size, NULL), size);
}

TEST(what_does_not_tell_of_holes_has_none) {
	int ends[2];
	REQUIRE(pipe(ends) == 0);
	CHECK_EQ(extent_sum(ends[0], BLOCK, NULL), BLOCK);
	close(ends[0]);
	close(ends[1]);
}

TEST(extents_cover_all_that_is_no_zero) {
	int fd = new_file(200 * BLOCK + 17);
	uint64_t size = 200 * BLOCK + 17;
	bool data[201] = {false};
	for (unsigned i = 0; i < 60; ++i) {
		unsigned block = (i * i * 7 + i) % 200;
		write_block(fd, block * BLOCK);
		data[block] = true;
	}
	struct extent extent;
	uint64_t at = 0;
	while (extent_next(fd, at, size, &extent) == 1) {
		REQUIRE(extent.start >= at && extent.end > extent.start && extent.end <= size);
		for (uint64_t off = at; off < extent.start; off += BLOCK) {
			CHECK(!data[off / BLOCK]);
		}
		at = extent.end;
	}
	for (uint64_t off = at; off < size; off += BLOCK) {
		CHECK(!data[off / BLOCK]);
	}
	close(fd);
}

TEST(a_file_without_holes_is_one_extent) {
	int fd = new_file(0);
	for (unsigned i = 0; i < 10; ++i) {
		write_block(fd, i * BLOCK);
	}
	check_next(fd, 0, 10 * BLOCK, 0, 10 * BLOCK);
	check_next(fd, 5, 10 * BLOCK, 5, 10 * BLOCK);
	check_none(fd, 0, 0);
	close(fd);
}

TEST(a_file_of_a_hole_only) {
	int fd = new_file(100 * BLOCK);
	if (lseek(fd, 0, SEEK_DATA) == 0) {
		close(fd);
		SKIP("no holes here");
	}
	check_none(fd, 0, 100 * BLOCK);
	close(fd);
}

TEST(space_set_aside_shows_in_no_size_and_is_given_back) {
	char name[] = "extent-XXXXXX";
	int fd = mkstemp(name);
	struct stat st;
	CHECK(fd >= 0);
	extent_reserve(fd, 1 << 20);
	CHECK_EQ(fstat(fd, &st), 0);
	CHECK_EQ(st.st_size, 0);
	CHECK(st.st_blocks == 0 || st.st_blocks * 512 >= 1 << 20);
	CHECK_EQ(ftruncate(fd, 0), 0);
	CHECK_EQ(fstat(fd, &st), 0);
	CHECK_EQ(st.st_blocks, 0);
	close(fd);
	unlink(name);
}

TEST(what_was_just_written_is_cached_and_a_hole_is_not) {
	char name[] = "extent-XXXXXX";
	int fd = mkstemp(name);
	CHECK(fd >= 0);
	CHECK_EQ(pwrite(fd, "data", 4, 1 << 20), 4);
	int cached = extent_is_cached(fd, (struct extent) {1 << 20, (1 << 20) + 4});
	CHECK(cached == 1 || cached == -ENOSYS || cached == -EPERM);
	if (cached == 1) {
		CHECK_EQ(extent_is_cached(fd, (struct extent) {0, 1 << 20}), 0);
		CHECK_EQ(extent_is_cached(fd, (struct extent) {4096, (1 << 20) + 4}), 0);
	}
	close(fd);
	unlink(name);
}

TEST(where_nobody_can_tell_all_is_data) {
	struct extent extent;
	int pipes[2];
	REQUIRE(pipe(pipes) == 0);
	check_next(pipes[0], 10, 100, 10, 100);
	close(pipes[0]);
	close(pipes[1]);
	int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	REQUIRE(fd >= 0);
	check_next(fd, 0, 1000, 0, 1000);
	close(fd);
	CHECK_EQ(extent_next(fd, 0, 10, &extent), -EBADF);
}

// --- Places

TEST(places_differ) {
	static const char *const names[] = {"a", "b"};
	uint64_t place[2];
	go_to_scratch();
	for (int i = 0; i < 2; ++i) {
		int fd = open(names[i], O_RDWR | O_CREAT, 0600);
		REQUIRE(fd >= 0);
		CHECK_EQ(write(fd, "data", 4), 4);
		CHECK_EQ(fsync(fd), 0);
		place[i] = extent_place(fd);
		close(fd);
	}
	// Some file systems do not know
	CHECK(place[0] != place[1] || place[0] == 0);
	CHECK_EQ(extent_place(-1), 0);
	int empty = memfd_create("unit", 0);
	CHECK_EQ(extent_place(empty), 0);
	close(empty);
}

UNIT_MAIN
