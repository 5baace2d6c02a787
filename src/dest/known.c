// SPDX-License-Identifier: MIT
#include "dest/dest-impl.h"

#include "base/opts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/** A file that was met or made, and one of its names; further names are linked to the first. */
struct known {
	struct inode inode;
	/** The name, or NULL if the inode is enough. */
	char *name;
	struct known *next;
};

static void known_free(void *item) {
	for (struct known *known = item, *next; known; known = next) {
		next = known->next;
		free(known->name);
		free(known);
	}
}

/** Remember a name (or NULL) of a file; the lock is held. Returns false if memory ran out. */
static bool remember(struct inode_set *set, struct inode inode, const char *name) {
	struct known *first = inode_set_find(set, inode);
	struct known *known = malloc(sizeof(*known));
	char *copy = name ? strdup(name) : NULL;
	if (!known || (name && !copy)) {
		free(known);
		free(copy);
		return false;
	}
	*known = (struct known) {.inode = inode, .name = copy, .next = first ? first->next : NULL};
	if (first) {
		first->next = known;
	} else if (inode_set_insert(set, &known->inode) < 0) {
		known_free(known);
		return false;
	}
	return true;
}

/** Whether a file is among the sources. */
static enum sources_verdict look_for(struct dest *dest, const struct stat *st) {
	return sources_have(&dest->all, (int)dest->base->listing.file_count, st);
}

static enum sources_verdict look_for_directory(struct dest *dest, struct inode inode) {
	return look_for(dest, &(struct stat) {.st_dev = inode.dev, .st_ino = inode.ino, .st_mode = S_IFDIR});
}

bool dest_is_cancelled(const struct dest *dest) {
	return dest->all.stop && atomic_load(dest->all.stop);
}

bool dest_is_source_directory(struct dest *dest, struct inode inode) {
	return look_for_directory(dest, inode) == SOURCES_YES;
}

/** Whether an earlier operand is the same directory entry; for a directory, whether the copies are. */
static bool is_known(struct dest *dest, const struct entry *entry, const struct stat *st) {
	const char *name = S_ISDIR(st->st_mode) ? entry->dst_name : entry->name;
	int dir = S_ISDIR(st->st_mode) ? dest->base->fd[DST] : AT_FDCWD;
	for (struct known *known = inode_set_find(&dest->sources, inode_of(st)); known; known = known->next) {
		if (dest_same_entry(dir, known->name, dir, name, AT_SYMLINK_NOFOLLOW)) {
			return true;
		}
	}
	return false;
}

bool dest_given_twice(struct dest *dest, struct tree *base, const struct entry *entry, const struct stat *st) {
	bool directory = S_ISDIR(st->st_mode);
	if (!(dest->flags & DEST_SEVERAL) || (dest->opts->backup != BACKUP_NONE && !directory)) {
		return false;
	}
	mutex_lock(&dest->lock);
	bool twice = is_known(dest, entry, st);
	if (!twice && !directory) {
		remember(&dest->sources, inode_of(st), entry->name);
	}
	mutex_unlock(&dest->lock);
	if (twice && directory
		&& dest_same_entry(AT_FDCWD, entry->name, base->fd[DST], entry->dst_name, AT_SYMLINK_NOFOLLOW)) {
		tree_report(base, entry, error_make(ERROR_COPY, 0, "cannot copy a directory, %s, into itself, %d"));
	} else if (twice) {
		struct error fail = error_make(ERROR_COPY, 0,
			directory ? "warning: source directory %s specified more than once"
					  : "warning: source file %s specified more than once");
		fail.warning = true;
		tree_report(base, entry, fail);
	}
	return twice;
}

void dest_entered(struct dest *dest, const struct entry *entry, const struct stat *st) {
	if (dest->flags & DEST_SEVERAL) {
		mutex_lock(&dest->lock);
		remember(&dest->sources, inode_of(st), entry->dst_name);
		mutex_unlock(&dest->lock);
	}
}

bool dest_is_source(struct dest *dest, const struct stat *st) {
	// If the search is incomplete answer yes: refusing to overwrite is safe
	return look_for(dest, st) != SOURCES_NO;
}

