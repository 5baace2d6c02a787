// SPDX-License-Identifier: MIT
/**
 * path.c: paths as strings.
 */

#include "unit.h"

#include "base/path.h"

#include <stdlib.h>

static const struct {
	const char *path;
	const char *last;
} components[] = {
	{"a", "a"},
	{"a/", "a/"},
	{"a///", "a///"},
	{"a/b", "b"},
	{"a/b/", "b/"},
	{"a//b//", "b//"},
	{"/a", "a"},
	{"//a", "a"},
	{"/a/b", "b"},
	{"./a", "a"},
	{"a/.", "."},
	{"a/./", "./"},
	{"a/..", ".."},
	{".", "."},
	{"..", ".."},
	{"../", "../"},
	{"/", ""},
	{"///", ""},
	{"", ""},
	{" / ", " "},
};

static const struct {
	const char *path;
	const char *directory;
} directories[] = {
	{"a", "."},
	{"a/", "."},
	{"a/b", "a/"},
	{"a//b//", "a//"},
	{"a/b/c", "a/b/"},
	{"/a", "/"},
	{"//a", "//"},
	{"../a", "../"},
	{"/", "/"},
	{"", "."},
};

TEST(parent_directories) {
	for (size_t i = 0; i < countof(directories); ++i) {
		char *parent = parent_directory(directories[i].path);
		CHECK_STR(parent, directories[i].directory);
		free(parent);
	}
}

TEST(last_components) {
	for (size_t i = 0; i < countof(components); ++i) {
		const char *path = components[i].path;
		const char *last = last_component(path);
		CHECK_STR(last, components[i].last);
		CHECK(last >= path && last <= path + strlen(path));
	}
}

UNIT_MAIN
