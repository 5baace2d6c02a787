// SPDX-License-Identifier: MIT
#include "dest/dest-impl.h"

#include "base/opts.h"
#include "dest/remove.h"
#include "report/report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/** Arguments of dest_judge(), for its steps. */
struct judge {
	struct dest *dest;
	struct tree *tree;
	const struct entry *entry;
	const struct stat *st;
	/** The destination as found, links followed if the copy follows them. */
	struct dest_found *found;
	struct error *fail;
	/** Whether the source's data is written to the destination, through a link if one stands there. */
	bool as_regular;
};

static enum dest_verdict refuse(const struct judge *j, enum error_op op, int err, const char *what) {
	*j->fail = error_make(op, err, what);
	return DEST_REFUSE;
}

/** Whether --beneath applies: no symbolic link is followed at the destination, and no device written to. */
static bool is_beneath(const struct judge *j) {
	return (j->dest->opts->flags & OPT_BENEATH) && !tree_is_named_whole(j->tree);
}

/** Whether an existing file is compared with its source, and replaced if the types differ. */
static bool is_compared(const struct judge *j) {
	return opts_compare(j->dest->opts) && !tree_is_named_whole(j->tree);
}

/** Whether the destination itself is judged, not what a link there leads to. */
static bool means_link(const struct judge *j) {
	const struct opts *opts = j->dest->opts;
	return !j->as_regular || is_beneath(j) || is_compared(j)
		|| (opts->flags & (OPT_SYMBOLIC_LINK | OPT_HARD_LINK | OPT_REMOVE_DESTINATION)) || opts->backup != BACKUP_NONE;
}

/** The name to look at: cp takes '' for the current directory, except if cp would just open it. */
static const char *name_of(const struct judge *j) {
	const char *name = j->entry->dst_name;
	return name[0] || (!means_link(j) && !(j->dest->opts->flags & OPT_NO_TARGET_DIRECTORY)) ? name : ".";
}

/** Whether the destination is at least as new as the source or, if they are compared, does not differ. */
static bool is_up_to_date(const struct judge *j) {
	const struct opts *opts = j->dest->opts;
	// Finding the time step may change the file's time, so do not follow links of others
	bool here = means_link(j) || !tree_is_named_whole(j->tree);
	struct dest_look look = {.dir = j->tree->fd[DST], .name = name_of(j), .flags = here ? AT_SYMLINK_NOFOLLOW : 0};
	if (opts_compare(opts)) {
		struct dest_pair pair = {.opts = opts, .tree = j->tree, .entry = j->entry, .src = j->st, .dst = &j->found->st};
		bool as_copied = !j->as_regular || S_ISREG(j->st->st_mode);
		return j->found->alike = as_copied && dest_is_alike(j->dest, &pair, &look, &j->found->same_times);
	}
	return opts->update == UPDATE_OLDER && dest_is_up_to_date(j->dest, &look, &j->st->st_mtim, &j->found->st);
}

/** Turn LETTERS, which hold "rwxrwxrwx", into what ls(1) shows for MODE. */
static void mode_letters(mode_t mode, char letters[9]) {
	static const char special[] = "sst";
	for (int i = 0; i < 9; ++i) {
		letters[i] = mode & (0400u >> i) ? letters[i] : '-';
	}
	for (int i = 0; i < 3; ++i) {
		char *x = &letters[3 * i + 2];
		if (mode & (04000u >> i)) {
			*x = *x == 'x' ? special[i] : (char)(special[i] - 'a' + 'A');
		}
	}
}

