// SPDX-License-Identifier: MIT
#include "tree/tree-impl.h"

#include "base/io.h"
#include "base/open.h"
#include "base/opts.h"
#include "filter/select.h"
#include "report/report.h"
#include "sys/fstype.h"
#include "sys/meta.h"
#include "sys/symlink.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct error tree_explain(const struct tree *tree, const struct entry *entry, struct error error) {
	struct stat st;
	if (fstatat(tree->fd[DST], entry->dst_name, &st, AT_SYMLINK_NOFOLLOW) != 0 && errno != ENOENT) {
		return error_make(ERROR_STAT, errno, "cannot stat %d");
	}
	return error;
}

bool tree_follows(const struct tree *tree) {
	enum deref deref = tree->trees->opts->deref;
	return deref == DEREF_ALWAYS || (deref == DEREF_OPERANDS && (tree->flags & TREE_OPERANDS));
}

static const char *dst_name_of(const struct entry *entry) {
	return tree_or_dot(entry->dst_name);
}

/**
 * Open a source directory of TREE; LED is set to whether a symbolic link leads there. Returns a descriptor or -errno.
 */
static int open_directory(const struct tree *tree, const char *name, int flags, bool *led) {
	int fd = openat(tree->fd[SRC], name, flags | O_NOFOLLOW);
	*led = fd < 0 && (errno == ENOTDIR || errno == ELOOP) && !(flags & O_NOFOLLOW);
	if (*led) {
		fd = openat(tree->fd[SRC], name, flags);
	}
	return or_errno(fd);
}

/**
 * Open the source for reading; if it is unreadable and above an operand, only for searching. Returns 0 or the
 * (positive) errno of opening it for reading.
 */
static int open_fd(struct tree *tree, const char *name, int flags, bool *led) {
	tree->fd[SRC] = open_directory(tree->parent, name, flags, led);
	if (tree->fd[SRC] >= 0) {
		return 0;
	}
	int err = -tree->fd[SRC];
	tree->fd[SRC] = -1;
	if (err == EACCES && (tree->flags & TREE_OPERANDS)) {
		tree->flags |= TREE_SRC_BY_NAME;
		tree->fd[SRC] = openat(tree->parent->fd[SRC], name, O_PATH | (flags & ~O_RDONLY));
	}
	return err;
}

/** Read the status of the source: by descriptor if it is open, else by name. Returns 0 or -errno. */
static int look_at_source(struct tree *tree, const char *name, int flags, bool *led) {
	struct tree *parent = tree->parent;
	if (tree->fd[SRC] < 0) {
		int at = flags & O_NOFOLLOW ? AT_SYMLINK_NOFOLLOW : 0;
		return or_errno(fstatat(parent->fd[SRC], name, &tree->src_stat, at));
	}
	bool mount = false;
	int ret = open_look(tree->fd[SRC], "", AT_EMPTY_PATH, &tree->src_stat, &mount);
	if (mount && !(parent->flags & TREE_OPERANDS)) {
		*led = true;
		atomic_store(&tree->trees->mounted, true);
	}
	return ret;
}

/** The flags for the source's file system: TREE_UNSIZED, TREE_UNLISTED_ACLS. */
static unsigned source_flags(const struct tree *tree) {
	const struct tree *parent = tree->parent;
	if (tree->inode[SRC].dev == parent->inode[SRC].dev && !(parent->flags & TREE_BASE)) {
		return parent->flags & (TREE_UNSIZED | TREE_UNLISTED_ACLS);
	}
	return (fstype_is(tree->fd[SRC], FSTYPE_UNSIZED) ? TREE_UNSIZED : 0)
		| (meta_lists_acls(tree->fd[SRC]) ? 0 : TREE_UNLISTED_ACLS);
}

