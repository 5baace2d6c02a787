// SPDX-License-Identifier: MIT
/**
 * progress.c: what is told of a copy as time goes by, and the line in all its forms.
 */

#include "unit.h"

#include "display/progress.h"

#include <stdlib.h>

#define KIB 1024ull
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)

/** How far the time left may be off. */
#define OFF_BY 0.2

// --- Texts

TEST(bytes_for_people) {
	static const struct {
		double bytes;
		const char *text;
	} sizes[] = {
		{0, "0 B"}, {999, "999 B"}, {1000, "1.0 KiB"}, {1536, "1.5 KiB"}, {99.9 * KIB, "99.9 KiB"},
		{99.96 * KIB, "100 KiB"}, {999.4 * KIB, "999 KiB"}, {999.6 * KIB, "1.0 MiB"}, {2.5 * GIB, "2.5 GiB"},
		{2048.0 * GIB, "2.0 TiB"}, {18446744073709551615.0, "16.0 EiB"},
	};
	for (size_t i = 0; i < countof(sizes); ++i) {
		char text[32];
		progress_format_bytes(text, sizeof(text), sizes[i].bytes);
		CHECK_STR(text, sizes[i].text);
	}
}

TEST(times_for_people) {
	static const struct {
		double seconds;
		const char *text;
	} times[] = {
		{0, "0:00"}, {0.6, "0:01"}, {59.4, "0:59"}, {59.6, "1:00"}, {3599, "59:59"}, {3723, "1:02:03"},
		{359999, "99:59:59"}, {360000, "4d 04h"},
	};
	for (size_t i = 0; i < countof(times); ++i) {
		char text[32];
		progress_format_time(text, sizeof(text), times[i].seconds);
		CHECK_STR(text, times[i].text);
	}
}

/** A view, and the lines that show it at some widths. */
struct shown {
	struct view view;
	unsigned columns;
	unsigned flags;
	const char *line;
};

#define HALF {.bytes = 512, .files = 3, .totals = {1024, 10, true}, .share = 0.5, .rate = 100, .left = 5}
#define BIG {.bytes = 3 * GIB, .files = 12345, .totals = {10 * GIB, 54321, true}, .share = 0.335, .rate = 150.0 * MIB, \
	.left = 3723}
#define FEW {.bytes = 3 * MIB, .files = 1, .share = -1, .rate = 1.0 * MIB, .left = -1}
#define FLUSHING {.bytes = 3 * MIB, .files = 1, .totals = {3 * MIB, 1, true}, .share = 1, .rate = -1, .elapsed = 9, \
	.left = -1, .flushing = 4}
#define DONE {.bytes = 3 * MIB, .files = 1, .totals = {5 * MIB, 2, true}, .share = 1, .rate = 1.0 * MIB, .elapsed = 3, \
	.last = true}
#define SOME {.bytes = GIB, .files = 604, .totals = {2 * GIB, 31234, false}, .share = -1, .rate = 4.7 * MIB, .left = -1}
#define CLONED {.bytes = 286 * MIB, .files = 25, .shared = 286 * MIB, .share = 1, .rate = -1, .elapsed = 1, .last = true}
#define PARTLY_CLONED {.bytes = 286 * MIB, .files = 25, .shared = 86 * MIB, .share = 1, .rate = 100.0 * MIB, .elapsed = 2, \
	.last = true}
#define PARTLY {.bytes = 266 * MIB, .files = 23, .totals = {286 * MIB, 25, true}, .share = 0.93, .elapsed = 7, .last = true, \
	.failed = 2, .errors = 2}
#define MOSTLY {.bytes = 266 * MIB, .files = 4, .totals = {286 * MIB, 25, true}, .share = 0.93, .elapsed = 7, .last = true, \
	.failed = 34, .skipped = 2, .errors = 35}
#define ONLY_ERRORS {.bytes = 266 * MIB, .files = 1, .share = 0.99, .elapsed = 7, .last = true, .errors = 1}

