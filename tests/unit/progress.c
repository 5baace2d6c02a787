/**
 * progress.c: sums, and the line in all its forms.
 */

#include "unit.h"

#include "progress.h"
#include "std.h"

#include <stdlib.h>

#define KIB 1024ull
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)

/** A moment in a copy, and the line that shows it. */
struct moment {
	uint64_t bytes;
	uint64_t files;
	struct totals totals;
	double rate;
	const char *line;
};

static const struct moment moments[] = {
	{0, 0, {0}, 0, "0 B  0 files  0 B/s  counting"},
	{999, 1, {5000, 9, false}, 1, "999 B  1 files  1 B/s  counting"},
	{1000, 2, {0}, 999, "1.0 KiB  2 files  999 B/s  counting"},
	{1536, 3, {0}, 1000, "1.5 KiB  3 files  1.0 KiB/s  counting"},
	{99 * KIB, 3, {0}, 99.9 * KIB, "99.0 KiB  3 files  99.9 KiB/s  counting"},
	{100 * KIB, 3, {0}, 100 * KIB, "100 KiB  3 files  100 KiB/s  counting"},
	{12 * MIB, 3, {0}, 2.5 * GIB, "12.0 MiB  3 files  2.5 GiB/s  counting"},
	{3 * GIB, 100000, {0}, 3, "3.0 GiB  100000 files  3 B/s  counting"},
	{2048 * GIB, 1, {0}, 3, "2.0 TiB  1 files  3 B/s  counting"},

	{512, 3, {1024, 10, true}, 100, " 50%  512 B of 1.0 KiB  3 of 10 files  100 B/s  0:05 left"},
	{0, 0, {6000, 10, true}, 1, "  0%  0 B of 5.9 KiB  0 of 10 files  1 B/s  1:40:00 left"},
	{0, 0, {3600, 10, true}, 1, "  0%  0 B of 3.5 KiB  0 of 10 files  1 B/s  1:00:00 left"},
	{0, 0, {3599, 10, true}, 1, "  0%  0 B of 3.5 KiB  0 of 10 files  1 B/s  59:59 left"},
	{0, 0, {3723, 10, true}, 1, "  0%  0 B of 3.6 KiB  0 of 10 files  1 B/s  1:02:03 left"},
	{1024, 9, {1024, 10, true}, 100, "100%  1.0 KiB of 1.0 KiB  9 of 10 files  100 B/s  0:00 left"},
	{5 * GIB, 9, {10 * GIB, 10, true}, GIB, " 50%  5.0 GiB of 10.0 GiB  9 of 10 files  1.0 GiB/s  0:05 left"},
};

static struct progress progress_at(double rate) {
	struct progress progress;
	progress_init(&progress);
	progress.rate = rate;
	// In the future, so that nothing is measured however slow the machine is
	progress.last_time += 1e6;
	return progress;
}

static void show(struct progress *progress, const struct moment *moment, unsigned columns, bool last, char *line,
	size_t size)
{
	struct counters sum = {.bytes = moment->bytes, .files = moment->files};
	progress_line(progress, &sum, &moment->totals, columns, last, line, size);
}

TEST(lines) {
	for (size_t i = 0; i < countof(moments); ++i) {
		char line[256];
		struct progress progress = progress_at(moments[i].rate);
		show(&progress, &moments[i], 80, false, line, sizeof(line));
		CHECK_STR(line, moments[i].line);
	}
}

TEST(the_last_line) {
	char line[256];
	char wanted[256];
	const struct moment moment = {10 * MIB, 12, {0}, 5, NULL};
	struct progress progress = progress_at(5);
	progress.start -= 100;
	show(&progress, &moment, 200, true, line, sizeof(line));
	// It took at least 100 seconds; more where the machine sleeps
	double elapsed = now() - progress.start;
	snprintf(wanted, sizeof(wanted), "100%%  10.0 MiB of 10.0 MiB  12 files  %3.0f KiB/s  1:%02.0f in all",
		10 * KIB / elapsed, elapsed - 60);
	CHECK_STR(line, wanted);
}

TEST(nothing_at_all) {
	char line[256];
	const struct moment moment = {0, 0, {0, 0, true}, 0, NULL};
	struct progress progress = progress_at(0);
	show(&progress, &moment, 80, false, line, sizeof(line));
	CHECK(strncmp(line, "0 B  0 files  0 B/s  ", 21) == 0);
	show(&progress, &moment, 80, true, line, sizeof(line));
	CHECK_STR(line, "100%  0 B of 0 B  0 files  0 B/s  0:00 in all");
}