/** Open the source. An unreadable directory is still copied, with its attributes. */
static struct error open_source(struct tree *tree, const struct entry *entry) {
	struct tree *parent = tree->parent;
	bool prefix = tree->flags & TREE_OPERANDS;
	bool follow = tree_follows(parent) || prefix;
	tree->flags |= follow ? TREE_FOLLOWED : 0;
	int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW);
	bool led;
	int err = open_fd(tree, entry->name, flags, &led);
	int ret = look_at_source(tree, entry->name, flags, &led);
	if (ret != 0) {
		return prefix ? error_make(ERROR_PRESERVE, -ret, "failed to get attributes of %s")
					  : error_make(ERROR_STAT, -ret, "cannot stat %s");
	}
	if (!S_ISDIR(tree->src_stat.st_mode)) {
		return prefix ? error_make(ERROR_PRESERVE, err, "failed to get attributes of %s")
					  : error_make(ERROR_ACCESS, err, "cannot access %s");
	}
	tree->inode[SRC] = inode_of(&tree->src_stat);
	tree->flags |= led && !(parent->flags & TREE_OPERANDS) ? TREE_LED | TREE_LED_AWAY : parent->flags & TREE_LED_AWAY;
	if (tree->fd[SRC] < 0) {
		tree->flags |= TREE_CLOSED;
		tree->src_err = err;
	} else {
		tree->flags |= source_flags(tree);
	}
	return NO_ERROR;
}

/** Load the rules that select which names of TREE are copied. */
static struct error choose(struct tree *tree) {
	const struct opts *opts = tree->trees->opts;
	struct tree *parent = tree->parent;
	if (opts->select) {
		// Do not read directories that are only above an operand
		int fd = tree->flags & TREE_OPERANDS ? -1 : tree->fd[SRC];
		tree->select = parent->select ? select_enter(parent->select, tree->name[SRC], fd)
									  : select_begin(opts->select, tree->name[SRC], fd);
	}
	if (tree->select && tree->select->too_much) {
		char *path = tree_path(tree, SRC, ".gitignore");
		report_warn(tree->trees->report, ERROR_COPY, 0, "warning: passing over %s, which is too large", path, NULL);
		free(path);
	}
	return opts->select && !tree->select ? error_make(ERROR_ACCESS, ENOMEM, "cannot access %s") : NO_ERROR;
}

/** Whether the destination existed and the directory is only on the way to a name in a list. */
static bool is_only_implied(const struct tree *tree) {
	const struct filelist *names = tree->select ? tree->select->filelist : NULL;
	return names && !names->listed && !(tree->flags & TREE_CREATED);
}

/** The top of the operand that TREE belongs to. */
static struct tree *top_of(struct tree *tree) {
	while (!(tree->parent->flags & TREE_BASE)) {
		tree = tree->parent;
	}
	return tree;
}

/** Whether the operand and its destination are the same directory. */
static bool is_its_own_copy(const struct tree *tree, const struct entry *entry) {
	struct stat st;
	enum update update = tree->trees->opts->update;
	return (tree->parent->flags & TREE_OPERANDS) && update != UPDATE_NONE && update != UPDATE_NONE_FAIL
		&& fstatat(tree->parent->fd[DST], dst_name_of(entry), &st, AT_SYMLINK_NOFOLLOW) == 0
		&& inode_same(inode_of(&st), tree->inode[SRC]);
}

/** Report once that an operand is copied into itself. */
static void report_circle(struct tree *tree) {
	struct tree *top = top_of(tree);
	tree_note_failure(tree->parent);
	if (!atomic_exchange(&top->circular, true)) {
		char *src = tree_path(top, SRC, NULL);
		char *dst = tree_path(top, DST, NULL);
		report_error(tree->trees->report, ERROR_COPY, 0, "cannot copy a directory, %s, into itself, %d", src, dst);
		free(src);
		free(dst);
	}
}

/** Whether the source is a copy made by this run, or a link to one of its own parents; if so, this is reported. */
static bool leads_in_circles(struct tree *tree, const struct entry *entry) {
	struct trees *trees = tree->trees;

	bool made = tree_is_made(trees, tree->inode[SRC]) || ((tree->flags & TREE_LED) && tree_leads_into_made(tree));
	bool away = tree->flags & (TREE_FOLLOWED | TREE_LED_AWAY);
	for (struct tree *t = tree->parent; away && !(t->flags & TREE_OPERANDS); t = t->parent) {
		made |= inode_same(t->inode[DST], tree->inode[SRC]);
	}
	if (made && is_its_own_copy(tree, entry)) {
		// With --link an operand that is its own copy is done
		if (!(trees->opts->flags & OPT_HARD_LINK)) {
			tree_report(tree->parent, entry, error_make(ERROR_COPY, 0, "%s and %d are the same file"));
		}
		return true;
	}
	if (made || tree_meets_copy(tree)) {
		report_circle(tree);
		return true;
	}
	for (struct tree *t = tree->parent; (tree->flags & TREE_FOLLOWED) && !(t->flags & TREE_OPERANDS); t = t->parent) {
		if (inode_same(t->inode[SRC], tree->inode[SRC])) {
			tree_report(tree->parent, entry, error_make(ERROR_COPY, 0, "cannot copy cyclic symbolic link %s"));
			return true;
		}
	}
	return false;
}