static const struct shown lines[] = {
	{HALF, 160, 0, " 50% [##############################################                                              ]"
		"     512 B of 1.0 KiB   3/10 files     100 B/s     0:05 left"},
	{HALF, 80, 0, " 50% [######      ]     512 B of 1.0 KiB   3/10 files     100 B/s     0:05 left"},
	{HALF, 72, 0, " 50% [##  ]     512 B of 1.0 KiB   3/10 files     100 B/s     0:05 left"},
	{HALF, 71, 0, " 50%     512 B of 1.0 KiB   3/10 files     100 B/s     0:05 left"},
	{HALF, 65, 0, " 50%     512 B of 1.0 KiB   3/10 files     100 B/s     0:05 left"},
	{HALF, 64, 0, " 50% [####     ]     512 B of 1.0 KiB     100 B/s     0:05 left"},
	{HALF, 58, 0, " 50% [#######       ]     512 B     100 B/s     0:05 left"},
	{HALF, 40, 0, " 50% [###   ]     100 B/s     0:05 left"},
	{HALF, 30, 0, " 50% [####    ]     0:05 left"},
	{HALF, 20, 0, " 50%     0:05 left"},
	{HALF, 12, 0, " 50% [##  ]"},
	{HALF, 11, 0, " 50%"},
	{HALF, 5, 0, " 50%"},
	{HALF, 4, 0, ""},
	{HALF, 0, LINE_PLAIN, "50%  512 B of 1.0 KiB  3 of 10 files  100 B/s  0:05 left"},
	{HALF, 60, LINE_UTF8, " 50% ▕██▌  ▏     512 B of 1.0 KiB     100 B/s     0:05 left"},
	{HALF, 64, LINE_COLOR, " 50% [\033[36m####\033[m     ]     512 B of 1.0 KiB     100 B/s     0:05 left"},
	{BIG, 80, LINE_UTF8, " 33% ▕█▋   ▏   3.0 GiB of 10.0 GiB  12345/54321 files   150 MiB/s  1:02:03 left"},
	{BIG, 40, LINE_UTF8, " 33% ▕██    ▏   150 MiB/s  1:02:03 left"},
	{BIG, 0, LINE_PLAIN, "33%  3.0 GiB of 10.0 GiB  12345 of 54321 files  150 MiB/s  1:02:03 left"},
	{FEW, 80, 0, " 3.0 MiB  1 file   1.0 MiB/s  counting"},
	{FEW, 30, 0, " 1.0 MiB/s  counting"},
	{FEW, 0, LINE_PLAIN, "3.0 MiB  1 file  1.0 MiB/s  counting"},
	{FLUSHING, 80, 0, "100% [#######################]   3.0 MiB of 3.0 MiB  1/1 file  flushing    0:04"},
	{FLUSHING, 0, LINE_PLAIN, "100%  3.0 MiB of 3.0 MiB  1 of 1 file  flushing 0:04"},
	{DONE, 60, 0, "100% [##########]   3.0 MiB  1 file   1.0 MiB/s  total 0:03"},
	{DONE, 0, LINE_PLAIN, "100%  3.0 MiB  1 file  1.0 MiB/s  total 0:03"},
	{DONE, 49, 0, "100%   3.0 MiB  1 file   1.0 MiB/s  total 0:03"},
	{DONE, 46, 0, "100%  3.0 MiB  1 file  1.0 MiB/s  total 0:03"},
	{DONE, 44, 0, "100%  3.0 MiB  1 file  total 0:03"},
	{DONE, 34, 0, "100%  3.0 MiB  1 file  total 0:03"},
	{DONE, 33, 0, "100%  3.0 MiB  total 0:03"},
	{DONE, 20, 0, "100%  total 0:03"},
	{DONE, 16, 0, "100%"},
	{DONE, 10, 0, "100%"},
	{SOME, 80, 0, " 1.0 GiB  604 of 31234+ files   4.7 MiB/s  counting"},
	{SOME, 0, LINE_PLAIN, "1.0 GiB  604 of 31234+ files  4.7 MiB/s  counting"},
	{SOME, 9, 0, "counting"},
	{SOME, 8, 0, ""},
	{CLONED, 80, 0, "100% [#######################]   286 MiB shared (reflink)  25 files  total 0:01"},
	{CLONED, 53, 0, "100%  286 MiB shared (reflink)  25 files  total 0:01"},
	{CLONED, 52, 0, "100%  286 MiB shared  25 files  total 0:01"},
	{CLONED, 43, 0, "100%  286 MiB shared  25 files  total 0:01"},
	{CLONED, 42, 0, "100%  286 MiB shared  total 0:01"},
	{CLONED, 0, LINE_PLAIN, "100%  286 MiB shared (reflink)  25 files  total 0:01"},
	{PARTLY_CLONED, 0, LINE_PLAIN, "100%  286 MiB, 86.0 MiB of it shared (reflink)  25 files  100 MiB/s  total 0:02"},
	{PARTLY, 0, LINE_PLAIN, "23 of 25 files, 266 MiB in 0:07; 2 failed"},
	{PARTLY, 80, LINE_COLOR, "23 of 25 files, 266 MiB in 0:07; \033[31m2 failed\033[m"},
	{PARTLY, 42, LINE_UTF8, "23 of 25 files, 266 MiB in 0:07; 2 failed"},
	{PARTLY, 41, 0, "23 of 25 files in 0:07; 2 failed"},
	{PARTLY, 32, 0, "23 of 25 files; 2 failed"},
	{PARTLY, 24, 0, "2 failed"},
	{PARTLY, 8, 0, ""},
	{MOSTLY, 80, 0, "4 of 40 files, 266 MiB in 0:07; 34 failed (35 messages), 2 left as they were"},
	{MOSTLY, 76, 0, "4 of 40 files, 266 MiB in 0:07; 34 failed"},
	{ONLY_ERRORS, 80, 0, "1 of 1 file, 266 MiB in 0:07; 1 error"},
};

