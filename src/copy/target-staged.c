// SPDX-License-Identifier: MIT
#include "copy/file-impl.h"

#include "base/io.h"
#include "base/open.h"
#include "base/opts.h"
#include "sys/flush.h"
#include "sys/meta.h"
#include "sys/symlink.h"
#include "sys/tempfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** Whether files without a name may be possible here. */
static bool may_have_unnamed(const struct file_context *ctx, const struct file *file) {
	if (ctx->files->opts->inject & INJECT_NO_UNNAMED) {
		return false;
	}
	return !ctx->no_unnamed_known || (file->tree->flags & TREE_BASE) || ctx->no_unnamed != file->tree->inode[DST].dev;
}

/** Make a file without a name. Returns a descriptor or -errno: -EOPNOTSUPP if it could not be named later. */
static int open_unnamed(int dir, int flags, mode_t mode) {
	int fd = openat(dir, ".", flags | O_TMPFILE, mode);
	if (fd < 0) {
		return -errno;
	}
	// What may be linked finds this name taken
	if (tempfile_link(fd, dir, ".") != -EEXIST) {
		close_fd(&fd);
		return -EOPNOTSUPP;
	}
	return fd;
}

/** Remember that such files cannot be made. The base's device is not known: operands may lead to any device. */
static void forget_unnamed(struct file_context *ctx, const struct file *file) {
	if (!(file->tree->flags & TREE_BASE) && !(file->target.flags & TARGET_BY_LINK)) {
		ctx->no_unnamed = file->tree->inode[DST].dev;
		ctx->no_unnamed_known = true;
	}
}

/** A file that is to be made under a temporary name. */
struct making {
	const struct location *location;
	int flags;
	mode_t mode;
	/** The descriptor of what was made. */
	int fd;
};

/** Make a file under a temporary name, and lock it. As file_try_tempfile() wants it. */
static int make_locked(void *arg, const char *tempfile) {
	struct making *making = arg;
	int fd = openat(making->location->dir, tempfile, making->flags | O_CREAT | O_EXCL | O_NOFOLLOW, making->mode);
	if (fd < 0) {
		return -errno;
	}
	int ret = tempfile_lock(fd, 0);
	if (ret < 0) {
		close_fd(&fd);
		return TEMPFILE_LOST;
	}
	making->fd = fd;
	return 0;
}

/** Make a file under a temporary name, and lock it. Returns a descriptor or -errno. */
static int open_tempfile(struct file *file, const struct location *location, int flags, mode_t mode) {
	struct making making = {.location = location, .flags = flags, .mode = mode};
	int ret =
		file_try_tempfile(file->tree, location->dir, location->name, make_locked, &making, &file->target.tempfile);
	if (ret < 0) {
		free(file->target.tempfile);
		file->target.tempfile = NULL;
	}
	return ret < 0 ? ret : making.fd;
}

/**
 * Make a file whose writes the journal notes. Clears file::part if the file does not get the temporary name that the
 * next run looks for.
 */
static int open_part_anew(struct file *file, const struct location *location, int flags, mode_t mode) {
	int fd = open_tempfile(file, location, flags, mode);
	char *known = tempfile_path(location->name, TEMPFILE_KNOWN);
	if (fd < 0 || !known || strcmp(known, file->target.tempfile) != 0) {
		file->part = NULL;
	}
	free(known);
	return fd;
}

/** Open what a file is written to until it has its name. Sets file::part. Returns a descriptor or -errno. */
static int open_staged(struct file_context *ctx, struct file *file, const struct location *location, mode_t mode) {
	int flags = file_access_mode(ctx->files->opts) | O_CLOEXEC;
	int fd = file_open_part(ctx, file, location->dir, location->name, mode);
	if (fd >= 0) {
		return fd;
	}
	if (file->part) {
		return open_part_anew(file, location, flags, mode);
	}
	fd = may_have_unnamed(ctx, file) ? open_unnamed(location->dir, flags, mode) : -EOPNOTSUPP;
	// Errors of file systems and kernels without O_TMPFILE
	if (fd == -EOPNOTSUPP || fd == -EISDIR || fd == -EINVAL || fd == -ENOSYS) {
		forget_unnamed(ctx, file);
		fd = open_tempfile(file, location, flags, mode);
	}
	return fd;
}

