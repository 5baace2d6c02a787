#include "sys/twin.h"

#include "base/io.h"

#include <fcntl.h>
#include <sys/stat.h>

/** How often a look is repeated because the destination changed meanwhile. */
#define TRIES 10

/** Seconds by which a time is changed: more than the coarsest file system keeps. */
#define STEP 4

/** Two descriptors, and how what they lead to looked. */
struct pair {
	int dst_fd;
	int src_fd;
	struct statx dst;
	struct statx src;
};

static bool look(int fd, struct statx *stx) {
	// What was kept of an earlier look would tell nothing
	return statx(fd, "", AT_EMPTY_PATH | AT_STATX_FORCE_SYNC, STATX_BASIC_STATS, stx) == 0;
}

static bool same_time(const struct statx *a, const struct statx *b) {
	return a->stx_mtime.tv_sec == b->stx_mtime.tv_sec && a->stx_mtime.tv_nsec == b->stx_mtime.tv_nsec;
}

/** Look at both within a time in which the destination did not change. Returns false if that cannot be had. */
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

/** Set the destination's time of modification. Returns whether that was possible. */
static bool set_time(const struct pair *pair, long long sec, unsigned nsec) {
	const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = sec, .tv_nsec = nsec}};
	return set_times(pair->dst_fd, times) == 0;
}

bool twin_is(int dst, int src) {
	struct pair pair = {.dst_fd = dst, .src_fd = src};
	bool still = look_at_both(&pair);
	// Where nothing can be found out the number has to do
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