TEST(lines) {
	for (size_t i = 0; i < countof(lines); ++i) {
		char line[PROGRESS_LINE];
		progress_line(&lines[i].view, lines[i].columns, lines[i].flags, line, sizeof(line));
		CHECK_STR(line, lines[i].line);
	}
}

TEST(lines_of_interrupts) {
	static const struct {
		struct view view;
		const char *line;
	} interrupts[] = {
		{{.bytes = 156 * MIB, .files = 11, .totals = {286 * MIB, 25, true}, .share = 0.546},
			"interrupted at 54%: 156 of 286 MiB, 11/25 files copied"},
		{{.bytes = 100 * KIB, .files = 0, .totals = {286 * MIB, 1, true}, .share = 0},
			"interrupted at 0%: 100 KiB of 286 MiB, 0/1 file copied"},
		{{.bytes = 156 * MIB, .files = 1, .totals = {286 * MIB, 25, false}, .share = -1},
			"interrupted: 156 MiB, 1 file copied"},
	};
	for (size_t i = 0; i < countof(interrupts); ++i) {
		char line[PROGRESS_LINE];
		progress_interrupted(&interrupts[i].view, line, sizeof(line));
		CHECK_STR(line, interrupts[i].line);
	}
}

/** The columns a line takes: characters that are not within an escape sequence. */
static unsigned columns_of(const char *line) {
	unsigned columns = 0;
	for (const char *p = line; *p; ++p) {
		if (*p == '\033') {
			p += strcspn(p, "m");
		} else {
			columns += ((unsigned char)*p & 0xc0) != 0x80;
		}
	}
	return columns;
}

TEST(lines_are_narrower_than_the_terminal) {
	const struct view huge = {.bytes = UINT64_MAX, .files = UINT64_MAX, .totals = {UINT64_MAX, UINT64_MAX, true},
		.share = 1, .rate = 1e19, .left = 8e6};
	for (unsigned flags = 0; flags < 4; ++flags) {
		for (unsigned columns = 1; columns < 400; ++columns) {
			for (size_t i = 0; i <= countof(lines); ++i) {
				const struct view *view = i < countof(lines) ? &lines[i].view : &huge;
				char line[PROGRESS_LINE];
				progress_line(view, columns, flags, line, sizeof(line));
				CHECK_MSG(columns_of(line) < columns, "%u columns for '%s'", columns, line);
			}
		}
	}
}

TEST(lines_keep_their_width) {
	for (uint64_t done = 0; done <= 1000; ++done) {
		const struct view view = {.bytes = done * 987654, .files = done, .totals = {987654000, 1000, true},
			.share = (double)done / 1000, .rate = (double)(done * done * done), .left = (double)done * 30};
		char line[PROGRESS_LINE];
		progress_line(&view, 80, LINE_UTF8, line, sizeof(line));
		CHECK_EQ(columns_of(line), 79);
	}
}

TEST(lines_fit_their_memory) {
	for (size_t size = 1; size < 300; ++size) {
		char *line = malloc(size);
		for (size_t i = 0; i < countof(lines); ++i) {
			progress_line(&lines[i].view, 80, LINE_UTF8 | LINE_COLOR, line, size);
			CHECK(strlen(line) < size);
		}
		free(line);
	}
}

// --- What is told as time goes by

/** A copy of things that are alike: what is done at a time, and what there is. */
struct course {
	uint64_t bytes;
	uint64_t files;
	/** Seconds it takes. */
	double time;
	/** How it goes on: evenly, in pushes each of some seconds, faster and slower by turns. */
	enum { EVENLY, IN_PUSHES, IN_WAVES } manner;
	double period;
};

