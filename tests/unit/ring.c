// SPDX-License-Identifier: MIT
/**
 * ring.c: both engines behind the same verbs, and what each way of setting up an io_uring must have in common.
 *
 * Each test runs for all engines; those the kernel does not have here are left out.
 */

#include "base/thread.h"

#include <signal.h>
#include <sys/time.h>

#include "ring-kit.h"

// --- Pairs and their halves

static void exact_pairs(struct ring *ring) {
	const uint32_t len = 4 * KIB;
	int src = new_random_file(1, 8 * len);
	int dst = new_file();
	struct ring_file from = ring_plain_file(src);
	struct ring_file to = ring_plain_file(dst);

	for (unsigned i = 0; i < 8; ++i) {
		ring_pair(ring, i % 4, from, to, (uint64_t)i * len, len);
		check_event(ring, i % 4, CHUNK_OP_WRITE, (int)len);
	}
	check_same(src, dst);
	CHECK_EQ(ring_get_stats(ring)->pairs, 8);
	CHECK_EQ(ring_get_stats(ring)->reads, 0);
	CHECK_EQ(ring_get_stats(ring)->writes, 0);
	CHECK_EQ(ring_get_stats(ring)->cut, 0);
	CHECK(ring_describe(ring)[0] != '\0');
	close(src);
	close(dst);
}

TEST(pairs_move_exactly_what_was_asked) {
	with_all(4, 4 * KIB, exact_pairs);
	with_all(5, 4 * KIB, exact_pairs);
}

static void short_pairs(struct ring *ring) {
	int src = new_random_file(1, 5000);
	int dst = new_random_file(2, 20000);
	struct ring_file from = ring_register_file(ring, src);
	struct ring_file to = ring_register_file(ring, dst);

	ring_pair(ring, 1, from, to, 4096, 4096);
	check_event(ring, 1, CHUNK_OP_READ, 5000 - 4096);
	CHECK_MSG(ring_buffer(ring, 1)[0] == byte_at(1, 4096), "what was read is in the buffer");
	ring_pair(ring, 1, from, to, 5000, 1);
	check_event(ring, 1, CHUNK_OP_READ, 0);
	ring_pair(ring, 0, from, to, 8192, 4096);
	check_event(ring, 0, CHUNK_OP_READ, 0);
	// A slot whose pair was cut is as good as any
	ring_pair(ring, 1, from, to, 904, 4096);
	check_event(ring, 1, CHUNK_OP_WRITE, 4096);

	CHECK_EQ(size_of(dst), 20000);
	check_content(dst, 0, 904, 2, 0);
	check_content(dst, 904, 4096, 1, 904);
	check_content(dst, 5000, 15000, 2, 5000);
	CHECK_EQ(ring_get_stats(ring)->cut, 3);
	CHECK_EQ(ring_get_stats(ring)->pairs, 4);
	ring_unregister_file(ring, from);
	ring_unregister_file(ring, to);
	close(src);
	close(dst);
}

TEST(a_short_read_cuts_the_pair) {
	with_all(2, 4 * KIB, short_pairs);
}

static void singles(struct ring *ring) {
	int src = new_random_file(1, 3000);
	int dst = new_random_file(2, 6000);
	struct ring_file from = ring_plain_file(src);
	struct ring_file to = ring_plain_file(dst);

	ring_read(ring, 2, from, 1000, 4096);
	check_event(ring, 2, CHUNK_OP_READ, 2000);
	CHECK_EQ(ring_buffer(ring, 2)[0], byte_at(1, 1000));
	CHECK_EQ(ring_buffer(ring, 2)[1999], byte_at(1, 2999));
	// Bytes 500…799 of the buffer, to somewhere else
	ring_write(ring, 2, to, 5900, 500, 300);
	check_event(ring, 2, CHUNK_OP_WRITE, 300);
	ring_read(ring, 2, from, 3000, 4096);
	check_event(ring, 2, CHUNK_OP_READ, 0);

	CHECK_EQ(size_of(dst), 6200);
	check_content(dst, 0, 5900, 2, 0);
	check_content(dst, 5900, 300, 1, 1500);
	CHECK_EQ(ring_get_stats(ring)->reads, 2);
	CHECK_EQ(ring_get_stats(ring)->writes, 1);
	CHECK_EQ(ring_get_stats(ring)->pairs, 0);
	CHECK_EQ(ring_get_stats(ring)->cut, 0);
	close(src);
	close(dst);
}

TEST(reads_and_writes_alone) {
	with_all(3, 4 * KIB, singles);
}