/** Open the destination, only for searching if it is unreadable. Returns a descriptor or an error of symlink_open(). */
static int open_there(struct tree *tree, const char *name) {
	int dir = tree->parent->fd[DST];
	bool follow = tree->flags & TREE_DST_FOLLOWED;
	bool trusted = tree_is_named_whole(tree->parent);
	int ret = -EACCES;
	for (int access = O_RDONLY; ret == -EACCES && access >= 0; access = access == O_PATH ? -1 : O_PATH) {
		int flags = access | O_DIRECTORY | O_CLOEXEC;
		int fd = openat(dir, name, follow && trusted ? flags : flags | O_NOFOLLOW);
		ret = or_errno(fd);
		if (ret == -ENOTDIR && follow && !trusted) {
			ret = tree_symlink_open(tree->parent, name, flags);
			ret = ret == -ESTALE ? -ENOTDIR : ret;
			tree->flags |= ret >= 0 ? TREE_ELSEWHERE : 0;
		}
		tree->flags |= ret >= 0 && access == O_PATH ? TREE_DST_PATH : 0;
	}
	return ret;
}

/** Whether a copy is noted in trees::made: a source may lead into a parent that existed before. */
static bool is_noted(const struct tree *tree) {
	return !(tree->parent->flags & TREE_CREATED);
}

/** Open a directory that was just made, record it in trees::made, and make sure that we can work in it. */
static struct error adopt_directory(struct tree *tree, const char *name) {
	int ret = open_there(tree, name);
	if (ret < 0) {
		return error_make(ERROR_ACCESS, ret, "cannot access %d");
	}
	tree->fd[DST] = ret;
	if (fstat(tree->fd[DST], &tree->dst_stat) != 0) {
		return error_make(ERROR_STAT, errno, "cannot stat %d");
	}
	tree->made_top = tree->made_top ? tree->made_top : tree;
	if (is_noted(tree) && inode_set_add(&tree->trees->made, inode_of(&tree->dst_stat)) < 0) {
		return error_make(ERROR_CREATE, ENOMEM, "cannot create directory %d");
	}
	mode_t mode = tree->dst_stat.st_mode;
	if ((mode & S_IRWXU) == S_IRWXU) {
		return NO_ERROR;
	}
	tree->flags |= TREE_WIDENED;
	ret = meta_chmod_path(tree->fd[DST], mode | S_IRWXU);
	if (ret == 0 && (tree->flags & TREE_DST_PATH)) {
		// It is readable now: open_copy() reopens it and checks that it is still the same
		tree->flags &= ~(unsigned)TREE_DST_PATH;
		close_fd(&tree->fd[DST]);
	}
	return ret < 0 ? error_make(ERROR_PRESERVE, ret, "setting permissions for %d") : NO_ERROR;
}

/** The mode to make the destination with. */
static mode_t create_mode(const struct tree *tree) {
	const struct opts *opts = tree->trees->opts;
	mode_t mode = tree->src_stat.st_mode;
	const unsigned later = PRESERVE_OWNERSHIP | PRESERVE_MODE | PRESERVE_MODE_CHANGED;
	if (!(tree->flags & TREE_OPERANDS) || (opts->preserve & later)) {
		return meta_create_mode(opts, mode);
	}
	// cp gives these their final mode at once
	return opts->preserve & PRESERVE_MODE_NOT ? 0777 : mode & 07777;
}

/**
 * Make the destination.
 *
 * @param gone  Whether the existing file is out of the way; with --dry-run it still stands there.
 * @return An error, with the errno EEXIST if something stands there.
 */
