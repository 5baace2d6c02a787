// SPDX-License-Identifier: MIT
#include "copy/file-impl.h"

#include "base/io.h"
#include "base/open.h"
#include "base/opts.h"
#include "display/progress.h"
#include "report/report.h"
#include "sys/symlink.h"
#include "sys/tempfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool file_has_links(const struct file_context *ctx, const struct tree *tree, const struct stat *st) {
	const struct opts *opts = ctx->files->opts;
	if (!(opts->preserve & PRESERVE_LINKS)) {
		return false;
	}
	// Several followed symbolic links may lead to one file
	return st->st_nlink > 1 || tree_follows(tree);
}

/** Make a link to a first copy, if its name still leads to it. */
static int link_copy(const struct link_name *first, const struct tree *tree, const char *name) {
	struct stat st;
	int dir = tree->fd[DST];
	int from = first->tree->fd[DST];
	int fd = openat(from, first->dst_name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0) {
		return -errno;
	}
	int ret = or_errno(fstat(fd, &st));
	bool same = ret == 0 && inode_same(inode_of(&st), first->copy);
	bool by_name = false;
	bool symlink = ret == 0 && S_ISLNK(st.st_mode);
	bool noted = symlink && tree_begin_link(tree, st.st_uid);
	if (same) {
		ret = tempfile_link(fd, dir, name);
		by_name = ret == -ENOENT && !open_has_proc();
	} else if (ret == 0) {
		// The file system may have changed the inode number: in a closed directory nobody can have replaced the file
		ret = -ESTALE;
		by_name = symlink_is_closed(from);
	}
	if (by_name) {
		ret = or_errno(linkat(from, first->dst_name, dir, name, 0));
	}
	// The name may have led elsewhere when it was linked
	if (by_name && ret == 0 && !symlink_is_closed(from)
		&& (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !inode_same(inode_of(&st), first->copy)))
	{
		tempfile_drop(dir, name, inode_of(&st));
		ret = -ESTALE;
	}
	if (noted) {
		tree_end_link(tree, ret == 0 ? name : NULL, NULL, first->copy);
	}
	close_fd(&fd);
	return ret;
}

/** A link to a first copy that is to be made in a tree. */
struct linking {
	const struct link_name *first;
	const struct tree *tree;
};

/** As file_try_tempfile() wants it. */
static int link_tempfile(void *arg, const char *tempfile) {
	const struct linking *linking = arg;
	return link_copy(linking->first, linking->tree, tempfile);
}

/** Replace what stands at NAME by a link, without a moment in which NAME does not exist. */
static int link_over(const struct link_name *first, const struct tree *tree, const char *name) {
	struct linking linking = {.first = first, .tree = tree};
	int dir = tree->fd[DST];
	char *tempfile;
	int ret = file_try_tempfile(tree, dir, name, link_tempfile, &linking, &tempfile);
	if (ret == 0) {
		ret = or_errno(renameat(dir, tempfile, dir, name));
		// If both were links to one file, the rename did nothing
		file_drop_tempfile(tree, dir, tempfile, first->copy);
	}
	free(tempfile);
	return ret;
}

/** With OPT_MOVE: a further name was linked. Its source may be removed if the first one may. */
static void move_away(struct file_context *ctx, const struct link_name *first, struct tree *tree,
	const struct entry *entry) {
	struct stat st;
	if (fstatat(tree->fd[SRC], entry->name, &st, AT_SYMLINK_NOFOLLOW) == 0 && link_is_copy_of(first, &st)) {
		file_moved_away(ctx, tree, entry, &st, first->copy, false);
	}
}

/**
 * Whether an entry is copied anew because it cannot become a link. cp does this if the first copy got an error, as on
 * FAT, which has neither links nor owners.
 */
static bool is_copied_anew(const struct link_name *first, int ret) {
	return first->flawed && (ret == -EPERM || ret == -EOPNOTSUPP || ret == -ENOSYS || ret == -EMLINK);
}

/**
 * Link an entry to the first copy of its file, or put it aside if there is no space. Both trees are pinned. A failure
 * is reported. FILE_HARDLINKS_COPY: nothing was done, and the entry is to be copied.
 */
