#include "progress.h"

#include <stdio.h>
#include <string.h>

/** The narrowest bar that is worth its room, and the widest. */
#define LEAST_BAR 6
#define MOST_BAR 100

/** What a line may be made of, the most dispensable first. */
enum field {
	FIELD_FILES,
	FIELD_TOTAL,
	FIELD_BYTES,
	FIELD_RATE,
	FIELD_ALWAYS,
};

void progress_format_bytes(char *text, size_t size, double bytes) {
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	size_t unit = 0;
	while (bytes >= 999.5 && unit + 1 < countof(units)) {
		bytes /= 1024;
		++unit;
	}
	// No printf of fractions: they look different in each locale
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

/** The line under construction, and its width on the screen so far. */
struct line {
	char *text;
	size_t size;
	size_t len;
	unsigned columns;
};

/** Append something that takes COLUMNS columns. It is left out whole if there is no memory for it. */
static void append(struct line *line, const char *text, unsigned columns) {
	size_t len = strlen(text);
	if (line->len + len < line->size) {
		memcpy(line->text + line->len, text, len + 1);
		line->len += len;
		line->columns += columns;
	}
}

/** Append one of the fields, which are ASCII, with two blanks before it. */
static void append_field(struct line *line, const char *text) {
	append(line, line->len > 0 ? "  " : "", line->len > 0 ? 2 : 0);
	append(line, text, (unsigned)strlen(text));
}

/** The texts of a line. */
struct texts {
	char percent[16];
	char bytes[32];
	char total[48];
	char files[96];
	char rate[40];
	char time[48];
};

static const char *files_noun(uint64_t files) {
	return files == 1 ? "file" : "files";
}

/** Write numbers with blanks before them, so that what follows does not move. */
static void write_texts(struct texts *texts, const struct view *view, bool align) {
	char number[32];
	unsigned long long files = view->files;
	unsigned long long all = max(view->totals.files, view->files);
	bool of = view->totals.final && !(view->last && view->share >= 1);

	*texts = (struct texts) {0};
	if (view->share >= 0) {
		unsigned percent = view->share >= 1 && view->last ? 100 : (unsigned)min(view->share * 100, 99.0);
		snprintf(texts->percent, sizeof(texts->percent), align ? "%3u%%" : "%u%%", percent);
	}
	progress_format_bytes(number, sizeof(number), (double)view->bytes);
	snprintf(texts->bytes, sizeof(texts->bytes), "%*s", align ? 8 : 0, number);
	if (of) {
		progress_format_bytes(number, sizeof(number), (double)max(view->totals.bytes, view->bytes));
		snprintf(texts->total, sizeof(texts->total), " of %s", number);
		int width = align ? snprintf(NULL, 0, "%llu", all) : 0;
		snprintf(texts->files, sizeof(texts->files), align ? "%*llu/%llu %s" : "%*llu of %llu %s", width, files, all,
			files_noun(all));
	} else {
		snprintf(texts->files, sizeof(texts->files), "%llu %s", files, files_noun(files));
	}
	progress_format_bytes(number, sizeof(number), view->rate);
	snprintf(texts->rate, sizeof(texts->rate), "%*s/s", align ? 8 : 0, number);
	int width = align ? 7 : 0;
	if (view->last) {
		progress_format_time(number, sizeof(number), view->elapsed);
		snprintf(texts->time, sizeof(texts->time), "%*s in all", width, number);
	} else if (view->left >= 0) {
		progress_format_time(number, sizeof(number), view->left);
		snprintf(texts->time, sizeof(texts->time), "%*s left", width, number);
	} else {
		snprintf(texts->time, sizeof(texts->time), view->totals.final ? "%*s left" : "counting", width, "??");
	}
}

/** Append all but the percentage, without the fields below LEAST. */
static void append_texts(struct line *line, const struct texts *texts, enum field least) {
	if (least <= FIELD_BYTES) {
		append_field(line, texts->bytes);
	}
	if (least <= FIELD_TOTAL) {
		append(line, texts->total, (unsigned)strlen(texts->total));
	}
	if (least <= FIELD_FILES) {
		append_field(line, texts->files);
	}
	if (least <= FIELD_RATE) {
		append_field(line, texts->rate);
	}
	append_field(line, texts->time);
}

/** Append a bar of WIDTH columns, its ends among them. */
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

/** How many columns there are for a bar, with the blank before it, if these fields are shown; negative if too few. */
static int room_for_bar(const struct texts *texts, enum field least, unsigned columns) {
	char text[512];
	struct line line = {.text = text, .size = sizeof(text)};
	append(&line, texts->percent, (unsigned)strlen(texts->percent));
	append_texts(&line, texts, least);
	// The last column stays free: a terminal may wrap there
	return (int)columns - 1 - (int)line.columns;
}

/** Cut what is too wide even so. */
static void cut(char *line, unsigned columns) {
	if (columns > 0 && strlen(line) >= columns) {
		line[columns - 1] = '\0';
	}
}

void progress_line(const struct view *view, unsigned columns, unsigned flags, char *text, size_t size) {
	struct line line = {.text = text, .size = size};
	struct texts texts;
	bool plain = flags & LINE_PLAIN;
	enum field least = FIELD_FILES;
	int room = 0;

	text[0] = '\0';
	write_texts(&texts, view, !plain);
	bool bar = !plain && view->share >= 0;
	// Everything is worth more than a bar, but where something is left out there is room for one
	for (; columns > 0 && least < FIELD_ALWAYS; ++least) {
		room = room_for_bar(&texts, least, columns);
		if (room >= (least == FIELD_FILES || !bar ? 0 : LEAST_BAR + 1)) {
			break;
		}
	}
	if (least == FIELD_ALWAYS) {
		room = room_for_bar(&texts, least, columns);
	}
	append(&line, texts.percent, (unsigned)strlen(texts.percent));
	if (bar && room > LEAST_BAR) {
		append(&line, " ", 1);
		append_bar(&line, view->share, (unsigned)min(room - 1, MOST_BAR), flags);
	}
	append_texts(&line, &texts, least);
	if (!bar || room <= LEAST_BAR) {
		cut(text, columns);
	}
}