static struct error make(struct tree *tree, const char *name, bool gone) {
	struct trees *trees = tree->trees;
	const char *what = tree->flags & TREE_OPERANDS ? "cannot make directory %d" : "cannot create directory %d";
	struct error fail;

	if (trees->opts->flags & OPT_DRY_RUN) {
		int ret = tree_simulate_make(tree, name, gone);
		return ret < 0 ? error_make(ERROR_CREATE, ret, what) : NO_ERROR;
	}
	mode_t mode = create_mode(tree);
	// Hold the lock, so that no thread meets the new directory as a source before it is noted as a copy
	bool noted = is_noted(tree);
	if (noted) {
		mutex_lock(&trees->lock);
	}
	if (mkdirat(tree->parent->fd[DST], name, mode) == 0) {
		tree->flags |= TREE_CREATED;
		counter_add(&trees->created, 1);
		fail = adopt_directory(tree, name);
	} else {
		fail = error_make(ERROR_CREATE, errno, what);
	}
	if (noted) {
		mutex_unlock(&trees->lock);
	}
	return fail;
}

/** Examine the file that stands where the destination is to be made. Returns whether it is now out of the way. */
static bool look_at_existing(struct tree *tree, const struct entry *entry, const char *name, struct error *fail) {
	struct trees *trees = tree->trees;
	int dir = tree->parent->fd[DST];
	bool prefix = tree->flags & TREE_OPERANDS;
	bool follow = prefix || (trees->opts->flags & OPT_KEEP_DIRECTORY_SYMLINK);
	// A slash after the operand's name means the directory, even if a link leads to it
	follow = (follow && !(trees->opts->flags & OPT_BENEATH)) || name[strlen(name) - 1] == '/';
	tree->flags |= follow ? TREE_DST_FOLLOWED : 0;
	bool among = tree->parent->flags & TREE_AMONG_MADE;

	if (fstatat(dir, name, &tree->dst_stat, follow ? 0 : AT_SYMLINK_NOFOLLOW) != 0) {
		// With ENOENT it is a link that leads nowhere
		*fail = errno == ENOENT || prefix ? *fail : error_make(ERROR_STAT, errno, "cannot stat %d");
	} else if (follow && tree_leads_through_made(tree->parent, name, &among)) {
		*fail = error_make(ERROR_COPY, 0, tree_made_link);
	} else if (prefix) {
		*fail = S_ISDIR(tree->dst_stat.st_mode) ? NO_ERROR
												: error_make(ERROR_COPY, 0, "%d exists but is not a directory");
	} else {
		*fail = NO_ERROR;
		switch (trees->judge(trees->dest, tree, entry, fail)) {
		case TREE_USE:
			break;
		case TREE_MAKE:
			return true;
		case TREE_LEAVE:
			tree->flags |= TREE_LEFT;
			break;
		}
	}
	among |= tree_is_made(trees, inode_of(&tree->dst_stat));
	tree->flags |= among ? TREE_AMONG_MADE : 0;
	return false;
}

/**
 * The error for a directory on the way to an operand (--parents): if none of its attributes are preserved, cp looks at
 * the destination first.
 */
static struct error look_past(struct tree *tree, const struct entry *entry, struct error fail) {
	struct stat st;
	bool kept = tree->trees->opts->preserve & (PRESERVE_OWNERSHIP | PRESERVE_MODE | PRESERVE_TIMESTAMPS);
	if (!kept && fstatat(tree->parent->fd[DST], dst_name_of(entry), &st, 0) == 0 && !S_ISDIR(st.st_mode)) {
		return error_make(ERROR_COPY, 0, "%d exists but is not a directory");
	}
	return fail;
}

/** Make the destination, or decide about the file that stands there. */
static struct error make_copy(struct tree *tree, const struct entry *entry) {
	const char *name = dst_name_of(entry);
	struct error fail = make(tree, name, false);

	// In a directory that this run made, only an entry of this run can stand, and "." and ".."
	bool ours = (tree->parent->flags & TREE_CREATED) && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
	if (fail.err == EEXIST && !ours && look_at_existing(tree, entry, name, &fail)) {
		return make(tree, name, true);
	}
	bool looked_at = !(tree->flags & (TREE_CREATED | TREE_OPERANDS));
	if (fail.text && looked_at && fail.err != 0 && fail.err != EEXIST) {
		return tree_explain(tree->parent, entry, fail);
	}
	return fail;
}

