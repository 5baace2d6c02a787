// SPDX-License-Identifier: MIT
#include "copy/file-impl.h"

#include "base/open.h"
#include "base/opts.h"
#include "display/progress.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/** An entry that would be copied (--dry-run). */
struct simulated {
	struct file_context *ctx;
	struct tree *tree;
	const struct entry *entry;
	const struct stat *st;
	/** Whether something stands at the destination, and its stat, no link followed. */
	bool exists;
	struct stat there;
	struct judged judged;
	/** Whether its data would be read and written. */
	bool as_regular;
	/** The error message if it could not be made. */
	const char *what;
	/** Which of enum opt_flags would let it replace what stands there. */
	unsigned replace;
};

static void say_removed(const struct simulated *f) {
	tree_say(f->tree, f->entry, SAY_REMOVED, "removed %d");
}

/** Choose what the entry would become. */
static void look_at_kind(struct simulated *f) {
	const struct opts *opts = f->ctx->files->opts;
	mode_t mode = f->st->st_mode;
	bool contents = !(opts->flags & OPT_RECURSIVE) || (opts->flags & OPT_COPY_CONTENTS);

	f->replace = OPT_FORCE;
	if (opts->flags & OPT_SYMBOLIC_LINK) {
		f->what = "cannot create symbolic link %d to %s";
	} else if (opts->flags & OPT_HARD_LINK) {
		f->what = "cannot create hard link %d to %s";
		f->replace = OPT_FORCE | OPT_INTERACTIVE;
	} else if (S_ISREG(mode) || (contents && !S_ISLNK(mode))) {
		f->what = "cannot create regular file %d";
		f->as_regular = true;
	} else if (S_ISLNK(mode)) {
		f->what = "cannot create symbolic link %d";
	} else {
		f->what = S_ISFIFO(mode) ? "cannot create fifo %d" : "cannot create special file %d";
		f->replace = 0;
	}
}

/** Judge the destination. Returns whether it would be made. */
static bool look_at_destination(struct simulated *f) {
	struct dest *dest = f->ctx->files->dest;
	struct error fail = NO_ERROR;
	f->judged.verdict = DEST_CREATE;
	if (f->tree->flags & TREE_ABSENT) {
		return true;
	}
	if (fstatat(f->tree->fd[DST], f->entry->dst_name, &f->there, AT_SYMLINK_NOFOLLOW) != 0) {
		if (errno != ENOENT) {
			tree_report(f->tree, f->entry, error_make(ERROR_STAT, errno, "cannot stat %d"));
			f->judged.verdict = DEST_REFUSE;
			return false;
		}
	} else {
		f->exists = true;
		f->judged.verdict = dest_judge(dest, f->tree, f->entry, f->st, &f->judged.found, &fail);
	}
	if (f->judged.verdict == DEST_OVERWRITE || f->judged.verdict == DEST_CREATE) {
		f->judged.verdict = dest_simulate(dest, f->tree, f->entry, f->judged.verdict, &fail);
	}
	if (fail.text) {
		tree_report(f->tree, f->entry, fail);
	}
	return f->judged.verdict == DEST_OVERWRITE || f->judged.verdict == DEST_CREATE;
}

/** The error of removing what stands at the destination. */
static struct error simulate_remove(const struct simulated *f) {
	int ret = tree_may_make(f->tree, f->entry->dst_name);
	if (ret < 0) {
		return error_make(ERROR_REMOVE, ret, "cannot remove %d");
	}
	say_removed(f);
	return NO_ERROR;
}

/** The error of writing into an existing regular file, or into what a link there leads to. */
static struct error simulate_overwrite(const struct simulated *f) {
	const struct files *files = f->ctx->files;
	int dir = f->tree->fd[DST];
	const char *name = f->entry->dst_name;
	bool link = S_ISLNK(f->there.st_mode);

