// SPDX-License-Identifier: MIT
#include "copy/file-impl.h"

#include "base/io.h"
#include "base/open.h"
#include "base/opts.h"
#include "sys/meta.h"
#include "sys/symlink.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/** The mode of the source, as that of a regular file, which its copy will be. */
static mode_t regular_mode(const struct file *file) {
	return (file->source.st.st_mode & 07777) | S_IFREG;
}

/** Create the destination as NAME in DIR. Returns 0 or -errno. */
static int create_in(struct file_context *ctx, struct file *file, int dir, const char *name, int more_flags) {
	const struct opts *opts = ctx->files->opts;
	int flags = file_access_mode(opts) | O_CREAT | O_CLOEXEC | more_flags;
	mode_t mode = regular_mode(file);

	file->target.fd = openat(dir, name, flags, meta_create_mode(opts, mode));
	if (file->target.fd < 0) {
		return -errno;
	}
	file->target.flags |= TARGET_CREATED;
	file->target.flags &= ~(unsigned)(TARGET_BY_LINK | TARGET_NONBLOCK);
	file_protect(ctx, file);
	if (meta_final_mode(opts, mode, 0, &file->target.final_mode)) {
		file->target.has_final_mode = true;
	}
	return 0;
}

static int create(struct file_context *ctx, struct file *file) {
	return create_in(ctx, file, file->tree->fd[DST], file->entry.dst_name, O_EXCL);
}

/**
 * Create the destination where a dangling link leads, if nobody else can redirect that. Returns 0 or what
 * tree_symlink_walk() does.
 */
static int create_behind(struct file_context *ctx, struct file *file) {
	struct symlink_end end;
	if (tree_is_named_whole(file->tree)) {
		return create_in(ctx, file, file->tree->fd[DST], file->entry.dst_name, 0);
	}
	// The link may have been replaced since it was looked at
	int ret = tree_symlink_walk(file->tree, file->entry.dst_name, &end);
	if (ret == 0) {
		ret = end.foreign ? -ELOOP : create_in(ctx, file, end.dir, end.name, O_EXCL);
		symlink_close(&end);
	}
	return ret;
}

/** As target_ops::create_again. What is to be replaced was removed. */
static struct error create_again(struct file_context *ctx, struct file *file, bool replace) {
	(void)replace;
	struct stat st;
	const char *name = file->entry.dst_name;
	int ret = create(ctx, file);
	if (ret == -EEXIST && fstatat(file->tree->fd[DST], name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode)) {
		bool trusted = tree_is_named_whole(file->tree) || symlink_owner_is_trusted(&st);
		if (!(ctx->files->opts->flags & OPT_POSIX) || !trusted) {
			return error_make(ERROR_COPY, 0, "not writing through dangling symlink %d");
		}
		bool among;
		if (tree_leads_through_made(file->tree, name, &among)) {
			return error_make(ERROR_COPY, 0, tree_made_link);
		}
		ret = create_behind(ctx, file);
	}
	return ret < 0 ? file_cannot_create(ret) : NO_ERROR;
}

/** As target_ops::displace. */
static struct error displace(struct file_context *ctx, struct file *file) {
	close_fd(&file->target.fd);
	if (unlinkat(file->tree->fd[DST], file->entry.dst_name, 0) == 0) {
		if (ctx->files->opts->flags & OPT_VERBOSE) {
			tree_say(file->tree, &file->entry, SAY_REMOVED, "removed %d");
		}
	} else if (errno != ENOENT) {
		return error_make(ERROR_REMOVE, errno, "cannot remove %d");
	}
	return create_again(ctx, file, false);
}

/**
 * Remove permissions that the copy will not have, before its data is written. Ignore errors: if we may not do this, the
 * file's owner has let these users in before.
 */
static void restrict_mode(const struct opts *opts, const struct file *file) {
	mode_t mode = meta_interim_mode(opts, &file->source.st, file->source.fd, &file->target.found, file->target.fd);
	if (mode != file->target.found.st_mode) {
		fchmod(file->target.fd, mode & 0777);
	}
}

/**
 * Reserve a regular file and empty it, or replace it if further names are linked to it. FILE_DEFERRED: it is in use.
 */
static struct error make_empty(struct file_context *ctx, struct file *file) {
	const struct opts *opts = ctx->files->opts;

