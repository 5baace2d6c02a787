// SPDX-License-Identifier: MIT
/**
 * ring.c: what a ring registers and what happens where it may not, injected faults, opening and closing.
 *
 * Each test runs for all engines; those the kernel does not have here are left out.
 */

#include <sys/resource.h>
#include <sys/wait.h>

#include "ring-kit.h"

// --- Registered files and buffers

static void known_files(struct ring *ring) {
	struct ring_file known[40];
	int fds[40];
	for (unsigned i = 0; i < countof(fds); ++i) {
		fds[i] = new_random_file(i, 256);
	}
	int dst = new_file();
	struct ring_file to = ring_register_file(ring, dst);
	uint64_t off = 0;
	// More of them than the table can hold, and each place used again and again
	for (unsigned round = 0; round < 10; ++round) {
		for (unsigned i = 0; i < countof(fds); ++i) {
			known[i] = ring_register_file(ring, fds[i]);
			CHECK_EQ(known[i].fd, fds[i]);
			for (unsigned j = 0; j < i; ++j) {
				CHECK(known[i].fixed < 0 || known[i].fixed != known[j].fixed);
			}
		}
		for (unsigned i = round; i < countof(fds); i += 7) {
			ring_read(ring, 0, known[i], 0, 256);
			check_event(ring, 0, CHUNK_OP_READ, 256);
			ring_write(ring, 0, to, off, 0, 256);
			check_event(ring, 0, CHUNK_OP_WRITE, 256);
			check_content(dst, (off_t)off, 256, i, 0);
			off += 256;
		}
		for (unsigned i = 0; i < countof(fds); ++i) {
			ring_unregister_file(ring, known[(i * 7 + round) % countof(fds)]);
		}
	}
	ring_unregister_file(ring, to);
	for (unsigned i = 0; i < countof(fds); ++i) {
		close(fds[i]);
	}
	close(dst);
}

TEST(files_are_known_and_forgotten) {
	with_all(8, 4 * KIB, known_files);
	with_all(1, 4 * KIB, known_files);
}

TEST(known_files_are_registered) {
	struct ring *ring = need_uring(4, 4 * KIB);
	int src = new_random_file(1, 4096);
	int dst = new_file();
	struct ring_file from = ring_register_file(ring, src);
	struct ring_file to = ring_register_file(ring, dst);
	char features[RING_FEATURES];
	ring_features(features, sizeof(features));
	if (!strstr(features, " rw_attr")) {
		CHECK(from.fixed < 0);
		ring_close(ring);
		SKIP("this kernel releases registered files late");
	}
	CHECK(from.fixed >= 0);
	CHECK(to.fixed >= 0);
	ring_pair(ring, 0, from, to, 0, 4096);
	check_event(ring, 0, CHUNK_OP_WRITE, 4096);
	CHECK_EQ(ring_get_stats(ring)->fixed_file, 2);

	// A registered file keeps what it names, whatever happens to the descriptor; a forgotten one names nothing
	ring_unregister_file(ring, from);
	ring_unregister_file(ring, to);
	from.fd = -1;
	ring_read(ring, 0, from, 0, 4096);
	check_event(ring, 0, CHUNK_OP_READ, -EBADF);
	ring_close(ring);
	close(src);
	close(dst);
}

TEST(files_are_registered_only_if_the_kernel_releases_them) {
	// What kernels have had: 5.10, 5.15, 6.1, 6.4 and 6.12 have none of it, 6.14 and 6.18 do
	CHECK(!ring_releases_files(0));
	CHECK(!ring_releases_files(0x1ff));
	CHECK(!ring_releases_files(0x7ff));
	CHECK(!ring_releases_files(0x1fff));
	CHECK(!ring_releases_files(0x3fff));
	CHECK(!ring_releases_files(0xffff));
	CHECK(ring_releases_files(0x1ffff));
	CHECK(ring_releases_files(0x3ffff));
}

/** The other end of a pipe sees at once that nobody has a forgotten file open. */
static void forgotten_files(struct ring *ring) {
	int other = new_random_file(1, 4096);
	struct ring_file known = ring_register_file(ring, other);
	int ends[2];
	REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
	struct ring_file file = ring_register_file(ring, ends[1]);
	ring_read(ring, 0, known, 0, 100);
	check_event(ring, 0, CHUNK_OP_READ, 100);
	ring_unregister_file(ring, file);
	close(ends[1]);
	char byte;
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	CHECK_EQ(read(ends[0], &byte, 1), 0);
	ring_unregister_file(ring, known);
	close(ends[0]);
	close(other);
}

