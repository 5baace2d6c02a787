#include "filter/rules.h"

#include <string.h>

/** A pattern being read. */
struct glob {
	const char *at;
	const char *start;
	const char *end;
	bool git;
};

/** Where matching goes on when what follows an asterisk does not match: one byte further. */
struct retry {
	/** Behind the asterisks, or NULL if there were none. */
	const char *pattern;
	/** Where what follows was last tried. */
	const char *text;
	/** Only behind slashes (git's two asterisks and a slash). */
	bool whole_names;
};

static bool in_range(unsigned char c, unsigned char from, unsigned char to) {
	return c >= from && c <= to;
}

/** Whether a byte is in one of POSIX' classes, in the C locale. Returns -1 if there is no such class. */
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

/** The next byte of a class, a backslash in front of it taken away. Returns -1 at the end of the pattern. */
static int class_byte(struct glob *g) {
	if (g->at < g->end && *g->at == '\\') {
		++g->at;
	}
	return g->at < g->end ? (unsigned char)*g->at++ : -1;
}

/** Read [:NAME:], of which "[" was read. Returns whether C is in it, -1 if it is broken, -2 if it is no such thing. */
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

/** Read a class, of which "[" was read. Returns whether C is in it, or -1 if it is broken. */
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

/** Read asterisks, and remember how to go on from there. */
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
	// Whatever came before matches as early as it can: a later match would leave less to choose from
	*star = (struct retry) {0};
	*stars = (struct retry) {.pattern = g->at, .text = text};
	if (g->git && g->at < g->end && *g->at == '/') {
		// They and their slash stand for any number of directories, none among them
		stars->pattern = ++g->at;
		stars->whole_names = true;
	}
}

/** Match one byte against what is next in the pattern. */
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

/** Let the last asterisk take one byte more. Returns where the text goes on, or NULL if none can. */
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
		// If one asterisk did not reach far enough, it does not if what is before it begins later in the same name
		next = memchr(next, '/', (size_t)(end - next));
	}
	*star = (struct retry) {0};
	g->at = stars->pattern;
	stars->text = next;
	return next;
}

bool filter_glob(const char *pattern, size_t pattern_len, const char *text, size_t len, enum filter_glob_flags flags) {
	struct glob g = {
		.at = pattern, .start = pattern, .end = pattern + pattern_len, .git = flags & FILTER_GLOB_GIT,
	};
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
