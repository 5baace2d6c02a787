// SPDX-License-Identifier: MIT
#include "tree/tree-impl.h"

#include "base/buf.h"
#include "base/opts.h"
#include "base/path.h"
#include "report/report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/** Append the next component of a path. */
static void join(struct buf *buf, const char *name) {
	if (buf->len > 0) {
		while (buf->len > 1 && buf->data[buf->len - 1] == '/') {
			--buf->len;
		}
		if (buf->data[buf->len - 1] != '/') {
			buf_char(buf, '/');
		}
	}
	buf_str(buf, buf->len > 0 ? tree_or_dot(name) : name);
}

/** As tree_path(), without the names of the first SKIP trees. */
static char *path_without(const struct tree *tree, enum side side, const char *name, size_t skip) {
	size_t count = 1;
	for (const struct tree *t = tree; t->parent; t = t->parent) {
		++count;
	}
	const char **names = malloc(count * sizeof(*names));
	if (!names) {
		return NULL;
	}
	size_t i = count;
	for (const struct tree *t = tree; t; t = t->parent) {
		names[--i] = t->name[side];
	}
	struct buf buf = {0};
	for (i = min(skip, count); i < count; ++i) {
		if (names[i]) {
			join(&buf, names[i]);
		}
	}
	if (name) {
		join(&buf, name);
	}
	free(names);
	return buf.data;
}

const struct tree *tree_copy_root(const struct tree *tree) {
	while (tree->parent && !tree_is_named_whole(tree->parent)) {
		tree = tree->parent;
	}
	return tree;
}

const char *tree_path_below(const struct tree *tree, const struct tree *root, const char *name, char *buf,
	size_t size) {
	char *path = buf + size;
	*--path = '\0';
	for (; name; tree = tree->parent) {
		size_t len = strlen(name);
		bool last = tree == root;
		if (len + !last > (size_t)(path - buf) || (!last && !tree->parent)) {
			return NULL;
		}
		path -= len;
		memcpy(path, name, len);
		if (last) {
			return path;
		}
		*--path = '/';
		name = tree->name[DST];
	}
	return NULL;
}

char *tree_path(const struct tree *tree, enum side side, const char *name) {
	return path_without(tree, side, name, 0);
}

char *tree_path_in_copy(const struct tree *tree, const char *name) {
	const struct tree *base = tree;
	while (base->parent) {
		base = base->parent;
	}
	if (tree_is_named_whole(tree)) {
		return strdup(last_component(name));
	}
	// Below a base without a name, the first tree has the whole name that the user gave
	return path_without(tree, DST, name, tree_is_named_whole(base) ? 2 : 1);
}

bool tree_is_named_whole(const struct tree *tree) {
	return (tree->flags & TREE_BASE) && !tree->name[DST];
}

void tree_note_failure(struct tree *tree) {
	bool wanted = tree->trees->opts->flags & (OPT_DELETE | OPT_MOVE);
	for (struct tree *t = tree; wanted && t && !atomic_exchange(&t->failed, true); t = t->parent) {
	}
}

void tree_report(const struct tree *tree, const struct entry *entry, struct error fail) {
	if (fail.err == EINTR && tree->trees->cancelled && atomic_load(tree->trees->cancelled)) {
		return;
	}
	if (!fail.warning) {
		// Only this flag of the tree changes
		tree_note_failure((struct tree *)tree);
	}
	char *src = tree_path(tree, SRC, entry->name);
	char *dst = tree_path(tree, DST, entry->dst_name);
	report_failure(tree->trees->report, &fail, src, dst);
	free(src);
	free(dst);
}

void tree_report_itself(const struct tree *tree, struct error fail) {
	const struct entry entry = {.name = tree->name[SRC], .dst_name = tree->name[DST]};
	if (!fail.warning) {
		tree_note_failure((struct tree *)tree);
	}
	tree_report(tree->parent, &entry, fail);
}

void tree_say(const struct tree *tree, const struct entry *entry, enum say say, const char *what) {
	char *src = tree_path(tree, SRC, entry->name);
	char *dst = tree_path(tree, DST, entry->dst_name);
	report_say(tree->trees->report, say, what, src, dst);
	free(src);
	free(dst);
}

/** What a file of this type is, in one word. */
static const char *object_of(mode_t mode) {
	switch (mode & S_IFMT) {
	case 0:
		return "hardlink";
	case S_IFDIR:
		return "directory";
	case S_IFLNK:
		return "symlink";
	case S_IFIFO:
		return "fifo";
	case S_IFSOCK:
		return "socket";
	case S_IFCHR:
	case S_IFBLK:
		return "device";
	default:
		return "file";
	}
}

void tree_change(const struct tree *tree, const struct entry *entry, enum change change, mode_t mode) {
	if (!tree->trees->opts->itemize) {
		return;
	}
	char *src = change == CHANGE_DELETED ? NULL : tree_path(tree, SRC, entry->name);
	char *dst = tree_path(tree, DST, entry->dst_name);
	report_change(tree->trees->report, change, object_of(mode), src, dst);
	free(src);
	free(dst);
}
