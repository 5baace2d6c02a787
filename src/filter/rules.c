// SPDX-License-Identifier: MIT
#include "filter/rules.h"

#include "base/array.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/** The part of a path that a pattern is matched against. */
enum place {
	/** The whole path. */
	PLACE_WHOLE,
	/** As many last components as the pattern has. */
	PLACE_TAIL,
	/** The whole path, or the part after any slash. */
	PLACE_ANY,
	/** The whole path with a leading slash, which only the pattern's leading asterisks can match. */
	PLACE_ROOT,
};

/** A pattern of a list. */
struct filter_rule {
	/** The pattern without the slashes that anchor it or restrict it to directories. */
	char *pattern;
	size_t len;
	enum filter_verdict verdict;
	enum place place;
	/** How many slashes are in the pattern. */
	unsigned slashes;
	/** The pattern matches only directories. */
	bool dir_only;
	/** The pattern has no special characters, not even backslashes. */
	bool literal;
	/** For git: this many bytes at the beginning are literal, and the rest is a glob of its own. */
	size_t prefix;
	/**
	 * For directories: this length of the pattern is enough, since a slash and a match of anything follow. 0: use all.
	 */
	size_t dir_len;
};

/** Append a rule and copy its pattern. Returns 0, -E2BIG or -ENOMEM. */
static int append(struct filter *filter, const struct filter_rule *rule) {
	if (filter->count >= FILTER_MOST) {
		return -E2BIG;
	}
	char *pattern = array_reserve(filter->rules, filter->count, filter->size) == 0 ? malloc(rule->len + 1) : NULL;
	if (!pattern) {
		return -ENOMEM;
	}
	memcpy(pattern, rule->pattern, rule->len);
	pattern[rule->len] = '\0';
	// With one component more, a path is seen to have too many
	unsigned components = memmem(pattern, rule->len, "**", 2) ? FILTER_ALL : rule->slashes + 2;
	filter->components = max(filter->components, components);
	filter->rules[filter->count] = *rule;
	filter->rules[filter->count++].pattern = pattern;
	return 0;
}

static unsigned count_slashes(const char *text, size_t len) {
	unsigned count = 0;
	for (size_t i = 0; i < len; ++i) {
		count += text[i] == '/';
	}
	return count;
}

static bool has_any(const char *text, size_t len, const char *bytes) {
	for (size_t i = 0; i < len; ++i) {
		if (text[i] != '\0' && strchr(bytes, text[i])) {
			return true;
		}
	}
	return false;
}

/** The length of a pattern before a slash and three asterisks at its end, 0 if it ends otherwise. */
static size_t before_slash_stars(const char *pattern, size_t len) {
	if (len < 5 || memcmp(pattern + len - 3, "***", 3) != 0) {
		return 0;
	}
	size_t n = len - 3;
	while (pattern[n - 1] == '*') {
		if (--n == 0) {
			return 0;
		}
	}
	if (pattern[n - 1] != '/') {
		return 0;
	}
	// A backslash may precede the slash
	size_t backslashes = 0;
	while (backslashes < n - 1 && pattern[n - 2 - backslashes] == '\\') {
		++backslashes;
	}
	return n - 1 - backslashes % 2;
}

static int add_rsync(struct filter *filter, const char *pattern, size_t len, enum filter_verdict verdict) {
	if (len > 1 && (pattern[0] == '+' || pattern[0] == '-') && pattern[1] == ' ') {
		verdict = pattern[0] == '+' ? FILTER_INCLUDE : FILTER_EXCLUDE;
		pattern += 2;
		len -= 2;
		if (len == 0) {
			return -EINVAL;
		}
	} else if (len == 1 && pattern[0] == '!') {
		filter_free(filter);
		return 0;
	}
	struct filter_rule rule = {.verdict = verdict};
	if (len > 1 && pattern[len - 1] == '/') {
		rule.dir_only = true;
		--len;
	}
	rule.slashes = count_slashes(pattern, len);
	rule.literal = !has_any(pattern, len, "*?[");
	const char *stars = rule.literal ? NULL : memmem(pattern, len, "**", 2);
	if (len > 0 && pattern[0] == '/') {
		rule.place = PLACE_WHOLE;
		++pattern;
		--len;
	} else if (stars) {
		rule.place = stars == pattern ? PLACE_ROOT : PLACE_ANY;
	} else {
		rule.place = PLACE_TAIL;
	}
	rule.dir_len = stars ? before_slash_stars(pattern, len) : 0;
	rule.pattern = (char *)pattern;
	rule.len = len;
	return len > 0 ? append(filter, &rule) : 0;
}

int filter_add(struct filter *filter, const char *pattern, enum filter_verdict verdict) {
	return add_rsync(filter, pattern, strlen(pattern), verdict);
}

/** The length of a line without trailing blanks, except those after a backslash. */
static size_t trim(const char *line, size_t len) {
	size_t end = 0;
	for (size_t i = 0; i < len; ++i) {
		if (line[i] == '\\' && i + 1 < len) {
			end = ++i + 1;
		} else if (line[i] != ' ') {
			end = i + 1;
		}
	}
	return end;
}

