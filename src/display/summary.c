// SPDX-License-Identifier: MIT
#include "display/display.h"

#include "base/opts.h"
#include "report/report.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/** Print a number of bytes, exactly and in readable form. */
static void say_bytes(struct report *report, const char *what, uint64_t bytes, const char *more) {
	char text[32];
	progress_format_bytes(text, sizeof(text), (double)bytes);
	report_text(report, "%-20s%" PRIu64 " bytes (%s)%s\n", what, bytes, text, more);
}

static void say_number(struct report *report, const char *what, uint64_t number) {
	report_text(report, "%-20s%" PRIu64 "\n", what, number);
}

/** Bytes moved per second, without those shared with the source. */
static double rate_of(const struct display *display, const struct counters *sum) {
	uint64_t bytes = counter_get(&sum->data);
	uint64_t moved = bytes - min(counter_get(&sum->clone_bytes), bytes);
	return display->elapsed > 0 ? (double)moved / display->elapsed : 0;
}

/** Print the time, to the hundredth of a second, and the rate. */
static void say_time(const struct display *display, const struct counters *sum) {
	char rate[32];
	struct report *report = display->report;
	uint64_t hundredths = (uint64_t)(display->elapsed * 100 + 0.5);
	progress_format_bytes(rate, sizeof(rate), rate_of(display, sum));
	report_text(report, "%-20s%" PRIu64 ".%02u s, %s/s\n", "time and rate:", hundredths / 100,
		(unsigned)(hundredths % 100), rate);
}

/** Report the summary as the last event (--json). */
static void summary_event(struct display *display, const struct summary *summary) {
	const struct counters *sum = summary->sum;
	uint64_t errors = counter_get(&display->report->errors);
	uint64_t others = counter_get(&sum->symlinks) + counter_get(&sum->hard_links) + counter_get(&sum->specials);
	const char *signal = summary->signal ? sigabbrev_np(summary->signal) : NULL;
	char name[32];
	snprintf(name, sizeof(name), "SIG%s", signal ? signal : "");
	const struct member members[] = {
		member_real("elapsed", display->elapsed),
		member_number("rate", (uint64_t)rate_of(display, sum)),
		member_number("bytes", counter_get(&sum->data)),
		member_number("regular_files", counter_get(&sum->files) - others),
		member_number("directories_made", summary->directories),
		member_number("symbolic_links", counter_get(&sum->symlinks)),
		member_number("hard_links", counter_get(&sum->hard_links)),
		member_number("special_files", counter_get(&sum->specials)),
		member_number("skipped", counter_get(&sum->skipped)),
		member_number("resumed_files", counter_get(&sum->resumed)),
		member_number("resumed_bytes", counter_get(&sum->resumed_bytes)),
		member_number("failed", counter_get(&sum->failed)),
		member_number("removed", summary->removed),
		member_number("errors", errors),
		member_number("hole_bytes", counter_get(&sum->holes)),
		member_number("zero_bytes", counter_get(&sum->zeros)),
		member_number("reflinked_bytes", counter_get(&sum->clone_bytes)),
		member_number("reflinked_files", counter_get(&sum->clones)),
		member_number("cached_files", counter_get(&sum->cached)),
		member_number("streamed_files", counter_get(&sum->streams)),
		member_number("shared_files", counter_get(&sum->shared)),
		member_number("workers", summary->workers),
		member_word("engine", summary->engine),
		member_text("engine_details", summary->engine_details),
		summary->signal ? member_text("signal", name) : member_number("exit_status", errors > 0),
	};
	report_event(display->report, "summary", members, countof(members));
}

void display_nothing(struct report *report) {
	struct display display = {.report = report};
	struct counters none = {0};
	summary_event(&display, &(struct summary) {.sum = &none});
}

