#include "select.h"

#include <errno.h>
#include <fcntl.h>
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

static enum filter_verdict judge(const struct select *select, const struct buf *path, bool is_dir) {
	return filter_match(&select->filter, path->data, path->len, is_dir);
}

int select_operand(const struct select *select, const char *operand, const struct stat *st) {
	struct buf path = {0};
	add_operand(select, &path, operand);
	int wanted = path.failed ? -ENOMEM : path.len == 0
		|| judge(select, &path, S_ISDIR(st->st_mode)) != FILTER_EXCLUDE;
	buf_free(&path);
	return wanted > 0 ? select_size(select, st) : wanted;
}

/** Add the lines of a file of git's, if there is one. Returns 0 or -ENOMEM. */
static int read_ignored(struct filter *ignore, int dir, const char *name) {
	struct buf text = {0};
	struct stat st;
	int ret = 0;
	// As git does, by no link; and a fifo must not make us wait
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		ret = buf_read(&text, fd);
	}
	if (ret == 0 && text.len > 0) {
		ret = filter_add_text(ignore, text.data, text.len, '\n');
	}
	close_fd(&fd);
	buf_free(&text);
	// One that cannot be read ignores nothing; copying it will tell
	return ret == -ENOMEM ? ret : 0;
}

/** Find out what git ignores in a directory. Returns 0 or -ENOMEM. */
static int read_all_ignored(struct select_dir *dir, const char *name, int fd) {
	struct stat st;
	dir->ignore.kind = FILTER_GIT;
	dir->is_git = strcmp(name, ".git") == 0 || (dir->parent && dir->parent->is_git);
	if (!dir->select->gitignore || dir->is_git || fd < 0) {
		return 0;
	}
	dir->is_top = fstatat(fd, ".git", &st, AT_SYMLINK_NOFOLLOW) == 0;
	int ret = dir->is_top ? read_ignored(&dir->ignore, fd, ".git/info/exclude") : 0;
	return ret < 0 ? ret : read_ignored(&dir->ignore, fd, ".gitignore");
}

/** Whether git ignores a path that is in a directory. */
static bool is_ignored(const struct select_dir *dir, const struct buf *path, bool is_dir) {
	if (dir->is_git || strcmp(path->data + dir->path_len, ".git") == 0) {
		return false;
	}
	for (const struct select_dir *d = dir; d; d = d->is_top ? NULL : d->parent) {
		enum filter_verdict verdict = filter_match(&d->ignore, path->data + d->path_len, path->len - d->path_len, is_dir);
		if (verdict != FILTER_SILENT) {
			return verdict == FILTER_EXCLUDE;
		}
	}
	return false;
}

static struct select_dir *dir_new(const struct select *select, struct select_dir *parent, const char *name, int fd) {
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
	dir->path_len = dir->path.len;
	if (dir->path.failed || read_all_ignored(dir, name, fd) < 0) {
		select_leave(dir);
		return NULL;
	}
	return dir;
}

struct select_dir *select_begin(const struct select *select, const char *operand, int fd) {
	return dir_new(select, NULL, operand, fd);
}

struct select_dir *select_enter(struct select_dir *parent, const char *name, int fd) {
	return dir_new(parent->select, parent, name, fd);
}

int select_name(struct select_dir *dir, const char *name, bool is_dir) {
	if (dir->names && !names_find(dir->names, name)) {
		return 0;
	}
	buf_str(&dir->path, name);
	bool failed = dir->path.failed;
	enum filter_verdict verdict = failed ? FILTER_SILENT : judge(dir->select, &dir->path, is_dir);
	if (verdict == FILTER_SILENT && !failed && is_ignored(dir, &dir->path, is_dir)) {
		verdict = FILTER_EXCLUDE;
	}
	dir->path.len = dir->path_len;
	dir->path.data[dir->path_len] = '\0';
	return failed ? -ENOMEM : verdict != FILTER_EXCLUDE;
}

bool select_size(const struct select *select, const struct stat *st) {
	uint64_t size = (uint64_t)st->st_size;
	return !S_ISREG(st->st_mode) || (size >= select->min_size && size <= select->max_size);
}

void select_leave(struct select_dir *dir) {
	if (dir) {
		buf_free(&dir->path);
		filter_free(&dir->ignore);
		free(dir);
	}
}