TEST(all_is_said_only_when_all_is_done) {
	for (uint64_t bytes = 0; bytes <= 1000; ++bytes) {
		char line[256];
		const struct moment moment = {bytes, 1, {1000, 2, true}, 10, NULL};
		struct progress progress = progress_at(10);
		show(&progress, &moment, 80, false, line, sizeof(line));
		unsigned long percent = strtoul(line, NULL, 10);
		CHECK_MSG(percent <= bytes / 10 + 1, "%" PRIu64 " of 1000 is %lu%%", bytes, percent);
		CHECK_MSG((percent == 100) == (bytes == 1000), "%" PRIu64 " of 1000 is %lu%%", bytes, percent);
	}
}

TEST(more_than_was_counted) {
	char line[256];
	const struct moment moment = {3000, 5, {1000, 2, true}, 10, NULL};
	struct progress progress = progress_at(10);
	show(&progress, &moment, 80, false, line, sizeof(line));
	CHECK(strncmp(line, "100%  ", 6) == 0);
	CHECK(!strstr(line, " left"));
}

TEST(lines_are_shorter_than_the_terminal) {
	const struct moment huge = {UINT64_MAX, UINT64_MAX, {UINT64_MAX, UINT64_MAX, true}, 1e-9, NULL};
	for (int which = 0; which < 4; ++which) {
		const struct moment *moment = which & 1 ? &huge : &moments[9];
		struct progress progress = progress_at(moment->rate);
		progress.start -= 5;
		bool last = which & 2;
		char whole[256];
		char line[256];
		show(&progress, moment, 0, last, whole, sizeof(whole));
		CHECK(strlen(whole) > 40);
		for (unsigned columns = 2; columns < 300; ++columns) {
			show(&progress, moment, columns, last, line, sizeof(line));
			CHECK_EQ(strlen(line), min(strlen(whole), columns - 1u));
			// The rest may differ: time goes on
			CHECK(strncmp(line, whole, min(strlen(line), 12u)) == 0);
		}
	}
}

TEST(lines_fit_their_memory) {
	struct progress progress = progress_at(10);
	for (size_t size = 1; size < 100; ++size) {
		char *line = malloc(size);
		show(&progress, &moments[9], 80, false, line, size);
		CHECK(strlen(line) < size);
		show(&progress, &moments[9], 20, false, line, size);
		CHECK(strlen(line) < size);
		free(line);
	}
}

TEST(the_rate_follows_slowly) {
	char line[256];
	struct moment moment = {4 * MIB, 1, {0}, 0, NULL};
	struct progress progress;
	progress_init(&progress);
	progress.last_time -= 2;
	show(&progress, &moment, 80, false, line, sizeof(line));
	// At first what is measured, which is 2 MiB/s, or less on a slow machine
	double first = progress.rate;
	CHECK(first > 1.0 * MIB && first <= 2.0 * MIB);
	CHECK_EQ(progress.last_bytes, 4 * MIB);

	// Too soon to tell
	moment.bytes = 400 * MIB;
	progress.last_time = now() + 1;
	show(&progress, &moment, 80, false, line, sizeof(line));
	CHECK(progress.rate >= first && progress.rate <= first);

	// Twice as fast for a second: up, but not all the way
	progress.last_time = now() - 1;
	progress.last_bytes = 400 * MIB - (uint64_t)(2 * first);
	show(&progress, &moment, 80, false, line, sizeof(line));
	CHECK(progress.rate > first * 1.05 && progress.rate < first * 1.6);

	// Nothing any more: down to almost nothing after a while
	for (int i = 0; i < 20; ++i) {
		progress.last_time -= 1;
		show(&progress, &moment, 80, false, line, sizeof(line));
	}
	CHECK(progress.rate > 0 && progress.rate < first * 0.05);
}

TEST(sums) {
	struct counters sum = {.bytes = 99, .files = 99};
	struct counters counters[3] = {
		{.bytes = 1, .files = 10, .clones = 100, .streams = 1000, .shared = 10000},
		{.bytes = 2, .files = 20, .clones = 200, .streams = 2000, .shared = 20000},
		{.bytes = 4, .files = 40, .clones = 400, .streams = 4000, .shared = 40000},
	};
	counters_sum(&sum, counters, 3);
	CHECK_EQ(counter_get(&sum.bytes), 7);
	CHECK_EQ(counter_get(&sum.files), 70);
	CHECK_EQ(counter_get(&sum.clones), 700);
	CHECK_EQ(counter_get(&sum.streams), 7000);
	CHECK_EQ(counter_get(&sum.shared), 70000);
	counters_sum(&sum, counters, 0);
	CHECK_EQ(counter_get(&sum.bytes), 0);
	// Each worker has its own cache lines
	CHECK(sizeof(struct counters) % 128 == 0);
}

UNIT_MAIN