static bool ask(const struct judge *j) {
	char what[96] = "overwrite %d? ";
	mode_t mode = j->found->st.st_mode & 07777;
	char letters[] = "rwxrwxrwx";
	mode_letters(mode, letters);
	if (!S_ISLNK(j->found->st.st_mode) && !(j->dest->opts->flags & OPT_PRIVILEGED)
		&& faccessat(j->tree->fd[DST], name_of(j), W_OK, AT_EACCESS) != 0)
	{
		bool force = j->dest->opts->flags & (OPT_FORCE | OPT_REMOVE_DESTINATION);
		snprintf(what, sizeof(what),
			force ? "replace %%d, overriding mode %04o (%s)? " : "unwritable %%d (mode %04o, %s); try anyway? ", mode,
			letters);
	}
	char *dst = tree_path(j->tree, DST, j->entry->dst_name);
	bool yes = report_ask(j->dest->report, what, dst);
	free(dst);
	return yes;
}

/** Whether the user wants the destination left alone: DEST_OVERWRITE if not. */
static enum dest_verdict wanted(const struct judge *j) {
	const struct opts *opts = j->dest->opts;

	if (is_up_to_date(j)) {
		return DEST_DONE;
	}
	if (opts->update == UPDATE_NONE_FAIL) {
		return refuse(j, ERROR_COPY, 0, "not replacing %d");
	}
	if (opts->update == UPDATE_NONE) {
		return DEST_SKIP;
	}
	if ((opts->flags & OPT_INTERACTIVE) && !(opts->flags & OPT_DRY_RUN) && !j->found->agreed) {
		if (!ask(j)) {
			report_declined(j->dest->report);
			return DEST_SKIP;
		}
		j->found->agreed = true;
	}
	return DEST_OVERWRITE;
}

