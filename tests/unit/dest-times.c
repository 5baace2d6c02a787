// SPDX-License-Identifier: MIT
/**
 * dest-times.c: times that file systems keep cut short.
 */

#include "unit.h"

#include "base/opts.h"
#include "dest/dest-impl.h"
#include "scratch.h"

#include <fcntl.h>

#define SECOND 1000000000L

TEST(times_are_cut) {
	static const struct {
		struct timespec time;
		long step;
		struct timespec cut;
	} cases[] = {
		{{7, 123456789}, 1, {7, 123456789}},
		{{7, 123456789}, 10, {7, 123456780}},
		{{7, 123456789}, 10000000, {7, 120000000}},
		{{7, 123456789}, SECOND, {7, 0}},
		{{7, 123456789}, 2 * SECOND, {6, 0}},
		{{-1, 5}, 2 * SECOND, {-2, 0}},
	};
	for (size_t i = 0; i < countof(cases); ++i) {
		struct timespec cut = dest_cut_time(cases[i].time, cases[i].step);
		CHECK_EQ(cut.tv_sec, cases[i].cut.tv_sec);
		CHECK_EQ(cut.tv_nsec, cases[i].cut.tv_nsec);
	}
}

TEST(steps_of_times) {
	for (long step = 1; step <= SECOND; step *= 10) {
		struct stat st = {.st_mtim = {1, step % SECOND}, .st_atim = {2, 0}, .st_ctim = {4, 0}};
		CHECK_EQ(dest_time_step(&st), step);
		st = (struct stat) {.st_mtim = {2, 0}, .st_atim = {2, 0}, .st_ctim = {5, step % SECOND}};
		CHECK_EQ(dest_time_step(&st), step);
	}
	struct stat even = {.st_mtim = {2, 0}, .st_atim = {4, 0}, .st_ctim = {6, 0}};
	CHECK_EQ(dest_time_step(&even), 2 * SECOND);
}

static struct opts opts = {.preserve = PRESERVE_TIMESTAMPS};
static struct dest dest = {.opts = &opts, .lock = PTHREAD_MUTEX_INITIALIZER};

static void set_mtime(const char *path, time_t sec) {
	struct timespec times[2] = {{.tv_sec = sec}, {.tv_sec = sec}};
	REQUIRE(utimensat(AT_FDCWD, path, times, 0) == 0);
}

/** Whether "old", with times of so many seconds, is up to date with a source that is newer by SEC.NSEC. */
static bool is_up_to_date(time_t mtime, time_t sec, long nsec) {
	struct dest_look look = {.dir = AT_FDCWD, .name = "old"};
	struct timespec src = {.tv_sec = mtime + sec, .tv_nsec = nsec};
	struct stat st;
	set_mtime("old", mtime);
	REQUIRE(stat("old", &st) == 0);
	bool is = dest_is_up_to_date(&dest, &look, &src, &st);
	struct stat after;
	CHECK(stat("old", &after) == 0 && after.st_mtim.tv_sec == mtime && after.st_mtim.tv_nsec == 0);
	return is;
}

TEST(steps_are_remembered_of_devices) {
	go_to_scratch();
	int fd = open("old", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	REQUIRE(fd >= 0 && close(fd) == 0);
	struct stat st;
	REQUIRE(stat("old", &st) == 0);
	// A file system with fine times, or one of whose times nothing more than this one's is known
	CHECK(is_up_to_date(1000, 0, 0));
	CHECK(!is_up_to_date(1000, 1, 0));
	CHECK(!is_up_to_date(1000, 2, 0));
	dest.steps[0] = (struct dest_step) {.dev = st.st_dev, .step = SECOND};
	CHECK(is_up_to_date(1000, 0, 999999999));
	CHECK(!is_up_to_date(1000, 1, 0));
	CHECK(!is_up_to_date(1001, 1, 0));
	dest.steps[0].step = 2 * SECOND;
	CHECK(is_up_to_date(1000, 1, 999999999));
	CHECK(!is_up_to_date(1000, 2, 0));
	CHECK(!is_up_to_date(1001, 1, 0));
	dest.steps[0].step = SECOND / 100;
	CHECK(is_up_to_date(1000, 0, 9999999));
	CHECK(!is_up_to_date(1000, 0, 10000000));
	opts.preserve = 0;
	CHECK(!is_up_to_date(1000, 0, 9999999));
}

UNIT_MAIN