static enum file_hardlinks link_to(struct file_context *ctx, const struct link_name *first, struct tree *tree,
	const struct entry *entry, enum change change) {
	bool verbose = ctx->files->opts->flags & OPT_VERBOSE;
	int dir = tree->fd[DST];

	int ret = link_copy(first, tree, entry->dst_name);
	struct stat there;
	bool same = ret == -EEXIST && fstatat(dir, entry->dst_name, &there, AT_SYMLINK_NOFOLLOW) == 0
		&& inode_same(inode_of(&there), first->copy);
	if (same && opts_compare(ctx->files->opts) && !(tree->flags & TREE_CREATED)) {
		file_skipped(ctx, NULL);
		return FILE_HARDLINKS_DONE;
	}
	if (ret == -EEXIST && (tree->flags & TREE_CREATED)) {
		// This run made what stands there: for this name, or for one that the file system takes for the same
		ret = same ? 0 : ret;
	} else if (ret == -EEXIST) {
		change = CHANGE_DATA;
		ret = link_over(first, tree, entry->dst_name);
		if (ret == 0 && verbose) {
			tree_say(tree, entry, SAY_REMOVED, "removed %d");
		}
	}
	if (is_copied_anew(first, ret)) {
		return FILE_HARDLINKS_COPY;
	}
	if (ret < 0 && file_try_later(ctx, tree, entry, -ret, TRY_FILE)) {
		return FILE_HARDLINKS_FAILED;
	}
	if (ret < 0) {
		tree_note_failure(tree);
		char *to = tree_path(first->tree, DST, first->dst_name);
		char *dst = tree_path(tree, DST, entry->dst_name);
		report_error(ctx->files->report, ERROR_CREATE, -ret, "cannot create hard link %d to %s", to, dst);
		free(to);
		free(dst);
		file_failed(ctx, NULL);
		return FILE_HARDLINKS_FAILED;
	}
	if (ctx->files->opts->flags & OPT_MOVE) {
		move_away(ctx, first, tree, entry);
	}
	file_clear_left(ctx, tree, entry);
	tree_change(tree, entry, change, 0);
	file_done(ctx, tree, entry, &ctx->counters->hard_links);
	return FILE_HARDLINKS_DONE;
}

/**
 * Link an entry, whose tree is pinned, to the first copy of its file. CHANGE: what this changes, as far as known.
 * Returns what link_to() does.
 */
static enum file_hardlinks link_entry(struct file_context *ctx, const struct link_name *first, struct tree *tree,
	const struct entry *entry, enum change change) {
	int ret = tree_pin(first->tree);
	if (ret < 0) {
		tree_report(tree, entry, error_make(ERROR_CREATE, ret, "cannot create hard link %d"));
		file_failed(ctx, NULL);
		return FILE_HARDLINKS_FAILED;
	}
	enum file_hardlinks result = link_to(ctx, first, tree, entry, change);
	tree_unpin(first->tree);
	return result;
}

/** Judge the destination by cp's rules first, since the name may have to wait afterwards. Sets FAIL for DEST_REFUSE. */
static enum dest_verdict ask(struct file_context *ctx, struct tree *tree, const struct entry *entry,
	const struct stat *st, struct judged *judged, struct error *fail) {
	judged->verdict = DEST_CREATE;
	bool look = !judged->known && !(tree->flags & TREE_CREATED);
	if (look && fstatat(tree->fd[DST], entry->dst_name, &judged->found.st, AT_SYMLINK_NOFOLLOW) == 0) {
		judged->verdict = file_verdict(ctx, tree, entry, st, &judged->found, fail);
		judged->known = true;
	} else if (look) {
		judged->absent = (tree->flags & TREE_OPERANDS) && errno == ENOENT && entry->dst_name[0] != '\0';
	}
	return judged->verdict;
}

/** Leave the first name as it is. Further names become links to it if it may stand for the file. */
static void end_with_existing(struct file_context *ctx, struct tree *tree, const struct entry *entry,
	const struct stat *st, struct link *link, const struct judged *judged) {
	file_leave(ctx, tree, entry, st, &judged->found);
	// The name itself stands for the copy, even if it is a link that was followed to see how new it is
	struct stat there;
	int ret = fstatat(tree->fd[DST], entry->dst_name, &there, AT_SYMLINK_NOFOLLOW);
	bool trusted = ret == 0 && file_may_stand_for(ctx->files, tree->fd[DST], st, &judged->found.st, &there);
	struct inode copy = inode_of(&there);
	file_hardlinks_end(ctx, link, tree, trusted ? &copy : NULL);
}