	if (S_ISDIR(f->judged.found.st.st_mode)) {
		return error_make(ERROR_REMOVE, EISDIR, files->opts->flags & OPT_FORCE ? "cannot remove %d" : f->what);
	}
	if (dest_is_strangers(files->opts, f->tree, f->st, &f->judged.found.st)) {
		return files->opts->flags & OPT_ATTRIBUTES_ONLY ? file_not_giving() : simulate_remove(f);
	}
	if (faccessat(dir, name, W_OK, AT_EACCESS) != 0) {
		return files->opts->flags & OPT_FORCE ? simulate_remove(f) : error_make(ERROR_CREATE, errno, f->what);
	}
	struct target_found there = {.link = link};
	struct error fail = NO_ERROR;
	if (open_look(dir, name, 0, &there.st, &there.mount) < 0 || !S_ISREG(there.st.st_mode)
		|| file_admit(files, f->tree, f->st, &there, &fail) == TARGET_REFUSE)
	{
		return fail;
	}
	if (file_is_also_source(files, &there)) {
		say_removed(f);
	}
	return NO_ERROR;
}

/** Whether the entry would be written through a symbolic link that leads nowhere, which only POSIXLY_CORRECT allows. */
static bool leads_nowhere(const struct simulated *f) {
	const struct opts *opts = f->ctx->files->opts;
	struct stat st;
	bool in_place = !(opts->flags & OPT_REMOVE_DESTINATION) && opts->backup == BACKUP_NONE;
	return f->as_regular && f->exists && S_ISLNK(f->there.st_mode) && in_place && !(opts->flags & OPT_POSIX)
		&& fstatat(f->tree->fd[DST], f->entry->dst_name, &st, 0) != 0;
}

/** Whether a device would be made, which needs privileges. */
static bool is_device(const struct simulated *f) {
	return !f->as_regular && (S_ISCHR(f->st->st_mode) || S_ISBLK(f->st->st_mode))
		&& !(f->ctx->files->opts->flags & (OPT_SYMBOLIC_LINK | OPT_HARD_LINK));
}

/** The error of making the entry. */
static struct error simulate_create(const struct simulated *f) {
	const char *name = f->entry->dst_name;
	size_t len = strlen(name);

	if (!f->exists && (len == 0 || name[len - 1] == '/')) {
		return error_make(ERROR_CREATE, len > 0 && f->as_regular ? ENOTDIR : ENOENT, f->what);
	}
	if (leads_nowhere(f)) {
		return error_make(ERROR_COPY, 0, "not writing through dangling symlink %d");
	}
	int ret = tree_may_make(f->tree, name);
	if (ret == 0 && is_device(f) && !(f->ctx->files->opts->flags & OPT_PRIVILEGED)) {
		ret = -EPERM;
	}
	return ret < 0 ? error_make(ERROR_CREATE, ret, f->what) : NO_ERROR;
}

/** Whether moving the destination out of the way would move the source away. */
static bool would_be_removed(const struct simulated *f) {
	const struct tree *tree = f->tree;
	if (!f->exists || f->judged.verdict != DEST_CREATE || !inode_same(inode_of(&f->there), inode_of(f->st))) {
		return false;
	}
	return f->st->st_nlink == 1
		|| dest_same_entry(tree->fd[SRC], f->entry->name, tree->fd[DST], f->entry->dst_name, AT_SYMLINK_NOFOLLOW);
}

/** The error of copying the entry. */
static struct error simulate_fail(const struct simulated *f) {
	const struct opts *opts = f->ctx->files->opts;

	if (f->as_regular && would_be_removed(f)) {
		return error_make(ERROR_OPEN, ENOENT, "cannot open %s for reading");
	}
	// faccessat(2) follows a link here just as the stat of the source did
	if (f->as_regular && faccessat(f->tree->fd[SRC], f->entry->name, R_OK, AT_EACCESS) != 0) {
		return error_make(ERROR_OPEN, errno, "cannot open %s for reading");
	}
	if ((opts->flags & OPT_SYMBOLIC_LINK) && file_link_leads_elsewhere(f->tree, f->entry)) {
		return error_make(ERROR_COPY, 0, file_leads_elsewhere);
	}
	if (f->judged.verdict == DEST_CREATE) {
		return simulate_create(f);
	}
	if (f->as_regular) {
		return simulate_overwrite(f);
	}
	return opts->flags & f->replace ? NO_ERROR : error_make(ERROR_CREATE, EEXIST, f->what);
}

