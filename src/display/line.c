// SPDX-License-Identifier: MIT
#include "display/progress.h"

#include <stdio.h>
#include <string.h>

/** A terminal with more columns than NAME_COLUMNS shows a name, in one NAME_PART-th of them. */
#define NAME_COLUMNS 120
#define NAME_PART 4

/** The narrowest and the widest bar. */
#define LEAST_BAR 6
#define MOST_BAR 100

/** Fields of a line. */
enum field {
	FIELD_PERCENT = 1 << 0,
	FIELD_BYTES = 1 << 1,
	FIELD_TOTAL = 1 << 2,
	FIELD_FILES = 1 << 3,
	FIELD_RATE = 1 << 4,
	FIELD_TIME = 1 << 5,
	FIELDS = (1 << 6) - 1,
};

/** Above this number, errors are also counted. */
#define MANY_ERRORS 20

void progress_format_bytes(char *text, size_t size, double bytes) {
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	size_t unit = 0;
	while (bytes >= 999.5 && unit + 1 < countof(units)) {
		bytes /= 1024;
		++unit;
	}
	// printf("%.1f") depends on the locale
	if (unit > 0 && bytes < 99.95) {
		unsigned tenths = (unsigned)(bytes * 10 + 0.5);
		snprintf(text, size, "%u.%u %s", tenths / 10, tenths % 10, units[unit]);
	} else {
		snprintf(text, size, "%llu %s", (unsigned long long)(bytes + 0.5), units[unit]);
	}
}

void progress_format_time(char *text, size_t size, double seconds) {
	unsigned long s = (unsigned long)(seconds + 0.5);
	if (s >= 100ul * 3600) {
		snprintf(text, size, "%lud %02luh", s / 86400, s / 3600 % 24);
	} else if (s >= 3600) {
		snprintf(text, size, "%lu:%02lu:%02lu", s / 3600, s / 60 % 60, s % 60);
	} else {
		snprintf(text, size, "%lu:%02lu", s / 60, s % 60);
	}
}

/** A line being built, and its width on the screen so far. */
struct line {
	char *text;
	size_t size;
	size_t len;
	unsigned columns;
};

/** Append text of COLUMNS columns. It is left out whole if the buffer is too small. */
static void append(struct line *line, const char *text, unsigned columns) {
	size_t len = strlen(text);
	if (line->len + len < line->size) {
		memcpy(line->text + line->len, text, len + 1);
		line->len += len;
		line->columns += columns;
	}
}

/** Append a field, which is ASCII, after two blanks. */
static void append_field(struct line *line, const char *text) {
	append(line, line->len > 0 ? "  " : "", line->len > 0 ? 2 : 0);
	append(line, text, (unsigned)strlen(text));
}

/** The text of each field. */
struct texts {
	char percent[16];
	char bytes[96];
	char total[48];
	char files[96];
	char rate[40];
	char time[48];
};

static const char *files_noun(uint64_t files) {
	return files == 1 ? "file" : "files";
}

/** Write the number of files, and the total as far as it is known. */
static void write_files(char *text, size_t size, const struct view *view, bool align) {
	unsigned long long files = view->files;
	unsigned long long all = max(view->totals.files, view->files);
	if (view->last || all == 0 || (!view->totals.final && view->totals.files == 0)) {
		snprintf(text, size, "%llu %s", files, files_noun(files));
	} else if (view->totals.final) {
		int width = align ? snprintf(NULL, 0, "%llu", all) : 0;
		snprintf(text, size, align ? "%*llu/%llu %s" : "%*llu of %llu %s", width, files, all, files_noun(all));
	} else {
		snprintf(text, size, "%llu of %llu+ files", files, all);
	}
}