TEST(a_forgotten_file_is_not_open_any_more) {
	with_all(4, 4 * KIB, forgotten_files);
}

static void big_buffers(struct ring *ring) {
	const uint32_t len = 64 * KIB;
	int src = new_random_file(1, 8 * len);
	int dst = new_file();
	for (unsigned round = 0; round < 2; ++round) {
		for (unsigned i = 0; i < 4; ++i) {
			ring_pair(ring, i, ring_plain_file(src), ring_plain_file(dst), (4 * round + i) * len, len);
		}
		for (unsigned i = 0; i < 4; ++i) {
			struct ring_event event = next_event(ring);
			CHECK_EQ(event.op, CHUNK_OP_WRITE);
			CHECK_EQ(event.res, len);
		}
	}
	// Parts of a registered buffer
	ring_read(ring, 3, ring_plain_file(src), 7, 1000);
	check_event(ring, 3, CHUNK_OP_READ, 1000);
	ring_write(ring, 3, ring_plain_file(dst), 107, 100, 900);
	check_event(ring, 3, CHUNK_OP_WRITE, 900);
	check_same(src, dst);
	close(src);
	close(dst);
}

TEST(big_requests) {
	with_all(4, 64 * KIB, big_buffers);
	with_all(4, 256 * KIB, big_buffers);
}

TEST(big_requests_use_registered_buffers) {
	struct ring *ring = need_uring(2, 64 * KIB);
	int src = new_random_file(1, 64 * KIB);
	int dst = new_file();
	struct ring_file from = ring_plain_file(src);
	struct ring_file to = ring_plain_file(dst);

	// Only for whole chunks: registering touches all of the buffer
	ring_pair(ring, 0, from, to, 0, 64 * KIB - 1);
	check_event(ring, 0, CHUNK_OP_WRITE, 64 * KIB - 1);
	CHECK_EQ(ring_get_stats(ring)->fixed_buffer, 0);
	ring_pair(ring, 0, from, to, 0, 64 * KIB);
	check_event(ring, 0, CHUNK_OP_WRITE, 64 * KIB);
	uint64_t used = ring_get_stats(ring)->fixed_buffer;
	// One registered already is used for small requests too, if the limits allowed any
	ring_pair(ring, 0, from, to, 0, 1000);
	check_event(ring, 0, CHUNK_OP_WRITE, 1000);
	CHECK(used == 0 || used == 2);
	CHECK_EQ(ring_get_stats(ring)->fixed_buffer, 2 * used);
	check_same(src, dst);
	ring_close(ring);
	close(src);
	close(dst);
	if (used == 0) {
		SKIP("RLIMIT_MEMLOCK allows no registered buffers");
	}
}

static void drop_buffers(struct ring *ring) {
	ring_buffer(ring, 0)[100] = 'x';
	ring_buffer(ring, 1)[100] = 'y';
	CHECK(ring_buffer_drop(ring, 0));
	CHECK_EQ(ring_buffer(ring, 0)[100], 0);
	CHECK_EQ(ring_buffer(ring, 1)[100], 'y');
	big_buffers(ring);
}

TEST(buffers_are_dropped_and_used_again) {
	with_all(4, 64 * KIB, drop_buffers);
}

static void keep_buffer(struct ring *ring) {
	ring_buffer(ring, 1)[0] = 'y';
	CHECK(!ring_buffer_drop(ring, 0));
	CHECK_EQ(ring_buffer(ring, 1)[0], 'y');
}

TEST(buffers_that_share_a_page_are_not_dropped) {
	with_all(4, 5000, keep_buffer);
}

TEST(registered_buffers_are_not_dropped) {
	struct ring *ring = need_uring(2, 64 * KIB);
	int src = new_random_file(1, 64 * KIB);
	int dst = new_file();
	ring_pair(ring, 0, ring_plain_file(src), ring_plain_file(dst), 0, 64 * KIB);
	check_event(ring, 0, CHUNK_OP_WRITE, 64 * KIB);
	CHECK(ring_buffer_drop(ring, 0) == (ring_get_stats(ring)->fixed_buffer == 0));
	// What the kernel reads into is what we see
	ring_read(ring, 0, ring_plain_file(src), 1, 1000);
	check_event(ring, 0, CHUNK_OP_READ, 1000);
	ring_write(ring, 0, ring_plain_file(dst), 1, 0, 1000);
	check_event(ring, 0, CHUNK_OP_WRITE, 1000);
	check_same(src, dst);
	ring_close(ring);
	close(src);
	close(dst);
}

