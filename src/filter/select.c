// SPDX-License-Identifier: MIT
#include "filter/select.h"

#include "base/buf.h"
#include "base/io.h"
#include "base/open.h"
#include "base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/** Bytes behind a directory's path for a name in it: most file systems have none that are longer. */
#define NAME_ROOM 256

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
		filelist_free(select->filelist);
		inode_set_clear(&select->lists, free);
		free(select);
	}
}

/** Append the components of a name, except "." and "..". */
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

/** Append the part of an operand that patterns see. */
static void add_operand(const struct select *select, struct buf *path, const char *operand) {
	if (select->filelist) {
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
	int wanted = path.failed ? -ENOMEM : path.len == 0 || judge(select, &path, S_ISDIR(st->st_mode)) != FILTER_EXCLUDE;
	buf_free(&path);
	return wanted > 0 ? select_size(select, st) : wanted;
}

/**
 * Append the lines of a file of git's, if it exists; like git, follow no link and read only a regular file.
 *
 * @return 0, -E2BIG if the file is too large, or -ENOMEM.
 */
static int read_ignored(struct filter *ignore, int dir, const char *name) {
	struct buf text = {0};
	struct stat st;
	int ret = 0;
	int fd = -1;
	int seen = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (seen >= 0 && fstat(seen, &st) == 0 && S_ISREG(st.st_mode)) {
		fd = open_again(seen, dir, name, O_RDONLY | O_CLOEXEC);
	}
	if (fd >= 0 && st.st_size > SELECT_IGNORE_MOST) {
		ret = -E2BIG;
	} else if (fd >= 0) {
		ret = buf_read(&text, fd, SELECT_IGNORE_MOST);
	}
	if (ret == 0 && text.len > 0) {
		ret = filter_add_text(ignore, text.data, text.len, '\n');
	}
	close_fd(&fd);
	close_fd(&seen);
	buf_free(&text);
	ret = ret == -EFBIG ? -E2BIG : ret;
	// An unreadable file ignores nothing; copying it will report the error
	return ret == -ENOMEM || ret == -E2BIG ? ret : 0;
}

/** Append the lines of .git/info/exclude. Neither directory may be a link, which could lead out of the source. */
static int read_excluded(struct filter *ignore, int dir) {
	int flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int git = openat(dir, ".git", flags);
	int info = git < 0 ? -1 : openat(git, "info", flags);
	int ret = info < 0 ? 0 : read_ignored(ignore, info, "exclude");
	close_fd(&info);
	close_fd(&git);
	return ret;
}

/** Read the patterns that git uses in a directory. Returns 0 or -ENOMEM. */
static int read_all_ignored(struct select_dir *dir, int fd) {
	struct stat st;
	struct select_dir *parent = dir->parent;
	dir->ignore.kind = FILTER_GIT;
	dir->is_git = strcmp(dir->name, ".git") == 0 || (parent && parent->is_git);
	if (!dir->select->gitignore || dir->is_git) {
		return 0;
	}
	// A repository starts at a directory with .git: patterns above it do not count
	bool is_top = fd >= 0 && fstatat(fd, ".git", &st, AT_SYMLINK_NOFOLLOW) == 0;
	int ret = is_top ? read_excluded(&dir->ignore, fd) : 0;
	if (ret == 0 && fd >= 0) {
		ret = read_ignored(&dir->ignore, fd, ".gitignore");
	}
	dir->above = is_top || !parent ? NULL : parent->ignoring;
	dir->patterns = (dir->above ? dir->above->patterns : 0) + dir->ignore.count;
	if (ret == -E2BIG || dir->patterns > FILTER_MOST) {
		dir->too_much = true;
		filter_free(&dir->ignore);
	}
	dir->ignoring = dir->ignore.count > 0 ? dir : dir->above;
	dir->components = max(dir->components, max(dir->ignore.components, dir->above ? dir->above->components : 0));
	return ret == -ENOMEM ? ret : 0;
}

/** Whether git ignores a path in a directory. */
static bool is_ignored(const struct select_dir *dir, const struct buf *path, bool is_dir) {
	if (dir->is_git || strcmp(path->data + dir->path_len - dir->cut, ".git") == 0) {
		return false;
	}
	for (const struct select_dir *d = dir->ignoring; d; d = d->above) {
		size_t above = d->path_len - min(d->path_len, dir->cut);
		enum filter_verdict verdict = filter_match(&d->ignore, path->data + above, path->len - above, is_dir);
		if (verdict != FILTER_SILENT) {
			return verdict == FILTER_EXCLUDE;
		}
	}
	return false;
}

static struct select_dir *dir_new(const struct select *select, struct select_dir *parent, const char *name, int fd) {
	struct select_dir *dir = calloc(1, sizeof(*dir));
	struct buf own = {0};
	if (!dir) {
		return NULL;
	}
	dir->select = select;
	dir->parent = parent;
	dir->components = select->filter.components;
	if (!parent) {
		dir->filelist = select->filelist;
	} else if (parent->filelist) {
		dir->filelist = filelist_find(parent->filelist, name);
	}
	if (dir->filelist && dir->filelist->whole) {
		dir->filelist = NULL;
	}
	buf_str(&own, "");
	if (parent) {
		add_name(&own, name);
	} else {
		add_operand(select, &own, name);
	}
	dir->name = own.data;
	dir->path_len = (parent ? parent->path_len : 0) + own.len + (own.len > 0);
	if (own.failed || read_all_ignored(dir, fd) < 0) {
		select_leave(dir);
		return NULL;
	}
	return dir;
}

/**
 * Where the part of a directory's path begins that patterns see.
 *
 * @return The directory that it begins behind, or NULL for all of the path.
 */
static const struct select_dir *find_cut(const struct select_dir *dir) {
	const struct select_dir *d = dir;
	// One component is the name that is to be chosen
	for (unsigned left = dir->components; d && left > 1; d = d->parent) {
		left -= left != FILTER_ALL && d->name[0] != '\0';
	}
	return d;
}

/** Take over the path that the directory above has kept, and append the own name. Returns it, or NULL. */
static char *take_kept(struct select_dir *dir) {
	size_t len = strlen(dir->name);
	char *path = dir->components == FILTER_ALL && dir->parent ? atomic_exchange(&dir->parent->kept, NULL) : NULL;
	char *longer = path ? realloc(path, dir->path_len + NAME_ROOM) : NULL;
	if (!longer) {
		free(path);
		return NULL;
	}
	if (len > 0) {
		memcpy(longer + dir->path_len - len - 1, dir->name, len);
		longer[dir->path_len - 1] = '/';
	}
	longer[dir->path_len] = '\0';
	return longer;
}

/** Put a path together from the names of all directories down from END. Returns it, or NULL without memory. */
static char *put_together(const struct select_dir *dir, const struct select_dir *end) {
	size_t size = dir->path_len - (end ? end->path_len : 0);
	char *path = malloc(size + NAME_ROOM);
	if (!path) {
		return NULL;
	}
	char *at = path + size;
	*at = '\0';
	for (const struct select_dir *d = dir; d != end; d = d->parent) {
		size_t len = strlen(d->name);
		if (len > 0) {
			*--at = '/';
			at -= len;
			memcpy(at, d->name, len);
		}
	}
	return path;
}

/** Have the path of a directory, as far as it is needed. Returns whether there was memory. */
static bool build_path(struct select_dir *dir) {
	if (dir->path.data) {
		return true;
	}
	const struct select_dir *end = NULL;
	char *path = take_kept(dir);
	if (!path) {
		end = find_cut(dir);
		path = put_together(dir, end);
	}
	if (!path) {
		return false;
	}
	dir->cut = end ? end->path_len : 0;
	size_t len = dir->path_len - dir->cut;
	dir->path = (struct buf) {.data = path, .len = len, .size = len + NAME_ROOM};
	return true;
}

void select_pause(struct select_dir *dir, bool below) {
	if (below && dir->path.data && dir->components == FILTER_ALL) {
		atomic_store(&dir->kept, dir->path.data);
		dir->path = (struct buf) {0};
	}
	buf_free(&dir->path);
}

struct select_dir *select_begin(const struct select *select, const char *operand, int fd) {
	return dir_new(select, NULL, operand, fd);
}

struct select_dir *select_enter(struct select_dir *parent, const char *name, int fd) {
	return dir_new(parent->select, parent, name, fd);
}

int select_name(struct select_dir *dir, const char *name, bool is_dir) {
	if (dir->filelist && !filelist_find(dir->filelist, name)) {
		return 0;
	}
	if (dir->select->filter.count == 0 && !dir->ignoring) {
		return 1;
	}
	if (!build_path(dir)) {
		return -ENOMEM;
	}
	buf_str(&dir->path, name);
	bool failed = dir->path.failed;
	enum filter_verdict verdict = failed ? FILTER_SILENT : judge(dir->select, &dir->path, is_dir);
	if (verdict == FILTER_SILENT && !failed && is_ignored(dir, &dir->path, is_dir)) {
		verdict = FILTER_EXCLUDE;
	}
	dir->path.len = dir->path_len - dir->cut;
	dir->path.data[dir->path.len] = '\0';
	return failed ? -ENOMEM : verdict != FILTER_EXCLUDE;
}

bool select_size(const struct select *select, const struct stat *st) {
	uint64_t size = (uint64_t)st->st_size;
	return !S_ISREG(st->st_mode) || (size >= select->min_size && size <= select->max_size);
}

void select_leave(struct select_dir *dir) {
	if (dir) {
		buf_free(&dir->path);
		free(atomic_load(&dir->kept));
		filter_free(&dir->ignore);
		free(dir->name);
		free(dir);
	}
}