struct error dest_spare_source(struct dest *dest, const struct stat *st) {
	enum sources_verdict verdict = look_for(dest, st);
	if (dest_is_cancelled(dest)) {
		return error_make(ERROR_COPY, EINTR, "cannot write through %d");
	}
	switch (verdict) {
	case SOURCES_NO:
		break;
	case SOURCES_YES:
		return error_make(ERROR_COPY, 0, "will not write through %d: it leads to a file that is to be copied");
	case SOURCES_MAYBE:
		return error_make(ERROR_COPY, 0, "will not write through %d: it may lead to a file that is to be copied");
	}
	return NO_ERROR;
}

struct error dest_spare_name(struct dest *dest, const struct tree *tree, const struct stat *st) {
	if (!(tree->flags & (TREE_ELSEWHERE | TREE_IN_SOURCE))) {
		return NO_ERROR;
	}
	enum sources_verdict verdict = look_for(dest, st);
	// The search notes only regular files and directories, so ask for the directory of any other file
	if (verdict == SOURCES_NO && !S_ISREG(st->st_mode)) {
		verdict = look_for_directory(dest, tree->inode[DST]);
	}
	if (dest_is_cancelled(dest)) {
		return error_make(ERROR_COPY, EINTR, "cannot replace %d");
	}
	switch (verdict) {
	case SOURCES_NO:
		break;
	case SOURCES_YES:
		return error_make(ERROR_COPY, 0, "will not replace %d: it is to be copied itself");
	case SOURCES_MAYBE:
		return error_make(ERROR_COPY, 0, "will not replace %d: it may be one of those that are to be copied");
	}
	return NO_ERROR;
}

/** The path by which a copy of an operand is recorded, to be freed; NULL if no other operand can have the same. */
static char *made_path(const struct dest *dest, const struct tree *tree, const struct entry *entry) {
	return dest->flags & DEST_SERIAL ? tree_path(tree, DST, entry->dst_name) : NULL;
}

void dest_made(struct dest *dest, const struct tree *tree, const struct entry *entry, const struct inode *made) {
	struct stat st;
	if (!(dest->flags & DEST_SEVERAL) || !(tree->flags & TREE_OPERANDS)
		|| (!made && fstatat(tree->fd[DST], entry->dst_name, &st, AT_SYMLINK_NOFOLLOW) != 0))
	{
		return;
	}
	char *path = made_path(dest, tree, entry);
	mutex_lock(&dest->lock);
	dest->made_unknown |= !remember(&dest->made, made ? *made : inode_of(&st), path);
	mutex_unlock(&dest->lock);
	free(path);
}

/** Whether an operand's destination, which leads to a copy made, is that copy under another spelling of its name. */
static bool is_other_spelling(const struct stat *st, const struct tree *tree, const struct entry *entry) {
	struct stat there;
	return st->st_nlink == 1 && (tree->flags & TREE_BASE)
		&& fstatat(tree->fd[DST], entry->dst_name, &there, AT_SYMLINK_NOFOLLOW) == 0
		&& inode_same(inode_of(st), inode_of(&there));
}

bool dest_was_made(struct dest *dest, const struct stat *st, const struct tree *tree, const struct entry *entry) {
	if (!(tree->flags & TREE_OPERANDS)) {
		return false;
	}
	char *path = made_path(dest, tree, entry);
	mutex_lock(&dest->lock);
	struct known *first = inode_set_find(&dest->made, inode_of(st));
	struct known *known = first;
	while (known && (!path || !known->name || strcmp(known->name, path) != 0)) {
		known = known->next;
	}
	// If memory ran out while recording answer yes: refusing to overwrite is safe
	bool was = dest->made_unknown || known;
	mutex_unlock(&dest->lock);
	free(path);
	return was || (first && is_other_spelling(st, tree, entry));
}

void dest_note_moved(struct dest *dest, struct tree *tree, struct inode inode) {
	// In a directory of this run, a name that is taken is never replaced
	if (tree->flags & (TREE_CREATED | TREE_OPERANDS)) {
		return;
	}
	mutex_lock(&dest->lock);
	dest->made_unknown |= inode_set_add(&tree->moved, inode) < 0;
	mutex_unlock(&dest->lock);
}

bool dest_was_moved(struct dest *dest, const struct tree *tree, struct inode inode) {
	mutex_lock(&dest->lock);
	bool was = inode_set_has(&tree->moved, inode);
	mutex_unlock(&dest->lock);
	return was;
}

void dest_forget(struct dest *dest) {
	inode_set_clear(&dest->sources, known_free);
	inode_set_clear(&dest->made, known_free);
}