/**
 * If the directory belongs to a user who will not own the copy, chown it to us: until its attributes are set that user
 * could read new files and rename entries. Also remove permissions the copy will not have. Ignore errors: users we
 * cannot lock out already had access. Returns whether only we or root own it.
 */
static bool claim_ownership(const struct tree *tree) {
	const struct opts *opts = tree->trees->opts;
	const struct stat *dst = &tree->dst_stat;
	const struct stat *src = &tree->src_stat;
	bool created = tree->flags & TREE_CREATED;
	bool closed = opts->preserve & (PRESERVE_OWNERSHIP | PRESERVE_MODE_CHANGED);
	uid_t uid = meta_owner(opts, src).uid;
	bool own = symlink_owner_is_trusted(dst);
	bool stranger = uid != (uid_t)-1 && (opts->flags & OPT_PRIVILEGED) && dst->st_uid != geteuid()
		&& (dst->st_uid != uid || created);

	// Whether directories that --parents finds get attributes is decided later
	bool found_parent = (tree->flags & (TREE_OPERANDS | TREE_CREATED)) == TREE_OPERANDS;
	if ((tree->flags & (TREE_AS_IS | TREE_DST_PATH)) || found_parent
		|| !(opts->preserve & (PRESERVE_MODE | PRESERVE_MODE_CHANGED))
		|| inode_same(tree->inode[SRC], tree->inode[DST]))
	{
		return own;
	}
	if (stranger) {
		own = fchown(tree->fd[DST], geteuid(), (gid_t)-1) == 0;
	}
	mode_t narrow = dst->st_mode;
	if (!created) {
		narrow = meta_interim_mode(opts, src, tree->fd[SRC], dst, tree->fd[DST]);
	} else if (closed) {
		// mkdirat() left out these bits; they are set only if another directory was put in its place
		narrow &= ~(mode_t)(S_IRWXG | S_IRWXO);
	}
	if (stranger || narrow != dst->st_mode) {
		fchmod(tree->fd[DST], narrow & 07777);
	}
	return own;
}

/** Whether new files in the destination get an ACL from it, or may: its owner can give it a default ACL any time. */
static bool may_give_acls(const struct tree *tree, bool own) {
	return !own || (tree->flags & TREE_DST_PATH) || meta_may_have_default_acl(tree->fd[DST]);
}

/** Open the destination if it is closed, and remember its inode. */
static struct error open_copy(struct tree *tree, const struct entry *entry) {
	if (tree->flags & TREE_ABSENT) {
		int ret = tree->fd[DST] = tree_open_absent();
		return ret < 0 ? error_make(ERROR_ACCESS, ret, "cannot access %d") : NO_ERROR;
	}
	int ret = tree->fd[DST] >= 0 ? tree->fd[DST] : open_there(tree, dst_name_of(entry));
	struct stat st;
	bool mount;
	if (ret == SYMLINK_REFUSED) {
		return error_make(ERROR_COPY, 0, tree_made_link);
	}
	if (ret == SYMLINK_FOREIGN) {
		return error_make(ERROR_COPY, 0, "not entering %d: who made this symbolic link does not own what it leads to");
	}
	if (ret < 0) {
		return error_make(ERROR_ACCESS, ret, "cannot access %d");
	}
	tree->fd[DST] = ret;
	ret = open_look(tree->fd[DST], "", AT_EMPTY_PATH, &st, &mount);
	if (ret < 0) {
		return error_make(ERROR_ACCESS, ret, "cannot access %d");
	}
	const struct inode inode = inode_of(&st);
	// Inode numbers may change on some file systems, so refuse only if others could have exchanged the directory
	if (!inode_same(inode, inode_of(&tree->dst_stat)) && !tree_is_named_whole(tree->parent)
		&& !symlink_is_closed(tree->parent->fd[DST]))
	{
		return error_make(ERROR_COPY, 0,
			"skipping directory %s, as its destination %d was replaced while being copied");
	}
	tree->inode[DST] = inode;
	tree_choose_flush(tree);
	return tree_spare_source(tree, mount);
}