static void far_offsets(struct ring *ring) {
	const uint64_t far = (5ull << 30) + 4096;
	int src = new_file();
	int dst = new_file();
	CHECK_EQ(pwrite(src, "far", 3, (off_t)far), 3);
	ring_pair(ring, 0, ring_plain_file(src), ring_plain_file(dst), far, 3);
	check_event(ring, 0, CHUNK_OP_WRITE, 3);
	char data[3] = "";
	CHECK_EQ(size_of(dst), far + 3);
	CHECK_EQ(pread(dst, data, 3, (off_t)far), 3);
	CHECK_MEM(data, "far", 3);
	close(src);
	close(dst);
}

TEST(offsets_beyond_4_gib) {
	with_all(1, 4 * KIB, far_offsets);
}

// --- Many at once

#define DEPTH 60

/** What a slot is doing in busy_slots(). */
struct busy {
	bool busy;
	enum chunk_op op;
	int res;
};

static void take_events(struct ring *ring, struct busy slots[DEPTH], unsigned *inflight) {
	struct ring_event events[7];
	int n = ring_wait(ring, events, countof(events), 1);
	REQUIRE(n >= 0 && n <= (int)countof(events));
	for (int i = 0; i < n; ++i) {
		REQUIRE(events[i].slot < DEPTH);
		struct busy *slot = &slots[events[i].slot];
		CHECK(slot->busy);
		CHECK_EQ(events[i].op, slot->op);
		CHECK_EQ(events[i].res, slot->res);
		slot->busy = false;
		--*inflight;
	}
}

/** Pairs, cut pairs and reads in all slots, each with another length, so that no event can stand for another. */
static void busy_slots(struct ring *ring) {
	struct busy slots[DEPTH] = {0};
	unsigned inflight = 0;
	unsigned next = 0;
	int src = new_random_file(1, 1000 * KIB);
	int dst = new_file();
	uint64_t off = 0;

	for (unsigned round = 0; round < 20 || inflight > 0; ++round) {
		for (unsigned i = 0; i < DEPTH && round < 20; ++i) {
			if (slots[i].busy) {
				continue;
			}
			uint32_t len = 100 + next++ % 400;
			slots[i] = (struct busy) {true, CHUNK_OP_WRITE, (int)len};
			if (i % 5 == 3) {
				slots[i].op = CHUNK_OP_READ;
				ring_read(ring, i, ring_plain_file(src), off, len);
			} else if (i % 5 == 4) {
				slots[i].op = CHUNK_OP_READ;
				slots[i].res = (int)(i % 50);
				ring_pair(ring, i, ring_plain_file(src), ring_plain_file(dst), 1000 * KIB - i % 50, len);
			} else {
				ring_pair(ring, i, ring_plain_file(src), ring_plain_file(dst), off, len);
				off += len;
			}
			++inflight;
		}
		take_events(ring, slots, &inflight);
	}
	check_no_event(ring);
	CHECK_EQ(size_of(dst), off);
	check_content(dst, 0, off, 1, 0);
	close(src);
	close(dst);
}

TEST(events_of_many_slots) {
	with_all(DEPTH, 512, busy_slots);
}

/** All have opened their rings; all are done. (Memory mapped anew by another thread looks like a race to some tools.) */
static pthread_barrier_t opened, done;

/** A worker of rings_of_several_threads. */
struct part {
	pthread_t thread;
	const struct way *way;
	int src;
	int dst;
	uint64_t off;
};

static void *copy_part(void *arg) {
	const struct part *part = arg;
	struct ring *ring = open_way(part->way, 4, 16 * KIB);
	pthread_barrier_wait(&opened);
	if (!ring) {
		CHECK_MSG(false, "no ring for each thread");
		pthread_barrier_wait(&done);
		return NULL;
	}
	struct ring_file src = ring_register_file(ring, part->src);
	struct ring_file dst = ring_register_file(ring, part->dst);
	for (unsigned round = 0; round < 4; ++round) {
		for (unsigned i = 0; i < 4; ++i) {
			ring_pair(ring, i, src, dst, part->off + (4 * round + i) * 16 * KIB, 16 * KIB);
		}
		for (unsigned i = 0; i < 4; ++i) {
			struct ring_event event = next_event(ring);
			CHECK_EQ(event.op, CHUNK_OP_WRITE);
			CHECK_EQ(event.res, 16 * KIB);
		}
	}
	pthread_barrier_wait(&done);
	ring_close(ring);
	return NULL;
}

