// SPDX-License-Identifier: MIT
/**
 * filelist.c: lists of paths and the trees they make up.
 */

#include "unit.h"

#include "filter/filelist.h"

#include <malloc.h>
#include <stdlib.h>

/** Write a tree as "a!(b! c(d!))": ! for what was listed, * for what is whole. */
static void write_names(const struct filelist *names, char *text) {
	strcat(text, names->name);
	strcat(text, names->whole ? "*" : names->listed ? "!" : "");
	if (names->count > 0) {
		strcat(text, "(");
		for (size_t i = 0; i < names->count; ++i) {
			strcat(text, i > 0 ? " " : "");
			write_names(&names->below[i], text);
		}
		strcat(text, ")");
	}
}

/** Read a list, as a copy of it. */
static struct filelist *parse(const char *list, size_t len, char end, bool recursive, char **bad) {
	char *text = malloc(len + 1);
	REQUIRE(text);
	memcpy(text, list, len);
	text[len] = 'x';
	return filelist_parse(text, len, end, recursive, bad);
}

static const struct {
	const char *list;
	const char *some;
	const char *whole;
} lists[] = {
	{"", "", ""},
	{"\n\n", "", ""},
	{"a\nb", "(a! b!)", "(a* b*)"},
	{"b\na\nb\n", "(a! b!)", "(a* b*)"},
	{"/a//b/\n", "(a(b!))", "(a(b*))"},
	{"./a/./b/.\n", "(a(b!))", "(a(b*))"},
	{"a/b\na\n", "(a!(b!))", "(a*)"},
	{"a/b\na-\na/c\na.\n", "(a(b! c!) a-! a.!)", "(a(b* c*) a-* a.*)"},
	{"ab\na/x\na\n", "(a!(x!) ab!)", "(a* ab*)"},
	{".\na/b\n", "!(a(b!))", "*"},
	{"/\n", "!", "*"},
	{"./\n//a/.//\n.//.b/..c\n", "!(.b(..c!) a!)", "*"},
	{"a/b\na\na/b/c\n", "(a!(b!(c!)))", "(a*)"},
	// As Windows writes them; else a carriage return is a part of a name
	{"a\r\nb/c\r\n", "(a! b(c!))", "(a* b(c*))"},
	{"\xef\xbb\xbf" "a\r\n\r\nb", "(a! b!)", "(a* b*)"},
	{"a\r\nb\n", "(a\r! b!)", "(a\r* b*)"},
	{"\na\r\n", "(a\r!)", "(a\r*)"},
	{"a\r", "(a\r!)", "(a\r*)"},
	{"\xef\xbb\xbf" "a\n", "(\xef\xbb\xbf" "a!)", "(\xef\xbb\xbf" "a*)"},
	{"a..\n..b\n...\n", "(...! ..b! a..!)", "(...* ..b* a..*)"},
};

TEST(lists_become_trees) {
	for (size_t i = 0; i < countof(lists); ++i) {
		for (int recursive = 0; recursive < 2; ++recursive) {
			char *bad;
			char text[200] = "";
			struct filelist *names = parse(lists[i].list, strlen(lists[i].list), '\n', recursive, &bad);
			REQUIRE(names && !bad);
			write_names(names, text);
			CHECK_STR(text, recursive ? lists[i].whole : lists[i].some);
			filelist_free(names);
		}
	}
}

TEST(names_may_have_newlines) {
	char *bad;
	char text[200] = "";
	struct filelist *names = parse("a\nb\0\0c/d", 8, '\0', false, &bad);
	REQUIRE(names);
	write_names(names, text);
	CHECK_STR(text, "(a\nb! c(d!))");
	filelist_free(names);
}

TEST(paths_that_go_up_are_refused) {
	static const char *const paths[] = {"..", "../a", "a/..", "a/../b", "/..", "a/b/../"};
	for (size_t i = 0; i < countof(paths); ++i) {
		char list[50];
		char *bad = NULL;
		snprintf(list, sizeof(list), "good\n%s\nmore\n", paths[i]);
		CHECK(!parse(list, strlen(list), '\n', true, &bad));
		CHECK_STR(bad, paths[i]);
		free(bad);
	}
}

TEST(names_are_found) {
	static char list[20000];
	char *bad;
	for (int i = 0; i < 1000; ++i) {
		sprintf(list + strlen(list), "%d/x\n", i * 7919 % 1000);
	}
	struct filelist *names = parse(list, strlen(list), '\n', true, &bad);
	REQUIRE(names);
	CHECK_EQ(names->count, 1000);
	for (int i = -1; i <= 1000; ++i) {
		char name[20];
		sprintf(name, "%d", i);
		const struct filelist *found = filelist_find(names, name);
		CHECK_EQ(found != NULL, i >= 0 && i < 1000);
		CHECK(!found || (strcmp(found->name, name) == 0 && filelist_find(found, "x") && !filelist_find(found, "y")));
	}
	filelist_free(names);
}

TEST(a_path_may_have_very_many_components) {
	const size_t count = 2000000;
	char *list = malloc(2 * count);
	char *bad;
	REQUIRE(list);
	for (size_t i = 0; i < count; ++i) {
		memcpy(list + 2 * i, "a/", 2);
	}
	struct filelist *names = parse(list, 2 * count, '\n', false, &bad);
	REQUIRE(names);
	size_t depth = 0;
	for (const struct filelist *at = names; (at = filelist_find(at, "a")); ++depth) {
		CHECK_EQ(at->listed, depth + 1 == count);
	}
	CHECK_EQ(depth, count);
	filelist_free(names);
	free(list);
}

/** A list of COUNT times LINE, in which the first 7 digits number it if all are to be DIFFERENT. */
static char *make_list(const char *line, size_t count, bool different, size_t *len) {
	size_t each = strlen(line);
	char *list = malloc(count * each + 1);
	REQUIRE(list);
	for (size_t i = 0; i < count; ++i) {
		char number[24];
		memcpy(list + i * each, line, each);
		sprintf(number, "%07zu", i);
		memcpy(list + i * each, number, different ? 7 : 0);
	}
	*len = count * each;
	return list;
}

TEST(memory_is_known_before) {
	static const struct {
		const char *line;
		size_t count;
		bool different;
	} shapes[] = {
		{"a/", 1000000, false},
		{"y\n", 500000, false},
		{"1234567\n", 100000, true},
		{"1234567\n", 65537, true},
		{"1234567/a/b/c\n", 50000, true},
		{"1234567/some-directory/another/and-a-name-that-is-rather-long.extension\n", 10000, true},
	};
	for (size_t i = 0; i < countof(shapes); ++i) {
		char *bad;
		size_t len;
		char *list = make_list(shapes[i].line, shapes[i].count, shapes[i].different, &len);
		size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
		struct filelist *names = parse(list, len, '\n', true, &bad);
		REQUIRE(names);
		size_t used = mallinfo2().uordblks + mallinfo2().hblkhd - before;
		size_t known = filelist_memory(list, len, '\n');
		CHECK_MSG(used <= known, "%zu: %zu used, not %zu", i, used, known);
		CHECK_MSG(known < 100 * len, "%zu: %zu is too much", i, known);
		filelist_free(names);
		free(list);
	}
}

UNIT_MAIN
