// SPDX-License-Identifier: MIT
#include "copy/file-impl.h"

#include "base/io.h"
#include "base/open.h"
#include "base/opts.h"
#include "base/path.h"
#include "display/progress.h"
#include "report/report.h"
#include "sys/meta.h"
#include "sys/symlink.h"
#include "sys/tempfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/** Returned for a relative link (-s) that would be made in another directory than the current one. */
#define LINK_LEADS_ELSEWHERE (-EXDEV - 10000)

/** Returned for an error that was reported already, or will be. */
#define REPORTED (-ECANCELED - 10000)

/** Returned if cp's rules leave the destination as it is. */
#define LEFT_ALONE (-ECANCELED - 10001)

const char file_leads_elsewhere[] = "%D: can make relative symbolic links only in current directory";

/** Something other than a regular file that is being made. */
struct node {
	struct file_context *ctx;
	struct tree *tree;
	const struct entry *entry;
	const struct stat *st;
	/** Make it. Returns 0 or -errno. */
	int (*make)(const struct node *node);
	/**
	 * Set the attributes of what was made under NAME, and set node::made. A failure is reported. Returns whether it is
	 * still there. NULL if there is nothing to set.
	 */
	bool (*apply)(struct node *node, const char *name);
	/** The error message if it cannot be made. */
	const char *what;
	/** Which of enum opt_flags let it replace what stands there. */
	unsigned replace;
	/** The content of a symbolic link. */
	const char *target;
	/** The verdict on an existing destination, if it is known already. */
	struct judged judged;
	/** The inode of what was made, and whether its attributes were set before it got its name. */
	struct inode made;
	bool applied;
	/** What making it changes. */
	enum change change;
	/** Whether an attribute could not be set. */
	bool flawed;
};

/** Whether a node gets its name only when it has its attributes. */
static bool is_atomic(const struct node *node) {
	return file_is_atomic(node->ctx, node->entry);
}

static int make_hard_link(const struct node *node) {
	int flags = tree_follows(node->tree) ? AT_SYMLINK_FOLLOW : 0;
	int ret = linkat(node->tree->fd[SRC], node->entry->name, node->tree->fd[DST], node->entry->dst_name, flags);
	return or_errno(ret);
}

/** Make a node. A symbolic link is noted as made by this run. Returns 0 or -errno. */
static int make_noted(const struct node *node) {
	bool link = node->target
		|| (node->make == make_hard_link && S_ISLNK(node->st->st_mode) && !tree_follows(node->tree));
	if (!link) {
		return node->make(node);
	}
	// A link made by -s stays ours, whoever owns the source
	bool stays = node->ctx->files->opts->flags & OPT_SYMBOLIC_LINK;
	uid_t owner = meta_owner(node->ctx->files->opts, node->st).uid;
	bool noted = tree_begin_link(node->tree, stays || owner == (uid_t)-1 ? geteuid() : owner);
	int ret = node->make(node);
	if (noted) {
		tree_end_link(node->tree, ret == 0 ? node->entry->dst_name : NULL, node->target, inode_of(node->st));
	}
	return ret;
}

/** Make a node under another name. As file_try_tempfile() wants it. */
static int make_as(void *arg, const char *name) {
	struct node node = *(const struct node *)arg;
	struct entry entry = *node.entry;
	entry.dst_name = name;
	node.entry = &entry;
	return make_noted(&node);
}

/** Make a node under a temporary name, with its attributes if it must not appear without them. Returns 0 or -errno. */
static int make_tempfile(struct node *node, char **tempfile) {
	int ret = file_try_tempfile(node->tree, node->tree->fd[DST], node->entry->dst_name, make_as, node, tempfile);
	if (ret == 0 && node->apply && is_atomic(node)) {
		node->applied = node->apply(node, *tempfile);
		ret = node->applied ? 0 : REPORTED;
	}
	return ret;
}

/**
 * Make a node and move it to its name: over what stands there or, without REPLACE, only if nothing does. Returns 0 or
 * -errno.
 */