static int add_git(struct filter *filter, const char *line, size_t len) {
	struct filter_rule rule = {.verdict = FILTER_EXCLUDE};

	if (len > 0 && line[len - 1] == '\r') {
		--len;
	}
	if (len == 0 || line[0] == '#') {
		return 0;
	}
	len = trim(line, len);
	if (len > 0 && line[0] == '!') {
		rule.verdict = FILTER_INCLUDE;
		++line;
		--len;
	}
	if (len > 0 && line[len - 1] == '/') {
		rule.dir_only = true;
		--len;
	}
	rule.slashes = count_slashes(line, len);
	rule.place = rule.slashes > 0 ? PLACE_WHOLE : PLACE_TAIL;
	if (len > 0 && line[0] == '/') {
		++line;
		--len;
	}
	rule.literal = !has_any(line, len, "*?[\\");
	while (rule.place == PLACE_WHOLE && !rule.literal && !strchr("*?[\\", line[rule.prefix])) {
		++rule.prefix;
	}
	rule.pattern = (char *)line;
	rule.len = len;
	return len > 0 ? append(filter, &rule) : 0;
}

int filter_add_text(struct filter *filter, const char *text, size_t len, char end) {
	const char *stop = text + len;
	int ret = 0;

	if (filter->kind == FILTER_GIT && len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
		text += 3;
	}
	while (text < stop && ret == 0) {
		const char *next = memchr(text, end, (size_t)(stop - text));
		size_t line = (size_t)((next ? next : stop) - text);
		// No name contains a NUL, so stop there
		size_t size = strnlen(text, line);
		if (filter->kind == FILTER_GIT) {
			ret = add_git(filter, text, size);
		} else if (size > 0 && (end == '\0' || (text[0] != '#' && text[0] != ';'))) {
			size -= end == '\n' && text[size - 1] == '\r';
			ret = add_rsync(filter, text, size, FILTER_EXCLUDE);
		}
		text += line + (next ? 1 : 0);
	}
	return ret;
}

bool filter_excludes(const struct filter *filter) {
	for (size_t i = 0; i < filter->count; ++i) {
		if (filter->rules[i].verdict == FILTER_EXCLUDE) {
			return true;
		}
	}
	return false;
}

int filter_add_vcs(struct filter *filter) {
	// The names that GNU tar excludes with this option
	static const char *const names[] = {".git", ".gitignore", ".gitattributes", ".gitmodules", ".svn/", ".hg",
		".hgignore", ".hgtags", ".bzr", ".bzrignore", ".bzrtags", "CVS/", ".cvsignore", "RCS/", "SCCS/", "_darcs",
		".arch-ids/", "{arch}/", "=RELEASE-ID", "=meta-update", "=update"};
	int ret = 0;
	for (size_t i = 0; i < countof(names) && ret == 0; ++i) {
		ret = filter_add(filter, names[i], FILTER_EXCLUDE);
	}
	return ret;
}

/** The last COUNT components of a path, or NULL if it has fewer. */
static const char *tail(const char *path, size_t len, unsigned count) {
	const char *at = path + len;
	while (at > path) {
		if (at[-1] == '/' && --count == 0) {
			return at;
		}
		--at;
	}
	return count == 1 ? path : NULL;
}

/** Match the first LEN bytes of a pattern against one text. */
static bool match_text(const struct filter *filter, const struct filter_rule *rule, size_t len, const char *text,
	size_t text_len) {
	if (rule->literal) {
		return len == text_len && memcmp(rule->pattern, text, len) == 0;
	}
	size_t prefix = rule->prefix;
	if (prefix > text_len || memcmp(rule->pattern, text, prefix) != 0) {
		return false;
	}
	enum filter_glob_flags flags = filter->kind == FILTER_GIT ? FILTER_GLOB_GIT : 0;
	flags |= rule->place == PLACE_ANY ? FILTER_GLOB_ANYWHERE : 0;
	return filter_glob(rule->pattern + prefix, len - prefix, text + prefix, text_len - prefix, flags);
}

/** Match the first LEN bytes of a pattern against its part of a path. */
static bool match_place(const struct filter *filter, const struct filter_rule *rule, size_t len, const char *path,
	size_t path_len) {
	const char *end = path + path_len;
	const char *text = path;
	switch (rule->place) {
	case PLACE_TAIL:
		text = tail(path, path_len, rule->slashes + 1);
		return text && match_text(filter, rule, len, text, (size_t)(end - text));
	case PLACE_ROOT: {
		size_t stars = strspn(rule->pattern, "*");
		// The leading slash is matched by the asterisks, or is the one after them
		size_t rest = stars + (rule->pattern[stars] == '\\');
		if (rest < len && rule->pattern[rest] == '/'
			&& filter_glob(rule->pattern + rest + 1, len - rest - 1, path, path_len, 0))
		{
			return true;
		}
		return match_text(filter, rule, len, path, path_len);
	}
	case PLACE_ANY:
	case PLACE_WHOLE:
		break;
	}
	return match_text(filter, rule, len, path, path_len);
}

static bool match(const struct filter *filter, const struct filter_rule *rule, const char *path, size_t len,
	bool is_dir) {
	if (rule->dir_only && !is_dir) {
		return false;
	}
	return match_place(filter, rule, rule->len, path, len)
		|| (is_dir && rule->dir_len > 0 && match_place(filter, rule, rule->dir_len, path, len));
}

enum filter_verdict filter_match(const struct filter *filter, const char *path, size_t len, bool is_dir) {
	for (size_t i = 0; i < filter->count; ++i) {
		size_t at = filter->kind == FILTER_GIT ? filter->count - 1 - i : i;
		if (match(filter, &filter->rules[at], path, len, is_dir)) {
			return filter->rules[at].verdict;
		}
	}
	return FILTER_SILENT;
}

void filter_free(struct filter *filter) {
	for (size_t i = 0; i < filter->count; ++i) {
		free(filter->rules[i].pattern);
	}
	free(filter->rules);
	*filter = (struct filter) {.kind = filter->kind};
}
