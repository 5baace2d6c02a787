// SPDX-License-Identifier: MIT
#include "dest/rename.h"

#include "base/io.h"
#include "base/open.h"
#include "base/opts.h"
#include "base/path.h"
#include "dest/dest-impl.h"
#include "report/report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/** Returned, in place of -errno, if the user wants the source left alone. */
#define LEFT (-ECANCELED - 10000)

/** Returned for an error that renaming::fail describes. */
#define REFUSED (-ECANCELED - 10001)

/** How often a destination is judged again because it appeared or vanished meanwhile. */
#define MOST_TRIES 3

static const char same_file[] = "%s and %d are the same file";
static const char cannot_move[] = "cannot move %s to %d";

/** A source that is being renamed. */
struct renaming {
	struct dest *dest;
	struct tree *tree;
	const struct entry *entry;
	/** Source and destination, links not followed; known once one of them was asked for. */
	struct stat src;
	struct stat dst;
	/** The error for REFUSED. */
	struct error fail;
	char *backup;
};

static int refuse(struct renaming *r, enum error_op op, int err, const char *what) {
	r->fail = error_make(op, err, what);
	return REFUSED;
}

/** Whether a directory is, or is below, the source: the source cannot be moved there. */
static bool is_within_source(const struct renaming *r) {
	struct stat st;
	struct inode last = {0};
	bool within = false;
	int fd = open_parent(r->tree->fd[DST], r->entry->dst_name, O_PATH);
	while (fd >= 0 && !within && fstat(fd, &st) == 0 && !inode_same(inode_of(&st), last)) {
		last = inode_of(&st);
		within = inode_same(last, inode_of(&r->src));
		int up = openat(fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
		close_fd(&fd);
		fd = max(up, -1);
	}
	close_fd(&fd);
	return within;
}

/** Whether a destination is a directory without names. One that cannot be read counts as not empty. */
static bool is_empty(const struct renaming *r) {
	return open_finds_empty(r->tree->fd[DST], r->entry->dst_name, NULL);
}

/** Whether source and destination are on one mount. */
static bool is_one_mount(const struct renaming *r, int parent) {
	struct statx src;
	struct statx dst;
	const unsigned mask = STATX_BASIC_STATS | STATX_MNT_ID;
	return statx(r->tree->fd[SRC], r->entry->name, AT_SYMLINK_NOFOLLOW, mask, &src) == 0
		&& statx(parent, "", AT_EMPTY_PATH, mask, &dst) == 0 && src.stx_dev_major == dst.stx_dev_major
		&& src.stx_dev_minor == dst.stx_dev_minor && src.stx_mnt_id == dst.stx_mnt_id;
}

/** Whether the source could be taken out of its directory, as far as permissions show. Returns 0 or -errno. */
static int may_take(const struct renaming *r) {
	int from = open_parent(r->tree->fd[SRC], r->entry->name, O_PATH);
	int ret = from < 0 ? from : or_errno(faccessat(from, ".", W_OK | X_OK, AT_EACCESS));
	close_fd(&from);
	return ret;
}

/** Find out how renaming would end (--dry-run). Returns as rename(2). */
static int simulate(struct renaming *r, bool replace) {
	const struct tree *tree = r->tree;
	struct stat there;
	if (tree->flags & TREE_ABSENT) {
		return -EXDEV;
	}
	int parent = open_parent(tree->fd[DST], r->entry->dst_name, O_PATH);
	bool one = parent >= 0 && is_one_mount(r, parent);
	int ret = min(parent, 0);
	close_fd(&parent);
	if (ret < 0 || !one) {
		return ret < 0 ? ret : -EXDEV;
	}
	if (fstatat(tree->fd[SRC], r->entry->name, &r->src, AT_SYMLINK_NOFOLLOW) != 0) {
		return -errno;
	}
	bool exists = fstatat(tree->fd[DST], r->entry->dst_name, &there, AT_SYMLINK_NOFOLLOW) == 0;
	if (exists && !replace) {
		return -EEXIST;
	}
	if (S_ISDIR(r->src.st_mode) && is_within_source(r)) {
		return -EINVAL;
	}
	if (exists && S_ISDIR(there.st_mode) && !is_empty(r)) {
		return -ENOTEMPTY;
	}
	ret = may_take(r);
	return ret == 0 ? tree_may_make(tree, r->entry->dst_name) : ret;
}

/** Rename the source over what stands at the destination. Returns 0 or -errno. */
static int move_over(struct renaming *r) {
	const struct tree *tree = r->tree;
	if (r->dest->opts->flags & OPT_DRY_RUN) {
		return simulate(r, true);
	}
	return or_errno(renameat(tree->fd[SRC], r->entry->name, tree->fd[DST], r->entry->dst_name));
}

/** Rename the source to a name that must be free. Returns 0 or -errno. */
static int move_to_free(struct renaming *r) {
	const struct tree *tree = r->tree;
	struct stat there;
	if (r->dest->opts->flags & OPT_DRY_RUN) {
		return simulate(r, false);
	}
	int ret = or_errno(renameat2(tree->fd[SRC], r->entry->name, tree->fd[DST], r->entry->dst_name, RENAME_NOREPLACE));
	if (ret != -EINVAL && ret != -ENOSYS) {
		return ret;
	}
	// The file system cannot do it in one step, or the source would be moved into itself
	if (fstatat(tree->fd[DST], r->entry->dst_name, &there, AT_SYMLINK_NOFOLLOW) == 0) {
		return -EEXIST;
	}
	return errno == ENOENT ? move_over(r) : -errno;
}

/** Whether the user wants what stands in the way of a directory replaced. Returns 0, LEFT or REFUSED. */
static int ask(struct renaming *r) {
	const struct opts *opts = r->dest->opts;
	if (opts->update == UPDATE_NONE_FAIL) {
		return refuse(r, ERROR_COPY, 0, "not replacing %d");
	}
	if (opts->update == UPDATE_NONE) {
		return LEFT;
	}
	if ((opts->flags & OPT_INTERACTIVE) && !(opts->flags & OPT_DRY_RUN)) {
		char *dst = tree_path(r->tree, DST, r->entry->dst_name);
		bool yes = report_ask(r->dest->report, "overwrite %d? ", dst);
		free(dst);
		if (!yes) {
			report_declined(r->dest->report);
			return LEFT;
		}
	}
	return 0;
}

/** Move what stands at the destination to a backup. Returns 0 or REFUSED. */
static int back_up(struct renaming *r) {
	const struct dest_pair pair = {.opts = r->dest->opts,
		.tree = r->tree,
		.entry = r->entry,
		.src = &r->src,
		.dst = &r->dst};
	r->fail = dest_make_backup(r->dest, &pair, DEST_BACKUP_MOVE, &r->backup);
	return r->fail.text ? REFUSED : 0;
}

/** Whether a directory is merged with one that exists. */
static bool is_merged(const struct renaming *r) {
	return (r->dest->flags & DEST_MERGE) || r->dest->opts->select || !(r->tree->flags & TREE_OPERANDS);
}

static bool is_in_the_way(int ret) {
	return ret == -ENOTEMPTY || ret == -EEXIST || ret == -EBUSY;
}

/** Replace what stands at the destination by a directory. Returns 0, -EXDEV to copy, LEFT, REFUSED or -errno. */
static int replace_by_directory(struct renaming *r) {
	bool directory = S_ISDIR(r->dst.st_mode);
	bool backups = r->dest->opts->backup != BACKUP_NONE;
	if (directory && is_merged(r)) {
		int ret = move_over(r);
		return is_in_the_way(ret) ? -EXDEV : ret;
	}
	if (!directory && !backups) {
		return refuse(r, ERROR_COPY, 0, "cannot overwrite non-directory %d with directory %s");
	}
	int ret = ask(r);
	if (ret == 0 && backups) {
		ret = back_up(r);
		return ret < 0 ? ret : move_to_free(r);
	}
	return ret < 0 ? ret : move_over(r);
}

/** Replace what stands at the destination by a file that is no directory. Returns 0, LEFT, REFUSED or -errno. */
static int replace_by_file(struct renaming *r) {
	struct dest_found found = {.st = r->dst, .seen = true};
	bool same = inode_same(inode_of(&r->src), inode_of(&r->dst));
	int ret = same ? ask(r) : 0;
	if (ret == 0 && same && r->dest->opts->backup == BACKUP_NONE) {
		// Two hard links, as rename(2) does nothing for them
		return refuse(r, ERROR_COPY, 0, same_file);
	}
	if (same) {
		ret = ret == 0 ? back_up(r) : ret;
		return ret < 0 ? ret : move_to_free(r);
	}
	enum dest_verdict verdict = dest_judge(r->dest, r->tree, r->entry, &r->src, &found, &r->fail);
	r->backup = found.backup;
	if (verdict == DEST_REFUSE) {
		return REFUSED;
	}
	if (verdict != DEST_OVERWRITE && verdict != DEST_CREATE) {
		return LEFT;
	}
	if (S_ISDIR(found.st.st_mode) && !r->backup) {
		ret = back_up(r);
		return ret < 0 ? ret : move_to_free(r);
	}
	return verdict == DEST_OVERWRITE || found.replace ? move_over(r) : move_to_free(r);
}

/** Look at source and destination. Returns 0, REFUSED, or -ENOENT if nothing stands at the destination. */
static int look(struct renaming *r) {
	if (fstatat(r->tree->fd[SRC], r->entry->name, &r->src, AT_SYMLINK_NOFOLLOW) != 0) {
		return refuse(r, ERROR_STAT, errno, "cannot stat %s");
	}
	if (fstatat(r->tree->fd[DST], r->entry->dst_name, &r->dst, AT_SYMLINK_NOFOLLOW) != 0) {
		return errno == ENOENT ? -ENOENT : refuse(r, ERROR_STAT, errno, "cannot stat %d");
	}
	return 0;
}

/** Whether source and destination are one name, or one directory. */
static bool is_same_name(const struct renaming *r) {
	if (!inode_same(inode_of(&r->src), inode_of(&r->dst))) {
		return false;
	}
	return S_ISDIR(r->src.st_mode)
		|| dest_same_entry(r->tree->fd[SRC], r->entry->name, r->tree->fd[DST], r->entry->dst_name, 0);
}

/** Rename the source to a name that was found taken. Returns 0, -EXDEV to copy, LEFT, REFUSED or -errno. */
static int replace(struct renaming *r) {
	int ret = look(r);
	if (ret == -ENOENT) {
		return move_to_free(r);
	}
	if (ret == 0 && is_same_name(r)) {
		return r->dest->opts->update == UPDATE_NONE ? LEFT : refuse(r, ERROR_COPY, 0, same_file);
	}
	if (ret < 0) {
		return ret;
	}
	return S_ISDIR(r->src.st_mode) ? replace_by_directory(r) : replace_by_file(r);
}

/** Whether the source is a symbolic link with a slash after its name: rename(2) does not follow it. */
static bool is_followed(const struct renaming *r) {
	struct stat st;
	char *name = strdup(r->entry->name);
	bool is = !name;
	if (name && name[0] != '\0' && name[strlen(name) - 1] == '/') {
		strip_slashes(name);
		is = fstatat(r->tree->fd[SRC], name, &st, AT_SYMLINK_NOFOLLOW) != 0 || S_ISLNK(st.st_mode);
	}
	free(name);
	return is;
}

/**
 * Check an operand that is going to be copied, as it is on another file system: what a rename would refuse is refused.
 * Returns -EXDEV to copy, LEFT, REFUSED or -errno.
 */
static int cross(struct renaming *r) {
	const char *name = last_component(r->entry->name);
	bool dots = name[0] == '.' && strspn(name, "./") == strlen(name);
	if (!(r->tree->flags & TREE_OPERANDS)) {
		return -EXDEV;
	}
	int ret = look(r);
	if (ret == REFUSED) {
		return ret;
	}
	if (dots || is_followed(r)) {
		return dots ? -EBUSY : refuse(r, ERROR_COPY, ENOTDIR, cannot_move);
	}
	if (S_ISDIR(r->src.st_mode) && is_within_source(r)) {
		return -EINVAL;
	}
	if (ret < 0) {
		return -EXDEV;
	}
	// Two mounts may show one directory, so the name is no proof
	if (inode_same(inode_of(&r->src), inode_of(&r->dst))) {
		return refuse(r, ERROR_COPY, 0, same_file);
	}
	if (!S_ISDIR(r->src.st_mode) || !S_ISDIR(r->dst.st_mode) || is_merged(r)) {
		return -EXDEV;
	}
	ret = ask(r);
	if (ret == 0 && r->dest->opts->backup != BACKUP_NONE) {
		ret = back_up(r);
	} else if (ret == 0 && !is_empty(r)) {
		ret = -ENOTEMPTY;
	}
	return ret < 0 ? ret : -EXDEV;
}

/** The error of a rename, in mv's words. */
static struct error explain(const struct renaming *r, int ret) {
	switch (ret) {
	case REFUSED:
		return r->fail;
	case -EINVAL:
		return error_make(ERROR_COPY, 0, "cannot move %s to a subdirectory of itself, %d");
	case -EDQUOT:
	case -EEXIST:
	case -EISDIR:
	case -EMLINK:
	case -ENOSPC:
	case -ENOTEMPTY:
	case -ETXTBSY:
		return error_make(ERROR_CREATE, ret, "cannot overwrite %d");
	default:
		return error_make(ERROR_CREATE, ret, cannot_move);
	}
}

/** Record what was moved, so that no other name of this run replaces it. */
static void note(struct renaming *r) {
	struct stat st;
	if (r->dest->opts->flags & OPT_DRY_RUN) {
		return;
	}
	dest_made(r->dest, r->tree, r->entry, NULL);
	if (!(r->tree->flags & TREE_OPERANDS)
		&& fstatat(r->tree->fd[DST], r->entry->dst_name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		dest_note_moved(r->dest, r->tree, inode_of(&st));
	}
}

enum dest_renamed dest_rename(struct dest *dest, struct tree *tree, const struct entry *entry, bool directory,
	char **backup) {
	struct renaming r = {.dest = dest, .tree = tree, .entry = entry};
	// A directory that is renamed takes along what was not chosen
	int ret = directory && dest->opts->select ? -EXDEV : move_to_free(&r);
	for (int tries = 0; ret == -EEXIST && tries < MOST_TRIES; ++tries) {
		ret = replace(&r);
	}
	if (ret == -EXDEV && !r.backup) {
		ret = cross(&r);
		if (ret == -EXDEV) {
			free(r.backup);
			return DEST_RENAME_COPY;
		}
	}
	if (ret == 0) {
		*backup = r.backup;
		note(&r);
		return r.dst.st_mode != 0 ? DEST_RENAMED_OVER : DEST_RENAMED;
	}
	if (r.backup) {
		dest_undo_backup(dest, tree, entry, r.backup);
		free(r.backup);
	}
	if (ret == LEFT) {
		return DEST_RENAME_LEFT;
	}
	tree_report(tree, entry, explain(&r, ret));
	return DEST_RENAME_FAILED;
}
