// SPDX-License-Identifier: MIT
#include "display/display.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/opts.h"
#include "report/report.h"

#include <langinfo.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

/** Seconds before --progress=auto shows a bar, and before the sources are counted. */
#define PATIENCE 1.0
#define SCAN_PATIENCE 0.25

/** Seconds between two plain lines. */
#define LINE_INTERVAL 10.0

/** Seconds between two events. */
#define EVENT_INTERVAL 1.0

/** Seconds that the first answer waits for the counting. */
#define ANSWER_DELAY 0.05

/** The width of a bar if stderr is no terminal. */
#define COLUMNS 80

/** Whether the terminal cannot move the cursor. */
static bool is_dumb(const char *term) {
	return !term || term[0] == '\0' || strcmp(term, "dumb") == 0;
}

void display_started(struct report *report, uint64_t operands, bool dry_run) {
	char text[32];
	struct tm tm;
	time_t seconds = time(NULL);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&seconds, &tm));
	const struct member members[] = {
		member_text("version", UCP_VERSION),
		member_number("pid", (uint64_t)getpid()),
		member_text("time", text),
		member_number("operands", operands),
		member_bool("dry_run", dry_run),
	};
	report_event(report, "started", members, countof(members));
}

static enum display_style choose_style(enum progress_style progress, bool terminal) {
	switch (progress) {
	case PROGRESS_NEVER:
		return DISPLAY_NOTHING;
	case PROGRESS_AUTO:
		if (!terminal) {
			return DISPLAY_NOTHING;
		}
		break;
	case PROGRESS_ALWAYS:
	case PROGRESS_SYNCED:
		break;
	case PROGRESS_PLAIN:
		return DISPLAY_LINES;
	}
	return terminal && is_dumb(getenv("TERM")) ? DISPLAY_LINES : DISPLAY_BAR;
}

/** The flags of a line that is drawn: LINE_UTF8 and LINE_COLOR. */
static unsigned choose_flags(bool terminal) {
	const char *term = getenv("TERM");
	const char *no_color = getenv("NO_COLOR");
	// The fonts of the Linux console lack the eighths of a block
	bool console = terminal && term && strcmp(term, "linux") == 0;
	bool color = terminal && !(no_color && no_color[0] != '\0');
	bool utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0 && !console;
	return (utf8 ? LINE_UTF8 : 0) | (color ? LINE_COLOR : 0);
}

void display_init(struct display *display, const struct opts *opts, const struct limits *limits,
	struct report *report) {
	bool terminal = isatty(STDERR_FILENO);
	*display = (struct display) {
		.opts = opts,
		.limits = limits,
		.report = report,
		.terminal = terminal,
		.style = choose_style(opts->progress, terminal),
	};
	display->flags = display->style == DISPLAY_LINES ? LINE_PLAIN : choose_flags(terminal);
}

/** Report the progress (--json). */
static void progress_event(const struct display *display, const struct view *view) {
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
	report_event(display->report, "progress", members, count);
}

void display_start(struct display *display, int sources, uint64_t over) {
	double t = now();
	display->sources = sources;
	display->over = over;
	display->next_line = t + LINE_INTERVAL;
	display->next_event = t + EVENT_INTERVAL;
	progress_init(&display->progress, t);
	// With --dry-run the walk itself is the work, so do not count ahead
	if (display->opts->flags & OPT_DRY_RUN) {
		return;
	}
	if (display->report->json || (display->style != DISPLAY_NOTHING && display->opts->progress != PROGRESS_AUTO)) {
		scan_start(&display->scan, display->opts, display->limits, sources);
	}
}

void display_ask(struct display *display) {
	double t = now();
	if (!display->asked) {
		display->answer = display->scan.started ? t : t + ANSWER_DELAY;
	}
	display->asked = true;
	scan_start(&display->scan, display->opts, display->limits, display->sources);
}

static unsigned terminal_columns(void) {
	struct winsize size;
	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
		return size.ws_col;
	}
	return COLUMNS;
}

/** Whether another process group has the terminal now. */
static bool in_background(const struct display *display) {
	pid_t group = display->terminal ? tcgetpgrp(STDERR_FILENO) : -1;
	return group >= 0 && group != getpgrp();
}

