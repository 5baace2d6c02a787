#include "display/display.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/opts.h"
#include "report/report.h"

#include <langinfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

/** Seconds before a bar that nobody asked for is worth showing, and before it is worth counting what there is. */
#define PATIENCE 1.0
#define SCAN_PATIENCE 0.25

/** Seconds between two plain lines. */
#define LINE_INTERVAL 10.0

/** Seconds between two events. */
#define EVENT_INTERVAL 1.0

/** Seconds that the first answer waits for what there is to be counted. */
#define ANSWER_DELAY 0.05

/** The width of a bar that goes to no terminal. */
#define COLUMNS 80

/** Whether the terminal can do no more than a typewriter. */
static bool is_dumb(const char *term) {
	return !term || term[0] == '\0' || strcmp(term, "dumb") == 0;
}

/** Say that it begins (--json). */
static void started_event(const struct show *show) {
	char text[32];
	struct tm tm;
	time_t seconds = time(NULL);
	if (!show->report->json) {
		return;
	}
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&seconds, &tm));
	const struct member members[] = {
		member_text("version", UCP_VERSION),
		member_number("pid", (uint64_t)getpid()),
		member_text("time", text),
		member_number("operands", (uint64_t)show->opts->operand_count),
		member_bool("dry_run", show->opts->flags & OPT_DRY_RUN),
	};
	report_event(show->report, "started", members, countof(members));
}

void show_init(struct show *show, const struct opts *opts, struct report *report) {
	const char *term = getenv("TERM");
	const char *no_color = getenv("NO_COLOR");

	*show = (struct show) {.opts = opts, .report = report, .terminal = isatty(STDERR_FILENO)};
	switch (opts->progress) {
	case PROGRESS_NEVER:
		break;
	case PROGRESS_AUTO:
		show->style = show->terminal ? SHOW_BAR : SHOW_NOTHING;
		break;
	case PROGRESS_ALWAYS:
	case PROGRESS_SYNCED:
		show->style = SHOW_BAR;
		break;
	case PROGRESS_PLAIN:
		show->style = SHOW_LINES;
		break;
	}
	if (show->style == SHOW_BAR && show->terminal && is_dumb(term)) {
		show->style = SHOW_LINES;
	}
	if (strcmp(nl_langinfo(CODESET), "UTF-8") == 0 && !(show->terminal && term && strcmp(term, "linux") == 0)) {
		// The fonts of the kernel's own terminal have no eighths
		show->flags |= LINE_UTF8;
	}
	if (show->terminal && !(no_color && no_color[0] != '\0')) {
		show->flags |= LINE_COLOR;
	}
	if (show->style == SHOW_LINES) {
		show->flags = LINE_PLAIN;
	}
	started_event(show);
}

/** Say how far it is. */
static void progress_event(const struct show *show, const struct view *view) {
	struct member members[9];
	size_t count = 0;
	members[count++] = member_real("elapsed", view->elapsed);
	members[count++] = member_number("bytes", view->bytes);
	members[count++] = member_number("files", view->files);
	members[count++] = member_number("rate", (uint64_t)max(view->rate, 0.0));
	if (view->totals.final) {
		members[count++] = member_number("total_bytes", max(view->totals.bytes, view->bytes));
		members[count++] = member_number("total_files", max(view->totals.files, view->files));
		members[count++] = member_real("share", view->share);
	}
	if (view->left >= 0) {
		members[count++] = member_real("left", view->left);
	}
	if (view->flushing > 0) {
		members[count++] = member_real("flushing", view->flushing);
	}
	report_event(show->report, "progress", members, count);
}

void show_start(struct show *show, int sources, uint64_t over) {
	double t = now();
	show->sources = sources;
	show->over = over;
	show->next_line = t + LINE_INTERVAL;
	show->next_event = t + EVENT_INTERVAL;
	progress_init(&show->progress, t);
	// With --dry-run there is nothing ahead of which to count
	if (show->opts->flags & OPT_DRY_RUN) {
		return;
	}
	if (show->report->json || (show->style != SHOW_NOTHING && show->opts->progress != PROGRESS_AUTO)) {
		scan_start(&show->scan, show->opts, sources);
	}
}

void show_ask(struct show *show) {
	double t = now();
	if (!show->asked) {
		show->answer = show->scan.started ? t : t + ANSWER_DELAY;
	}
	show->asked = true;
	scan_start(&show->scan, show->opts, show->sources);
}

static unsigned terminal_columns(void) {
	struct winsize size;
	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
		return size.ws_col;
	}
	return COLUMNS;
}

/** Whether the terminal is somebody else's now. */
static bool in_background(const struct show *show) {
	pid_t group = show->terminal ? tcgetpgrp(STDERR_FILENO) : -1;
	return group >= 0 && group != getpgrp();
}

/** Write a name that can be printed in so many columns at most, cut if it is longer. Returns the columns it takes. */
static unsigned fit_name(struct buf *buf, const char *name, unsigned columns) {
	struct buf quoted = {0};
	mbstate_t state = {0};
	unsigned used = 0;
	quote_name_if_unprintable(&quoted, name);
	for (const char *p = quoted.data ? quoted.data : ""; *p;) {
		wchar_t wc;
		size_t len = mbrtowc(&wc, p, strlen(p), &state);
		int width = len == 0 || len >= (size_t)-2 ? -1 : wcwidth(wc);
		bool last = width >= 0 && p[len] == '\0';
		if (width < 0 || used + (unsigned)width + (last ? 0 : 2) > columns) {
			buf_str(buf, "..");
			used += 2;
			break;
		}
		buf_add(buf, p, len);
		used += (unsigned)width;
		p += len;
	}
	buf_free(&quoted);
	return used;
}

