// SPDX-License-Identifier: MIT
#include "copy/file-impl.h"

#include "base/io.h"
#include "base/open.h"
#include "base/opts.h"
#include "journal/checksums.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

/** Whether what was opened is what was listed, or what has the name now. */
static bool is_as_listed(const struct file *file) {
	struct stat now;
	if (file->entry.ino == 0 || file->entry.ino == file->source.st.st_ino) {
		return true;
	}
	// On some file systems directories list other inode numbers than stat(2) returns
	int flags = tree_follows(file->tree) ? 0 : AT_SYMLINK_NOFOLLOW;
	return fstatat(file->tree->fd[SRC], file->entry.name, &now, flags) == 0
		&& inode_same(inode_of(&now), inode_of(&file->source.st));
}

int file_open_waiting(const struct file_context *ctx, int seen, int dir, const char *path, int flags) {
	const struct timespec interval = {.tv_nsec = 10000000};
	int ret = open_again(seen, dir, path, flags);
	// Only cancelling ends the wait, no other signal
	while (ret == -EINTR && !atomic_load(&ctx->files->cancelled)) {
		ret = open_again(seen, dir, path, flags);
	}
	// Without /proc the kernel does not wait, so poll
	while (ret == -EAGAIN && path && !(flags & O_NONBLOCK) && !open_has_proc()) {
		if (atomic_load(&ctx->files->cancelled)) {
			return -EINTR;
		}
		nanosleep(&interval, NULL);
		ret = open_again(seen, dir, path, flags);
	}
	return ret;
}

/** Open a source under a lease, once its holder has released it. Returns a descriptor or -errno. */
static int wait_for_source(const struct file_context *ctx, const struct file *file, int flags) {
	int dir = file->tree->fd[SRC];
	struct stat st;
	int seen = openat(dir, file->entry.name, O_PATH | O_CLOEXEC | (flags & O_NOFOLLOW));
	if (seen < 0) {
		return -errno;
	}
	int ret = or_errno(fstat(seen, &st));
	if (ret == 0) {
		ret = !S_ISREG(st.st_mode) ? -ESTALE
								   : file_open_waiting(ctx, seen, dir, file->entry.name, O_RDONLY | O_CLOEXEC);
	}
	close_fd(&seen);
	return ret;
}

/** Check that what was opened is what was listed, and may be copied. WHEN: a time before the source was looked at. */
static struct error check_source(const struct files *files, struct file *file, const struct stat *st,
	const struct timespec *when) {
	bool mount;
	int ret = open_look(file->source.fd, "", AT_EMPTY_PATH, &file->source.st, &mount);
	if (ret < 0) {
		return error_make(ERROR_STAT, ret, "cannot fstat %s");
	}
	if (mount && !(file->tree->flags & TREE_OPERANDS)) {
		file->source.flags |= SOURCE_MOUNTED;
		atomic_store(&file->tree->trees->mounted, true);
	}
	bool untold = (files->opts->flags & (OPT_RESUME | OPT_MOVE)) && !journal_can_tell(&file->source.st, when);
	file->source.flags |= untold ? SOURCE_UNTOLD : 0;
	bool same = st ? inode_same(inode_of(st), inode_of(&file->source.st))
				   : S_ISREG(file->source.st.st_mode) && is_as_listed(file);
	if (!same) {
		return error_make(ERROR_COPY, 0, "skipping file %s, as it was replaced while being copied");
	}
	if (files->checksums && checksums_is(files->checksums, &file->source.st)) {
		return error_make(ERROR_COPY, 0, "cannot copy %s: checksums are being written to it");
	}
	return NO_ERROR;
}

/** The error for a source that could not be opened. ERR: the errno of opening it. */
static struct error why_not_opened(const struct file *file, const struct stat *st, int err) {
	struct stat there;
	// cp looks before it opens, and reports that error first
	bool found = st || fstatat(file->tree->fd[SRC], file->entry.name, &there, AT_SYMLINK_NOFOLLOW) == 0;
	return found ? error_make(ERROR_OPEN, err, "cannot open %s for reading")
				 : error_make(ERROR_STAT, errno, "cannot stat %s");
}

struct error file_open_source(struct file_context *ctx, struct file *file, const struct stat *st, bool wait) {
	const struct files *files = ctx->files;
	// Do not wait for a fifo that was put in the place of a file
	bool regular = !st || S_ISREG(st->st_mode);
	int flags = O_RDONLY | O_NOCTTY | O_CLOEXEC | (tree_follows(file->tree) ? 0 : O_NOFOLLOW)
		| (regular ? O_NONBLOCK : 0);
	int fd = openat(file->tree->fd[SRC], file->entry.name, flags);
	int err = errno;
	bool leased = fd < 0 && err == EAGAIN && regular;
	if (leased && !wait) {
		file->flags |= FILE_DEFERRED;
		return NO_ERROR;
	}
	if (leased) {
		fd = wait_for_source(ctx, file, flags);
		err = -fd;
	}
	file->source.fd = max(fd, -1);
	if (fd < 0) {
		return why_not_opened(file, st, err);
	}
	struct timespec when = {0};
	if (files->opts->flags & (OPT_RESUME | OPT_MOVE)) {
		clock_gettime(CLOCK_REALTIME_COARSE, &when);
	}
	struct error fail = check_source(files, file, st, &when);
	file->source.flags |= !fail.text && regular && !leased ? SOURCE_NONBLOCK : 0;
	return fail;
}