	if (!file_reserve(ctx, file)) {
		file->flags |= FILE_DEFERRED;
		close_fd(&file->target.fd);
		return NO_ERROR;
	}
	// Another file may have been copied to it meanwhile
	const struct inode inode = inode_of(&file->target.found);
	if (fstat(file->target.fd, &file->target.found) != 0) {
		return error_make(ERROR_STAT, errno, "cannot fstat %d");
	}
	// It is reserved under this inode
	file->target.found.st_dev = inode.dev;
	file->target.found.st_ino = inode.ino;
	if (!(opts->flags & OPT_ATTRIBUTES_ONLY) && hardlinks_is_copy(ctx->files->hardlinks, inode_of(&file->target.found)))
	{
		file_release_destination(ctx, file);
		return displace(ctx, file);
	}
	if (!(opts->flags & OPT_ATTRIBUTES_ONLY) && file_is_too_large(file)) {
		return error_make(ERROR_WRITE, EFBIG, "error writing %d");
	}
	if (opts->preserve & (PRESERVE_MODE | PRESERVE_MODE_CHANGED)) {
		restrict_mode(opts, file);
	}
	// Truncate even an empty file, so that its time changes
	if (!(opts->flags & OPT_ATTRIBUTES_ONLY) && ftruncate(file->target.fd, 0) != 0) {
		return error_make(ERROR_CREATE, errno, "cannot create regular file %d");
	}
	return NO_ERROR;
}

/** Replace a file of another user, who may have it open, by a new one. */
static struct error displace_strangers(struct file_context *ctx, struct file *file) {
	close_fd(&file->target.fd);
	if (ctx->files->opts->flags & OPT_ATTRIBUTES_ONLY) {
		return file_not_giving();
	}
	return file->target.wanted->displace(ctx, file);
}

/**
 * Check an existing destination that is open now, and empty it.
 *
 * @param link  Whether it was reached through a symbolic link.
 */
static struct error take_over(struct file_context *ctx, struct file *file, bool link) {
	const struct opts *opts = ctx->files->opts;
	const struct stat *st = &file->target.found;
	struct error fail;

	file->target.flags |= link ? TARGET_BY_LINK : 0;
	switch (target_admit(ctx, file, file->target.fd, &fail)) {
	case TARGET_REFUSE:
		close_fd(&file->target.fd);
		return fail;
	case TARGET_DISPLACE:
		file->target.flags &= ~(unsigned)TARGET_BY_LINK;
		return displace_strangers(ctx, file);
	case TARGET_ADMIT:
		break;
	}
	if (!S_ISREG(st->st_mode)) {
		file->target.flags |= TARGET_SPECIAL;
		bool verifiable = S_ISBLK(st->st_mode) || !(opts->flags & OPT_VERIFY);
		return verifiable ? NO_ERROR
						  : error_make(ERROR_COPY, 0, "cannot verify %d: not a regular file or a block device");
	}
	if (file_is_also_source(ctx->files, &(struct target_found) {.st = *st, .link = link})) {
		return atomic_load(&ctx->files->cancelled) ? error_make(ERROR_REMOVE, EINTR, "cannot remove %d")
												   : displace(ctx, file);
	}
	return make_empty(ctx, file);
}

/** Open a destination, following a link there if that is allowed. Returns what symlink_open() does. */
static int open_there(const struct file_context *ctx, const struct file *file, int flags, bool *link) {
	int dir = file->tree->fd[DST];
	const char *name = file->entry.dst_name;
	int fd = openat(dir, name, flags | O_NOFOLLOW);
	struct stat st;
	// O_PATH opens the link itself
	*link = flags & O_PATH ? fd >= 0 && fstat(fd, &st) == 0 && S_ISLNK(st.st_mode) : fd < 0 && errno == ELOOP;
	if (!*link) {
		return or_errno(fd);
	}
	close_fd(&fd);
	if (tree_is_named_whole(file->tree)) {
		fd = openat(dir, name, flags);
		return or_errno(fd);
	}
	return ctx->files->opts->flags & OPT_BENEATH ? -ELOOP : tree_symlink_open(file->tree, name, flags);
}

/** Whether to wait for the reader of a fifo: not if others can have put the fifo in the place of a file. */
static bool is_awaited(const struct file_context *ctx, const struct file *file, const struct stat *fifo) {
	const struct tree *tree = file->tree;
	unsigned flags = ctx->files->opts->flags;
	// An earlier run may have copied a fifo that others put into the source
	bool source = (tree->flags & TREE_OPERANDS) || !(flags & OPT_PRIVILEGED) || symlink_is_closed(tree->fd[SRC]);
	return !(flags & OPT_BENEATH) && file_is_own(ctx->files, tree->fd[DST], fifo) && source;
}