/** Stage a file: make it without its name. Returns 0 or -errno. */
static int stage(struct file_context *ctx, struct file *file, mode_t mode) {
	struct location location;
	struct stat st;
	int ret = location_open(&location, file);
	if (ret < 0) {
		return ret;
	}
	if ((file->tree->flags & TREE_BASE) && file->tree->fd[DST] == AT_FDCWD && !(file->target.flags & TARGET_BY_LINK)) {
		files_resume_in(ctx->files, file->tree, location.dir, file->entry.dst_name);
	}
	int fd = open_staged(ctx, file, &location, mode);
	if ((file->target.flags & TARGET_BY_LINK) && fstatat(location.dir, ".", &st, 0) == 0) {
		file->target.led_to = inode_of(&st);
	}
	location_close(&location);
	if (fd < 0) {
		return fd;
	}
	file->target.fd = fd;
	file->target.ops = &target_staged;
	file_know_part(file);
	return 0;
}

/** Stage a file that inherits nothing from an old one. Returns 0 or -errno. */
static int stage_created(struct file_context *ctx, struct file *file) {
	const struct opts *opts = ctx->files->opts;
	mode_t mode = (file->source.st.st_mode & 07777) | S_IFREG;
	int ret = stage(ctx, file, meta_create_mode(opts, mode));
	if (ret < 0) {
		return ret;
	}
	file->target.flags |= TARGET_CREATED;
	if (meta_final_mode(opts, mode, 0, &file->target.final_mode)) {
		file->target.has_final_mode = true;
	}
	return 0;
}

/** As stage_created(), or link the file to an earlier copy: under its name, as nothing stands there. */
static int create_or_link(struct file_context *ctx, struct file *file) {
	int ret = file_link_earlier(ctx, file, file->tree->fd[DST], file->entry.dst_name);
	return ret <= 0 ? ret : stage_created(ctx, file);
}

/** A file that is to be linked to an earlier copy. */
struct linking {
	struct file_context *ctx;
	struct file *file;
	int dir;
};

/** As file_try_tempfile() wants it, and as file_link_earlier(). */
static int link_earlier(void *arg, const char *tempfile) {
	const struct linking *linking = arg;
	return file_link_earlier(linking->ctx, linking->file, linking->dir, tempfile);
}

/**
 * As stage(), for a file that is linked to an earlier copy and is going to replace another one. Returns 1 if the file
 * has to be copied.
 */
static int stage_linked(struct file_context *ctx, struct file *file) {
	struct location location;
	if (ctx->files->linked.count == 0) {
		return 1;
	}
	int ret = location_open(&location, file);
	if (ret < 0) {
		return ret;
	}
	struct linking linking = {.ctx = ctx, .file = file, .dir = location.dir};
	char *tempfile;
	ret = file_try_tempfile(file->tree, location.dir, location.name, link_earlier, &linking, &tempfile);
	location_close(&location);
	if (ret != 0) {
		free(tempfile);
		// In an append-only directory the temporary name could not be moved
		return ret == -EPERM ? 1 : ret;
	}
	file->target.tempfile = tempfile;
	file->target.ops = &target_staged;
	return 0;
}