/** Whether the entry would become a link to another name that is copied. */
static bool is_other_name(const struct simulated *f) {
	struct file_context *ctx = f->ctx;
	const struct link_name *first;
	struct link *link;
	struct list waiting;

	if (!file_has_links(ctx, f->tree, f->st)) {
		return false;
	}
	enum link_verdict met =
		hardlinks_enter(ctx->files->hardlinks, inode_of(f->st), f->tree, f->entry, NULL, &link, &first);
	if (met == LINK_COPY) {
		list_init(&waiting);
		hardlinks_done(ctx->files->hardlinks, link, f->tree, (struct inode) {0}, &waiting);
		for (struct list *node; (node = list_pop(&waiting));) {
			link_name_free(list_item(node, struct link_name, node));
		}
	}
	return met == LINK_TO || met == LINK_WAIT;
}

/** Count what would be made. Returns its type, as tree_change() wants it. */
static mode_t count(const struct simulated *f) {
	struct counters *counters = f->ctx->counters;
	unsigned flags = f->ctx->files->opts->flags;
	counter_add(&counters->files, 1);
	bool linked = f->as_regular && file_would_link_earlier(f->ctx->files, f->tree, f->entry, f->st);
	if ((flags & OPT_HARD_LINK) || (!(flags & OPT_SYMBOLIC_LINK) && is_other_name(f)) || linked) {
		counter_add(&counters->hard_links, 1);
		return 0;
	}
	if ((flags & OPT_SYMBOLIC_LINK) || (!f->as_regular && S_ISLNK(f->st->st_mode))) {
		counter_add(&counters->symlinks, 1);
		return S_IFLNK;
	}
	if (!f->as_regular) {
		counter_add(&counters->specials, 1);
		return f->st->st_mode;
	}
	if (S_ISREG(f->st->st_mode) && !(flags & OPT_ATTRIBUTES_ONLY)) {
		counter_add(&counters->bytes, (uint64_t)f->st->st_size);
		counter_add(&counters->data, (uint64_t)f->st->st_size);
	}
	return S_IFREG;
}

void file_simulate(struct file_context *ctx, struct tree *tree, const struct entry *entry, const struct stat *st) {
	const struct opts *opts = ctx->files->opts;
	struct simulated f = {.ctx = ctx, .tree = tree, .entry = entry, .st = st};
	struct stat got;

	if (!st) {
		if (fstatat(tree->fd[SRC], entry->name, &got, tree_follows(tree) ? 0 : AT_SYMLINK_NOFOLLOW) != 0) {
			tree_report(tree, entry, error_make(ERROR_STAT, errno, "cannot stat %s"));
			return;
		}
		f.st = &got;
	}
	if (S_ISDIR(f.st->st_mode)) {
		tree_report(tree, entry, error_make(ERROR_COPY, 0, "skipping file %s, as it was replaced while being copied"));
		return;
	}
	look_at_kind(&f);
	if (!look_at_destination(&f)) {
		if (opts->itemize && file_sets_attributes(ctx, tree, entry, f.st, &f.judged.found)) {
			tree_change(tree, entry, CHANGE_ATTRIBUTES, f.there.st_mode);
		}
		counter_add(f.judged.verdict == DEST_SKIP || f.judged.verdict == DEST_DONE ? &ctx->counters->skipped
																				   : &ctx->counters->failed,
			1);
		if (f.judged.verdict != DEST_REFUSE && (opts->flags & OPT_DEBUG)) {
			tree_say(tree, entry, SAY_NOTE, "skipped %d");
		}
		free(f.judged.found.backup);
		return;
	}
	file_say(ctx, tree, entry, f.judged.found.backup);
	struct error fail = simulate_fail(&f);
	if (fail.text) {
		tree_report(tree, entry, fail);
		counter_add(&ctx->counters->failed, 1);
		if (f.judged.found.backup) {
			dest_undo_backup(ctx->files->dest, tree, entry, f.judged.found.backup);
		}
	} else {
		tree_change(tree, entry, f.exists ? CHANGE_DATA : CHANGE_NEW, count(&f));
	}
	free(f.judged.found.backup);
}