/** Copy as a user who may lock enough memory for a small ring on recent kernels, but not for buffers. */
static int copy_without_memlock(void) {
	struct rlimit little = {.rlim_cur = 32 * KIB, .rlim_max = 32 * KIB};
	if (setrlimit(RLIMIT_MEMLOCK, &little) != 0 || (geteuid() == 0 && setresuid(65534, 65534, 65534) != 0)) {
		return 77;
	}
	struct ring *ring = open_way(&ways[1], 4, 64 * KIB);
	if (!ring) {
		return 77;
	}
	big_buffers(ring);
	CHECK_EQ(ring_get_stats(ring)->fixed_buffer, 0);
	ring_close(ring);
	return atomic_load(&unit_failures) > 0;
}

TEST(no_memory_may_be_locked) {
	fflush(stdout);
	pid_t pid = fork();
	REQUIRE(pid >= 0);
	if (pid == 0) {
		int result = setjmp(unit_leave) == 0 ? copy_without_memlock() : 1;
		fflush(stdout);
		_exit(result);
	}
	int status;
	REQUIRE(waitpid(pid, &status, 0) == pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
		SKIP("no io_uring for others than root here");
	}
	CHECK_EQ(status, 0);
}

// --- Faults

/** A file copied by chunk_step(). */
struct copy {
	struct ring *ring;
	struct ring_file src;
	struct ring_file dst;
	struct chunk chunks[4];
	unsigned inflight;
	/** Bytes of chunks done, and requests made. */
	uint64_t done;
	unsigned requests;
};

/** Do what a chunk's step says. Returns whether it has ended. */
static bool proceed(struct copy *copy, unsigned slot, enum chunk_next next) {
	struct chunk *chunk = &copy->chunks[slot];
	++copy->requests;
	while (next == CHUNK_INSPECT) {
		next = chunk_cut(chunk, 0, min(chunk->got - chunk->put, 1000u));
	}
	switch (next) {
	case CHUNK_SUBMIT:
		ring_pair(copy->ring, slot, copy->src, copy->dst, chunk->off, chunk->len);
		return false;
	case CHUNK_READ:
		ring_read(copy->ring, slot, copy->src, chunk->off, chunk->len);
		return false;
	case CHUNK_WRITE:
		ring_write(copy->ring, slot, copy->dst, chunk->off + chunk->put, chunk->put, chunk->cut - chunk->put);
		return false;
	default:
		CHECK_EQ(next, CHUNK_DONE);
		copy->done += chunk->written;
		return true;
	}
}

/** Copy a file of COUNT chunks. Returns how many requests that took. */
static unsigned copy_with_faults(const struct way *way, enum chunk_flags flags, unsigned count) {
	const uint32_t len = 8 * KIB;
	int src = new_random_file(3, count * len);
	int dst = new_file();
	struct copy copy = {.ring = open_way(way, 4, len)};
	uint64_t next = 0;

	if (copy.ring) {
		copy.src = ring_register_file(copy.ring, src);
		copy.dst = ring_register_file(copy.ring, dst);
		for (unsigned i = 0; i < 4; ++i, ++copy.inflight) {
			proceed(&copy, i, chunk_start(&copy.chunks[i], next++ * len, len, flags));
		}
		while (copy.inflight > 0) {
			struct ring_event event = next_event(copy.ring);
			struct chunk *chunk = &copy.chunks[event.slot];
			if (!proceed(&copy, event.slot, chunk_step(chunk, event.op, event.res))) {
				continue;
			}
			if (next < count) {
				proceed(&copy, event.slot, chunk_start(chunk, next++ * len, len, flags));
			} else {
				--copy.inflight;
			}
		}
		CHECK_EQ(copy.done, size_of(src));
		check_same(src, dst);
	}
	ring_close(copy.ring);
	close(src);
	close(dst);
	return copy.requests;
}

TEST(injected_faults_never_give_wrong_data) {
	static const unsigned faults[] = {
		INJECT_SHORT_READ, INJECT_SHORT_WRITE, INJECT_SHORT_READ | INJECT_SHORT_WRITE,
	};
	for (size_t i = 0; i < countof(ways); ++i) {
		unsigned plain = copy_with_faults(&ways[i], 0, 64);
		unsigned looked = copy_with_faults(&ways[i], CHUNK_LOOK, 64);
		for (size_t j = 0; j < countof(faults); ++j) {
			struct way way = ways[i];
			way.inject |= faults[j];
			// Zero of both where there is no such engine
			unsigned more = plain > 0;
			CHECK(copy_with_faults(&way, 0, 64) >= plain + more);
			CHECK(copy_with_faults(&way, CHUNK_LOOK, 64) >= looked + more);
		}
	}
}