/** Free a tree that could not be entered. */
static void discard(struct tree *tree) {
	struct tree *parent = tree->parent;
	close_fd(&tree->fd[SRC]);
	close_fd(&tree->fd[DST]);
	tree_drop(tree);
	tree_unref(parent);
}

/**
 * Open the source of TREE and make or open its copy. Returns whether TREE is to be copied; sets FAIL, also to NO_ERROR.
 */
static bool enter(struct tree *tree, const struct entry *entry, enum tree_enter_flags flags, struct error *fail) {
	*fail = open_source(tree, entry);
	if (fail->text && (flags & TREE_ENTER_PREFIX)) {
		*fail = look_past(tree, entry, *fail);
	}
	if (!fail->text) {
		*fail = choose(tree);
	}
	if (fail->text || (!(flags & TREE_ENTER_PREFIX) && leads_in_circles(tree, entry))) {
		return false;
	}
	*fail = make_copy(tree, entry);
	if (fail->text || (tree->flags & TREE_LEFT)) {
		return false;
	}
	*fail = open_copy(tree, entry);
	return !fail->text;
}

/** Report a copy into itself (--dry-run), an unreadable source, and a new directory (-v). */
static void announce(struct tree *tree, const struct entry *entry, enum tree_enter_flags flags) {
	struct tree *parent = tree->parent;
	const struct opts *opts = parent->trees->opts;
	if ((opts->flags & OPT_DRY_RUN) && !(tree->flags & TREE_OPERANDS) && tree_would_meet_itself(tree)) {
		report_circle(tree);
	}
	if (tree->src_err != 0) {
		tree_report(parent, entry, error_make(ERROR_ACCESS, tree->src_err, "cannot access %s"));
	}
	if ((tree->flags & TREE_CREATED) && (opts->flags & OPT_VERBOSE)) {
		const char *what = flags & TREE_ENTER_PREFIX ? "%S -> %E" : "%s -> %d";
		tree_say(parent, entry, SAY_COPYING, opts->flags & OPT_MOVE ? "created directory %d" : what);
	}
	if (tree->flags & TREE_CREATED) {
		tree_change(parent, entry, CHANGE_NEW, S_IFDIR);
	}
}

/** Whether the source is on another file system than its parent, and so is not listed (-x). */
static bool is_elsewhere(const struct tree *tree) {
	const struct tree *parent = tree->parent;
	return (parent->trees->opts->flags & OPT_ONE_FILE_SYSTEM) && !(parent->flags & TREE_OPERANDS)
		&& parent->inode[SRC].dev != tree->inode[SRC].dev;
}

struct tree *tree_try_enter(struct tree *parent, const struct entry *entry, enum tree_enter_flags flags,
	struct error *why) {
	// With a destination of '' the names below start without "./"
	const char *dst_name = parent->name[DST] ? dst_name_of(entry) : entry->dst_name;
	struct tree *tree = tree_new(parent->trees, parent, entry->name, dst_name);
	if (!tree) {
		*why = error_make(ERROR_ACCESS, ENOMEM, "cannot access %s");
		return NULL;
	}
	tree->flags |= flags & TREE_ENTER_PREFIX ? TREE_OPERANDS : 0;
	tree->flags |= flags & TREE_ENTER_AS_IS ? TREE_AS_IS : 0;
	if (!enter(tree, entry, flags, why)) {
		discard(tree);
		return NULL;
	}
	tree->flags |= is_only_implied(tree) ? TREE_AS_IS : 0;
	// Ask after claim_ownership(): then no other user can give it a default ACL
	if (!(parent->trees->opts->flags & OPT_DRY_RUN) && may_give_acls(tree, claim_ownership(tree))) {
		tree->flags |= TREE_DEFAULT_ACL;
	}
	announce(tree, entry, flags);
	tree->flags |= is_elsewhere(tree) ? TREE_CLOSED : 0;
	tree_opened(tree);
	return tree;
}

struct tree *tree_enter(struct tree *parent, const struct entry *entry, enum tree_enter_flags flags) {
	struct error fail;
	struct tree *tree = tree_try_enter(parent, entry, flags, &fail);
	if (fail.text) {
		tree_report(parent, entry, fail);
	}
	return tree;
}
