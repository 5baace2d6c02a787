// SPDX-License-Identifier: MIT
#include "base/path.h"

#include <string.h>

void strip_slashes(char *path) {
	size_t len = strlen(path);
	while (len > 1 && path[len - 1] == '/') {
		path[--len] = '\0';
	}
}

const char *last_component(const char *path) {
	const char *base = path;
	for (const char *p = path; *p; ++p) {
		if (*p == '/' && p[1] != '/' && p[1] != '\0') {
			base = p + 1;
		}
	}
	if (base == path) {
		while (*base == '/') {
			++base;
		}
	}
	return base;
}

char *parent_directory(const char *path) {
	const char *last = last_component(path);
	return last == path ? strdup(".") : strndup(path, (size_t)(last - path));
}