/** A file that the io_uring does not have, other than by its descriptor. */
static struct ring_file amiss(int fd) {
	return (struct ring_file) {.fd = fd, .fixed = 1000};
}

TEST(what_the_io_uring_fails_to_do_is_done_by_system_calls) {
	atomic_bool cancelled = false;
	struct ring_params params = {.depth = 4, .chunk_size = 4096, .cancelled = &cancelled};
	struct ring *ring;
	ring_close(need_uring(1, 4 * KIB));
	REQUIRE(ring_open(&ring, &params) == 0);
	int src = new_random_file(1, 10000);
	int dst = new_file();
	struct ring_file known = ring_register_file(ring, src);
	if (known.fixed < 0) {
		ring_close(ring);
		SKIP("this kernel releases registered files late");
	}
	ring_pair(ring, 0, amiss(src), ring_plain_file(dst), 0, 4096);
	check_event(ring, 0, CHUNK_OP_WRITE, 4096);
	ring_pair(ring, 1, known, amiss(dst), 4096, 4096);
	check_event(ring, 1, CHUNK_OP_WRITE, 4096);
	// Short, as the file ends
	ring_pair(ring, 2, amiss(src), amiss(dst), 8192, 4096);
	check_event(ring, 2, CHUNK_OP_READ, 10000 - 8192);
	ring_write(ring, 2, amiss(dst), 8192, 0, 10000 - 8192);
	check_event(ring, 2, CHUNK_OP_WRITE, 10000 - 8192);
	check_same(src, dst);
	CHECK_EQ(ring_get_stats(ring)->again, 4);
	CHECK(!ring_is_sync(ring));
	// Errors that remain are those of system calls
	ring_read(ring, 3, amiss(-1), 0, 100);
	check_event(ring, 3, CHUNK_OP_READ, -EBADF);
	int reader = open("/dev/null", O_RDONLY | O_CLOEXEC);
	ring_write(ring, 3, ring_plain_file(reader), 0, 0, 100);
	check_event(ring, 3, CHUNK_OP_WRITE, -EBADF);
	// Nothing is tried again once the copy is cancelled
	uint64_t again = ring_get_stats(ring)->again;
	atomic_store(&cancelled, true);
	ring_read(ring, 0, amiss(src), 0, 4096);
	check_event(ring, 0, CHUNK_OP_READ, -EBADF);
	CHECK_EQ(ring_get_stats(ring)->again, again);
	ring_close(ring);
	close(src);
	close(dst);
	close(reader);
}

// --- Opening and closing

TEST(no_ring_may_be_had) {
	struct ring *ring;
	struct ring_params params = {.depth = 4, .chunk_size = 4096, .inject = INJECT_NO_RING};
	unsigned before = open_fds();
	CHECK_EQ(ring_open(&ring, &params), -EPERM);
	params.sync = true;
	REQUIRE(ring_open(&ring, &params) == 0);
	ring_close(ring);
	ring_close(NULL);
	CHECK_EQ(open_fds(), before);
}

TEST(no_descriptor_may_be_had) {
	ring_close(need_uring(1, 4 * KIB));
	struct rlimit old;
	struct ring *ring;
	struct ring_params params = {.depth = 4, .chunk_size = 4096};
	unsigned before = open_fds();
	REQUIRE(getrlimit(RLIMIT_NOFILE, &old) == 0);
	struct rlimit none = {.rlim_cur = 3, .rlim_max = old.rlim_max};
	REQUIRE(setrlimit(RLIMIT_NOFILE, &none) == 0);
	int ret = ring_open(&ring, &params);
	setrlimit(RLIMIT_NOFILE, &old);
	CHECK_EQ(ret, -EMFILE);
	CHECK_EQ(open_fds(), before);
}

static void use_everything(struct ring *ring) {
	int src = new_random_file(1, 64 * KIB);
	int dst = new_file();
	struct ring_file from = ring_register_file(ring, src);
	struct ring_file to = ring_register_file(ring, dst);
	ring_pair(ring, 0, from, to, 0, 64 * KIB);
	check_event(ring, 0, CHUNK_OP_WRITE, 64 * KIB);
	close(src);
	close(dst);
}

TEST(closing_leaves_no_descriptors) {
	unsigned before = open_fds();
	for (unsigned i = 0; i < 10; ++i) {
		with_all(3, 64 * KIB, use_everything);
	}
	CHECK_EQ(open_fds(), before);
}

UNIT_MAIN
