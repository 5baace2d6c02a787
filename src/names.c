#include "names.h"

#include <stdlib.h>
#include <string.h>

/** Paths yet to be put in order. */
struct paths {
	char **paths;
	size_t count;
	size_t size;
};

/** Copy a path without what means nothing. Returns NULL without memory. */
static char *clean(const char *path, size_t len, bool *goes_up) {
	char *copy = malloc(len + 1);
	size_t used = 0;
	for (size_t at = 0; copy && at < len;) {
		const char *slash = memchr(path + at, '/', len - at);
		size_t part = slash ? (size_t)(slash - path) - at : len - at;
		const char *name = path + at;
		*goes_up |= part == 2 && memcmp(name, "..", 2) == 0;
		if (part > 0 && !(part == 1 && name[0] == '.')) {
			if (used > 0) {
				copy[used++] = '/';
			}
			memcpy(copy + used, name, part);
			used += part;
		}
		at += part + 1;
	}
	if (copy) {
		copy[used] = '\0';
	}
	return copy;
}

static bool append_path(struct paths *paths, char *path) {
	if (paths->count == paths->size) {
		size_t size = paths->size ? paths->size * 2 : 64;
		char **bigger = reallocarray(paths->paths, size, sizeof(*bigger));
		if (!bigger) {
			return false;
		}
		paths->paths = bigger;
		paths->size = size;
	}
	paths->paths[paths->count++] = path;
	return true;
}

static void free_paths(struct paths *paths) {
	for (size_t i = 0; i < paths->count; ++i) {
		free(paths->paths[i]);
	}
	free(paths->paths);
}

/** Read the paths. Returns whether all are fine. */
static bool read_paths(struct paths *paths, const char *text, size_t len, char end, char **bad) {
	const char *stop = text + len;
	while (text < stop) {
		const char *next = memchr(text, end, (size_t)(stop - text));
		size_t line = (size_t)((next ? next : stop) - text);
		// No name has a NUL in it
		size_t size = strnlen(text, line);
		bool goes_up = false;
		char *path = size > 0 ? clean(text, size, &goes_up) : NULL;
		if (goes_up) {
			free(path);
			*bad = strndup(text, size);
			return false;
		}
		if (size > 0 && (!path || !append_path(paths, path))) {
			free(path);
			return false;
		}
		text += line + (next ? 1 : 0);
	}
	return true;
}

/** A byte of a path, slashes before all others: what is below a path comes right behind it. */
static int rank(char c) {
	return c == '/' ? 1 : c == '\0' ? 0 : (unsigned char)c + 1;
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

/** The name below, which is new or was the last one added. NULL without memory. */
static struct names *descend(struct names *names, const char *name, size_t len) {
	struct names *last = names->count > 0 ? &names->below[names->count - 1] : NULL;
	if (last && strncmp(last->name, name, len) == 0 && last->name[len] == '\0') {
		return last;
	}
	if (names->count == names->size) {
		size_t size = names->size ? names->size * 2 : 4;
		struct names *below = reallocarray(names->below, size, sizeof(*below));
		if (!below) {
			return NULL;
		}
		names->below = below;
		names->size = size;
	}
	char *copy = strndup(name, len);
	if (!copy) {
		return NULL;
	}
	last = &names->below[names->count++];
	*last = (struct names) {.name = copy};
	return last;
}

/** Add a path; they come in order. Returns false without memory. */
static bool add(struct names *names, const char *path, bool recursive) {
	while (*path && names && !names->whole) {
		size_t len = strcspn(path, "/");
		names = descend(names, path, len);
		path += len;
		path += *path == '/';
	}
	if (names && *path == '\0') {
		names->listed = true;
		names->whole |= recursive;
	}
	return names;
}

struct names *names_parse(const char *text, size_t len, char end, bool recursive, char **bad) {
	struct paths paths = {0};
	struct names *names = calloc(1, sizeof(*names));
	*bad = NULL;
	bool good = names && (names->name = strdup("")) && read_paths(&paths, text, len, end, bad);
	if (good && paths.count > 1) {
		qsort(paths.paths, paths.count, sizeof(*paths.paths), by_components);
	}
	for (size_t i = 0; good && i < paths.count; ++i) {
		good = add(names, paths.paths[i], recursive);
	}
	free_paths(&paths);
	if (!good) {
		names_free(names);
		return NULL;
	}
	return names;
}

/** Free what is in a name; as deep as the longest path has components. */
static void clear(struct names *names) {
	for (size_t i = 0; i < names->count; ++i) {
		clear(&names->below[i]);
	}
	free(names->below);
	free(names->name);
}

void names_free(struct names *names) {
	if (names) {
		clear(names);
		free(names);
	}
}

static int by_name(const void *name, const void *item) {
	return strcmp(name, ((const struct names *)item)->name);
}

const struct names *names_find(const struct names *names, const char *name) {
	return names->count > 0 ? bsearch(name, names->below, names->count, sizeof(*names->below), by_name) : NULL;
}