/** The share of it that is done at a time. */
static double done_at(const struct course *course, double t) {
	double rest = t / course->period - (double)(uint64_t)(t / course->period);
	if (course->manner == IN_PUSHES) {
		t -= rest * course->period;
	} else if (course->manner == IN_WAVES) {
		// Twice as fast in one half as in the other
		t += course->period * (rest < 0.5 ? rest : 1 - rest) / 3;
	}
	return min(t / course->time, 1.0);
}

static struct view look_at(struct progress *progress, const struct course *course, double t) {
	double done = done_at(course, t);
	struct counters sum = {.bytes = (uint64_t)(done * (double)course->bytes), .files = (uint64_t)(done * (double)course->files)};
	struct totals totals = {course->bytes, course->files, true};
	return progress_look(progress, 1000 + t, &sum, &totals, false);
}

TEST(the_time_left_is_right_after_a_tenth) {
	static const struct course courses[] = {
		{1 * GIB, 1, 2, EVENLY, 1},
		{1 * GIB, 1, 10, EVENLY, 1},
		{10 * GIB, 1, 100, IN_PUSHES, 1},
		{10 * GIB, 1, 100, IN_WAVES, 2},
		{100 * GIB, 1, 1000, IN_PUSHES, 5},
		{100 * GIB, 1, 1000, IN_WAVES, 10},
		{1000 * GIB, 1, 20000, IN_WAVES, 20},
		{0, 100000, 20, EVENLY, 1},
		{100 * MIB, 100000, 20, IN_WAVES, 1},
		{1000, 100000, 200, IN_PUSHES, 2},
	};
	for (size_t i = 0; i < countof(courses); ++i) {
		const struct course *course = &courses[i];
		struct progress progress;
		double share = 0;
		progress_init(&progress, 1000);
		// Near its end a second is much of what is left
		for (double t = 0.1; t < course->time * 0.9; t += 0.1) {
			struct view view = look_at(&progress, course, t);
			double left = course->time - t;
			CHECK_MSG(view.share >= share, "%zu: from %f to %f", i, share, view.share);
			share = view.share;
			if (t > course->time / 10) {
				CHECK_MSG(view.left > left * (1 - OFF_BY) && view.left < left * (1 + OFF_BY),
					"course %zu at %.1f: %.2f left, and not %.2f", i, t, view.left, left);
			}
		}
		CHECK(share > 0.8 && share < 1);
	}
}

TEST(a_new_rate_is_followed) {
	struct progress progress;
	struct view view = {0};
	struct counters sum = {0};
	const struct totals totals = {100 * GIB, 1, true};
	double t = 0;
	progress_init(&progress, 0);
	for (; t < 20; t += 0.1) {
		counter_add(&sum.bytes, 100 * MIB);
		view = progress_look(&progress, t, &sum, &totals, false);
	}
	CHECK(view.rate > 980.0 * MIB && view.rate < 1020.0 * MIB);
	// A tenth of the rate: gone halfway soon, and all the way after a while
	for (; t < 23; t += 0.1) {
		counter_add(&sum.bytes, 10 * MIB);
		view = progress_look(&progress, t, &sum, &totals, false);
	}
	CHECK(view.rate > 300.0 * MIB && view.rate < 600.0 * MIB);
	for (; t < 60; t += 0.1) {
		counter_add(&sum.bytes, 10 * MIB);
		view = progress_look(&progress, t, &sum, &totals, false);
	}
	CHECK(view.rate > 98.0 * MIB && view.rate < 105.0 * MIB);
}

TEST(all_is_said_only_when_all_is_done) {
	for (uint64_t bytes = 0; bytes <= 1000; ++bytes) {
		char line[PROGRESS_LINE];
		struct progress progress;
		struct counters sum = {.bytes = bytes * MIB, .files = bytes == 1000};
		const struct totals totals = {1000 * MIB, 1, true};
		progress_init(&progress, 0);
		struct view view = progress_look(&progress, 1, &sum, &totals, false);
		progress_line(&view, 0, LINE_PLAIN, line, sizeof(line));
		unsigned long percent = strtoul(line, NULL, 10);
		CHECK_MSG(percent <= bytes / 10 && percent + 1 >= bytes / 10, "%" PRIu64 " of 1000 is %lu%%", bytes, percent);
		CHECK(percent < 100);
	}
}