/** The error if the copy would be written through a symbolic link that this run made; NULL if not. */
static const char *just_made_link(const struct judge *j) {
	struct stat link;
	bool among;
	if (!j->as_regular || means_link(j)
		|| fstatat(j->tree->fd[DST], j->entry->dst_name, &link, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISLNK(link.st_mode))
	{
		return NULL;
	}
	return tree_leads_through_made(j->tree, j->entry->dst_name, &among) ? tree_made_link : NULL;
}

/**
 * Whether OPT_DELETE would remove a link or directory that this run made for another name, which the file system takes
 * for the same one.
 */
static bool is_folded(const struct tree *tree, const struct stat *st) {
	if (!(tree->trees->opts->flags & OPT_DELETE)) {
		return false;
	}
	return S_ISLNK(st->st_mode) ? tree_is_made_link(tree->trees, inode_of(st))
								: S_ISDIR(st->st_mode) && tree_is_made(tree->trees, inode_of(st));
}

/** The error if this run made a destination from another source; NULL if not. Of files only operands are known. */
static const char *just_made(struct dest *dest, const struct tree *tree, const struct entry *entry,
	const struct stat *st) {
	bool made = dest_was_made(dest, st, tree, entry)
		|| ((dest->opts->flags & OPT_MOVE) && dest_was_moved(dest, tree, inode_of(st)));
	bool is = (dest->opts->backup != BACKUP_NUMBERED && made) || is_folded(tree, st);
	return is ? "will not overwrite just-created %d with %s" : NULL;
}

/**
 * Remove a destination that is no directory, and report it with -v. If STAYS, the copy will replace it later
 * (--atomic).
 */
static struct error drop(const struct dest *dest, const struct tree *tree, const struct entry *entry, bool stays) {
	int ret = 0;
	if (dest->opts->flags & OPT_DRY_RUN) {
		ret = tree_may_make(tree, entry->dst_name);
	} else if (!stays && unlinkat(tree->fd[DST], entry->dst_name, 0) != 0 && errno != ENOENT) {
		ret = -errno;
	}
	if (ret < 0) {
		return error_make(ERROR_REMOVE, ret, "cannot remove %d");
	}
	// A move prints only what is removed from the source, as mv
	if ((dest->opts->flags & (OPT_VERBOSE | OPT_MOVE)) == OPT_VERBOSE) {
		tree_say(tree, entry, SAY_REMOVED, "removed %d");
	}
	return NO_ERROR;
}

static enum dest_verdict remove_it(const struct judge *j) {
	j->found->replace = j->dest->opts->flags & OPT_ATOMIC;
	*j->fail = drop(j->dest, j->tree, j->entry, j->found->replace);
	return j->fail->text ? DEST_REFUSE : DEST_CREATE;
}

/** Whether a destination is removed instead of being written into. */
static bool is_removed(const struct judge *j) {
	const struct opts *opts = j->dest->opts;
	if (S_ISDIR(j->found->st.st_mode)) {
		return false;
	}
	if ((opts->flags & OPT_REMOVE_DESTINATION)
		|| (is_compared(j) && ((j->found->st.st_mode ^ j->st->st_mode) & S_IFMT))) {
		return true;
	}
	if (opts->flags & OPT_ATTRIBUTES_ONLY) {
		return false;
	}
	return ((opts->preserve & PRESERVE_LINKS) && j->found->st.st_nlink > 1)
		|| (!tree_follows(j->tree) && !S_ISREG(j->st->st_mode));
}

/** The file that stands at the destination of an entry. SRC: the source that will replace it, or NULL. */
static struct dest_old old_of(const struct tree *tree, const struct entry *entry, const struct stat *src) {
	return (struct dest_old) {.dir = tree->fd[DST],
		.path = entry->dst_name,
		.tree = tree,
		.tree_path = entry->dst_name,
		.src = src};
}

struct error dest_make_backup(struct dest *dest, const struct dest_pair *pair, enum dest_backup how, char **name) {
	static const char destroys[] = "backing up %d might destroy source;  %s not copied";
	const struct opts *opts = pair->opts;
	struct dest_old old = old_of(pair->tree, pair->entry, pair->src);
	old.copied = (opts->flags & OPT_MOVE) && dest_is_copied(dest, pair);
	if (opts->backup != BACKUP_NUMBERED && !opts->backup_dir && dest_is_backup(pair)) {
		return error_make(ERROR_COPY, 0, destroys);
	}
	int ret = opts->flags & OPT_DRY_RUN ? tree_may_make(pair->tree, pair->entry->dst_name) : 0;
	if (ret == 0) {
		ret = dest_backup(dest, &old, how, name);
	}
	if (ret == -EEXIST && opts->backup_dir) {
		return error_make(ERROR_COPY, 0, destroys);
	}
	return ret < 0 && ret != -ENOENT ? error_make(ERROR_BACKUP, ret, "cannot backup %d") : NO_ERROR;
}

/** With OPT_DELETE, remove a directory that stands where another file is to be made, unless a name in it stays. */
static enum dest_verdict make_way(const struct judge *j) {
	static const char what[] = "cannot overwrite directory %d with non-directory %s";
	const struct opts *opts = j->dest->opts;
	uint64_t count = 0;
	bool limited = (opts->flags & (OPT_MAX_DELETE | OPT_DRY_RUN)) == OPT_MAX_DELETE;
	if (limited && !atomic_load(&j->dest->entered)) {
		j->found->later = true;
		return refuse(j, ERROR_COPY, 0, what);
	}
	// Remove nothing if the source is unreadable or an error occurred here
	bool readable = !j->as_regular || faccessat(j->tree->fd[SRC], j->entry->name, R_OK, AT_EACCESS) == 0;
	if (j->dest->unprotected || !readable || atomic_load(&j->tree->failed) || (limited && dest_has_too_much(j->dest))
		|| dest_remove(j->dest, j->tree, j->entry->dst_name, DEST_REMOVE, &count) != DEST_REMOVED)
	{
		return refuse(j, ERROR_COPY, 0, what);
	}
	return DEST_CREATE;
}

/** Look at a destination, unless that was done. Returns whether something stands there; if not, sets VERDICT. */
static bool look_at_destination(const struct judge *j, enum dest_verdict *verdict) {
	struct dest_found *found = j->found;
	int flags = means_link(j) ? AT_SYMLINK_NOFOLLOW : 0;
	bool seen = found->seen && (flags || !S_ISLNK(found->st.st_mode));
	if (seen || fstatat(j->tree->fd[DST], name_of(j), &found->st, flags) == 0) {
		return true;
	}
	if (errno == ENOENT) {
		const char *why = just_made_link(j);
		*verdict = why ? refuse(j, ERROR_COPY, 0, why) : DEST_CREATE;
	} else if (errno == ELOOP && (j->dest->opts->flags & OPT_FORCE)) {
		*verdict = DEST_OVERWRITE;
	} else {
		*verdict = refuse(j, ERROR_STAT, errno, "cannot stat %d");
	}
	return false;
}

/**
 * Whether what stands at a destination may be replaced at all. EXCHANGED: it is a directory that OPT_DELETE removes.
 */
static bool may_be_replaced(const struct judge *j, const struct dest_pair *pair, bool exchanged) {
	if (dest_is_shown_twice(pair)) {
		refuse(j, ERROR_COPY, 0, "%s and %d are the same file");
		return false;
	}
	if (S_ISDIR(pair->dst->st_mode) && pair->opts->backup == BACKUP_NONE && !exchanged) {
		refuse(j, ERROR_COPY, 0, "cannot overwrite directory %d with non-directory %s");
		return false;
	}
	const char *why = just_made(j->dest, j->tree, j->entry, pair->dst);
	why = why ? why : just_made_link(j);
	if (why) {
		refuse(j, ERROR_COPY, 0, why);
		return false;
	}
	*j->fail = dest_spare_name(j->dest, j->tree, pair->dst);
	return !j->fail->text;
}

/** Whether a destination is no file to write a regular file into, and no links are followed below the destination. */
static bool is_not_written_into(const struct judge *j) {
	mode_t mode = j->found->st.st_mode;
	return is_beneath(j) && j->as_regular && !S_ISREG(mode) && !S_ISDIR(mode);
}

/** Replace what stands at a destination, or have it overwritten. */
static enum dest_verdict replace(const struct judge *j, const struct dest_pair *pair, bool exchanged) {
	const struct opts *opts = pair->opts;
	struct dest_found *found = j->found;
	if (exchanged) {
		return make_way(j);
	}
	if (opts->backup != BACKUP_NONE && !S_ISDIR(found->st.st_mode)) {
		found->replace = opts->flags & OPT_ATOMIC;
		enum dest_backup how = found->replace ? DEST_BACKUP_LINK : DEST_BACKUP_MOVE;
		*j->fail = dest_make_backup(j->dest, pair, how, &found->backup);
		return j->fail->text ? DEST_REFUSE : DEST_CREATE;
	}
	bool not_into = is_not_written_into(j);
	if (is_removed(j) || (not_into && (opts->flags & OPT_FORCE))) {
		return remove_it(j);
	}
	if (not_into) {
		return refuse(j, ERROR_COPY, 0,
			S_ISLNK(found->st.st_mode) ? "not writing through symbolic link %d" : "not writing into special file %d");
	}
	return DEST_OVERWRITE;
}

enum dest_verdict dest_judge(struct dest *dest, struct tree *tree, const struct entry *entry, const struct stat *st,
	struct dest_found *found, struct error *fail) {
	const struct opts *opts = dest->opts;
	struct judge j = {.dest = dest,
		.tree = tree,
		.entry = entry,
		.st = st,
		.found = found,
		.fail = fail,
		.as_regular = S_ISREG(st->st_mode)
			|| (!S_ISLNK(st->st_mode) && (!(opts->flags & OPT_RECURSIVE) || (opts->flags & OPT_COPY_CONTENTS)))};
	enum dest_verdict verdict;
	if (!look_at_destination(&j, &verdict)) {
		return verdict;
	}
	struct dest_pair pair = {.opts = opts, .tree = tree, .entry = entry, .src = st, .dst = &found->st};
	bool updates = opts->update != UPDATE_NONE && opts->update != UPDATE_NONE_FAIL;
	enum dest_same same = updates ? dest_same(&pair) : SAME_OK;
	if (same == SAME_REFUSE) {
		return refuse(&j, ERROR_COPY, 0, "%s and %d are the same file");
	}
	verdict = wanted(&j);
	if (verdict != DEST_OVERWRITE || same == SAME_DONE) {
		return verdict == DEST_OVERWRITE ? DEST_SKIP : verdict;
	}
	// Only now, because this touches the destination, and one that is left alone must stay untouched
	bool exchanged = S_ISDIR(found->st.st_mode) && (opts->flags & OPT_DELETE) && !tree_is_named_whole(tree)
		&& !(tree->flags & (TREE_ELSEWHERE | TREE_IN_SOURCE));
	return may_be_replaced(&j, &pair, exchanged) ? replace(&j, &pair, exchanged) : DEST_REFUSE;
}

enum tree_verdict dest_judge_directory(struct dest *dest, struct tree *tree, const struct entry *entry,
	struct error *fail) {
	const struct opts *opts = dest->opts;
	struct tree *parent = tree->parent;
	struct dest_pair pair = {.opts = opts,
		.tree = parent,
		.entry = entry,
		.src = &tree->src_stat,
		.dst = &tree->dst_stat};
	if (opts->update != UPDATE_NONE && opts->update != UPDATE_NONE_FAIL) {
		enum dest_same same = dest_same(&pair);
		if (same == SAME_REFUSE) {
			*fail = error_make(ERROR_COPY, 0, "%s and %d are the same file");
		}
		if (same != SAME_OK) {
			return same == SAME_DONE ? TREE_LEAVE : TREE_USE;
		}
	}
	if (S_ISDIR(tree->dst_stat.st_mode)) {
		return TREE_USE;
	}
	// -i does not ask about directories
	bool replaces = opts_compare(opts) || (opts->flags & OPT_DELETE);
	bool differs = replaces && !tree_is_named_whole(parent) && !(opts->flags & OPT_INTERACTIVE);
	if (opts->backup == BACKUP_NONE && !differs) {
		*fail = error_make(ERROR_COPY, 0, "cannot overwrite non-directory %d with directory %s");
		return TREE_USE;
	}
	const char *why = just_made(dest, parent, entry, &tree->dst_stat);
	if (why) {
		*fail = error_make(ERROR_COPY, 0, why);
		return TREE_USE;
	}
	*fail = dest_spare_name(dest, parent, &tree->dst_stat);
	if (fail->text) {
		return TREE_USE;
	}
	if (opts->backup == BACKUP_NONE) {
		*fail = drop(dest, parent, entry, false);
		return fail->text ? TREE_USE : TREE_MAKE;
	}
	char *backup = NULL;
	*fail = dest_make_backup(dest, &pair, DEST_BACKUP_MOVE, &backup);
	free(backup);
	return fail->text ? TREE_USE : TREE_MAKE;
}

void dest_undo_backup(struct dest *dest, const struct tree *tree, const struct entry *entry, const char *backup) {
	bool dry = dest->opts->flags & OPT_DRY_RUN;
	const struct dest_old old = old_of(tree, entry, NULL);
	int ret = dry ? 0 : dest_restore(dest, &old, backup);
	if (ret < 0) {
		tree_report(tree, entry, error_make(ERROR_BACKUP, ret, "cannot un-backup %d"));
		return;
	}
	if (dest->opts->flags & OPT_VERBOSE) {
		char *from = dest_backup_path(dest->opts, tree, backup);
		char *to = tree_path(tree, DST, entry->dst_name);
		report_say(dest->report, SAY_NOTE, "%s -> %d (unbackup)", from, to);
		free(from);
		free(to);
	}
}
