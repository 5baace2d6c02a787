// SPDX-License-Identifier: MIT
/**
 * filter.c: patterns of rsync and of git, and the globs they are made of.
 */

#include "unit.h"

#include "base/buf.h"
#include "filter/rules.h"
#include "filter/select.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

static const struct {
	const char *pattern;
	const char *text;
	bool rsync;
	bool git;
} globs[] = {
	{"", "", true, true},
	{"", "a", false, false},
	{"a", "", false, false},
	{"a", "a", true, true},
	{"?", "a", true, true},
	{"?", "/", false, false},
	{"*", "", true, true},
	{"*", "abc", true, true},
	{"*", "a/b", false, false},
	{"**", "a/b", true, true},
	{"a*c", "abc", true, true},
	{"a*c", "ac", true, true},
	{"a*c", "a/c", false, false},
	{"a**c", "a/c", true, false},
	{"a/**/c", "a/c", false, true},
	{"a/**/c", "a/b/c", true, true},
	{"a/**/c", "a/b/d/c", true, true},
	{"a/**", "a/b/c", true, true},
	{"a/**", "a", false, false},
	{"**/c", "c", false, true},
	{"**/c", "a/c", true, true},
	{"**/c", "a/bc", false, false},
	{"*a*b*c*", "xxaxxbxxcxx", true, true},
	{"*a*b*c*", "xxaxxcxxbxx", false, false},
	{"**a/*b", "xa/yb/za/b", true, false},
	{"[a-c]", "b", true, true},
	{"[a-c]", "d", false, false},
	{"[!a-c]", "d", true, true},
	{"[^a-c]", "b", false, false},
	{"[!a]", "/", false, false},
	{"[/]", "/", false, false},
	{"[]]", "]", true, true},
	{"[!]]", "]", false, false},
	{"[]-a]", "^", true, true},
	{"[a-]", "-", true, true},
	{"[-a]", "-", true, true},
	{"[a\\-c]", "b", false, false},
	{"[a\\-c]", "-", true, true},
	{"[[:digit:]x]", "7", true, true},
	{"[[:digit:]x]", "x", true, true},
	{"[[:digit:]x]", "y", false, false},
	{"[[:none:]x]", "x", false, false},
	{"[[:x]", ":", true, true},
	{"[a", "a", false, false},
	{"[", "[", false, false},
	{"[a-", "a", false, false},
	{"[\\", "\\", false, false},
	{"\\*", "*", true, true},
	{"\\*", "a", false, false},
	{"a\\", "a\\", false, false},
	{"a\\", "a", false, false},
	{"\\a", "a", true, true},
};

TEST(globs_match) {
	for (size_t i = 0; i < countof(globs); ++i) {
		const char *p = globs[i].pattern;
		const char *t = globs[i].text;
		bool rsync = filter_glob(p, strlen(p), t, strlen(t), 0);
		bool git = filter_glob(p, strlen(p), t, strlen(t), FILTER_GLOB_GIT);
		CHECK_MSG(rsync == globs[i].rsync, "\"%s\" with \"%s\", rsync: %d", p, t, rsync);
		CHECK_MSG(git == globs[i].git, "\"%s\" with \"%s\", git: %d", p, t, git);
	}
}

TEST(globs_take_no_time_without_end) {
	char pattern[201];
	char text[4001];
	memset(text, 'a', sizeof(text) - 1);
	text[4000] = '\0';
	for (int i = 0; i < 200; i += 2) {
		pattern[i] = 'a';
		pattern[i + 1] = '*';
	}
	pattern[199] = 'b';
	pattern[200] = '\0';
	CHECK(!filter_glob(pattern, 200, text, 4000, 0));
	for (int i = 0; i + 3 < 200; i += 3) {
		memcpy(pattern + i, "**a", 3);
	}
	CHECK(!filter_glob(pattern, 200, text, 4000, 0));
}

/** Texts as long as the path of a deep tree: whatever takes time by the square of that does not come to its end. */
TEST(globs_take_time_by_the_length_of_the_text) {
	const size_t len = 4000000;
	char *text = malloc(len + 1);
	REQUIRE(text);
	for (size_t i = 0; i < len; i += 4) {
		memcpy(text + i, "/zz/", 4);
	}
	static const char *const patterns[] = {"*/**/x", "?**zz*y", "**/zz/**/zz*y", "zz/**x", "**z*z*y", "zz*/zz*/zz*/x**y"};
	for (size_t i = 0; i < countof(patterns); ++i) {
		struct filter filter = {0};
		REQUIRE(filter_add(&filter, patterns[i], FILTER_EXCLUDE) == 0);
		CHECK_EQ(filter_match(&filter, text, len, false), FILTER_SILENT);
		filter_free(&filter);
	}
	// Within one name, too
	memset(text, 'z', len);
	CHECK(!filter_glob("**zz*y", 6, text, len, 0));
	CHECK(!filter_glob("**/zz*y", 7, text, len, FILTER_GLOB_GIT));
	free(text);
}