static int make_over(struct node *node, bool replace) {
	int dir = node->tree->fd[DST];
	const char *name = node->entry->dst_name;
	char *tempfile;
	struct stat st;
	int ret = make_tempfile(node, &tempfile);
	bool known = (ret == 0 || ret == REPORTED) && fstatat(dir, tempfile, &st, AT_SYMLINK_NOFOLLOW) == 0;
	if (ret == 0) {
		ret = replace ? or_errno(renameat(dir, tempfile, dir, name)) : tempfile_move(dir, tempfile, name);
	}
	// If both were links to one file, the rename did nothing
	if (known) {
		file_drop_tempfile(node->tree, dir, tempfile, inode_of(&st));
	}
	free(tempfile);
	return ret;
}

/** Make a node where nothing stands. Returns 0, -EEXIST if something does, or another -errno. */
static int make_new(struct node *node) {
	struct stat st;
	// A node without attributes is whole at once. A directory whose names cannot be changed allows only the final name
	if (!is_atomic(node) || !node->apply || !tempfile_can_go(node->tree->fd[DST])) {
		return make_noted(node);
	}
	if (fstatat(node->tree->fd[DST], node->entry->dst_name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
		return errno == ENOENT ? make_over(node, false) : -errno;
	}
	// The verdict is known already: make the real call, whose errno says more than EEXIST
	return node->judged.known ? make_noted(node) : -EEXIST;
}

/** Make a node where something may stand, by cp's rules. Returns as node::make; LEFT_ALONE; or REPORTED with FAIL. */
static int make_judged(struct node *node, struct error *fail) {
	struct judged *judged = &node->judged;
	if (!judged->known) {
		judged->verdict = dest_judge(node->ctx->files->dest, node->tree, node->entry, node->st, &judged->found, fail);
		judged->known = true;
	}
	bool overwrite = judged->verdict == DEST_OVERWRITE;
	if (judged->verdict == DEST_SKIP || judged->verdict == DEST_DONE) {
		file_leave(node->ctx, node->tree, node->entry, node->st, &judged->found);
		return LEFT_ALONE;
	}
	if (judged->verdict == DEST_REFUSE && file_put_off(node->ctx, node->tree, node->entry, &judged->found)) {
		return LEFT_ALONE;
	}
	if (!overwrite && judged->verdict != DEST_CREATE) {
		return REPORTED;
	}
	bool replace = (node->ctx->files->opts->flags & node->replace) && node->entry->dst_name[0] != '\0';
	int ret = judged->found.replace || (overwrite && replace) ? make_over(node, true) : make_new(node);
	return ret == -EEXIST && replace ? make_over(node, true) : ret;
}

/** The error for a node that could not be made. RET: what making it returned. */
static struct error why_not(const struct node *node, int ret) {
	if (ret == LINK_LEADS_ELSEWHERE) {
		return tree_explain(node->tree, node->entry, error_make(ERROR_COPY, 0, file_leads_elsewhere));
	}
	return ret == 0 || ret == REPORTED
		? NO_ERROR
		: tree_explain(node->tree, node->entry, error_make(ERROR_CREATE, -ret, node->what));
}

/** Count a node that was not made, and undo its backup. If FAIL has a text, report it or put the node aside. */
static void give_up(const struct node *node, struct error fail) {
	char *backup = node->judged.found.backup;
	bool deferred = fail.text && file_try_later(node->ctx, node->tree, node->entry, fail.err, TRY_FILE);
	if (fail.text && !deferred) {
		tree_report(node->tree, node->entry, fail);
	}
	if (!deferred) {
		file_failed(node->ctx, node->st);
	}
	if (backup) {
		dest_undo_backup(node->ctx->files->dest, node->tree, node->entry, backup);
	}
}

/** Make a node, by cp's rules if something stands there. Returns whether it is there now; a failure is reported. */
static bool make_node(struct node *node) {
	struct error fail = NO_ERROR;
	int ret = make_new(node);
	// '' fails with ENOENT, but cp treats it as the current directory
	bool exists = ret == -EEXIST && !(node->tree->flags & TREE_CREATED);
	if (exists || (ret == -ENOENT && node->entry->dst_name[0] == '\0')) {
		ret = make_judged(node, &fail);
	}
	if (ret == LEFT_ALONE) {
		return false;
	}
	node->change = exists ? CHANGE_DATA : CHANGE_NEW;
	// Print no line for a destination that is refused, or that cannot even be looked at
	bool refused = fail.text;
	fail = refused ? fail : why_not(node, ret);
	if (!refused && (!fail.text || fail.op == ERROR_CREATE || ret == LINK_LEADS_ELSEWHERE)) {
		file_say(node->ctx, node->tree, node->entry, node->judged.found.backup);
	}
	bool made = !fail.text && ret != REPORTED;
	if (!made) {
		give_up(node, fail);
	}
	free(node->judged.found.backup);
	return made && (!node->apply || node->applied || node->apply(node, node->entry->dst_name));
}

/**
 * Whether a node is made without any permissions at first. That keeps others out until its attributes are set, and
 * distinguishes it from what they may put in its place.
 */
static bool is_closed_at_first(const struct opts *opts) {
	return opts->preserve & (PRESERVE_ANY_MODE | PRESERVE_OWNERSHIP);
}

/** Whether everything made in DIR belongs to UID, another user than us. */
static bool gives_all_to(int dir, uid_t uid) {
	uid_t owner;
	return tempfile_owner(dir, &owner) == 0 && owner == uid && owner != geteuid();
}

/** Whether what has a node's name can be what was made. */
static bool is_made(const struct node *node, const struct stat *there) {
	int dir = node->tree->fd[DST];
	mode_t type = node->target ? S_IFLNK : node->st->st_mode & S_IFMT;
	bool device = type == S_IFCHR || type == S_IFBLK;
	if ((there->st_mode & S_IFMT) != type || (device && there->st_rdev != node->st->st_rdev)) {
		return false;
	}
	bool closed = type != S_IFLNK && is_closed_at_first(node->ctx->files->opts);
	bool as_made = there->st_uid == geteuid() && !(closed && (there->st_mode & 07777));
	// Some file systems give all files to one user or one mode: accept these if nobody else can be at work
	return as_made || symlink_is_closed(dir) || gives_all_to(dir, there->st_uid);
}

/**
 * Open what was just made, to set its attributes. Returns a descriptor (O_PATH) or -errno: -ESTALE if it was replaced.
 */
static int open_made(const struct node *node, const char *name, struct inode *made) {
	struct stat there;
	int fd = openat(node->tree->fd[DST], name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0) {
		return -errno;
	}
	int ret = or_errno(fstat(fd, &there));
	if (ret == 0 && !is_made(node, &there)) {
		ret = -ESTALE;
	}
	*made = inode_of(&there);
	if (ret < 0) {
		close_fd(&fd);
	}
	return ret < 0 ? ret : fd;
}

/** If /proc is not mounted, open the directory of a name. Returns a descriptor or -1. */
static int open_without_proc(const struct node *node, const char *name) {
	struct file_context *ctx = node->ctx;
	if (!ctx->proc_known) {
		ctx->has_proc = open_has_proc();
		ctx->proc_known = true;
	}
	int dir = ctx->has_proc ? -1 : open_parent(node->tree->fd[DST], name, O_RDONLY);
	return max(dir, -1);
}

/**
 * Whether to look for an ACL that the node may have inherited from DIR. If the node cannot be asked (no /proc), DIR is,
 * unless users other than the copy's owner and those we trust may have changed its default ACL.
 */
static bool may_have_acl(const struct node *node, const struct meta *meta, int dir) {
	struct stat st;
	if (!(node->tree->flags & TREE_DEFAULT_ACL) || node->ctx->has_proc || meta->dst_name) {
		return node->tree->flags & TREE_DEFAULT_ACL;
	}
	return dir < 0 || fstat(dir, &st) != 0 || !dest_is_owners(meta->opts, meta->src, &st)
		|| meta_may_have_default_acl(dir);
}

/** Set the attributes of what was made under NAME: those of SRC that OPTS preserve. Returns as node::apply. */
static bool apply_meta(struct node *node, const char *name, const struct opts *opts, const struct stat *src) {
	int fd = open_made(node, name, &node->made);
	if (fd < 0) {
		tree_report(node->tree, node->entry,
			fd != -ESTALE
				? error_make(ERROR_ACCESS, fd, "cannot access %d")
				: error_make(ERROR_COPY, 0, "skipping file %s, as its destination %d was replaced while being copied"));
		return false;
	}
	int dir = open_without_proc(node, name);
	const char *last = last_component(name);
	mode_t umasked = meta_create_mode(opts, src->st_mode) & ~opts->umask;
	struct meta meta = {
		.opts = opts,
		.flags = META_NEW | META_DST_PATH | file_unlisted_acls(node->tree, -1),
		.src = src,
		.src_fd = -1,
		.src_dir = node->tree->fd[SRC],
		.src_name = node->entry->name,
		.dst_fd = fd,
		.dst_dir = dir,
		.dst_name = file_is_safe_by_name(dir, last, node->made) ? last : NULL,
	};
	if (!S_ISLNK(src->st_mode) && is_closed_at_first(opts)) {
		meta_final_mode(opts, src->st_mode, umasked, &meta.final_mode);
		meta.flags |= META_FINAL_MODE;
	}
	if (may_have_acl(node, &meta, dir)) {
		meta.flags |= META_STRAY_ACL;
	}
	struct error fail = meta_apply(&meta);
	if (fail.text) {
		node->flawed = true;
		tree_report(node->tree, node->entry, fail);
	}
	close_fd(&dir);
	close_fd(&fd);
	return true;
}

/** Set the attributes of a copy. */
static bool apply_attributes(struct node *node, const char *name) {
	return apply_meta(node, name, node->ctx->files->opts, node->st);
}

/** Make a node with its attributes, and link its other names. */
static void copy_node(struct node *node) {
	struct file_context *ctx = node->ctx;
	const struct opts *opts = ctx->files->opts;
	struct link *link = NULL;

	if (file_has_links(ctx, node->tree, node->st)
		&& file_hardlinks_enter(ctx, node->tree, node->entry, node->st, &link, &node->judged) != FILE_HARDLINKS_COPY)
	{
		return;
	}
	if (link || (opts->preserve & PRESERVE_ATTRIBUTES)) {
		node->apply = apply_attributes;
	}
	bool made = make_node(node);
	if (made) {
		bool symlink = S_ISLNK(node->st->st_mode);
		tree_change(node->tree, node->entry, node->change, node->st->st_mode);
		file_done(ctx, node->tree, node->entry, symlink ? &ctx->counters->symlinks : &ctx->counters->specials);
	}
	if (link) {
		link->first.flawed = node->flawed;
	}
	bool moved = made && !node->flawed && (opts->flags & OPT_MOVE);
	if (moved && link) {
		link_copied(link, node->st);
	}
	file_hardlinks_end(ctx, link, node->tree, made ? &node->made : NULL);
	if (moved) {
		file_moved_away(ctx, node->tree, node->entry, node->st, node->made, false);
	}
}

static int make_symlink(const struct node *node) {
	return or_errno(symlinkat(node->target, node->tree->fd[DST], node->entry->dst_name));
}

/** Read the content of a symbolic link; to be freed. NULL with errno set if that fails. */
static char *read_link(int dir, const char *name, size_t size) {
	// The size may be wrong (/proc: 0), or a longer link may have replaced this one
	for (size = max(size + 1, (size_t)64);; size *= 2) {
		char *target = malloc(size);
		ssize_t n = target ? readlinkat(dir, name, target, size) : -1;
		if (n >= 0 && (size_t)n < size) {
			target[n] = '\0';
			return target;
		}
		int err = target ? errno : ENOMEM;
		free(target);
		if (n < 0) {
			errno = err;
			return NULL;
		}
	}
}

void file_copy_symlink(struct file_context *ctx, struct tree *tree, const struct entry *entry, const struct stat *st) {
	char *target = read_link(tree->fd[SRC], entry->name, (size_t)st->st_size);
	if (!target) {
		tree_report(tree, entry, error_make(ERROR_READ, errno, "cannot read symbolic link %s"));
		file_failed(ctx, NULL);
		return;
	}
	struct node node = {
		.ctx = ctx,
		.tree = tree,
		.entry = entry,
		.st = st,
		.make = make_symlink,
		.target = target,
		.replace = OPT_FORCE,
		.what = "cannot create symbolic link %d",
	};
	copy_node(&node);
	free(target);
}

static int make_special(const struct node *node) {
	const struct opts *opts = node->ctx->files->opts;
	mode_t mode = node->st->st_mode & S_IFMT;
	mode |= is_closed_at_first(opts) ? 0 : meta_create_mode(opts, node->st->st_mode);
	dev_t dev = S_ISCHR(mode) || S_ISBLK(mode) ? node->st->st_rdev : 0;
	return or_errno(mknodat(node->tree->fd[DST], node->entry->dst_name, mode, dev));
}

void file_copy_special(struct file_context *ctx, struct tree *tree, const struct entry *entry, const struct stat *st) {
	struct node node = {
		.ctx = ctx,
		.tree = tree,
		.entry = entry,
		.st = st,
		.make = make_special,
		.what = S_ISFIFO(st->st_mode) ? "cannot create fifo %d" : "cannot create special file %d",
	};
	copy_node(&node);
}

/** Whether DST_NAME is in the current directory, where relative links lead to their sources. */
static bool is_current(const struct tree *tree, const char *dst_name) {
	struct stat here;
	struct stat there;
	char *dir = parent_directory(dst_name);
	bool current = !dir || fstatat(tree->fd[DST], dir, &there, 0) != 0 || stat(".", &here) != 0
		|| inode_same(inode_of(&here), inode_of(&there));
	free(dir);
	return current;
}

static int make_link_to_source(const struct node *node) {
	struct stat st;
	const char *name = node->entry->dst_name;
	if (node->target[0] == '/' || is_current(node->tree, name)) {
		return make_symlink(node);
	}
	// Judge an existing destination before refusing the link
	bool exists = fstatat(node->tree->fd[DST], name, &st, AT_SYMLINK_NOFOLLOW) == 0;
	return exists && !node->judged.known ? -EEXIST : LINK_LEADS_ELSEWHERE;
}

bool file_link_leads_elsewhere(const struct tree *tree, const struct entry *entry) {
	char *target = tree_path(tree, SRC, entry->name);
	bool relative = target && target[0] != '/';
	free(target);
	return relative && ((tree->flags & TREE_ABSENT) || !is_current(tree, entry->dst_name));
}

/** Set the times and extended attributes of the source on a link to it, if they are preserved. */
static bool apply_owner_of_link(struct node *node, const char *name) {
	struct opts less = *node->ctx->files->opts;
	struct stat link = *node->st;
	less.preserve &= PRESERVE_TIMESTAMPS | PRESERVE_XATTR | PRESERVE_XATTR_REQUIRED | PRESERVE_XATTR_QUIET;
	link.st_mode = S_IFLNK | 0777;
	return apply_meta(node, name, &less, &link);
}

/** Make a symbolic link to the source (-s). */
static void link_symbolically(struct node *node) {
	struct tree *tree = node->tree;
	char *target = tree_path(tree, SRC, node->entry->name);
	if (!target) {
		tree_report(tree, node->entry, error_make(ERROR_CREATE, ENOMEM, "cannot create symbolic link %d to %s"));
		return;
	}
	node->make = make_link_to_source;
	node->target = target;
	node->what = "cannot create symbolic link %d to %s";
	node->replace = OPT_FORCE;
	if (node->ctx->files->opts->preserve & (PRESERVE_TIMESTAMPS | PRESERVE_XATTR)) {
		node->apply = apply_owner_of_link;
	}
	if (make_node(node)) {
		tree_change(tree, node->entry, node->change, S_IFLNK);
		file_done(node->ctx, tree, node->entry, &node->ctx->counters->symlinks);
	}
	free(target);
}

void file_make_link(struct file_context *ctx, struct tree *tree, const struct entry *entry, const struct stat *st) {
	struct node node = {.ctx = ctx, .tree = tree, .entry = entry, .st = st};
	if (ctx->files->opts->flags & OPT_SYMBOLIC_LINK) {
		link_symbolically(&node);
		return;
	}
	node.make = make_hard_link;
	node.what = "cannot create hard link %d to %s";
	node.replace = OPT_FORCE | OPT_INTERACTIVE;
	if (make_node(&node)) {
		tree_change(tree, entry, node.change, 0);
		file_done(ctx, tree, entry, &ctx->counters->hard_links);
	}
}