/** As target_ops::create. */
static int create(struct file_context *ctx, struct file *file) {
	struct stat st;
	if (fstatat(file->tree->fd[DST], file->entry.dst_name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		return -EEXIST;
	}
	return errno == ENOENT ? create_or_link(ctx, file) : -errno;
}

/** As target_ops::create_again. */
static struct error create_again(struct file_context *ctx, struct file *file, bool replace) {
	struct stat st;
	if (replace) {
		file->target.flags |= TARGET_REPLACES;
	} else if (fstatat(file->tree->fd[DST], file->entry.dst_name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		// A cache may still show what is gone. The file will get its name only if nothing has it
		bool gone = inode_same(inode_of(&st), inode_of(&file->target.found));
		if (!S_ISLNK(st.st_mode) && !gone) {
			return error_make(ERROR_CREATE, EEXIST, "cannot create regular file %d");
		}
		bool trusted = tree_is_named_whole(file->tree) || symlink_owner_is_trusted(&st);
		if (S_ISLNK(st.st_mode) && (!(ctx->files->opts->flags & OPT_POSIX) || !trusted)) {
			return error_make(ERROR_COPY, 0, "not writing through dangling symlink %d");
		}
		file->target.flags |= S_ISLNK(st.st_mode) ? TARGET_BY_LINK : 0;
	}
	int ret = stage_linked(ctx, file);
	ret = ret > 0 ? stage_created(ctx, file) : ret;
	return ret < 0 ? file_cannot_create(ret) : NO_ERROR;
}

/** How to open an old file. */
enum way {
	/** By its name. */
	WAY_NAME,
	/** Through a link, wherever it leads: the user named it. */
	WAY_TRUSTED,
	/** Through a link, if its maker may lead us there. */
	WAY_SYMLINK,
};

static int open_along(const struct tree *tree, int dir, const char *name, int flags, enum way way) {
	flags |= O_NOCTTY;
	if (way == WAY_SYMLINK) {
		return tree_symlink_open(tree, name, flags);
	}
	int fd = openat(dir, name, way == WAY_NAME ? flags | O_NOFOLLOW : flags);
	return or_errno(fd);
}

/**
 * Open an old file as if to write into it: a file that may not be written is not replaced either. A running program or
 * a lease is no obstacle. Returns a descriptor, -errno or what tree_symlink_open() does.
 */
static int open_old(const struct tree *tree, int dir, const char *name, enum way way) {
	int fd = open_along(tree, dir, name, O_WRONLY | O_NONBLOCK | O_CLOEXEC, way);
	if (fd == -ETXTBSY || fd == -EAGAIN) {
		fd = open_along(tree, dir, name, O_RDONLY | O_NONBLOCK | O_CLOEXEC, way);
		if (fd == -EACCES || fd == -EAGAIN) {
			fd = open_along(tree, dir, name, O_PATH | O_CLOEXEC, way);
		}
	}
	return fd;
}

/** As target_ops::displace. */
static struct error displace(struct file_context *ctx, struct file *file) {
	if (ctx->files->opts->flags & OPT_VERBOSE) {
		tree_say(file->tree, &file->entry, SAY_REMOVED, "removed %d");
	}
	file->target.flags &= ~(unsigned)TARGET_BY_LINK;
	return create_again(ctx, file, true);
}

/** As target_ops::overwrite. */
static struct error overwrite(struct file_context *ctx, struct file *file) {
	const struct opts *opts = ctx->files->opts;
	bool trusted = tree_is_named_whole(file->tree);
	int dir = file->tree->fd[DST];
	const char *name = file->entry.dst_name;

	if (dest_is_strangers(opts, file->tree, &file->source.st, &file->target.found)) {
		return displace(ctx, file);
	}
	int fd = open_old(file->tree, dir, name, WAY_NAME);
	bool link = fd == -ELOOP;
	if (link && (trusted || !(opts->flags & OPT_BENEATH))) {
		fd = open_old(file->tree, dir, name, trusted ? WAY_TRUSTED : WAY_SYMLINK);
	}
	bool refused = fd == SYMLINK_FOREIGN || fd == OPEN_NO_PROC || fd == SYMLINK_REFUSED;
	if (refused || (fd < 0 && fd != -ENOENT && !(opts->flags & OPT_FORCE))) {
		return file_cannot_create(fd);
	}
	if (fd < 0) {
		return fd == -ENOENT ? create_again(ctx, file, false) : displace(ctx, file);
	}
	file->target.flags |= link ? TARGET_BY_LINK : 0;
	struct error fail;
	enum target_admit admit = target_admit(ctx, file, fd, &fail);
	close_fd(&fd);
	if (admit != TARGET_ADMIT) {
		return admit == TARGET_REFUSE ? fail : displace(ctx, file);
	}
	if (!file_reserve(ctx, file)) {
		file->flags |= FILE_DEFERRED;
		return NO_ERROR;
	}
	file->target.flags |= TARGET_REPLACES;
	int ret = stage_linked(ctx, file);
	if (ret > 0) {
		file->target.flags |= TARGET_INHERITS;
		ret = stage(ctx, file, S_IRUSR | S_IWUSR);
	}
	return ret < 0 ? file_cannot_create(ret) : NO_ERROR;
}

struct error file_inherit(struct file_context *ctx, struct file *file) {
	struct location location;
	struct stat st;
	int old = -1;

	int ret = tree_pin(file->tree);
	if (ret < 0) {
		return error_make(ERROR_ACCESS, ret, "cannot access %d");
	}
	ret = location_open(&location, file);
	tree_unpin(file->tree);
	if (ret == 0) {
		old = open_old(file->tree, location.dir, location.name, WAY_NAME);
		location_close(&location);
	}
	if (old < 0 || fstat(old, &st) != 0 || !inode_same(inode_of(&st), inode_of(&file->target.found))) {
		// Someone has moved it: use the owner and mode that were found
		close_fd(&old);
		old = -1;
	}
	const struct inode inode = inode_of(&file->target.found);
	struct error fail = meta_inherit(ctx->files->opts, old, &file->target.found, file->target.fd);
	// It is reserved under this inode
	file->target.found.st_dev = inode.dev;
	file->target.found.st_ino = inode.ino;
	close_fd(&old);
	return fail;
}

/** Whether the temporary name of a file still leads to it. */
static bool is_still_tempfile(const struct file *file, int dir) {
	struct stat ours;
	struct stat there;
	return fstat(file->target.fd, &ours) == 0 && fstatat(dir, file->target.tempfile, &there, AT_SYMLINK_NOFOLLOW) == 0
		&& file_is_still(file->tree, &ours, &there);
}

/** Get errors that only closing reports (NFS, quotas), before the file gets its name. Returns 0 or -errno. */
static int flush(const struct file *file) {
	int fd = fcntl(file->target.fd, F_DUPFD_CLOEXEC, 3);
	return fd < 0 ? -errno : close_fd(&fd);
}

/** A file without a name that is to replace what stands at a location. */
struct replacing {
	const struct file *file;
	const struct location *location;
};

/** Give a file a temporary name, and move it to its own from there. As file_try_tempfile() wants it. */
static int link_and_move(void *arg, const char *tempfile) {
	const struct replacing *replacing = arg;
	const struct file *file = replacing->file;
	int dir = replacing->location->dir;
	struct stat st;
	int ret = tempfile_link(file->target.fd, dir, tempfile);
	if (ret == 0 && renameat(dir, tempfile, dir, replacing->location->name) != 0) {
		ret = -errno;
		if (ret != -ENOENT && fstat(file->target.fd, &st) == 0) {
			file_drop_tempfile(file->tree, dir, tempfile, inode_of(&st));
		}
	}
	return ret == -ENOENT ? TEMPFILE_LOST : ret;
}

/** Replace what stands at a location. Returns 0 or -errno. */
static int move_over(const struct file *file, const struct location *location) {
	struct stat st;
	if (file->target.tempfile) {
		int ret = or_errno(renameat(location->dir, file->target.tempfile, location->dir, location->name));
		// If both names were links to one file, the rename did nothing
		if (ret == 0 && (file->target.flags & TARGET_LINKED) && fstat(file->target.fd, &st) == 0) {
			file_drop_tempfile(file->tree, location->dir, file->target.tempfile, inode_of(&st));
		}
		return ret;
	}
	struct replacing replacing = {.file = file, .location = location};
	char *tempfile;
	int ret = file_try_tempfile(file->tree, location->dir, location->name, link_and_move, &replacing, &tempfile);
	free(tempfile);
	return ret;
}

/** Judge what stands now where nothing stood at first. Returns whether to replace it. */
static bool judge_again(struct file_context *ctx, struct file *file, struct error *fail) {
	struct dest_found found = {.agreed = ctx->agreed};
	enum dest_verdict verdict = dest_judge(ctx->files->dest, file->tree, &file->entry, &file->source.st, &found, fail);
	if (file->target.backup) {
		free(found.backup);
	} else {
		file->target.backup = found.backup;
	}
	return verdict == DEST_OVERWRITE || verdict == DEST_CREATE;
}

/**
 * Give a file its name. Returns 0; 1 if it has its temporary name, too; -ECANCELED if cp's rules forbid it, with FAIL
 * set if that is an error; or another -errno.
 */
static int name_it(struct file_context *ctx, struct file *file, const struct location *location, struct error *fail) {
	int ret = -EEXIST;
	if (file->target.tempfile) {
		ret = is_still_tempfile(file, location->dir) ? flush(file) : -ENOENT;
		if (ret < 0) {
			return ret;
		}
		ret = -EEXIST;
	}
	if (!(file->target.flags & TARGET_REPLACES)) {
		ret = file->target.tempfile ? tempfile_move_open(location->dir, file->target.tempfile, location->name)
									: tempfile_link(file->target.fd, location->dir, location->name);
		if (ret == -EEXIST && (file->tree->flags & TREE_CREATED)) {
			return ret;
		}
		if (ret == -EEXIST && !judge_again(ctx, file, fail)) {
			return -ECANCELED;
		}
	}
	return ret == -EEXIST ? move_over(file, location) : ret;
}

/**
 * With trees::flush, flush the directory of a name behind a link, which is not flushed otherwise. Returns 0 or -errno.
 */
static int flush_name(const struct file *file, const struct location *location) {
	bool elsewhere = (file->target.flags & TARGET_BY_LINK) && file->tree->trees->flush;
	int ret = elsewhere ? flush_directory_at(location->dir, ".", file->tree->trees->cancelled) : 0;
	return ret == -EINTR ? 0 : ret;
}

/** As target_ops::commit. */
static struct error commit(struct file_context *ctx, struct file *file) {
	struct error fail = NO_ERROR;
	struct location location;
	int flushed = 0;

	int ret = tree_pin(file->tree);
	if (ret == 0) {
		ret = location_open(&location, file);
		if (ret == 0) {
			ret = name_it(ctx, file, &location, &fail);
			flushed = ret >= 0 ? flush_name(file, &location) : 0;
			location_close(&location);
		}
		tree_unpin(file->tree);
	}
	if (ret < 0) {
		file->flags |= FILE_INCOMPLETE;
		return ret == -ECANCELED ? fail : file_cannot_create(ret);
	}
	file->target.ops = &target_in_place;
	if (ret == 0) {
		free(file->target.tempfile);
		file->target.tempfile = NULL;
	}
	return flushed < 0 ? error_make(ERROR_SYNC, flushed, "error syncing the directory of %d") : NO_ERROR;
}

void file_unhide(struct file *file, struct inode inode) {
	struct location location;
	int ret = tree_pin(file->tree);
	if (ret == 0) {
		ret = location_open(&location, file);
		if (ret == 0) {
			file_drop_tempfile(file->tree, location.dir, file->target.tempfile, inode);
			location_close(&location);
		}
		tree_unpin(file->tree);
	}
	if (ret < 0) {
		const struct entry left = {.name = file->target.tempfile, .dst_name = file->target.tempfile};
		tree_report(file->tree, &left, error_make(ERROR_REMOVE, ret, "cannot remove %d"));
	}
}

/** Remove a file that did not get its name, or keep it for --resume (file_keep_part()). */
static void unstage(struct file_context *ctx, struct file *file) {
	struct location location;
	struct stat st;
	if (file_keep_part(ctx, file) || !file->target.tempfile || tree_pin(file->tree) < 0) {
		return;
	}
	int ret = location_open(&location, file);
	if (ret < 0) {
		// The name leads elsewhere now: remove nothing there
		tree_report(file->tree, &file->entry,
			error_make(ERROR_REMOVE, ret > SYMLINK_FOREIGN ? ret : 0, "cannot remove what was begun of %d"));
	} else {
		bool known = fstat(file->target.fd, &st) == 0;
		file_let_go(ctx, file);
		if (known) {
			file_drop_tempfile(file->tree, location.dir, file->target.tempfile, inode_of(&st));
		}
		location_close(&location);
	}
	tree_unpin(file->tree);
}

/** As target_ops::rollback. The name still belongs to what was there before. */
static void rollback(struct file_context *ctx, struct file *file) {
	unstage(ctx, file);
	if (file->target.backup && tree_pin(file->tree) == 0) {
		dest_undo_backup(ctx->files->dest, file->tree, &file->entry, file->target.backup);
		tree_unpin(file->tree);
	}
}

const struct target_ops target_staged = {
	.create = create,
	.create_again = create_again,
	.overwrite = overwrite,
	.displace = displace,
	.commit = commit,
	.rollback = rollback,
};
