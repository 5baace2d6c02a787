// SPDX-License-Identifier: MIT
#include "filter/filelist.h"

#include "base/array.h"

#include <stdlib.h>
#include <string.h>

/** A tree with its text. */
struct tree_of_names {
	struct filelist top;
	/** The list's text, into which all names point. */
	char *text;
};

/** Bytes that malloc(3) adds to each allocation. */
#define MALLOC_ROOM 16

/** Paths to be sorted. */
struct paths {
	char **paths;
	size_t count;
	size_t size;
};

/** Whether a path has a component "..". */
static bool goes_up(const char *path) {
	while (*path) {
		size_t len = strcspn(path, "/");
		if (len == 2 && memcmp(path, "..", 2) == 0) {
			return true;
		}
		path += len;
		path += strspn(path, "/");
	}
	return false;
}

/** Remove slashes and components that mean nothing. */
static void clean(char *path) {
	char *to = path;
	for (const char *from = path; *from;) {
		size_t len = strcspn(from, "/");
		bool more = from[len] != '\0';
		if (len > 0 && !(len == 1 && from[0] == '.')) {
			if (to > path) {
				*to++ = '/';
			}
			memmove(to, from, len);
			to += len;
		}
		from += len + more;
	}
	*to = '\0';
}

static bool append_path(struct paths *paths, char *path) {
	if (array_reserve(paths->paths, paths->count, paths->size) < 0) {
		return false;
	}
	paths->paths[paths->count++] = path;
	return true;
}

/** Whether every terminated line ends with a carriage return. */
static bool is_from_windows(const char *text, size_t len) {
	const char *stop = text + len;
	const char *line = text;
	const char *next;
	while ((next = memchr(line, '\n', (size_t)(stop - line)))) {
		if (next == text || next[-1] != '\r') {
			return false;
		}
		line = next + 1;
	}
	return line > text;
}

/** Read the paths. Returns false if one is bad or memory ran out. */
static bool read_paths(struct paths *paths, char *text, size_t len, char end, char **bad) {
	char *stop = text + len;
	bool windows = end == '\n' && is_from_windows(text, len);
	if (windows && len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
		text += 3;
	}
	while (text < stop) {
		char *next = memchr(text, end, (size_t)(stop - text));
		char *line_end = next ? next : stop;
		if (windows && line_end > text && line_end[-1] == '\r') {
			--line_end;
		}
		*line_end = '\0';
		if (goes_up(text)) {
			*bad = strdup(text);
			return false;
		}
		if (*text) {
			clean(text);
			if (!append_path(paths, text)) {
				return false;
			}
		}
		text = next ? next + 1 : stop;
	}
	return true;
}

size_t filelist_memory(const char *text, size_t len, char end) {
	size_t names = 1;
	size_t lines = 1;
	for (size_t i = 0; i < len; ++i) {
		lines += text[i] == end;
		names += text[i] == end || text[i] == '/';
	}
	// Arrays may have twice the size, and qsort(3) allocates as much as it sorts
	return len + lines * 3 * sizeof(char *) + names * (2 * sizeof(struct filelist) + MALLOC_ROOM);
}

/** The sort rank of a byte: slashes come first, so that paths below a path follow it directly. */
static int rank(char c) {
	if (c == '\0') {
		return 0;
	}
	return c == '/' ? 1 : (unsigned char)c + 1;
}

static int by_components(const void *a, const void *b) {
	const char *x = *(char *const *)a;
	const char *y = *(char *const *)b;
	while (*x && *x == *y) {
		++x;
		++y;
	}
	return rank(*x) - rank(*y);
}

/** The name NAME below; it is new or was the last one added. NULL without memory. */
static struct filelist *descend(struct filelist *names, const char *name) {
	size_t count = names->count;
	if (count > 0 && strcmp(names->below[count - 1].name, name) == 0) {
		return &names->below[count - 1];
	}
	if ((count & (count - 1)) == 0) {
		struct filelist *below = reallocarray(names->below, count ? count * 2 : 1, sizeof(*below));
		if (!below) {
			return NULL;
		}
		names->below = below;
	}
	names->below[count] = (struct filelist) {.name = name};
	return &names->below[names->count++];
}

/** Add a path, and split its text into names; paths must come sorted. Returns false if memory ran out. */
static bool add(struct filelist *names, char *path, bool recursive) {
	while (*path && names && !names->whole) {
		size_t len = strcspn(path, "/");
		bool more = path[len] != '\0';
		path[len] = '\0';
		names = descend(names, path);
		path += len + more;
	}
	if (names && *path == '\0') {
		names->listed = true;
		names->whole |= recursive;
	}
	return names;
}

struct filelist *filelist_parse(char *text, size_t len, char end, bool recursive, char **bad) {
	struct paths paths = {0};
	struct tree_of_names *tree = malloc(sizeof(*tree));
	*bad = NULL;
	if (!tree) {
		free(text);
		return NULL;
	}
	*tree = (struct tree_of_names) {.top.name = "", .text = text};
	bool good = read_paths(&paths, text, len, end, bad);
	if (good && paths.count > 1) {
		qsort(paths.paths, paths.count, sizeof(*paths.paths), by_components);
	}
	for (size_t i = 0; good && i < paths.count; ++i) {
		good = add(&tree->top, paths.paths[i], recursive);
	}
	free(paths.paths);
	if (!good) {
		filelist_free(&tree->top);
		return NULL;
	}
	return &tree->top;
}

void filelist_free(struct filelist *names) {
	if (!names) {
		return;
	}
	// Not recursive: a path may have too many components for the stack
	for (struct filelist *at = names; at;) {
		if (at->count > 0) {
			struct filelist *below = &at->below[--at->count];
			below->up = at;
			at = below;
		} else {
			free(at->below);
			at = at->up;
		}
	}
	struct tree_of_names *tree = (struct tree_of_names *)names;
	free(tree->text);
	free(tree);
}

static int by_name(const void *name, const void *item) {
	return strcmp(name, ((const struct filelist *)item)->name);
}

const struct filelist *filelist_find(const struct filelist *names, const char *name) {
	return names->count > 0 ? bsearch(name, names->below, names->count, sizeof(*names->below), by_name) : NULL;
}