static enum filter_verdict ask(const struct filter *filter, const char *path) {
	size_t len = strlen(path);
	bool is_dir = path[len - 1] == '/';
	return filter_match(filter, path, len - is_dir, is_dir);
}

/** What is said of each path: one of the letters + - and . (nothing). */
static void check_verdicts(const struct filter *filter, const char *const *paths, const char *verdicts) {
	for (size_t i = 0; paths[i]; ++i) {
		char verdict = ".+-"[ask(filter, paths[i])];
		CHECK_MSG(verdict == verdicts[i], "%s: %c, not %c", paths[i], verdict, verdicts[i]);
	}
}

/** Paths for which one pattern is tried. */
static const char *const paths[] = {"a", "a/", "s/a", "s/a/", "s/b/a", "a/b", "a/b/c/", "x/a/b", "b", "b/", "ba", NULL};

static const struct {
	const char *pattern;
	const char *verdicts;
} patterns[] = {
	{"a", "-----......"},
	{"a/", ".-.-......."},
	{"/a", "--........."},
	{"/a/", ".-........."},
	{"s/a", "..--......."},
	{"b/a", "....-......"},
	{"/s/*", "..--......."},
	{"/s/**", "..---......"},
	{"s/**", "..---......"},
	{"**/a", "-----......"},
	{"?**b", ".....-.-..."},
	{"[sx]/**b", ".......-..."},
	{"*/**b", ".....-.-..."},
	{"**a", "-----.....-"},
	{"a/**", ".....---..."},
	{"a/***", ".-.-.---..."},
	{"/a/***", ".-...--...."},
	{"*", "-----------"},
	{"?a", "..........-"},
	{"", "..........."},
	{"/", "..........."},
	{"+ a", "+++++......"},
	{"- a", "-----......"},
	{"+a", "..........."},
};

TEST(patterns_of_rsync) {
	for (size_t i = 0; i < countof(patterns); ++i) {
		struct filter filter = {0};
		REQUIRE(filter_add(&filter, patterns[i].pattern, FILTER_EXCLUDE) == 0);
		check_verdicts(&filter, paths, patterns[i].verdicts);
		filter_free(&filter);
	}
}

TEST(rules_without_a_pattern_are_refused) {
	struct filter filter = {0};
	CHECK_EQ(filter_add(&filter, "+ ", FILTER_EXCLUDE), -EINVAL);
	CHECK_EQ(filter_add(&filter, "- ", FILTER_INCLUDE), -EINVAL);
	CHECK_EQ(filter_add_text(&filter, "a\n+ \r\nb\n", 8, '\n'), -EINVAL);
	CHECK_EQ(filter_add_text(&filter, "a\0- \0b", 6, '\0'), -EINVAL);
	CHECK_EQ(filter_add(&filter, "+", FILTER_EXCLUDE), 0);
	CHECK_EQ(filter_add(&filter, "", FILTER_EXCLUDE), 0);
	filter_free(&filter);
}

TEST(lists_do_not_grow_without_end) {
	struct filter filter = {0};
	char *text = malloc(2 * (FILTER_MOST + 1));
	REQUIRE(text);
	for (size_t i = 0; i <= FILTER_MOST; ++i) {
		memcpy(text + 2 * i, "a\n", 2);
	}
	CHECK_EQ(filter_add_text(&filter, text, (size_t)2 * FILTER_MOST, '\n'), 0);
	CHECK_EQ(filter_add(&filter, "b", FILTER_EXCLUDE), -E2BIG);
	filter_free(&filter);
	filter.kind = FILTER_GIT;
	CHECK_EQ(filter_add_text(&filter, text, (size_t)2 * (FILTER_MOST + 1), '\n'), -E2BIG);
	filter_free(&filter);
	free(text);
}

TEST(the_first_pattern_decides) {
	static const char *const some[] = {"a", "b", "c", NULL};
	struct filter filter = {0};
	CHECK_EQ(ask(&filter, "a"), FILTER_SILENT);
	filter_add(&filter, "a", FILTER_INCLUDE);
	filter_add(&filter, "[ab]", FILTER_EXCLUDE);
	filter_add(&filter, "b", FILTER_INCLUDE);
	check_verdicts(&filter, some, "+-.");
	filter_add(&filter, "!", FILTER_EXCLUDE);
	CHECK_EQ(filter.count, 0);
	check_verdicts(&filter, some, "...");
	filter_free(&filter);
}

TEST(backslashes_are_plain_without_wildcards) {
	static const char *const some[] = {"a\\b", "ab", "ab*", "a\\bc", NULL};
	struct filter filter = {0};
	filter_add(&filter, "a\\b", FILTER_EXCLUDE);
	check_verdicts(&filter, some, "-...");
	filter_free(&filter);
	filter_add(&filter, "a\\b\\*", FILTER_EXCLUDE);
	check_verdicts(&filter, some, "..-.");
	filter_free(&filter);
}

