// SPDX-License-Identifier: MIT
#include "copy/file-impl.h"

#include "base/io.h"
#include "base/opts.h"
#include "sys/meta.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

/** Open NAME for its attributes. PATH is set to true if this needed O_PATH. Returns a descriptor or -errno. */
static int open_end(int dir, const char *name, mode_t type, int more_flags, bool *path) {
	int fd = S_ISREG(type) ? openat(dir, name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | more_flags) : -1;
	// It is unreadable, or under a lease
	if (fd < 0 && (!S_ISREG(type) || errno == EACCES || errno == EAGAIN)) {
		*path = true;
		fd = openat(dir, name, O_PATH | O_CLOEXEC | more_flags);
	}
	return or_errno(fd);
}

/** Open the source, if it is still what was found. Returns 0 or -errno. */
static int open_source(struct meta *meta, const struct tree *tree) {
	struct stat now;
	bool path = false;
	int more = tree_follows(tree) ? 0 : O_NOFOLLOW;
	int ret = meta->src_fd = open_end(meta->src_dir, meta->src_name, meta->src->st_mode, more, &path);
	if (ret >= 0 && (fstat(ret, &now) != 0 || !inode_same(inode_of(&now), inode_of(meta->src)))) {
		close_fd(&meta->src_fd);
		ret = -ESTALE;
	}
	meta->flags |= path ? META_SRC_PATH : 0;
	return min(ret, 0);
}

/**
 * Open the source if a symbolic link leads to it. Otherwise meta_differs() uses its name. Returns 0 or -errno.
 */
static int open_followed(struct meta *meta, const struct tree *tree) {
	return tree_follows(tree) ? open_source(meta, tree) : 0;
}

/** Open the destination, if it is still what was found. Returns 0 or -errno. */
static int open_there(struct meta *meta, const struct tree *tree, const struct stat *found) {
	struct stat now;
	bool path = false;
	int more = tree_is_named_whole(tree) && S_ISREG(found->st_mode) ? 0 : O_NOFOLLOW;
	int ret = meta->dst_fd = open_end(meta->dst_dir, meta->dst_name, found->st_mode, more, &path);
	if (ret >= 0 && (fstat(ret, &now) != 0 || !file_is_still(tree, found, &now))) {
		close_fd(&meta->dst_fd);
		ret = -ESTALE;
	}
	meta->flags |= path ? META_DST_PATH : 0;
	return min(ret, 0);
}

/** The error for an end that cannot be opened. */
static struct error cannot_open(int ret, enum side side) {
	if (ret == -ESTALE) {
		return error_make(ERROR_COPY, 0,
			side == SRC ? "skipping file %s, as it was replaced while being copied"
						: "skipping file %s, as its destination %d was replaced while being copied");
	}
	return side == SRC ? error_make(ERROR_OPEN, ret, "cannot open %s for reading")
					   : error_make(ERROR_ACCESS, ret, "cannot access %d");
}

/** Give the destination the attributes of its source, if they differ. SET: whether this was tried. */
static struct error settle(struct meta *meta, const struct tree *tree, const struct stat *found, bool *set) {
	int ret = open_followed(meta, tree);
	if (ret < 0) {
		return cannot_open(ret, SRC);
	}
	if (tree_is_named_whole(tree)) {
		ret = open_there(meta, tree, found);
	}
	if (ret == 0 && !meta_differs(meta)) {
		return NO_ERROR;
	}
	ret = ret == 0 && meta->dst_fd < 0 ? open_there(meta, tree, found) : ret;
	if (ret < 0) {
		return cannot_open(ret, DST);
	}
	// Another file may have the source's name by now, and would lend its ACL
	ret = meta->src_fd < 0 && S_ISREG(meta->src->st_mode) ? open_source(meta, tree) : 0;
	if (ret < 0) {
		return cannot_open(ret, SRC);
	}
	if (!file_is_safe_by_name(meta->dst_dir, meta->dst_name, inode_of(found))) {
		meta->dst_name = NULL;
	}
	// A link has no mode to be restricted before its owner is set
	meta->dst = S_ISLNK(found->st_mode) ? NULL : found;
	*set = true;
	return meta_apply(meta);
}

/** The arguments for a destination whose attributes may differ from those of its source; nothing is open yet. */
static struct meta meta_of(const struct file_context *ctx, const struct tree *tree, const struct entry *entry,
	const struct stat *st, const struct dest_found *found) {
	return (struct meta) {
		.opts = ctx->files->opts,
		.flags = META_STRAY_ACL | file_unlisted_acls(tree, -1) | (found->same_times ? META_SAME_TIMES : 0),
		.src = st,
		.dst = &found->st,
		.src_fd = -1,
		.src_dir = tree->fd[SRC],
		.src_name = entry->name,
		.dst_fd = -1,
		.dst_dir = tree->fd[DST],
		.dst_name = entry->dst_name,
	};
}

bool file_sets_attributes(const struct file_context *ctx, const struct tree *tree, const struct entry *entry,
	const struct stat *st, const struct dest_found *found) {
	if (!found->alike || !(ctx->files->opts->preserve & PRESERVE_ATTRIBUTES)) {
		return false;
	}
	struct meta meta = meta_of(ctx, tree, entry, st, found);
	bool differs = open_followed(&meta, tree) < 0 || meta_differs(&meta);
	close_fd(&meta.src_fd);
	return differs;
}

bool file_shares_attributes(const struct file_context *ctx, const struct tree *tree, const struct entry *entry,
	const struct stat *st, const struct dest_found *found) {
	return ctx->files->opts->link_dests.count > 0 && S_ISREG(st->st_mode) && found->st.st_nlink > 1
		&& file_sets_attributes(ctx, tree, entry, st, found);
}

void file_leave(struct file_context *ctx, const struct tree *tree, const struct entry *entry, const struct stat *st,
	const struct dest_found *found) {
	file_skipped(ctx, st);
	if (!found->alike || !(ctx->files->opts->preserve & PRESERVE_ATTRIBUTES)) {
		return;
	}
	struct meta meta = meta_of(ctx, tree, entry, st, found);
	bool set = false;
	struct error fail = settle(&meta, tree, &found->st, &set);
	if (fail.text) {
		tree_report(tree, entry, fail);
	} else if (set) {
		tree_change(tree, entry, CHANGE_ATTRIBUTES, found->st.st_mode);
	}
	close_fd(&meta.src_fd);
	close_fd(&meta.dst_fd);
}
