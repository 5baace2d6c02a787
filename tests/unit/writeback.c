// SPDX-License-Identifier: MIT
/**
 * writeback.c: nothing counts before it is synced, and nobody waits for ever.
 */

#include "unit.h"

#include "display/writeback.h"
#include "engine/throttle.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define MIB (1024ull * 1024)

/** A file system that takes its time. */
static struct {
	/** How often it was asked to sync, and how often it may have done so. */
	atomic_uint begun;
	atomic_uint allowed;
	/** The errno it fails with, or 0. */
	atomic_int err;
	atomic_int fd;
} disk;

static int slow_sync(int fd) {
	unsigned nth = atomic_fetch_add(&disk.begun, 1) + 1;
	atomic_store(&disk.fd, fd);
	while (atomic_load(&disk.allowed) < nth) {
		usleep(1000);
	}
	errno = atomic_load(&disk.err);
	return errno ? -1 : 0;
}

static atomic_bool stopped;
static struct counters work;
static struct throttle throttle;
static struct writeback writeback;

static void set_up(void) {
	memset(&work, 0, sizeof(work));
	memset(&disk, 0, sizeof(disk));
	throttle_init(&throttle);
	writeback_init(&writeback, &throttle, &stopped, slow_sync);
	int fd = open("/tmp", O_RDONLY | O_DIRECTORY);
	REQUIRE(fd >= 0);
	writeback_track(&writeback, fd);
	writeback_track(&writeback, fd);
	CHECK_EQ(writeback.system_count, 1);
	close(fd);
}

static uint64_t synced_bytes(void) {
	struct counters sum;
	writeback_synced(&writeback, &sum);
	return counter_get(&sum.bytes);
}

static void wait_for_sync(unsigned nth) {
	while (atomic_load(&disk.begun) < nth) {
		usleep(1000);
	}
}

static int end(void) {
	atomic_store(&disk.allowed, 1000000);
	int ret = writeback_stop(&writeback);
	throttle_destroy(&throttle);
	return ret;
}

TEST(nothing_counts_before_it_is_synced) {
	set_up();
	REQUIRE(writeback_start(&writeback, &work, 1) == 0);
	counter_add(&work.bytes, 100);
	wait_for_sync(1);
	CHECK(fcntl(atomic_load(&disk.fd), F_GETFD) >= 0);
	// Written after the sync began: who knows whether it takes part
	counter_add(&work.bytes, 1000);
	CHECK_EQ(synced_bytes(), 0);
	atomic_store(&disk.allowed, 1);
	wait_for_sync(2);
	CHECK_EQ(synced_bytes(), 100);
	atomic_store(&disk.allowed, 2);
	while (synced_bytes() < 1100) {
		usleep(1000);
	}
	// Nothing new: no more syncs, but for the last one
	CHECK(!writeback_finish(&writeback));
	wait_for_sync(3);
	CHECK(!writeback_finish(&writeback));
	atomic_store(&disk.allowed, 3);
	while (!writeback_finish(&writeback)) {
		usleep(1000);
	}
	CHECK_EQ(atomic_load(&disk.begun), 3);
	CHECK_EQ(end(), 0);
}

TEST(copying_does_not_go_far_ahead) {
	set_up();
	REQUIRE(writeback_start(&writeback, &work, 1) == 0);
	CHECK_EQ(throttle_take(&throttle, 100 * MIB), 8 * MIB);
	// All of it is still on its way, and more is wanted
	wait_for_sync(1);
	CHECK_EQ(throttle_taken(&throttle), 8 * MIB);
	atomic_store(&disk.allowed, 1);
	CHECK_EQ(throttle_take(&throttle, 100 * MIB), 8 * MIB);
	CHECK_EQ(end(), 0);
}

TEST(an_error_ends_it) {
	set_up();
	atomic_store(&disk.err, EIO);
	atomic_store(&disk.allowed, 1000);
	REQUIRE(writeback_start(&writeback, &work, 1) == 0);
	throttle_take(&throttle, 8 * MIB);
	// This would wait for ever
	CHECK_EQ(throttle_take(&throttle, 100 * MIB), 100 * MIB);
	while (!writeback_finish(&writeback)) {
		usleep(1000);
	}
	CHECK_EQ(synced_bytes(), 0);
	CHECK_EQ(end(), -EIO);
}

/** As if no thread could be had. */
TEST(without_a_thread_all_is_synced_in_the_end) {
	for (int err = 0; err <= EIO; err += EIO) {
		set_up();
		atomic_store(&disk.err, err);
		atomic_store(&disk.allowed, 1000);
		writeback.counters = &work;
		writeback.count = 1;
		counter_add(&work.bytes, 5);
		CHECK_EQ(synced_bytes(), 5);
		CHECK(writeback_finish(&writeback));
		writeback_catch_up(&writeback);
		CHECK_EQ(end(), -err);
	}
}

TEST(what_is_not_known_is_synced_with_all) {
	set_up();
	writeback_track(&writeback, -1);
	CHECK(writeback.others);
	CHECK_EQ(writeback.system_count, 1);
	CHECK_EQ(end(), 0);
}

UNIT_MAIN