enum file_hardlinks file_hardlinks_enter(struct file_context *ctx, struct tree *tree, const struct entry *entry,
	const struct stat *st, struct link **link, struct judged *judged) {
	const struct link_name *first = NULL;
	struct error fail = NO_ERROR;
	enum dest_verdict verdict = ask(ctx, tree, entry, st, judged, &fail);
	if (verdict == DEST_REFUSE && file_put_off(ctx, tree, entry, &judged->found)) {
		return FILE_HARDLINKS_DONE;
	}
	if (verdict == DEST_REFUSE) {
		tree_report(tree, entry, fail);
		file_failed(ctx, st);
		return FILE_HARDLINKS_FAILED;
	}
	if (verdict == DEST_SKIP) {
		file_leave(ctx, tree, entry, st, &judged->found);
		return FILE_HARDLINKS_DONE;
	}
	enum link_verdict met =
		hardlinks_enter(ctx->files->hardlinks, inode_of(st), tree, entry, &judged->found, link, &first);
	if (met == LINK_COPY && verdict != DEST_DONE) {
		return FILE_HARDLINKS_COPY;
	}
	enum file_hardlinks result = FILE_HARDLINKS_DONE;
	char *backup = judged->found.backup;
	if ((met == LINK_TO || met == LINK_WAIT) && verdict != DEST_DONE) {
		file_say(ctx, tree, entry, backup);
	}
	if (met == LINK_COPY) {
		end_with_existing(ctx, tree, entry, st, *link, judged);
	} else if (met == LINK_TO) {
		result = link_entry(ctx, first, tree, entry, judged->known ? CHANGE_DATA : CHANGE_NEW);
	} else if (met == LINK_NO_MEMORY) {
		tree_report(tree, entry, error_make(ERROR_CREATE, ENOMEM, "cannot create hard link %d"));
		file_failed(ctx, st);
		result = FILE_HARDLINKS_FAILED;
	}
	if (result == FILE_HARDLINKS_COPY) {
		ctx->said = true;
		return result;
	}
	if (backup && result == FILE_HARDLINKS_FAILED) {
		dest_undo_backup(ctx->files->dest, tree, entry, backup);
	}
	free(backup);
	return result;
}

/** Link a name that has waited, or, without FIRST, try it again. */
static void end_waiting(struct file_context *ctx, const struct link_name *first, struct link_name *name) {
	struct entry entry = {.name = name->src_name, .dst_name = name->dst_name};
	int ret = tree_pin(name->tree);
	if (ret < 0) {
		tree_report(name->tree, &entry, error_make(ERROR_CREATE, ret, "cannot create hard link %d"));
		file_failed(ctx, NULL);
		link_name_free(name);
		return;
	}
	enum change change = name->backup ? CHANGE_DATA : CHANGE_NEW;
	enum file_hardlinks result = first ? link_entry(ctx, first, name->tree, &entry, change) : FILE_HARDLINKS_COPY;
	if (name->backup && result != FILE_HARDLINKS_DONE) {
		dest_undo_backup(ctx->files->dest, name->tree, &entry, name->backup);
	}
	tree_unpin(name->tree);
	if (result == FILE_HARDLINKS_COPY) {
		name->said = true;
		list_append(&ctx->retry, &name->node);
	} else {
		link_name_free(name);
	}
}

void file_hardlinks_end(struct file_context *ctx, struct link *link, struct tree *tree, const struct inode *copy) {
	struct list waiting;
	const struct link_name *first = NULL;

	if (!link) {
		return;
	}
	list_init(&waiting);
	if (copy) {
		first = hardlinks_done(ctx->files->hardlinks, link, tree, *copy, &waiting);
	} else {
		hardlinks_failed(ctx->files->hardlinks, link, &waiting);
	}
	for (struct list *node; (node = list_pop(&waiting));) {
		end_waiting(ctx, first, list_item(node, struct link_name, node));
	}
}
