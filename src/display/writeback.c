#include "display/writeback.h"

#include "base/clock.h"
#include "base/io.h"
#include "engine/throttle.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/** How much may be written that is not on the medium yet: at first and at least, and at most. */
#define LEAST_AHEAD (8u << 20)
#define MOST_AHEAD (1u << 30)

/** Seconds for which the medium is to have enough to do. */
#define SECONDS_AHEAD 1.5

/** Nanoseconds to wait where there is nothing to be synced. */
#define NAP 50000000L

void medium_init(struct medium *medium, struct throttle *throttle, int (*sync)(int fd)) {
	*medium = (struct medium) {.throttle = throttle, .sync = sync ? sync : syncfs};
	thread_must(pthread_mutex_init(&medium->lock, NULL));
	thread_must(pthread_cond_init(&medium->changed, NULL));
}

/** A descriptor for reading, which nobody is in the way of who wants to run the file; -1 if there is none. */
static int reopen(int fd) {
	char path[FD_PATH_SIZE];
	int other = open(fd_path(fd, path), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return other >= 0 ? other : fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

void medium_meet(struct medium *medium, int fd) {
	struct stat st;
	bool known = fstat(fd, &st) == 0;
	// To sync the file system that a device's name is on would do nothing for the device
	bool raw = known && S_ISBLK(st.st_mode);
	dev_t dev = raw ? st.st_rdev : st.st_dev;

	mutex_lock(&medium->lock);
	unsigned i = 0;
	while (known && i < medium->system_count && (medium->systems[i].dev != dev || medium->systems[i].raw != raw)) {
		++i;
	}
	if (!known) {
		medium->others = true;
	} else if (i == medium->system_count) {
		int other = i < MEDIUM_SYSTEMS ? reopen(fd) : -1;
		if (other >= 0) {
			medium->systems[i].dev = dev;
			medium->systems[i].fd = other;
			medium->systems[i].raw = raw;
			++medium->system_count;
		} else {
			medium->others = true;
		}
	}
	mutex_unlock(&medium->lock);
}

/** Have everything written out that was written so far. Returns 0 or -errno. */
static int sync_all(struct medium *medium) {
	int ret = 0;
	mutex_lock(&medium->lock);
	unsigned count = medium->system_count;
	bool others = medium->others;
	mutex_unlock(&medium->lock);
	for (unsigned i = 0; i < count; ++i) {
		int fd = medium->systems[i].fd;
		if ((medium->systems[i].raw ? fsync(fd) : medium->sync(fd)) != 0 && ret == 0) {
			ret = -errno;
		}
	}
	if (others) {
		sync();
	}
	return ret;
}

static bool is_new(const struct counters *sum, const struct counters *synced) {
	return counter_get(&sum->bytes) != counter_get(&synced->bytes) || counter_get(&sum->files) != counter_get(&synced->files)
		|| counter_get(&sum->left_bytes) != counter_get(&synced->left_bytes)
		|| counter_get(&sum->skipped) != counter_get(&synced->skipped)
		|| counter_get(&sum->failed) != counter_get(&synced->failed);
}

/** How far the copying may go ahead of a medium that took BYTES in some seconds. */
static uint64_t far_ahead(uint64_t bytes, double seconds) {
	double ahead = seconds > 0 ? (double)bytes / seconds * SECONDS_AHEAD : 0;
	return (uint64_t)min(max(ahead, (double)LEAST_AHEAD), (double)MOST_AHEAD);
}

/** Wait for something new; the lock is held. */
static void nap(struct medium *medium) {
	struct timespec until;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += NAP;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		++until.tv_sec;
	}
	int ret = pthread_cond_timedwait(&medium->changed, &medium->lock, &until);
	thread_must(ret == ETIMEDOUT ? 0 : ret);
}

static void *run(void *arg) {
	struct medium *medium = arg;
	uint64_t taken_before = 0;

	mutex_lock(&medium->lock);
	while (!medium->finished) {
		struct counters sum;
		bool last = medium->finishing;
		mutex_unlock(&medium->lock);
		// Whatever is counted here was written before, and so is going to be synced
		counters_sum(&sum, medium->counters, medium->count);
		uint64_t taken = throttle_taken(medium->throttle);
		// What was taken may be still on its way while all wait for more
		bool any = last || taken != taken_before || is_new(&sum, &medium->synced);
		taken_before = taken;
		double begin = now();
		int ret = any ? sync_all(medium) : 0;
		double seconds = now() - begin;

		mutex_lock(&medium->lock);
		uint64_t bytes = counter_get(&sum.bytes) - counter_get(&medium->synced.bytes);
		if (ret == 0) {
			counters_sum(&medium->synced, &sum, 1);
		} else {
			medium->err = medium->err ? medium->err : ret;
		}
		medium->finished |= last || ret < 0;
		if (ret < 0) {
			// Nothing can be told any more: let them copy
			throttle_set_ceiling(medium->throttle, UINT64_MAX);
		} else if (any) {
			throttle_set_ceiling(medium->throttle, taken + far_ahead(bytes, seconds));
		} else {
			nap(medium);
		}
	}
	mutex_unlock(&medium->lock);
	return NULL;
}

int medium_start(struct medium *medium, const struct counters *counters, unsigned count) {
	medium->counters = counters;
	medium->count = count;
	throttle_set_ceiling(medium->throttle, LEAST_AHEAD);
	int err = pthread_create(&medium->thread, NULL, run, medium);
	medium->started = err == 0;
	if (err != 0) {
		throttle_set_ceiling(medium->throttle, UINT64_MAX);
	}
	return -err;
}

void medium_synced(struct medium *medium, struct counters *sum) {
	mutex_lock(&medium->lock);
	if (medium->started) {
		counters_sum(sum, &medium->synced, 1);
	} else {
		counters_sum(sum, medium->counters, medium->count);
	}
	mutex_unlock(&medium->lock);
}

bool medium_finish(struct medium *medium) {
	mutex_lock(&medium->lock);
	medium->finishing = true;
	cond_signal(&medium->changed);
	bool finished = medium->finished || !medium->started;
	mutex_unlock(&medium->lock);
	return finished;
}

void medium_catch_up(struct medium *medium) {
	int ret = medium->started ? 0 : sync_all(medium);
	medium->err = medium->err ? medium->err : ret;
}

int medium_stop(struct medium *medium) {
	if (medium->started) {
		mutex_lock(&medium->lock);
		medium->finished = true;
		cond_signal(&medium->changed);
		mutex_unlock(&medium->lock);
		thread_must(pthread_join(medium->thread, NULL));
		medium->started = false;
	}
	for (unsigned i = 0; i < medium->system_count; ++i) {
		close_fd(&medium->systems[i].fd);
	}
	medium->system_count = 0;
	thread_must(pthread_cond_destroy(&medium->changed));
	thread_must(pthread_mutex_destroy(&medium->lock));
	return medium->err;
}
