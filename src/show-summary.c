#include "show.h"

#include "opts.h"
#include "report.h"

#include <inttypes.h>
#include <stdio.h>

/** Say a number of bytes, exactly and for people. */
static void say_bytes(struct report *report, const char *what, uint64_t bytes, const char *more) {
	char text[32];
	progress_format_bytes(text, sizeof(text), (double)bytes);
	report_text(report, "%-20s%" PRIu64 " bytes (%s)%s\n", what, bytes, text, more);
}

static void say_number(struct report *report, const char *what, uint64_t number) {
	report_text(report, "%-20s%" PRIu64 "\n", what, number);
}

/** Say how long it took, to the hundredth of a second. */
static void say_time(struct report *report, double elapsed, uint64_t bytes) {
	char rate[32];
	uint64_t hundredths = (uint64_t)(elapsed * 100 + 0.5);
	progress_format_bytes(rate, sizeof(rate), elapsed > 0 ? (double)bytes / elapsed : 0);
	report_text(report, "%-20s%" PRIu64 ".%02u s, %s/s\n", "time and rate:", hundredths / 100,
		(unsigned)(hundredths % 100), rate);
}

void show_summary(struct show *show, const struct summary *summary) {
	struct report *report = show->report;
	const struct counters *sum = summary->sum;
	uint64_t clones = counter_get(&sum->clones);
	uint64_t bytes = counter_get(&sum->bytes);
	uint64_t others = counter_get(&sum->symlinks) + counter_get(&sum->hard_links) + counter_get(&sum->specials);
	uint64_t regular = counter_get(&sum->files) - others;
	uint64_t at_once = counter_get(&sum->cached) + counter_get(&sum->streams) + clones;
	bool data = !(show->opts->flags & OPT_ATTRIBUTES_ONLY);
	char files[48];

	if (!(show->opts->flags & OPT_STATS)) {
		return;
	}
	say_number(report, "regular files:", regular);
	say_number(report, "directories made:", summary->directories);
	say_number(report, "symbolic links:", counter_get(&sum->symlinks));
	say_number(report, "hard links:", counter_get(&sum->hard_links));
	say_number(report, "special files:", counter_get(&sum->specials));
	say_number(report, "left as they were:", counter_get(&sum->skipped));
	say_number(report, "failed:", counter_get(&sum->failed));
	say_bytes(report, "data:", bytes, "");
	say_bytes(report, "holes kept:", counter_get(&sum->holes), "");
	say_bytes(report, "zeros left out:", counter_get(&sum->zeros), "");
	snprintf(files, sizeof(files), ", %" PRIu64 " %s", clones, clones == 1 ? "file" : "files");
	say_bytes(report, "reflinked:", counter_get(&sum->clone_bytes), files);
	say_time(report, show->elapsed, bytes);
	report_text(report, "%-20s%" PRIu64 " reflinked, %" PRIu64 " at once from the cache, %" PRIu64 " streamed, %" PRIu64
		" in chunks (%" PRIu64 " by several workers)\n", "files by strategy:", clones, counter_get(&sum->cached),
		counter_get(&sum->streams), data && regular > at_once ? regular - at_once : 0, counter_get(&sum->shared));
	report_text(report, "%-20s%s; %u %s\n", "engine:", summary->engine, summary->workers,
		summary->workers == 1 ? "worker" : "workers");
}