/**
 * Open a destination that has to be waited for: a file under a lease, or a fifo without a reader. Returns what
 * symlink_open() does.
 */
static int open_waiting(const struct file_context *ctx, const struct file *file, int flags, bool *link) {
	struct stat st;
	int there = open_there(ctx, file, O_PATH | O_CLOEXEC, link);
	if (there < 0) {
		return there;
	}
	int ret = fstat(there, &st);
	bool wait = ret == 0 && (S_ISREG(st.st_mode) || (S_ISFIFO(st.st_mode) && is_awaited(ctx, file, &st)));
	bool trusted = !*link || tree_is_named_whole(file->tree);
	ret = file_open_waiting(ctx, there, file->tree->fd[DST], trusted ? file->entry.dst_name : NULL,
		flags | (wait ? 0 : O_NONBLOCK));
	close_fd(&there);
	return ret;
}

/** As target_ops::overwrite. */
static struct error overwrite(struct file_context *ctx, struct file *file) {
	int flags = file_access_mode(ctx->files->opts) | O_NOCTTY | O_CLOEXEC;
	bool wait = tree_is_named_whole(file->tree) && !S_ISREG(file->target.found.st_mode);
	bool link;

	// Do not even open another user's fifo or terminal
	if (dest_is_strangers(ctx->files->opts, file->tree, &file->source.st, &file->target.found)) {
		return displace_strangers(ctx, file);
	}
	int ret = open_there(ctx, file, flags | (wait ? 0 : O_NONBLOCK), &link);
	if (ret == -ENXIO || ret == -EAGAIN) {
		ret = open_waiting(ctx, file, flags, &link);
	}
	if (ret == SYMLINK_FOREIGN || ret == OPEN_NO_PROC || ret == SYMLINK_REFUSED) {
		return file_not_through(ret);
	}
	if (ret >= 0) {
		file->target.fd = ret;
		file->target.flags |= wait ? 0 : TARGET_NONBLOCK;
		return take_over(ctx, file, link);
	}
	if (ret == -ENOENT) {
		return create_again(ctx, file, false);
	}
	if (!(ctx->files->opts->flags & OPT_FORCE)) {
		return error_make(ERROR_CREATE, ret, "cannot create regular file %d");
	}
	return displace(ctx, file);
}

/** As target_ops::commit: it has its name already. */
static struct error commit(struct file_context *ctx, struct file *file) {
	(void)ctx;
	(void)file;
	return NO_ERROR;
}

/** As target_ops::rollback. */
static void rollback(struct file_context *ctx, struct file *file) {
	struct stat ours;
	struct stat there;
	if ((file->target.flags & (TARGET_SPECIAL | TARGET_LINKED)) || file->target.fd < 0
		|| fstat(file->target.fd, &ours) != 0)
	{
		return;
	}
	if (!(file->target.flags & TARGET_CREATED)) {
		// The old content is lost; the new content must not pass for complete
		uint64_t keep = min(file->keep, file->cursor);
		uint64_t size = (uint64_t)ours.st_size;
		bool more = size > keep || (file->plan.flags & PLAN_RESERVE);
		if (!(file->flags & FILE_NO_DATA) && more) {
			// If truncating fails, nothing is left to try; the first error is reported
			int ret = ftruncate(file->target.fd, (off_t)min(keep, size));
			(void)ret;
		}
		return;
	}
	// If its name leads elsewhere now, it must at least not look complete
	if (ftruncate(file->target.fd, 0) != 0 || tree_pin(file->tree) < 0) {
		return;
	}
	int dir = file->tree->fd[DST];
	bool known = fstat(file->target.fd, &ours) == 0;
	file_let_go(ctx, file);
	if (known && fstatat(dir, file->entry.dst_name, &there, AT_SYMLINK_NOFOLLOW) == 0
		&& file_is_still(file->tree, &ours, &there))
	{
		unlinkat(dir, file->entry.dst_name, 0);
	}
	if (file->target.backup) {
		dest_undo_backup(ctx->files->dest, file->tree, &file->entry, file->target.backup);
	}
	tree_unpin(file->tree);
}

const struct target_ops target_in_place = {
	.create = create,
	.create_again = create_again,
	.overwrite = overwrite,
	.displace = displace,
	.commit = commit,
	.rollback = rollback,
};