/** Write the number of bytes, and at the end how many are shared with the source; BRIEF: without the word reflink. */
static void write_bytes(char *text, size_t size, const struct view *view, bool align, bool brief) {
	char number[32];
	char shared[32];
	const char *how = brief ? "" : " (reflink)";
	progress_format_bytes(number, sizeof(number), (double)view->bytes);
	progress_format_bytes(shared, sizeof(shared), (double)view->shared);
	if (!view->last || view->shared == 0) {
		snprintf(text, size, "%*s", align ? 8 : 0, number);
	} else if (view->shared >= view->bytes) {
		snprintf(text, size, "%*s shared%s", align ? 8 : 0, number, how);
	} else {
		snprintf(text, size, "%*s, %s of it shared%s", align ? 8 : 0, number, shared, how);
	}
}

/**
 * Write all fields; with ALIGN numbers have leading blanks, so that later fields do not move. BRIEF: as for
 * write_bytes().
 */
static void write_texts(struct texts *texts, const struct view *view, bool align, bool brief) {
	char number[32];

	*texts = (struct texts) {0};
	if (view->share >= 0) {
		bool done = view->last || view->flushing > 0;
		unsigned percent = view->share >= 1 && done ? 100 : (unsigned)min(view->share * 100, 99.0);
		snprintf(texts->percent, sizeof(texts->percent), align ? "%3u%%" : "%u%%", percent);
	}
	write_bytes(texts->bytes, sizeof(texts->bytes), view, align, brief);
	if (view->totals.final && !view->last) {
		progress_format_bytes(number, sizeof(number), (double)max(view->totals.bytes, view->bytes));
		snprintf(texts->total, sizeof(texts->total), " of %s", number);
	}
	write_files(texts->files, sizeof(texts->files), view, align);
	if (view->rate >= 0) {
		progress_format_bytes(number, sizeof(number), view->rate);
		snprintf(texts->rate, sizeof(texts->rate), "%*s/s", align ? 8 : 0, number);
	}
	int width = align ? 7 : 0;
	if (view->flushing > 0 && !view->last) {
		progress_format_time(number, sizeof(number), view->flushing);
		snprintf(texts->time, sizeof(texts->time), "flushing %*s", width, number);
	} else if (view->last) {
		progress_format_time(number, sizeof(number), view->elapsed);
		snprintf(texts->time, sizeof(texts->time), "total %s", number);
	} else if (view->left >= 0) {
		progress_format_time(number, sizeof(number), view->left);
		snprintf(texts->time, sizeof(texts->time), "%*s left", width, number);
	} else {
		snprintf(texts->time, sizeof(texts->time), view->totals.final ? "%*s left" : "counting", width, "??");
	}
}

/** Append the texts of FIELDS, except the percentage. */
static void append_texts(struct line *line, const struct texts *texts, unsigned fields) {
	if (fields & FIELD_BYTES) {
		append_field(line, texts->bytes);
	}
	if (fields & FIELD_TOTAL) {
		append(line, texts->total, (unsigned)strlen(texts->total));
	}
	if (fields & FIELD_FILES) {
		append_field(line, texts->files);
	}
	if ((fields & FIELD_RATE) && texts->rate[0] != '\0') {
		append_field(line, texts->rate);
	}
	if (fields & FIELD_TIME) {
		append_field(line, texts->time);
	}
}

/** Append a bar of WIDTH columns, including its ends. */
static void append_bar(struct line *line, double share, unsigned width, unsigned flags) {
	static const char *const eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
	bool utf8 = flags & LINE_UTF8;
	unsigned parts = utf8 ? 8 : 1;
	unsigned inner = width - 2;
	unsigned filled = (unsigned)(min(share, 1.0) * inner * parts);
	unsigned at = 0;

	append(line, utf8 ? "▕" : "[", 1);
	append(line, flags & LINE_COLOR ? "\033[36m" : "", 0);
	for (; at < filled / parts; ++at) {
		append(line, utf8 ? "█" : "#", 1);
	}
	if (filled % parts > 0) {
		append(line, eighths[filled % parts], 1);
		++at;
	}
	append(line, flags & LINE_COLOR ? "\033[m" : "", 0);
	for (; at < inner; ++at) {
		append(line, " ", 1);
	}
	append(line, utf8 ? "▏" : "]", 1);
}