/** Append a printable form of NAME of at most COLUMNS columns, shortened if needed. Returns its columns. */
static unsigned fit_name(struct buf *buf, const char *name, unsigned columns) {
	struct buf quoted = {0};
	mbstate_t state = {0};
	unsigned used = 0;
	quote_name_if_unprintable(&quoted, name);
	for (const char *p = quoted.data ? quoted.data : ""; *p;) {
		wchar_t wc;
		size_t len = mbrtowc(&wc, p, strnlen(p, MB_LEN_MAX), &state);
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

static void display_line(struct display *display, const struct view *now) {
	char line[PROGRESS_LINE];
	char whole[sizeof(line) + 1];
	struct buf name = {0};
	struct view copy = *now;
	struct view *view = &copy;
	bool bar = display->style == DISPLAY_BAR;
	unsigned columns = bar ? terminal_columns() : 0;
	unsigned room = view->last ? 0 : progress_name_room(columns);
	if (room > 0) {
		view->name_columns = fit_name(&name, display->current, room);
		view->name = name.data ? name.data : "";
	}
	progress_line(view, columns, display->flags, line, sizeof(line));
	buf_free(&name);
	snprintf(whole, sizeof(whole), "%s%s", line, view->last || !bar ? "\n" : "");
	report_paint(display->report, whole);
	display->shown = true;
}

/** Print the line requested by display_ask(). */
static void answer(struct display *display, const struct view *view) {
	char line[PROGRESS_LINE];
	char time[32];
	char whole[sizeof(line) + sizeof(time) + 16];
	progress_line(view, 0, LINE_PLAIN, line, sizeof(line));
	progress_format_time(time, sizeof(time), view->elapsed);
	snprintf(whole, sizeof(whole), "%s  %s so far", line, time);
	report_status(display->report, view->last ? line : whole);
	display->asked = false;
}

/** Once all is counted, compare with the free space; not with --update or --resume, whose amount of data is unknown. */
static void look_ahead(struct display *display, const struct view *view) {
	const struct opts *opts = display->opts;
	if (display->looked_ahead || !view->totals.final) {
		return;
	}
	display->looked_ahead = true;
	if (opts->update == UPDATE_ALL && !(opts->flags & OPT_RESUME) && view->shared == 0) {
		display_look_ahead(display, view->totals.bytes - min(view->bytes, view->totals.bytes), "are to be");
	}
}

void display_tick(struct display *display, const struct counters *sum) {
	double t = now();
	double elapsed = t - display->progress.start;
	if (display->style != DISPLAY_NOTHING && elapsed >= SCAN_PATIENCE) {
		scan_start(&display->scan, display->opts, display->limits, display->sources);
	}
	struct totals totals = scan_totals(&display->scan);
	struct view view = progress_look(&display->progress, t, sum, &totals, false);

	look_ahead(display, &view);
	if (display->flushing > 0) {
		// No data moves, and the time left is unknown
		view.flushing = max(t - display->flushing, 1e-3);
		view.rate = view.left = -1;
	}
	if (display->asked && t >= display->answer) {
		answer(display, &view);
	}
	if (t >= display->next_event) {
		display->next_event += EVENT_INTERVAL;
		progress_event(display, &view);
	}
	if (display->style == DISPLAY_BAR && elapsed >= PATIENCE && !in_background(display)) {
		display_line(display, &view);
	} else if (display->style == DISPLAY_LINES && t >= display->next_line) {
		display->next_line += LINE_INTERVAL;
		display_line(display, &view);
	}
}

void display_flushing(struct display *display) {
	display->flushing = now();
}

void display_suspend(struct display *display) {
	report_paint(display->report, NULL);
}

void display_resume(struct display *display) {
	double t = now();
	display->next_line += t - display->progress.last_time;
	display->next_event += t - display->progress.last_time;
	progress_resume(&display->progress, t);
}

/** Leave on the terminal how much was copied, and how to continue. */
static void say_interrupted(struct display *display, const struct view *view) {
	char line[PROGRESS_LINE];
	char whole[sizeof(line) + 64];
	progress_interrupted(view, line, sizeof(line));
	snprintf(whole, sizeof(whole), "%s%s", line,
		display->opts->flags & OPT_RESUME ? "; give the same command again to go on" : "");
	report_status(display->report, whole);
}

void display_end(struct display *display, const struct counters *sum, bool finished) {
	struct totals totals = scan_totals(&display->scan);
	struct counters all = *sum;
	uint64_t errors = counter_get(&display->report->errors) - counter_get(&display->report->declined);
	bool wanted = display->opts->progress != PROGRESS_AUTO || (display->shown && !in_background(display));

	if ((errors > 0 || !finished) && counter_get(&all.failed) == 0) {
		// A directory failed, with an unknown number of names in it
		counter_add(&all.failed, 1);
	}
	struct view view = progress_look(&display->progress, now(), &all, &totals, true);
	view.failed = counter_get(&sum->failed);
	view.errors = errors;
	display->elapsed = view.elapsed;
	report_rest(display->report);
	if (display->asked) {
		answer(display, &view);
	}
	if (finished && wanted && display->style != DISPLAY_NOTHING) {
		display_line(display, &view);
	}
	report_paint(display->report, NULL);
	if (!finished && display->terminal && display->style != DISPLAY_NOTHING && !in_background(display)) {
		say_interrupted(display, &view);
	}
	scan_stop(&display->scan);
}
