// SPDX-License-Identifier: MIT
#include "dest/dest-impl.h"

#include "base/clock.h"
#include "base/io.h"
#include "base/opts.h"
#include "sys/fstype.h"

#include <fcntl.h>
#include <unistd.h>

#define SECOND 1000000000L

/** The coarsest step in which file systems store times: FAT's. */
#define COARSEST (2 * SECOND)

static bool is_later(struct timespec a, struct timespec b) {
	return a.tv_sec != b.tv_sec ? a.tv_sec > b.tv_sec : a.tv_nsec > b.tv_nsec;
}

struct timespec dest_cut_time(struct timespec time, long step) {
	time.tv_sec -= step == COARSEST ? time.tv_sec & 1 : 0;
	time.tv_nsec -= time.tv_nsec % min(step, SECOND);
	return time;
}

/** Whether all COUNT times are multiples of STEP. */
static bool are_multiples(const struct timespec *times, size_t count, long step) {
	for (size_t i = 0; i < count; ++i) {
		if (is_later(times[i], dest_cut_time(times[i], step))) {
			return false;
		}
	}
	return true;
}

/** The coarsest step of which all COUNT times are multiples. */
static long step_of(const struct timespec *times, size_t count) {
	long step = 1;
	while (step < SECOND && are_multiples(times, count, step * 10)) {
		step *= 10;
	}
	return step == SECOND && are_multiples(times, count, COARSEST) ? COARSEST : step;
}

long dest_time_step(const struct stat *st) {
	const struct timespec times[] = {st->st_mtim, st->st_atim, st->st_ctim};
	return step_of(times, countof(times));
}

/** The remembered step of a device, or 0. */
static long known_step(struct dest *dest, dev_t dev) {
	long step = 0;
	mutex_lock(&dest->lock);
	for (size_t i = 0; i < countof(dest->steps); ++i) {
		if (dest->steps[i].step > 0 && dest->steps[i].dev == dev) {
			step = dest->steps[i].step;
		}
	}
	mutex_unlock(&dest->lock);
	return step;
}

/** Remember the step of a device, in place of the oldest one. */
static void know_step(struct dest *dest, dev_t dev, long step) {
	mutex_lock(&dest->lock);
	dest->steps[dest->next_step++ % countof(dest->steps)] = (struct dest_step) {.dev = dev, .step = step};
	mutex_unlock(&dest->lock);
}

/** The step, if the type of the file system gives it, or 0. */
static long step_by_type(int fd) {
	enum fstype type = fstype_at(fd);
	if (type & FSTYPE_TIMES_2S) {
		return COARSEST;
	}
	return type & FSTYPE_TIMES_10MS ? SECOND / 100 : 0;
}

/**
 * Measure the step: set the destination's time back by a nanosecond, see how far it goes, and undo that. If we are
 * killed in between, the destination only looks older than it is. This fails on a file system that rounds instead of
 * cutting.
 *
 * @return The step, or 0.
 */
static long step_by_trying(int fd, const struct stat *st) {
	struct timespec before = {.tv_sec = st->st_mtim.tv_sec - 1, .tv_nsec = SECOND - 1};
	struct timespec times[] = {{.tv_nsec = UTIME_OMIT}, st->st_mtim};
	struct stat now;

	if (st->st_mtim.tv_nsec > 0) {
		before = (struct timespec) {.tv_sec = st->st_mtim.tv_sec, .tv_nsec = st->st_mtim.tv_nsec - 1};
	}
	if (utimensat(fd, "", (const struct timespec[]) {times[0], before}, AT_EMPTY_PATH) != 0) {
		return 0;
	}
	bool seen = fstat(fd, &now) == 0;
	utimensat(fd, "", times, AT_EMPTY_PATH);
	if (!seen || !is_later(st->st_mtim, now.st_mtim) || now.st_mtim.tv_sec < st->st_mtim.tv_sec - 2) {
		return 0;
	}
	long step = (st->st_mtim.tv_sec - now.st_mtim.tv_sec) * SECOND + st->st_mtim.tv_nsec - now.st_mtim.tv_nsec;
	return min(step, COARSEST);
}

/**
 * Find the step of a destination's file system. One file's times do not show it: of files with whole seconds, one in
 * eight has only even ones, and a file system that stores only the mtime shows it three times. So measure it on a file
 * of ours, once for each device. If that fails, assume at most one second.
 */
static long find_step(struct dest *dest, const struct dest_look *look, const struct timespec *src,
	const struct stat *st) {
	long step = known_step(dest, st->st_dev);
	struct stat there;

	if (step > 0) {
		return step;
	}
	int fd = openat(look->dir, look->name, O_PATH | O_CLOEXEC | (look->flags & AT_SYMLINK_NOFOLLOW ? O_NOFOLLOW : 0));
	if (fd >= 0 && fstat(fd, &there) == 0 && inode_same(inode_of(&there), inode_of(st))) {
		step = step_by_type(fd);
		bool matters = !is_later(dest_cut_time(*src, dest_time_step(st)), st->st_mtim);
		bool may_try = S_ISREG(st->st_mode) && st->st_uid == geteuid() && !(dest->opts->flags & OPT_DRY_RUN);
		if (step == 0 && matters && may_try) {
			step = step_by_trying(fd, st);
		}
	}
	close_fd(&fd);
	if (step > 0) {
		know_step(dest, st->st_dev, step);
		return step;
	}
	return min(dest_time_step(st), SECOND);
}

bool dest_is_up_to_date(struct dest *dest, const struct dest_look *look, const struct timespec *src,
	const struct stat *dst) {
	if (!is_later(*src, dst->st_mtim)) {
		return true;
	}
	// The file system's step cannot be coarser than the step of this time
	if (!(dest->opts->preserve & PRESERVE_TIMESTAMPS)
		|| is_later(dest_cut_time(*src, step_of(&dst->st_mtim, 1)), dst->st_mtim))
	{
		return false;
	}
	return !is_later(dest_cut_time(*src, find_step(dest, look, src, dst)), dst->st_mtim);
}

bool dest_has_same_time(struct dest *dest, const struct dest_look *look, const struct timespec *src,
	const struct stat *dst) {
	if (time_same(*src, dst->st_mtim)) {
		return true;
	}
	// The file system's step cannot be coarser than the step of this time
	return time_same(dest_cut_time(*src, step_of(&dst->st_mtim, 1)), dst->st_mtim)
		&& time_same(dest_cut_time(*src, find_step(dest, look, src, dst)), dst->st_mtim);
}