TEST(nothing_is_told_before_all_is_counted) {
	struct progress progress;
	const struct counters sum = {.bytes = 10 * MIB, .files = 3};
	const struct totals some = {5 * MIB, 2, false};
	progress_init(&progress, 0);
	struct view view = progress_look(&progress, 1, &sum, &some, false);
	CHECK(view.share < 0);
	CHECK(view.left < 0);
	CHECK_EQ(view.bytes, 10 * MIB);
	CHECK_EQ(view.files, 3);
}

TEST(more_than_was_counted) {
	struct progress progress;
	const struct counters sum = {.bytes = 10 * MIB, .files = 3};
	const struct totals few = {5 * MIB, 2, true};
	progress_init(&progress, 0);
	struct view view = progress_look(&progress, 1, &sum, &few, false);
	CHECK(view.share >= 1);
	CHECK(view.left < 0);
	char line[PROGRESS_LINE];
	progress_line(&view, 0, LINE_PLAIN, line, sizeof(line));
	CHECK_STR(line, "99%  10.0 MiB of 10.0 MiB  3 of 3 files  10.0 MiB/s  ?? left");
}

TEST(what_is_not_copied_is_dealt_with) {
	struct progress progress;
	const struct counters sum = {
		.bytes = 10 * MIB, .data = 5 * MIB, .files = 1, .skipped = 2, .failed = 1, .skipped_bytes = 20 * MIB,
	};
	const struct totals totals = {60 * MIB, 8, true};
	progress_init(&progress, 0);
	struct view view = progress_look(&progress, 10, &sum, &totals, false);
	CHECK(view.share > 0.499 && view.share < 0.501);
	CHECK(view.left > 9.9 && view.left < 10.1);
	CHECK(view.rate > 0.99 * MIB && view.rate < 1.01 * MIB);
	CHECK_EQ(view.bytes, 30 * MIB);
	CHECK_EQ(view.files, 4);
	// In the end only what is in whole files counts
	view = progress_look(&progress, 20, &sum, &totals, true);
	CHECK(view.share > 0.08 && view.share < 0.09);
	CHECK_EQ(view.bytes, 5 * MIB);
	CHECK_EQ(view.files, 1);
	CHECK(view.rate > 0.24 * MIB && view.rate < 0.26 * MIB);
}

TEST(the_end) {
	struct progress progress;
	const struct counters sum = {.bytes = 10 * MIB, .data = 10 * MIB, .files = 1, .skipped = 2, .skipped_bytes = 20 * MIB};
	const struct totals none = {0};
	progress_init(&progress, 0);
	struct view view = progress_look(&progress, 10, &sum, &none, true);
	char line[PROGRESS_LINE];
	progress_line(&view, 0, LINE_PLAIN, line, sizeof(line));
	CHECK_STR(line, "100%  10.0 MiB  1 file  1.0 MiB/s  total 0:10");
}

TEST(a_pause_does_not_count) {
	struct progress progress;
	const struct course course = {100 * GIB, 1, 100, EVENLY, 1};
	progress_init(&progress, 1000);
	for (double t = 0.1; t < 20; t += 0.1) {
		look_at(&progress, &course, t);
	}
	progress_resume(&progress, 1000 + 520);
	struct counters sum = {.bytes = 20 * GIB, .files = 0};
	const struct totals totals = {course.bytes, course.files, true};
	struct view view = progress_look(&progress, 1000 + 520.1, &sum, &totals, false);
	CHECK(view.elapsed > 19.8 && view.elapsed < 20.3);
	CHECK_MSG(view.left > 78 && view.left < 82, "%f left", view.left);
}

TEST(checksums) {
	struct counters sum = {.bytes = 99, .files = 99};
	struct counters counters[3] = {
		{0},
	};
	uint64_t factor = 1;
	for (counter *c = &counters[0].bytes; c <= &counters[0].shared; ++c, factor *= 10) {
		for (int i = 0; i < 3; ++i) {
			counter_add((counter *)((char *)c + i * sizeof(counters[0])), factor << i);
		}
	}
	counters_sum(&sum, counters, 3);
	uint64_t wanted = 7;
	for (const counter *c = &sum.bytes; c <= &sum.shared; ++c, wanted *= 10) {
		CHECK_EQ(counter_get(c), wanted);
	}
	counters_sum(&sum, counters, 0);
	CHECK_EQ(counter_get(&sum.bytes), 0);
	// Each worker has its own cache lines
	CHECK(sizeof(struct counters) % 128 == 0);
}

UNIT_MAIN
