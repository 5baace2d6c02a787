// SPDX-License-Identifier: MIT
#include "base/buf.h"
#include "report/report-impl.h"

#include <limits.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

/** Whether a byte may stand between double quotes both in the shell and in C. */
static bool plain_in_double_quotes(char c, bool first) {
	if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
		return true;
	}
	if (c == '#' || c == '~') {
		return first;
	}
	return c != '\0' && strchr("%+,-./:@]_ '", c);
}

/** The letter of a C escape like \n, or 0. */
static char escape_letter(char c) {
	static const char codes[] = "\a\b\f\n\r\t\v";
	static const char letters[] = "abfnrtv";
	const char *at = c ? strchr(codes, c) : NULL;
	return at ? letters[at - codes] : '\0';
}

/** How many bytes at S form one printable character; 0 if the first byte is not printable. */
static size_t printable_length(const char *s, mbstate_t *state) {
	wchar_t wc;
	// No look at the whole rest for each character: names may be paths of megabytes
	size_t n = mbrtowc(&wc, s, strnlen(s, MB_LEN_MAX), state);
	if (n == (size_t)-1 || n == (size_t)-2) {
		memset(state, 0, sizeof(*state));
		return 0;
	}
	return iswprint((wint_t)wc) ? max(n, (size_t)1) : 0;
}

/** Whether NAME contains a single quote, and nothing that forbids double quotes around it. */
static bool wants_double_quotes(const char *name) {
	if (!strchr(name, '\'')) {
		return false;
	}
	mbstate_t state = {0};
	for (const char *p = name; *p;) {
		size_t n = printable_length(p, &state);
		if (n == 0 || (n == 1 && !plain_in_double_quotes(*p, p == name))) {
			return false;
		}
		p += n;
	}
	return true;
}

/** Append the escape for one byte inside $'…'. */
static void add_escape(struct buf *buf, char c) {
	char letter = escape_letter(c);
	buf_char(buf, '\\');
	if (letter) {
		buf_char(buf, letter);
		return;
	}
	unsigned char byte = (unsigned char)c;
	buf_char(buf, (char)('0' + (byte >> 6)));
	buf_char(buf, (char)('0' + ((byte >> 3) & 7)));
	buf_char(buf, (char)('0' + (byte & 7)));
}

void quote_name(struct buf *buf, const char *name) {
	if (wants_double_quotes(name)) {
		buf_char(buf, '"');
		buf_str(buf, name);
		buf_char(buf, '"');
		return;
	}

	mbstate_t state = {0};
	bool escaping = false;
	buf_char(buf, '\'');
	for (const char *p = name; *p;) {
		size_t n = printable_length(p, &state);
		if (n == 0) {
			if (!escaping) {
				buf_str(buf, "'$'");
				escaping = true;
			}
			add_escape(buf, *p++);
			continue;
		}
		if (*p == '\'') {
			buf_str(buf, "'\\''");
			escaping = false;
		} else {
			if (escaping) {
				buf_str(buf, "''");
				escaping = false;
			}
			buf_add(buf, p, n);
		}
		p += n;
	}
	buf_char(buf, '\'');
}

void quote_name_if_unprintable(struct buf *buf, const char *name) {
	mbstate_t state = {0};
	const char *p = name;
	for (size_t n; *p && (n = printable_length(p, &state)) > 0; p += n) {
	}
	if (*p) {
		quote_name(buf, name);
	} else {
		buf_str(buf, name);
	}
}

void quote_name_if_needed(struct buf *buf, const char *name) {
	static const char special[] = " !\"$&'()*:;<=>?[\\^`|";
	bool plain = name[0] != '\0' && name[0] != '#' && name[0] != '~' && strcmp(name, "{") != 0
		&& strcmp(name, "}") != 0;
	mbstate_t state = {0};
	for (const char *p = name; *p && plain;) {
		size_t n = printable_length(p, &state);
		plain = n > 0 && !strchr(special, *p);
		p += n;
	}
	if (plain) {
		buf_str(buf, name);
	} else {
		quote_name(buf, name);
	}
}

void quote_in_template(struct buf *buf, const char *name) {
	struct buf quoted = {0};
	quote_name(&quoted, name);
	for (size_t i = 0; i < quoted.len; ++i) {
		if (quoted.data[i] == '%') {
			buf_char(buf, '%');
		}
		buf_char(buf, quoted.data[i]);
	}
	buf_free(&quoted);
}

/** Append a name for a placeholder; LETTER decides how it is quoted. */
static void fill_name(struct buf *buf, char letter, const char *name, unsigned flags) {
	switch (letter) {
	case 's':
	case 'd':
		quote_name(buf, name);
		break;
	case 'D':
		quote_name_if_needed(buf, name);
		break;
	default:
		(flags & FILL_TERMINAL ? quote_name_if_unprintable : buf_str)(buf, name);
		break;
	}
}

const char *fill_in(struct buf *buf, const char *what, const char *src, const char *dst, unsigned flags) {
	const char *first = NULL;
	for (const char *p = what; *p; ++p) {
		if (p[0] != '%' || p[1] == '\0' || !strchr("%sSdDE", p[1])) {
			buf_char(buf, *p);
			continue;
		}
		char letter = *++p;
		if (letter == '%') {
			buf_char(buf, '%');
			continue;
		}
		const char *name = letter == 's' || letter == 'S' ? src : dst;
		first = first ? first : name;
		fill_name(buf, letter, name ? name : "", flags);
	}
	return first;
}
