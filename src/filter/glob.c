// SPDX-License-Identifier: MIT
#include "filter/rules.h"

#include <string.h>

/** A pattern while it is read. */
struct glob {
	const char *at;
	const char *start;
	const char *end;
	bool git;
};

/** Where to resume after a mismatch: an asterisk takes one more byte. */
struct retry {
	/** The pattern after the asterisks, or NULL if there were none. */
	const char *pattern;
	/** Where the rest of the pattern was last tried. */
	const char *text;
	/** Resume only after slashes (for git's two asterisks and a slash). */
	bool whole_names;
};

static bool in_range(unsigned char c, unsigned char from, unsigned char to) {
	return c >= from && c <= to;
}

/** Whether a byte is in a POSIX class, in the C locale. Returns -1 if the class is unknown. */
static int in_named_class(const char *name, size_t len, unsigned char c) {
	bool upper = in_range(c, 'A', 'Z');
	bool lower = in_range(c, 'a', 'z');
	bool digit = in_range(c, '0', '9');
	bool graph = in_range(c, 0x21, 0x7e);
	const struct {
		const char *name;
		bool in;
	} classes[] = {
		{"alnum", upper || lower || digit},
		{"alpha", upper || lower},
		{"blank", c == ' ' || c == '\t'},
		{"cntrl", c < 0x20 || c == 0x7f},
		{"digit", digit},
		{"graph", graph},
		{"lower", lower},
		{"print", graph || c == ' '},
		{"punct", graph && !upper && !lower && !digit},
		{"space", c == ' ' || in_range(c, '\t', '\r')},
		{"upper", upper},
		{"xdigit", digit || in_range(c, 'a', 'f') || in_range(c, 'A', 'F')},
	};
	for (size_t i = 0; i < countof(classes); ++i) {
		if (strlen(classes[i].name) == len && memcmp(classes[i].name, name, len) == 0) {
			return classes[i].in;
		}
	}
	return -1;
}

/** The next byte of a class, without a backslash before it. Returns -1 at the end of the pattern. */
static int class_byte(struct glob *g) {
	if (g->at < g->end && *g->at == '\\') {
		++g->at;
	}
	return g->at < g->end ? (unsigned char)*g->at++ : -1;
}

/** Match [:NAME:] after its "[". Returns whether C is in it, -1 if it is invalid, -2 if it is something else. */
static int match_named_class(struct glob *g, unsigned char c) {
	if (g->at == g->end || *g->at != ':') {
		return -2;
	}
	const char *name = g->at + 1;
	const char *close = memchr(name, ']', (size_t)(g->end - name));
	if (!close) {
		return -1;
	}
	if (close == name || close[-1] != ':') {
		return -2;
	}
	g->at = close + 1;
	return in_named_class(name, (size_t)(close - 1 - name), c);
}

/** Match a class after its "[". Returns whether C is in it, or -1 if it is invalid. */
static int match_class(struct glob *g, unsigned char c) {
	bool negated = g->at < g->end && (*g->at == '!' || *g->at == '^');
	bool in = false;
	int from = -1;

	g->at += negated;
	for (const char *first = g->at; g->at < g->end && (*g->at != ']' || g->at == first);) {
		char plain = *g->at;
		if (plain == '-' && from >= 0 && g->end - g->at > 1 && g->at[1] != ']') {
			++g->at;
			int to = class_byte(g);
			if (to < 0) {
				return -1;
			}
			in |= c >= from && c <= to;
			from = -1;
			continue;
		}
		int byte = class_byte(g);
		int named = plain == '[' ? match_named_class(g, c) : -2;
		if (byte < 0 || named == -1) {
			return -1;
		}
		in |= named == -2 ? c == byte : named;
		from = named == -2 ? byte : -1;
	}
	if (g->at == g->end) {
		return -1;
	}
	++g->at;
	return in != negated;
}

/** Read asterisks, and remember where to resume. */
static void read_asterisks(struct glob *g, const char *text, struct retry *star, struct retry *stars) {
	const char *first = g->at;
	while (g->at < g->end && *g->at == '*') {
		++g->at;
	}
	bool two = g->at - first > 1;
	bool whole = g->at == g->end || *g->at == '/' || (g->end - g->at > 1 && g->at[0] == '\\' && g->at[1] == '/');
	if (g->git && !((first == g->start || first[-1] == '/') && whole)) {
		two = false;
	}
	if (!two) {
		*star = (struct retry) {.pattern = g->at, .text = text};
		return;
	}
	// Earlier parts match as early as possible: a later match would leave fewer choices
	*star = (struct retry) {0};
	*stars = (struct retry) {.pattern = g->at, .text = text};
	if (g->git && g->at < g->end && *g->at == '/') {
		// The asterisks and the slash match any number of directories, even none
		stars->pattern = ++g->at;
		stars->whole_names = true;
	}
}

/** Match one byte against the next item of the pattern. */
static bool match_byte(struct glob *g, char c) {
	if (g->at == g->end) {
		return false;
	}
	char p = *g->at++;
	switch (p) {
	case '?':
		return c != '/';
	case '[':
		return match_class(g, (unsigned char)c) == 1 && c != '/';
	case '\\':
		return g->at < g->end && *g->at++ == c;
	default:
		return p == c;
	}
}

/**
 * Let the last asterisk take one more byte. Returns where to resume in the text, or NULL if there is no other match.
 */
static const char *try_again(struct glob *g, const char *end, struct retry *star, struct retry *stars) {
	if (star->pattern && star->text < end && *star->text != '/') {
		g->at = star->pattern;
		return ++star->text;
	}
	if (!stars->pattern || stars->text >= end) {
		return NULL;
	}
	const char *next = stars->text + 1;
	if (stars->whole_names) {
		const char *slash = memchr(stars->text, '/', (size_t)(end - stars->text));
		next = slash ? slash + 1 : NULL;
	} else if (star->pattern) {
		// If the single asterisk failed, it would fail again later in the same name: resume after the next slash
		next = memchr(next, '/', (size_t)(end - next));
	}
	*star = (struct retry) {0};
	g->at = stars->pattern;
	stars->text = next;
	return next;
}

bool filter_glob(const char *pattern, size_t pattern_len, const char *text, size_t len, enum filter_glob_flags flags) {
	struct glob g = {.at = pattern, .start = pattern, .end = pattern + pattern_len, .git = flags & FILTER_GLOB_GIT};
	const char *end = text + len;
	struct retry star = {0};
	struct retry stars = {0};

	if (flags & FILTER_GLOB_ANYWHERE) {
		stars = (struct retry) {.pattern = pattern, .text = text, .whole_names = true};
	}
	for (;;) {
		if (g.at < g.end && *g.at == '*') {
			read_asterisks(&g, text, &star, &stars);
			continue;
		}
		if (text == end && g.at == g.end) {
			return true;
		}
		if (text < end && match_byte(&g, *text)) {
			++text;
			continue;
		}
		text = try_again(&g, end, &star, &stars);
		if (!text) {
			return false;
		}
	}
}