static void show_line(struct show *show, const struct view *now) {
	char line[PROGRESS_LINE];
	char whole[sizeof(line) + 1];
	struct buf name = {0};
	struct view copy = *now;
	struct view *view = &copy;
	bool bar = show->style == SHOW_BAR;
	unsigned columns = bar ? terminal_columns() : 0;
	unsigned room = view->last ? 0 : progress_name_room(columns);
	if (room > 0) {
		view->name_columns = fit_name(&name, show->current, room);
		view->name = name.data ? name.data : "";
	}
	progress_line(view, columns, show->flags, line, sizeof(line));
	buf_free(&name);
	snprintf(whole, sizeof(whole), "%s%s", line, view->last || !bar ? "\n" : "");
	report_paint(show->report, whole);
	show->shown = true;
}

/** Print the line that was asked for. */
static void answer(struct show *show, const struct view *view) {
	char line[PROGRESS_LINE];
	char time[32];
	char whole[sizeof(line) + sizeof(time) + 16];
	progress_line(view, 0, LINE_PLAIN, line, sizeof(line));
	progress_format_time(time, sizeof(time), view->elapsed);
	snprintf(whole, sizeof(whole), "%s  %s so far", line, time);
	report_status(show->report, view->last ? line : whole);
	show->asked = false;
}

/** Once all is counted, see if there is room for it. What may stay as it is, or was there before, nobody knows. */
static void look_ahead(struct show *show, const struct view *view) {
	const struct opts *opts = show->opts;
	if (show->looked_ahead || !view->totals.final) {
		return;
	}
	show->looked_ahead = true;
	if (opts->update == UPDATE_ALL && !(opts->flags & OPT_RESUME) && view->shared == 0) {
		show_look_ahead(show, view->totals.bytes - min(view->bytes, view->totals.bytes), "are to be");
	}
}

void show_tick(struct show *show, const struct counters *sum) {
	double t = now();
	double elapsed = t - show->progress.start;
	if (show->style != SHOW_NOTHING && elapsed >= SCAN_PATIENCE) {
		scan_start(&show->scan, show->opts, show->sources);
	}
	struct totals totals = scan_totals(&show->scan);
	struct view view = progress_look(&show->progress, t, sum, &totals, false);

	look_ahead(show, &view);
	if (show->flushing > 0) {
		// No data moves, and nobody knows how long it will take
		view.flushing = max(t - show->flushing, 1e-3);
		view.rate = view.left = -1;
	}
	if (show->asked && t >= show->answer) {
		answer(show, &view);
	}
	if (t >= show->next_event) {
		show->next_event += EVENT_INTERVAL;
		progress_event(show, &view);
	}
	if (show->style == SHOW_BAR && elapsed >= PATIENCE && !in_background(show)) {
		show_line(show, &view);
	} else if (show->style == SHOW_LINES && t >= show->next_line) {
		show->next_line += LINE_INTERVAL;
		show_line(show, &view);
	}
}

void show_flushing(struct show *show) {
	show->flushing = now();
}

void show_suspend(struct show *show) {
	report_paint(show->report, NULL);
}

void show_resume(struct show *show) {
	double t = now();
	show->next_line += t - show->progress.last_time;
	show->next_event += t - show->progress.last_time;
	progress_resume(&show->progress, t);
}

/** Leave on the terminal how far it came, and how to go on. */
static void say_interrupted(struct show *show, const struct view *view) {
	char line[PROGRESS_LINE];
	char whole[sizeof(line) + 64];
	progress_interrupted(view, line, sizeof(line));
	snprintf(whole, sizeof(whole), "%s%s", line,
		show->opts->flags & OPT_RESUME ? "; give the same command again to go on" : "");
	report_status(show->report, whole);
}

void show_end(struct show *show, const struct counters *sum, bool finished) {
	struct totals totals = scan_totals(&show->scan);
	struct counters all = *sum;
	uint64_t errors = counter_get(&show->report->errors) - counter_get(&show->report->declined);
	bool wanted = show->opts->progress != PROGRESS_AUTO || (show->shown && !in_background(show));

	if ((errors > 0 || !finished) && counter_get(&all.failed) == 0) {
		// A directory, with who knows how much in it
		counter_add(&all.failed, 1);
	}
	struct view view = progress_look(&show->progress, now(), &all, &totals, true);
	view.failed = counter_get(&sum->failed);
	view.errors = errors;
	show->elapsed = view.elapsed;
	report_rest(show->report);
	if (show->asked) {
		answer(show, &view);
	}
	if (finished && wanted && show->style != SHOW_NOTHING) {
		show_line(show, &view);
	}
	report_paint(show->report, NULL);
	if (!finished && show->terminal && show->style != SHOW_NOTHING && !in_background(show)) {
		say_interrupted(show, &view);
	}
	scan_stop(&show->scan);
}