/** Columns left for a bar and the blank before it, if FIELDS are shown; negative if the fields are too wide. */
static int room_for_bar(const struct texts *texts, unsigned fields, unsigned columns) {
	char text[512];
	struct line line = {.text = text, .size = sizeof(text)};
	text[0] = '\0';
	append(&line, fields & FIELD_PERCENT ? texts->percent : "",
		fields & FIELD_PERCENT ? (unsigned)strlen(texts->percent) : 0);
	append_texts(&line, texts, fields);
	// Leave the last column free: a terminal may wrap there
	return (int)columns - 1 - (int)line.columns;
}

/** Choose the fields that fit. */
static unsigned choose_fields(const struct texts *texts, unsigned columns, bool bar, bool last) {
	static const unsigned going[] = {FIELD_FILES, FIELD_TOTAL, FIELD_BYTES, FIELD_RATE, FIELD_TIME, FIELD_PERCENT};
	// At the end the rate goes first: bytes and time imply it
	static const unsigned ending[] = {FIELD_RATE, FIELD_TOTAL, FIELD_FILES, FIELD_BYTES, FIELD_TIME, FIELD_PERCENT};
	unsigned fields = FIELDS;
	for (size_t i = 0; columns > 0 && i < countof(going); ++i) {
		// Fields are worth more than a bar; but if one has to go during the copy, drop enough to fit a bar, too
		bool wanted = bar && !last && fields != FIELDS && (fields & FIELD_RATE);
		if (room_for_bar(texts, fields, columns) >= (wanted ? LEAST_BAR + 1 : 0)) {
			break;
		}
		fields &= ~(last ? ending[i] : going[i]);
	}
	return fields;
}

/** The parts of the last line of a copy with failures or errors. */
enum failed_part {
	PART_FILES,
	PART_BYTES,
	PART_TIME,
	PART_FAILED,
	PART_MORE,
	PART_COUNT,
};

/** A text for each part. */
typedef char failed_parts[PART_COUNT][96];

static void write_failed_parts(const struct view *view, failed_parts parts) {
	const size_t size = sizeof(parts[0]);
	char bytes[32];
	char time[32];
	unsigned long long dealt = view->files + view->failed + view->skipped;
	unsigned long long all = view->totals.final ? max((unsigned long long)view->totals.files, dealt) : dealt;

	progress_format_bytes(bytes, sizeof(bytes), (double)view->bytes);
	progress_format_time(time, sizeof(time), view->elapsed);
	snprintf(parts[PART_FILES], size, "%llu of %llu %s", (unsigned long long)view->files, all, files_noun(all));
	snprintf(parts[PART_BYTES], size, ", %s", bytes);
	snprintf(parts[PART_TIME], size, " in %s", time);
	if (view->failed > 0) {
		snprintf(parts[PART_FAILED], size, "%llu failed", (unsigned long long)view->failed);
	} else {
		snprintf(parts[PART_FAILED], size, "%llu %s", (unsigned long long)view->errors,
			view->errors == 1 ? "error" : "errors");
	}
	int len = view->failed > 0 && view->errors > MANY_ERRORS
		? snprintf(parts[PART_MORE], size, " (%llu messages)", (unsigned long long)view->errors)
		: 0;
	if (view->skipped > 0) {
		snprintf(parts[PART_MORE] + len, size - (size_t)len, ", %llu left as they were",
			(unsigned long long)view->skipped);
	}
}

/** Drop parts until less than COLUMNS columns are left. Returns whether that was possible. */
static bool drop_failed_parts(failed_parts parts, unsigned columns) {
	static const enum failed_part order[] = {PART_MORE, PART_BYTES, PART_TIME, PART_FILES};
	const unsigned separator = 2;
	unsigned width = separator;
	for (size_t i = 0; i < PART_COUNT; ++i) {
		width += (unsigned)strlen(parts[i]);
	}
	for (size_t i = 0; i < countof(order) && width >= columns; ++i) {
		width -= (unsigned)strlen(parts[order[i]]) + (order[i] == PART_FILES ? separator : 0);
		parts[order[i]][0] = '\0';
	}
	return width < columns;
}

