// SPDX-License-Identifier: MIT
#include "display/writeback.h"

#include "base/clock.h"
#include "base/io.h"
#include "engine/throttle.h"
#include "sys/flush.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/** Bytes that may be written ahead of the medium: at first and at least, and at most. */
#define LEAST_AHEAD (8u << 20)
#define MOST_AHEAD (1u << 30)

/** Seconds of work that the medium should have ahead. */
#define SECONDS_AHEAD 1.5

/** Seconds to wait if there is nothing to sync. */
#define NAP 0.05

void writeback_init(struct writeback *writeback, struct throttle *throttle, const atomic_bool *stop,
	int (*sync)(int fd)) {
	*writeback = (struct writeback) {.throttle = throttle, .stop = stop, .sync = sync};
	thread_must(pthread_mutex_init(&writeback->lock, NULL));
	thread_must(pthread_cond_init(&writeback->changed, NULL));
}

/**
 * Reopen read-only: a writable descriptor would make execve(2) of the file fail (ETXTBSY). Returns a descriptor or -1.
 */
static int reopen(int fd) {
	char path[FD_PATH_SIZE];
	int other = open(fd_path(fd, path), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return other >= 0 ? other : fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

void writeback_track(struct writeback *writeback, int fd) {
	struct stat st;
	bool known = fstat(fd, &st) == 0;
	// Syncing the file system that holds a device's name would not sync the device
	bool raw = known && S_ISBLK(st.st_mode);
	dev_t dev = raw ? st.st_rdev : st.st_dev;

	mutex_lock(&writeback->lock);
	unsigned i = 0;
	while (known && i < writeback->system_count
		&& (writeback->systems[i].dev != dev || writeback->systems[i].raw != raw)) {
		++i;
	}
	if (!known) {
		writeback->others = true;
	} else if (i == writeback->system_count) {
		int other = i < WRITEBACK_SYSTEMS ? reopen(fd) : -1;
		if (other >= 0) {
			writeback->systems[i].dev = dev;
			writeback->systems[i].fd = other;
			writeback->systems[i].raw = raw;
			++writeback->system_count;
		} else {
			writeback->others = true;
		}
	}
	mutex_unlock(&writeback->lock);
}

/** Sync a file system or a device. Returns 0 or -errno. */
static int sync_one(const struct writeback *writeback, int fd, bool raw) {
	struct flush_fs fs = {.fd = fd, .raw = raw};
	return writeback->sync && !raw ? or_errno(writeback->sync(fd)) : flush_whole(&fs, writeback->stop);
}

/** Sync everything written so far. Returns 0 or -errno: -EINTR if it was stopped. */
static int sync_all(struct writeback *writeback) {
	int ret = 0;
	mutex_lock(&writeback->lock);
	unsigned count = writeback->system_count;
	bool others = writeback->others;
	mutex_unlock(&writeback->lock);
	for (unsigned i = 0; i < count; ++i) {
		int err = sync_one(writeback, writeback->systems[i].fd, writeback->systems[i].raw);
		ret = ret == 0 || err == -EINTR ? err : ret;
	}
	int err = others ? sync_one(writeback, -1, true) : 0;
	return err < 0 ? err : ret;
}

static bool is_new(const struct counters *sum, const struct counters *synced) {
	return counter_get(&sum->bytes) != counter_get(&synced->bytes)
		|| counter_get(&sum->files) != counter_get(&synced->files)
		|| counter_get(&sum->skipped_bytes) != counter_get(&synced->skipped_bytes)
		|| counter_get(&sum->skipped) != counter_get(&synced->skipped)
		|| counter_get(&sum->failed) != counter_get(&synced->failed);
}

/** How many bytes the copy may be ahead of a medium that accepted BYTES in SECONDS. */
static uint64_t far_ahead(uint64_t bytes, double seconds) {
	double ahead = seconds > 0 ? (double)bytes / seconds * SECONDS_AHEAD : 0;
	return (uint64_t)min(max(ahead, (double)LEAST_AHEAD), (double)MOST_AHEAD);
}

/** Keep the first error. */
static void note_error(struct writeback *writeback, int err) {
	bool first = writeback->err == 0 && err != -EINTR;
	writeback->err = first ? err : writeback->err;
}

static void *run(void *arg) {
	struct writeback *writeback = arg;
	uint64_t taken_before = 0;

	mutex_lock(&writeback->lock);
	while (!writeback->finished) {
		struct counters sum;
		bool last = writeback->finishing;
		mutex_unlock(&writeback->lock);
		// Bytes counted here were written before the sync, so the sync includes them
		counters_sum(&sum, writeback->counters, writeback->count);
		uint64_t taken = throttle_taken(writeback->throttle);
		// Sync also if only more was taken: bytes taken may still be on their way while all workers wait for more
		bool any = last || taken != taken_before || is_new(&sum, &writeback->synced);
		taken_before = taken;
		double begin = now();
		int ret = any ? sync_all(writeback) : 0;
		double seconds = now() - begin;

		mutex_lock(&writeback->lock);
		uint64_t bytes = counter_get(&sum.bytes) - counter_get(&writeback->synced.bytes);
		if (ret == 0) {
			counters_sum(&writeback->synced, &sum, 1);
		} else {
			note_error(writeback, ret);
		}
		writeback->finished |= last || ret < 0;
		if (ret < 0) {
			// Nothing can be measured any more: let the workers copy
			throttle_set_ceiling(writeback->throttle, UINT64_MAX);
		} else if (any) {
			throttle_set_ceiling(writeback->throttle, taken + far_ahead(bytes, seconds));
		} else {
			cond_wait_for(&writeback->changed, &writeback->lock, NAP);
		}
	}
	mutex_unlock(&writeback->lock);
	return NULL;
}

int writeback_start(struct writeback *writeback, const struct counters *counters, unsigned count) {
	writeback->counters = counters;
	writeback->count = count;
	throttle_set_ceiling(writeback->throttle, LEAST_AHEAD);
	int err = pthread_create(&writeback->thread, NULL, run, writeback);
	writeback->started = err == 0;
	if (err != 0) {
		throttle_set_ceiling(writeback->throttle, UINT64_MAX);
	}
	return -err;
}

void writeback_synced(struct writeback *writeback, struct counters *sum) {
	mutex_lock(&writeback->lock);
	if (writeback->started) {
		counters_sum(sum, &writeback->synced, 1);
	} else {
		counters_sum(sum, writeback->counters, writeback->count);
	}
	mutex_unlock(&writeback->lock);
}

bool writeback_finish(struct writeback *writeback) {
	mutex_lock(&writeback->lock);
	writeback->finishing = true;
	cond_signal(&writeback->changed);
	bool finished = writeback->finished || !writeback->started;
	mutex_unlock(&writeback->lock);
	return finished;
}

void writeback_catch_up(struct writeback *writeback) {
	note_error(writeback, writeback->started ? 0 : sync_all(writeback));
}

int writeback_stop(struct writeback *writeback) {
	if (writeback->started) {
		mutex_lock(&writeback->lock);
		writeback->finished = true;
		cond_signal(&writeback->changed);
		mutex_unlock(&writeback->lock);
		thread_must(pthread_join(writeback->thread, NULL));
		writeback->started = false;
	}
	for (unsigned i = 0; i < writeback->system_count; ++i) {
		close_fd(&writeback->systems[i].fd);
	}
	writeback->system_count = 0;
	thread_must(pthread_cond_destroy(&writeback->changed));
	thread_must(pthread_mutex_destroy(&writeback->lock));
	return writeback->err;
}
