// SPDX-License-Identifier: MIT
#include "dest/remove.h"

#include "base/io.h"
#include "base/open.h"
#include "base/opts.h"
#include "base/path.h"
#include "dest/dest-impl.h"
#include "filter/select.h"
#include "report/report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/**
 * Nothing is removed from directories with these flags: they are new, were not listed, or were not reached by the
 * user's path.
 */
#define SPARED \
	(TREE_BASE | TREE_OPERANDS | TREE_CREATED | TREE_CLOSED | TREE_ELSEWHERE | TREE_IN_SOURCE | TREE_LEFT | TREE_ABSENT)

/** State of a search for names that only the destination has. */
struct surplus {
	struct dest *dest;
	struct tree *tree;
	/** The listed names of the source, sorted by strcmp(3). */
	const char **names;
	size_t count;
	/** The names in the destination. */
	struct listing there;
	/**
	 * Inodes that source names lead to, although the destination lists them under other names (in other case, for
	 * example).
	 */
	struct inode_set folded;
};

static int by_text(const void *a, const void *b) {
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int by_name(const void *a, const void *b) {
	return strcmp(((const struct listed *)a)->name, ((const struct listed *)b)->name);
}

/** Sort names by their text. */
static void sort(struct listed *entries, size_t count) {
	if (count > 1) {
		qsort(entries, count, sizeof(*entries), by_name);
	}
}

/** Whether NAME is in sorted names. */
static bool has(const struct listed *entries, size_t count, const char *name) {
	const struct listed key = {.name = name};
	return count > 0 && bsearch(&key, entries, count, sizeof(key), by_name);
}

/** List the names on both sides. Returns 0 or -errno. */
static int list(struct surplus *s) {
	const struct listing *listing = &s->tree->listing;
	size_t count = listing->file_count + listing->dir_count;
	s->names = malloc(max(count, (size_t)1) * sizeof(*s->names));
	if (!s->names) {
		return -ENOMEM;
	}
	int fd = openat(s->tree->fd[DST], ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int ret = fd < 0 ? -errno : listing_read(&s->there, fd);
	close_fd(&fd);
	if (ret < 0) {
		return ret;
	}
	for (size_t i = 0; i < listing->file_count; ++i) {
		s->names[s->count++] = listing_entry(&listing->files[i]).dst_name;
	}
	for (size_t i = 0; i < listing->dir_count; ++i) {
		s->names[s->count++] = listing_entry(&listing->dirs[i]).dst_name;
	}
	qsort(s->names, s->count, sizeof(*s->names), by_text);
	sort(s->there.files, s->there.file_count);
	sort(s->there.dirs, s->there.dir_count);
	return 0;
}

static bool source_has(const struct surplus *s, const char *name) {
	return bsearch(&name, s->names, s->count, sizeof(*s->names), by_text);
}

static bool destination_lists(const struct surplus *s, const char *name) {
	return has(s->there.files, s->there.file_count, name) || has(s->there.dirs, s->there.dir_count, name);
}

/** Keep only the entries whose names the source does not have. Returns how many. */
static size_t keep_surplus(const struct surplus *s, struct listed *entries, size_t count) {
	size_t kept = 0;
	for (size_t i = 0; i < count; ++i) {
		if (!source_has(s, entries[i].name)) {
			entries[kept++] = entries[i];
		}
	}
	return kept;
}

/** Find source names that lead to a file which the destination lists under another name. Returns 0 or -errno. */
static int find_folded(struct surplus *s) {
	struct stat st;
	for (size_t i = 0; i < s->count; ++i) {
		if (destination_lists(s, s->names[i])) {
			continue;
		}
		int ret = or_errno(fstatat(s->tree->fd[DST], s->names[i], &st, AT_SYMLINK_NOFOLLOW));
		ret = ret == 0 ? inode_set_add(&s->folded, inode_of(&st)) : ret;
		if (ret < 0 && ret != -ENOENT) {
			return ret;
		}
	}
	return 0;
}

/** Whether a name in the source was left out of the copy by the user's selection. */
static bool is_left_out(const struct surplus *s, const char *name, const struct stat *src) {
	const struct opts *opts = s->dest->opts;
	return s->tree->select
		&& (select_name(s->tree->select, name, S_ISDIR(src->st_mode)) == 0 || !select_size(opts->select, src));
}

/** Whether a name stays although it was not listed: the source has it, or this cannot be found out. */
static bool is_in_source(const struct surplus *s, const char *name) {
	struct stat st;
	if (fstatat(s->tree->fd[SRC], name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		return !((s->dest->opts->flags & OPT_DELETE_EXCLUDED) && is_left_out(s, name, &st));
	}
	return errno != ENOENT;
}

/** Whether a name in the destination is to be removed. */
static bool goes(struct surplus *s, const char *name) {
	struct stat st;
	return !is_in_source(s, name) && fstatat(s->tree->fd[DST], name, &st, AT_SYMLINK_NOFOLLOW) == 0
		&& !inode_set_has(&s->folded, inode_of(&st)) && !dest_is_protected(s->dest, s->tree->select, name, &st);
}

/** Remove, or count, those of ENTRIES that goes() selects. Returns false if the source is empty, which is reported. */
static bool remove_all(struct surplus *s, const struct listed *entries, size_t count, enum dest_remove what,
	uint64_t *gone) {
	struct tree *tree = s->tree;
	for (size_t i = 0; i < count && !dest_is_cancelled(s->dest) && !report_has_enough(s->dest->report); ++i) {
		if (!goes(s, entries[i].name)) {
			continue;
		}
		if ((tree->flags & TREE_EMPTY) && (tree->parent->flags & TREE_OPERANDS)) {
			tree_report_itself(tree, error_make(ERROR_REMOVE, 0, "%s is empty: nothing is removed from %d"));
			return false;
		}
		dest_remove(s->dest, tree, entries[i].name, what, gone);
	}
	return true;
}

/** Count the names in destination directories that a file of the source will replace. */
static void count_exchanged(struct surplus *s, uint64_t *gone) {
	const struct listing *there = &s->there;
	const struct listing *listing = &s->tree->listing;
	for (size_t i = 0; i < listing->file_count; ++i) {
		const char *name = listing_entry(&listing->files[i]).dst_name;
		if (has(there->dirs, there->dir_count, name)) {
			dest_remove(s->dest, s->tree, name, DEST_REMOVE_COUNT, gone);
		}
	}
}

/** Find the names that only the destination has, and remove or count them. Returns 0 or -errno. */
static int look(struct surplus *s, enum dest_remove what, uint64_t *gone) {
	int ret = list(s);
	if (ret < 0) {
		return ret;
	}
	if (what == DEST_REMOVE_COUNT) {
		count_exchanged(s, gone);
	}
	struct listing *there = &s->there;
	size_t files = there->file_count;
	size_t dirs = there->dir_count;
	size_t surplus_files = 0;
	for (size_t i = 0; i < files + dirs; ++i) {
		surplus_files += !source_has(s, i < files ? there->files[i].name : there->dirs[i - files].name);
	}
	ret = surplus_files > 0 ? find_folded(s) : 0;
	if (ret < 0 || surplus_files == 0) {
		return ret;
	}
	there->file_count = keep_surplus(s, there->files, files);
	there->dir_count = keep_surplus(s, there->dirs, dirs);
	if (remove_all(s, there->files, there->file_count, what, gone)) {
		remove_all(s, there->dirs, there->dir_count, what, gone);
	}
	return 0;
}

/** As look(), with its state set up and freed. Errors are reported. */
static void look_through(struct dest *dest, struct tree *tree, enum dest_remove what, uint64_t *gone) {
	struct surplus s = {.dest = dest, .tree = tree};
	int ret = look(&s, what, gone);
	if (ret < 0) {
		tree_report_itself(tree, error_make(ERROR_REMOVE, ret, "cannot find out what to remove from %d"));
	}
	if (tree->select) {
		select_pause(tree->select, false);
	}
	free(s.names);
	listing_free(&s.there);
	inode_set_clear(&s.folded, free);
}

/** Whether nothing may be removed from a directory. */
static bool is_spared(const struct dest *dest, const struct tree *tree) {
	return (tree->flags & SPARED) || dest->unprotected || inode_same(tree->inode[SRC], tree->inode[DST])
		|| dest_is_cancelled(dest) || report_has_enough(dest->report);
}

bool dest_has_too_much(const struct dest *dest) {
	return (dest->opts->flags & OPT_MAX_DELETE) && counter_get(&dest->surplus) > dest->opts->max_delete;
}

void dest_remove_surplus(struct dest *dest, struct tree *tree) {
	uint64_t gone = 0;
	bool limited = dest->opts->flags & OPT_MAX_DELETE;
	if (is_spared(dest, tree) || (limited && (!tree->surplus || dest_has_too_much(dest)))) {
		return;
	}
	if (atomic_load(&tree->failed)) {
		atomic_store(&dest->withheld, true);
		return;
	}
	look_through(dest, tree, DEST_REMOVE, &gone);
}

/**
 * Hold a tree until dest_release_surplus(). If memory runs out, this is reported, and nothing is removed from the tree.
 */
static void hold(struct dest *dest, struct tree *tree) {
	mutex_lock(&dest->lock);
	struct tree **held = reallocarray(dest->held, dest->held_count + 1, sizeof(void *));
	if (held) {
		tree_ref(tree);
		tree->surplus = true;
		held[dest->held_count++] = tree;
		dest->held = held;
	}
	mutex_unlock(&dest->lock);
	if (!held) {
		tree_report_itself(tree, error_make(ERROR_REMOVE, ENOMEM, "cannot find out what to remove from %d"));
	}
}

void dest_count_surplus(struct dest *dest, struct tree *tree) {
	uint64_t gone = 0;
	if (!(dest->opts->flags & OPT_DELETE) || !(dest->opts->flags & OPT_MAX_DELETE) || is_spared(dest, tree)
		|| atomic_load(&tree->failed))
	{
		return;
	}
	look_through(dest, tree, DEST_REMOVE_COUNT, &gone);
	mutex_lock(&dest->lock);
	counter_add(&dest->surplus, gone);
	bool few = !dest_has_too_much(dest);
	mutex_unlock(&dest->lock);
	if (gone > 0 && few) {
		hold(dest, tree);
	}
}

void dest_release_surplus(struct dest *dest) {
	if (dest_has_too_much(dest) && !dest_is_cancelled(dest)) {
		char text[128];
		snprintf(text, sizeof(text), "nothing is removed: %llu names would be, and --max-delete allows %llu",
			(unsigned long long)counter_get(&dest->surplus), (unsigned long long)dest->opts->max_delete);
		report_error(dest->report, ERROR_REMOVE, 0, text, NULL, NULL);
	}
	// Start with the last ones, which are below earlier ones
	while (dest->held_count > 0) {
		tree_unref(dest->held[--dest->held_count]);
	}
	free(dest->held);
	dest->held = NULL;
}

/** Protect a directory and all directories above it. Takes over FD. Returns 0 or -errno. */
static int protect_way(struct dest *dest, int fd) {
	struct stat st;
	int ret = 1;
	while (ret > 0) {
		ret = or_errno(fstat(fd, &st));
		ret = ret == 0 ? inode_set_add(&dest->above, inode_of(&st)) : ret;
		int up = ret > 0 ? openat(fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
		ret = ret > 0 && up < 0 ? -errno : ret;
		close_fd(&fd);
		fd = up;
	}
	// What we may not search cannot be emptied by us
	return ret == -EACCES ? 0 : ret;
}

/** Protect the way to an operand. Returns 0 or -errno. */
static int protect_operand(struct dest *dest, const char *path) {
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		fd = open_parent(AT_FDCWD, path, O_PATH);
	}
	if (fd < 0) {
		// An operand that is not there is not copied either
		return fd == -ENOENT || fd == -ENOTDIR ? 0 : fd;
	}
	return protect_way(dest, fd);
}

/** Protect a file or directory that this run needs, or NULL. Returns 0 or -errno. */
static int protect_needed(struct dest *dest, const char *path) {
	struct stat st;
	if (!path) {
		return 0;
	}
	if (stat(path, &st) != 0) {
		return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
	}
	return min(inode_set_add(&dest->kept, inode_of(&st)), 0);
}

/** As protect_needed(), for all directories of an option. */
static int protect_directories(struct dest *dest, const struct opts_dirs *dirs) {
	int ret = 0;
	for (unsigned i = 0; i < dirs->count && ret == 0; ++i) {
		ret = protect_needed(dest, dirs->paths[i]);
	}
	return ret;
}

void dest_protect(struct dest *dest) {
	const struct opts *opts = dest->opts;
	const struct listing *operands = &dest->base->listing;
	if (!(opts->flags & OPT_DELETE)) {
		return;
	}
	int ret = protect_needed(dest, opts->checksums);
	ret = ret == 0 ? protect_needed(dest, opts->rate_file) : ret;
	ret = ret == 0 ? protect_needed(dest, opts->log_file) : ret;
	ret = ret == 0 ? protect_directories(dest, &opts->link_dests) : ret;
	ret = ret == 0 ? protect_directories(dest, &opts->reflink_dests) : ret;
	for (size_t i = 0; i < operands->file_count && ret == 0; ++i) {
		ret = protect_operand(dest, operands->files[i].name);
	}
	if (ret < 0) {
		dest->unprotected = true;
		report_error(dest->report, ERROR_REMOVE, -ret, "nothing is removed: cannot find out what must stay", NULL,
			NULL);
	}
}

/** Whether an operand keeps its name in the target directory. */
static bool keeps_name(const struct entry *entry) {
	const char *name = last_component(entry->dst_name);
	return name[0] != '\0' && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

bool dest_may_delete(struct dest *dest) {
	const struct opts *opts = dest->opts;
	const struct listing *operands = &dest->base->listing;
	bool whole = tree_is_named_whole(dest->base);
	if (!(opts->flags & OPT_DELETE)) {
		if (opts->flags & OPT_MAX_DELETE) {
			report_usage(dest->report, "--max-delete needs --delete", NULL, NULL, NULL);
		}
		return !(opts->flags & OPT_MAX_DELETE);
	}
	if (!(opts->flags & OPT_RECURSIVE)) {
		report_usage(dest->report, "--delete needs -r or -a", NULL, NULL, NULL);
		return false;
	}
	if (dest->flags & DEST_SERIAL) {
		report_usage(dest->report, "with --delete, each operand must have a name of its own in DIRECTORY", NULL, NULL,
			NULL);
		return false;
	}
	for (size_t i = 0; i < operands->file_count && !whole; ++i) {
		const struct entry operand = listing_entry(&operands->files[i]);
		if (!keeps_name(&operand)) {
			report_usage(dest->report, "--delete needs -T to make DEST a copy of %s", operand.name, NULL, NULL);
			return false;
		}
	}
	return true;
}