/** Write the last line of a copy with failures or errors. */
static void failed_line(const struct view *view, unsigned columns, unsigned flags, struct line *line) {
	failed_parts parts = {0};
	write_failed_parts(view, parts);
	if (columns > 0 && !drop_failed_parts(parts, columns)) {
		return;
	}
	for (size_t i = 0; i < PART_COUNT; ++i) {
		if (i == PART_FAILED) {
			append(line, parts[PART_FILES][0] != '\0' ? "; " : "", 0);
			append(line, flags & LINE_COLOR ? "\033[31m" : "", 0);
		}
		append(line, parts[i], 0);
	}
	append(line, flags & LINE_COLOR ? "\033[m" : "", 0);
}

/**
 * Shorten the fields of the last line as far as necessary: nothing moves any more. Returns whether no word was left
 * out.
 */
static bool shorten_texts(struct texts *texts, const struct view *view, unsigned columns) {
	unsigned brief = 0;
	for (; brief < 2 && room_for_bar(texts, FIELDS, columns) < 0; ++brief) {
		write_texts(texts, view, false, brief);
	}
	return brief < 2;
}

void progress_line(const struct view *view, unsigned columns, unsigned flags, char *text, size_t size) {
	struct line line = {.text = text, .size = size};
	struct texts texts;
	bool plain = flags & LINE_PLAIN;
	bool bar = !plain && view->share >= 0;

	text[0] = '\0';
	if (view->last && (view->failed > 0 || view->errors > 0)) {
		failed_line(view, columns, flags, &line);
		return;
	}
	write_texts(&texts, view, !plain, false);
	if (view->last && columns > 0) {
		bar &= shorten_texts(&texts, view, columns);
	}
	unsigned fields = choose_fields(&texts, columns, bar, view->last);
	int room = room_for_bar(&texts, fields, columns);
	int name = view->name ? (int)progress_name_room(columns) + 2 : 0;
	bool named = name > 2 && fields == FIELDS && room - name >= 0;
	// Reserve the same columns for any name, so that nothing moves
	room -= named ? name : 0;
	append(&line, fields & FIELD_PERCENT ? texts.percent : "", (unsigned)strlen(texts.percent));
	// The last line has a bar only if nothing was left out
	bar &= !view->last || fields == FIELDS;
	if (bar && room > LEAST_BAR) {
		append(&line, " ", 1);
		append_bar(&line, view->share, (unsigned)min(room - 1, MOST_BAR), flags);
	}
	append_texts(&line, &texts, fields);
	if (named && view->name[0] != '\0') {
		append(&line, "  ", 2);
		append(&line, view->name, view->name_columns);
	}
}

unsigned progress_name_room(unsigned columns) {
	return columns > NAME_COLUMNS ? columns / NAME_PART : 0;
}

void progress_interrupted(const struct view *view, char *text, size_t size) {
	char done[32];
	char all[32];
	unsigned long long files = view->files;
	uint64_t total = max(view->totals.files, view->files);

	progress_format_bytes(done, sizeof(done), (double)view->bytes);
	if (!view->totals.final) {
		snprintf(text, size, "interrupted: %s, %llu %s copied", done, files, files_noun(files));
		return;
	}
	progress_format_bytes(all, sizeof(all), (double)max(view->totals.bytes, view->bytes));
	char *unit = strchr(done, ' ');
	if (unit && strcmp(unit, strchr(all, ' ')) == 0) {
		*unit = '\0';
	}
	snprintf(text, size, "interrupted at %u%%: %s of %s, %llu/%llu %s copied",
		(unsigned)min(max(view->share, 0.0) * 100, 99.0), done, all, files, (unsigned long long)total,
		files_noun(total));
}