/** Print how much would be copied (--dry-run). */
static void say_simulated(const struct display *display, const struct summary *summary) {
	struct report *report = display->report;
	uint64_t files = counter_get(&summary->sum->files);
	uint64_t bytes = counter_get(&summary->sum->data);
	uint64_t left = counter_get(&summary->sum->skipped);
	char size[32];
	char rest[64] = "";
	char removed[64] = "";
	progress_format_bytes(size, sizeof(size), (double)bytes);
	if (left > 0) {
		snprintf(rest, sizeof(rest), "; %" PRIu64 " %s as %s", left, left == 1 ? "is left" : "are left",
			left == 1 ? "it is" : "they are");
	}
	if (display->opts->flags & OPT_DELETE) {
		snprintf(removed, sizeof(removed), ", and remove %" PRIu64 " %s", summary->removed,
			summary->removed == 1 ? "name" : "names");
	}
	report_text(report, "would copy %" PRIu64 " %s with %" PRIu64 " %s (%s), and make %" PRIu64 " %s%s%s\n", files,
		files == 1 ? "file" : "files", bytes, bytes == 1 ? "byte" : "bytes", size, summary->directories,
		summary->directories == 1 ? "directory" : "directories", removed, rest);
	display_look_ahead(display, bytes, "would be");
}

/** Write the last line of a log. */
static void log_summary(const struct display *display, const struct summary *summary) {
	const struct counters *sum = summary->sum;
	report_log(display->report,
		"ended%s%s: %" PRIu64 " files with %" PRIu64 " bytes copied, %" PRIu64 " directories made, %" PRIu64
		" removed, %" PRIu64 " left as they were, %" PRIu64 " failed; %" PRIu64 " errors, %.2f s",
		summary->signal ? " by SIG" : "", summary->signal ? sigabbrev_np(summary->signal) : "",
		counter_get(&sum->files), counter_get(&sum->data), summary->directories, summary->removed,
		counter_get(&sum->skipped), counter_get(&sum->failed), counter_get(&display->report->errors), display->elapsed);
}

void display_summary(struct display *display, const struct summary *summary) {
	struct report *report = display->report;
	const struct counters *sum = summary->sum;
	uint64_t clones = counter_get(&sum->clones);
	uint64_t resumed = counter_get(&sum->resumed);
	uint64_t others = counter_get(&sum->symlinks) + counter_get(&sum->hard_links) + counter_get(&sum->specials);
	char files[48];

	log_summary(display, summary);
	if (display->report->json) {
		summary_event(display, summary);
		return;
	}
	if ((display->opts->flags & OPT_DRY_RUN) && summary->workers > 0) {
		say_simulated(display, summary);
		return;
	}
	if (!(display->opts->flags & OPT_STATS) || summary->workers == 0) {
		return;
	}
	say_number(report, "regular files:", counter_get(&sum->files) - others);
	say_number(report, "directories made:", summary->directories);
	say_number(report, "symbolic links:", counter_get(&sum->symlinks));
	say_number(report, "hard links:", counter_get(&sum->hard_links));
	say_number(report, "special files:", counter_get(&sum->specials));
	say_number(report, "left as they were:", counter_get(&sum->skipped) - min(resumed, counter_get(&sum->skipped)));
	say_number(report, "failed:", counter_get(&sum->failed));
	if (display->opts->flags & (OPT_DELETE | OPT_MOVE)) {
		say_number(report, display->opts->flags & OPT_MOVE ? "sources removed:" : "removed:", summary->removed);
	}
	say_bytes(report, "data:", counter_get(&sum->data), "");
	say_bytes(report, "holes kept:", counter_get(&sum->holes), "");
	say_bytes(report, "zeros left out:", counter_get(&sum->zeros), "");
	snprintf(files, sizeof(files), ", %" PRIu64 " %s", clones, clones == 1 ? "file" : "files");
	say_bytes(report, "reflinked:", counter_get(&sum->clone_bytes), files);
	if (display->opts->flags & OPT_RESUME) {
		progress_format_bytes(files, sizeof(files), (double)counter_get(&sum->resumed_bytes));
		report_text(report, "%-20s%" PRIu64 " %s, %s\n", "resumed:", resumed, resumed == 1 ? "file" : "files", files);
	}
	say_time(display, sum);
}
