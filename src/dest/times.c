#include "dest/dest-impl.h"

#include "base/io.h"
#include "base/opts.h"
#include "sys/fstype.h"

#include <fcntl.h>
#include <unistd.h>

#define SECOND 1000000000L

/** The coarsest step that file systems keep times in: FAT's. */
#define COARSEST (2 * SECOND)

static bool is_later(struct timespec a, struct timespec b) {
	return a.tv_sec != b.tv_sec ? a.tv_sec > b.tv_sec : a.tv_nsec > b.tv_nsec;
}

static bool is_equal(struct timespec a, struct timespec b) {
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

struct timespec dest_cut_time(struct timespec time, long step) {
	time.tv_sec -= step == COARSEST ? time.tv_sec & 1 : 0;
	time.tv_nsec -= time.tv_nsec % min(step, SECOND);
	return time;
}

/** Whether these are multiples of a step. */
static bool are_multiples(const struct timespec *times, size_t count, long step) {
	for (size_t i = 0; i < count; ++i) {
		if (is_later(times[i], dest_cut_time(times[i], step))) {
			return false;
		}
	}
	return true;
}

/** The coarsest step that all of these times are multiples of. */
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

/** What is known of a device, or 0. */
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

/** Remember it, in place of what was remembered first. */
static void know_step(struct dest *dest, dev_t dev, long step) {
	mutex_lock(&dest->lock);
	dest->steps[dest->next_step++ % countof(dest->steps)] = (struct dest_step) {.dev = dev, .step = step};
	mutex_unlock(&dest->lock);
}

/** The step of file systems that are known for it, or 0. */
static long step_by_type(int fd) {
	enum fstype type = fstype_at(fd);
	return type & FSTYPE_TIMES_2S ? COARSEST : type & FSTYPE_TIMES_10MS ? SECOND / 100 : 0;
}

/**
 * Have a destination tell: set its time a nanosecond back, see how far that goes, and undo it. Should we be killed between, the
 * destination only looks older than it is. A file system that does not cut, but rounds, tells nothing so.
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
 * The step of the file system that a destination is on. Its times alone say too little: where they are kept in whole seconds, one
 * in eight files has even ones only, and where a file has no times but that of its last modification, they are whatever
 * that was set to. So it is tried, once for each device, on a file of ours. Where it cannot be tried, two seconds are not
 * believed in.
 */
static long find_step(struct dest *dest, const struct dest_look *look, const struct timespec *src, const struct stat *st) {
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
	const struct stat *dst)
{
	if (!is_later(*src, dst->st_mtim)) {
		return true;
	}
	// No step is coarser than what the time is a multiple of
	if (!(dest->opts->preserve & PRESERVE_TIMESTAMPS)
		|| is_later(dest_cut_time(*src, step_of(&dst->st_mtim, 1)), dst->st_mtim))
	{
		return false;
	}
	return !is_later(dest_cut_time(*src, find_step(dest, look, src, dst)), dst->st_mtim);
}

bool dest_has_same_time(struct dest *dest, const struct dest_look *look, const struct timespec *src,
	const struct stat *dst)
{
	if (is_equal(*src, dst->st_mtim)) {
		return true;
	}
	// No step is coarser than what the time is a multiple of
	return is_equal(dest_cut_time(*src, step_of(&dst->st_mtim, 1)), dst->st_mtim)
		&& is_equal(dest_cut_time(*src, find_step(dest, look, src, dst)), dst->st_mtim);
}