TEST(lines_of_rsync) {
	static const char text[] = "# c\n;d\n\n+ a\r\n[ab]\nlast";
	static const char *const some[] = {"a", "b", "c", "# c", ";d", "last", NULL};
	struct filter filter = {0};
	CHECK_EQ(filter_add_text(&filter, text, sizeof(text) - 1, '\n'), 0);
	check_verdicts(&filter, some, "+-...-");
	filter_free(&filter);
	CHECK_EQ(filter_add_text(&filter, "# c\0;d\0\0a\nb", 11, '\0'), 0);
	check_verdicts(&filter, some, "...--.");
	CHECK_EQ(ask(&filter, "a\nb"), FILTER_EXCLUDE);
	filter_free(&filter);
}

TEST(lines_of_git) {
	static const char text[] = "\xef\xbb\xbf" "a\n#b\n\\#c\n!d\n\\!e\nf  \ng\\ \n/h\ni/j\nk/\r\n*.o\n!keep.o";
	static const char *const some[] = {"a", "s/a", "#b", "#c", "d", "!e", "f", "g ", "h", "s/h", "i/j", "s/i/j", "k", "k/",
		"s/k/", "x.o", "keep.o", "s/keep.o", NULL};
	struct filter filter = {.kind = FILTER_GIT};
	CHECK_EQ(filter_add_text(&filter, text, sizeof(text) - 1, '\n'), 0);
	check_verdicts(&filter, some, "--.-+---" "-.-..--" "-++");
	filter_free(&filter);
}

/** What is in front of the first special byte git compares by itself; the rest begins anew. */
TEST(prefixes_of_git) {
	static const struct {
		const char *line;
		const char *verdicts;
	} lines[] = {
		{"b**/**", "---.--."},
		{"/b**/**", "---.--."},
		{"b**/c", "--....."},
		{"b/**", ".-....."},
		{"b*/**", ".-..-.."},
		{"bc**/d", "....--."},
		{"*b**/**", ".-..-.-"},
	};
	static const char *const some[] = {"bc", "b/c", "b", "ab", "bc/d", "bcd", "ab/c", NULL};
	for (size_t i = 0; i < countof(lines); ++i) {
		struct filter filter = {.kind = FILTER_GIT};
		CHECK_EQ(filter_add_text(&filter, lines[i].line, strlen(lines[i].line), '\n'), 0);
		check_verdicts(&filter, some, lines[i].verdicts);
		filter_free(&filter);
	}
}

TEST(the_last_line_of_git_decides) {
	static const char *const some[] = {"a", "b", NULL};
	struct filter filter = {.kind = FILTER_GIT};
	filter_add_text(&filter, "a\n!a\nb\n!b\nb\n", 12, '\n');
	check_verdicts(&filter, some, "+-");
	filter_free(&filter);
	CHECK_EQ(filter.kind, FILTER_GIT);
}

/** Enter so many directories, and ask in each for some names. Checks that verdicts are those on whole paths. */
static size_t check_deep(const char *const *rules, unsigned depth) {
	static const char *const names[] = {"a", "b", "zz", "c", "azzby"};
	struct select *select = select_new();
	REQUIRE(select);
	for (size_t i = 0; rules[i]; ++i) {
		REQUIRE(filter_add(&select->filter, rules[i], FILTER_EXCLUDE) == 0);
	}
	struct select_dir **dirs = calloc(depth, sizeof(*dirs));
	struct buf path = {0};
	size_t most = 0;
	uint64_t state = 1;
	REQUIRE(dirs);
	for (unsigned i = 0; i < depth; ++i) {
		state = state * 6364136223846793005u + 1442695040888963407u;
		const char *own = names[(state >> 33) % countof(names)];
		dirs[i] = i == 0 ? select_begin(select, own, -1) : select_enter(dirs[i - 1], own, -1);
		REQUIRE(dirs[i]);
		buf_str(&path, own);
		buf_char(&path, '/');
		for (size_t k = 0; k < 2 * countof(names); ++k) {
			size_t len = path.len;
			bool is_dir = k % 2 == 0;
			buf_str(&path, names[k / 2]);
			bool wanted = filter_match(&select->filter, path.data, path.len, is_dir) != FILTER_EXCLUDE;
			CHECK_MSG(select_name(dirs[i], names[k / 2], is_dir) == wanted, "%s: not %d", path.data, wanted);
			path.len = len;
			path.data[len] = '\0';
		}
		most = max(most, dirs[i]->path.len);
		// What is above gave its path away
		CHECK(i == 0 || !atomic_load(&dirs[i - 1]->kept));
		select_pause(dirs[i], i % 7 != 0);
		CHECK(!dirs[i]->path.data);
	}
	while (depth > 0) {
		select_leave(dirs[--depth]);
	}
	free(dirs);
	buf_free(&path);
	select_free(select);
	return most;
}

TEST(no_more_of_a_path_is_put_together_than_patterns_see) {
	static const char *const few[] = {"zzz", "/a/b/*", "b/c", "a/[bc]*", "c/", NULL};
	static const char *const whole[] = {"*/**/zz", "?**zz*b", "a/**", "**/b/zz", "/a/***", NULL};
	CHECK(check_deep(few, 300) <= sizeof("azzby/") * 5);
	CHECK(check_deep(whole, 300) > 300 * 2);
}

UNIT_MAIN