TEST(rings_of_several_threads) {
	thread_must(pthread_barrier_init(&opened, NULL, 4));
	thread_must(pthread_barrier_init(&done, NULL, 4));
	for (size_t e = 0; e < countof(ways); ++e) {
		struct part parts[4];
		struct ring *ring = open_way(&ways[e], 1, 4 * KIB);
		ring_close(ring);
		if (!ring) {
			continue;
		}
		int src = new_random_file(e, 1024 * KIB);
		int dst = new_file();
		for (unsigned i = 0; i < countof(parts); ++i) {
			parts[i] = (struct part) {
				.way = &ways[e], .src = src, .dst = dst, .off = (uint64_t)i * 256 * KIB,
			};
			thread_must(pthread_create(&parts[i].thread, NULL, copy_part, &parts[i]));
		}
		for (unsigned i = 0; i < countof(parts); ++i) {
			thread_must(pthread_join(parts[i].thread, NULL));
		}
		check_same(src, dst);
		close(src);
		close(dst);
	}
}

// --- Errors and signals

static void bad_files(struct ring *ring) {
	int good = new_random_file(1, 4096);
	int gone = dup(good);
	int dir = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int deaf = open("/dev/null", O_WRONLY | O_CLOEXEC);
	close(gone);
	struct ring_file ok = ring_plain_file(good);

	ring_read(ring, 0, ring_plain_file(gone), 0, 10);
	check_event(ring, 0, CHUNK_OP_READ, -EBADF);
	ring_write(ring, 0, ring_plain_file(gone), 0, 0, 10);
	check_event(ring, 0, CHUNK_OP_WRITE, -EBADF);
	ring_pair(ring, 0, ring_plain_file(gone), ok, 0, 10);
	check_event(ring, 0, CHUNK_OP_READ, -EBADF);
	ring_pair(ring, 0, ok, ring_plain_file(gone), 0, 10);
	check_event(ring, 0, CHUNK_OP_WRITE, -EBADF);
	ring_pair(ring, 0, ring_plain_file(deaf), ok, 0, 10);
	check_event(ring, 0, CHUNK_OP_READ, -EBADF);
	ring_pair(ring, 0, ring_plain_file(dir), ok, 0, 10);
	check_event(ring, 0, CHUNK_OP_READ, -EISDIR);
	check_content(good, 0, 4096, 1, 0);
	// And the slot still works
	ring_pair(ring, 0, ok, ring_plain_file(deaf), 0, 4096);
	check_event(ring, 0, CHUNK_OP_WRITE, 4096);
	close(good);
	close(dir);
	close(deaf);
}

TEST(errors_are_events) {
	with_all(2, 4 * KIB, bad_files);
}

static void full_device(struct ring *ring) {
	int src = new_random_file(1, 64 * KIB);
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	REQUIRE(full >= 0);
	struct ring_file from = ring_register_file(ring, src);
	struct ring_file to = ring_register_file(ring, full);

	ring_write(ring, 0, to, 0, 0, 10);
	check_event(ring, 0, CHUNK_OP_WRITE, -ENOSPC);
	ring_pair(ring, 0, from, to, 0, 64 * KIB);
	check_event(ring, 0, CHUNK_OP_WRITE, -ENOSPC);
	CHECK_EQ(ring_get_stats(ring)->cut, 0);
	close(src);
	close(full);
}

TEST(a_full_device) {
	with_all(2, 64 * KIB, full_device);
}

static void on_alarm(int signal) {
	(void)signal;
}

TEST(a_signal_ends_waiting) {
	struct ring *ring = need_uring(1, 4 * KIB);
	struct sigaction action = {.sa_handler = on_alarm};
	struct itimerval timer = {.it_interval = {.tv_usec = 10000}, .it_value = {.tv_usec = 10000}};
	struct itimerval none = {0};
	struct ring_event event;
	int fds[2];
	REQUIRE(pipe(fds) == 0);
	sigaction(SIGALRM, &action, NULL);

	ring_read(ring, 0, ring_plain_file(fds[0]), 0, 100);
	setitimer(ITIMER_REAL, &timer, NULL);
	CHECK_EQ(ring_wait(ring, &event, 1, 1), 0);
	CHECK_EQ(ring_wait(ring, &event, 1, 1), 0);
	setitimer(ITIMER_REAL, &none, NULL);
	CHECK_EQ(write(fds[1], "abc", 3), 3);
	check_event(ring, 0, CHUNK_OP_READ, 3);
	CHECK_MEM(ring_buffer(ring, 0), "abc", 3);
	signal(SIGALRM, SIG_DFL);
	ring_close(ring);
	close(fds[0]);
	close(fds[1]);
}

UNIT_MAIN
