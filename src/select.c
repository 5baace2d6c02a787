#include "select.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct select *select_new(void) {
	struct select *select = calloc(1, sizeof(*select));
	if (select) {
		select->max_size = UINT64_MAX;
	}
	return select;
}

void select_free(struct select *select) {
	if (select) {
		filter_free(&select->filter);
		names_free(select->names);
		free(select);
	}
}

/** Append the components of a name, "." and ".." left out. */
static void add_name(struct buf *path, const char *name) {
	while (*name) {
		size_t len = strcspn(name, "/");
		bool dots = (len == 1 && name[0] == '.') || (len == 2 && name[0] == '.' && name[1] == '.');
		if (len > 0 && !dots) {
			if (path->len > 0 && path->data[path->len - 1] != '/') {
				buf_char(path, '/');
			}
			buf_add(path, name, len);
		}
		name += len;
		name += strspn(name, "/");
	}
}

/** Append what patterns see of an operand. */
static void add_operand(const struct select *select, struct buf *path, const char *operand) {
	if (select->names) {
		return;
	}
	add_name(path, select->whole_names ? operand : last_component(operand));
}

static bool is_excluded(const struct select *select, const struct buf *path, bool is_dir) {
	return filter_match(&select->filter, path->data, path->len, is_dir) == FILTER_EXCLUDE;
}

int select_operand(const struct select *select, const char *operand, const struct stat *st) {
	struct buf path = {0};
	add_operand(select, &path, operand);
	int wanted = path.failed ? -ENOMEM : path.len == 0 || !is_excluded(select, &path, S_ISDIR(st->st_mode));
	buf_free(&path);
	return wanted > 0 ? select_size(select, st) : wanted;
}

static struct select_dir *dir_new(const struct select *select, struct select_dir *parent, const char *name) {
	struct select_dir *dir = calloc(1, sizeof(*dir));
	if (!dir) {
		return NULL;
	}
	dir->select = select;
	dir->parent = parent;
	dir->names = !parent ? select->names : parent->names ? names_find(parent->names, name) : NULL;
	if (dir->names && dir->names->whole) {
		dir->names = NULL;
	}
	if (parent) {
		buf_add(&dir->path, parent->path.data, parent->path.len);
		add_name(&dir->path, name);
	} else {
		buf_str(&dir->path, "");
		add_operand(select, &dir->path, name);
	}
	if (dir->path.len > 0 && dir->path.data[dir->path.len - 1] != '/') {
		buf_char(&dir->path, '/');
	}
	if (dir->path.failed) {
		select_leave(dir);
		return NULL;
	}
	return dir;
}

struct select_dir *select_begin(const struct select *select, const char *operand) {
	return dir_new(select, NULL, operand);
}

struct select_dir *select_enter(struct select_dir *parent, const char *name) {
	return dir_new(parent->select, parent, name);
}

int select_name(struct select_dir *dir, const char *name, bool is_dir) {
	size_t len = dir->path.len;
	if (dir->names && !names_find(dir->names, name)) {
		return 0;
	}
	buf_str(&dir->path, name);
	bool failed = dir->path.failed;
	bool wanted = failed || !is_excluded(dir->select, &dir->path, is_dir);
	dir->path.len = len;
	dir->path.data[len] = '\0';
	return failed ? -ENOMEM : wanted;
}

bool select_size(const struct select *select, const struct stat *st) {
	uint64_t size = (uint64_t)st->st_size;
	return !S_ISREG(st->st_mode) || (size >= select->min_size && size <= select->max_size);
}

void select_leave(struct select_dir *dir) {
	if (dir) {
		buf_free(&dir->path);
		free(dir);
	}
}
