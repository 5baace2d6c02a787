// SPDX-License-Identifier: MIT
#include "sys/twin.h"

#include "base/io.h"

#include <fcntl.h>
#include <sys/stat.h>

/** How often both files are looked at if the destination changes meanwhile. */
#define TRIES 10

/** Seconds by which the time is changed: more than the coarsest step of a file system. */
#define STEP 4

/** Two descriptors, and their status. */
struct pair {
	int dst_fd;
	int src_fd;
	struct statx dst;
	struct statx src;
};

static bool look(int fd, struct statx *stx) {
	// A cached status would prove nothing
	return statx(fd, "", AT_EMPTY_PATH | AT_STATX_FORCE_SYNC, STATX_BASIC_STATS, stx) == 0;
}

static bool same_time(const struct statx *a, const struct statx *b) {
	return a->stx_mtime.tv_sec == b->stx_mtime.tv_sec && a->stx_mtime.tv_nsec == b->stx_mtime.tv_nsec;
}

/** Look at both while the destination does not change. Returns false if that fails. */
static bool look_at_both(struct pair *pair) {
	for (int i = 0; i < TRIES; ++i) {
		struct statx again;
		if (!look(pair->dst_fd, &pair->dst) || !look(pair->src_fd, &pair->src) || !look(pair->dst_fd, &again)) {
			return false;
		}
		if (same_time(&pair->dst, &again)) {
			return true;
		}
	}
	return false;
}

/** Set the destination's mtime. Returns whether that succeeded. */
static bool set_time(const struct pair *pair, long long sec, unsigned nsec) {
	const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = sec, .tv_nsec = nsec}};
	return set_times(pair->dst_fd, times) == 0;
}

bool twin_is(int dst, int src) {
	struct pair pair = {.dst_fd = dst, .src_fd = src};
	bool still = look_at_both(&pair);
	// If the test fails, compare inode numbers
	bool same_number = pair.dst.stx_ino == pair.src.stx_ino && pair.src.stx_ino != 0;
	if (!still) {
		return same_number;
	}
	struct statx old = pair.dst;
	if (!same_time(&pair.dst, &pair.src)) {
		return false;
	}
	if (!set_time(&pair, old.stx_mtime.tv_sec - STEP, old.stx_mtime.tv_nsec)) {
		return same_number;
	}
	still = look_at_both(&pair) && !same_time(&pair.dst, &old);
	bool same = still ? same_time(&pair.dst, &pair.src) : same_number;
	set_time(&pair, old.stx_mtime.tv_sec, old.stx_mtime.tv_nsec);
	return same;
}
