#include "file-impl.h"

#include "meta.h"
#include "opts.h"
#include "std.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/** The source's mode, as that of the regular file its copy will be. */
static mode_t regular_mode(const struct file *file) {
	return (file->st.st_mode & 07777) | S_IFREG;
}

static void say(struct file_context *ctx, const struct file *file, const char *what) {
	if (ctx->files->opts->flags & OPT_VERBOSE) {
		tree_say(file->tree, &file->entry, what);
	}
}

/** Make the destination. Returns 0 or -errno. */
static int create(struct file_context *ctx, struct file *file, int more_flags) {
	const struct opts *opts = ctx->files->opts;
	int flags = O_WRONLY | O_CREAT | O_CLOEXEC | more_flags;
	mode_t mode = regular_mode(file);

	file->dst_fd = openat(file->tree->fd[DST], file->entry.dst_name, flags, meta_create_mode(opts, mode));
	if (file->dst_fd < 0) {
		return -errno;
	}
	file->flags |= FILE_CREATED;
	if (meta_final_mode(opts, mode, 0, &file->final_mode)) {
		file->flags |= FILE_FINAL_MODE;
	}
	return 0;
}

/** Make a destination after something that stood there was removed, or only a link stands there. */
static struct fail create_again(struct file_context *ctx, struct file *file) {
	struct stat st;
	const char *name = file->entry.dst_name;
	int ret = create(ctx, file, O_EXCL);
	if (ret == -EEXIST && fstatat(file->tree->fd[DST], name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode)) {
		if (!(ctx->files->opts->flags & OPT_POSIX)) {
			return fail_make(0, "not writing through dangling symlink %d");
		}
		ret = create(ctx, file, 0);
	}
	return ret < 0 ? fail_make(ret, "cannot create regular file %d") : FAIL_NONE;
}

/** Look at an existing destination that is open now, and empty it. */
static struct fail take_over(struct file_context *ctx, struct file *file) {
	if (fstat(file->dst_fd, &file->found) != 0) {
		return fail_make(errno, "cannot fstat %d");
	}
	// Seen before opening, but who knows what has been moved meanwhile
	if (inode_same(inode_of(&file->found), inode_of(&file->st))) {
		close_fd(&file->dst_fd);
		return fail_make(0, "%s and %d are the same file");
	}
	if (!S_ISREG(file->found.st_mode)) {
		file->flags |= FILE_SPECIAL;
		return FAIL_NONE;
	}
	bool empty = file->found.st_size == 0 || (ctx->files->opts->flags & OPT_ATTRIBUTES_ONLY);
	if (!empty && ftruncate(file->dst_fd, 0) != 0) {
		return fail_make(errno, "cannot create regular file %d");
	}
	return FAIL_NONE;
}

/** Open a destination that may be replaced. */
static struct fail overwrite(struct file_context *ctx, struct file *file) {
	const struct opts *opts = ctx->files->opts;
	int dir = file->tree->fd[DST];
	const char *name = file->entry.dst_name;

	file->dst_fd = openat(dir, name, O_WRONLY | O_CLOEXEC);
	if (file->dst_fd >= 0) {
		return take_over(ctx, file);
	}
	int err = errno;
	if (err == ENOENT) {
		return create_again(ctx, file);
	}
	if (!(opts->flags & OPT_FORCE)) {
		return fail_make(err, "cannot create regular file %d");
	}
	if (unlinkat(dir, name, 0) == 0) {
		say(ctx, file, "removed %d");
	} else if (errno != ENOENT) {
		return fail_make(errno, "cannot remove %d");
	}
	return create_again(ctx, file);
}

/** Decide about what stands at the destination, and open it or what takes its place. */
static enum dest_verdict replace(struct file_context *ctx, struct file *file, const struct judged *judged,
	struct fail *fail)
{
	enum dest_verdict verdict = judged->verdict;
	file->found = judged->found;
	if (!judged->known) {
		verdict = dest_judge(ctx->files->dest, file->tree, &file->entry, &file->st, &file->found, fail);
	}
	if (verdict == DEST_OVERWRITE || verdict == DEST_CREATE) {
		say(ctx, file, "%s -> %d");
	}
	if (verdict == DEST_OVERWRITE) {
		*fail = overwrite(ctx, file);
	} else if (verdict == DEST_CREATE) {
		*fail = create_again(ctx, file);
	}
	return verdict;
}

bool file_open_destination(struct file_context *ctx, struct file *file, const struct judged *judged) {
	struct fail fail = FAIL_NONE;
	enum dest_verdict verdict = DEST_CREATE;
	const char *name = file->entry.dst_name;

	int ret = judged->known ? -EEXIST : create(ctx, file, O_EXCL);
	if (ret == -EEXIST) {
		verdict = replace(ctx, file, judged, &fail);
	} else {
		say(ctx, file, "%s -> %d");
		if (ret == -EISDIR && name[0] != '\0' && name[strlen(name) - 1] == '/') {
			ret = -ENOTDIR;
		}
		if (ret < 0) {
			fail = tree_explain(file->tree, &file->entry, -ret, "cannot create regular file %d");
		}
	}
	if (fail.what) {
		if (fail.err != EINTR || !atomic_load(&ctx->files->cancelled)) {
			tree_report(file->tree, &file->entry, fail);
		}
		return false;
	}
	if ((verdict == DEST_SKIP || verdict == DEST_DONE) && (ctx->files->opts->flags & OPT_DEBUG)) {
		tree_say(file->tree, &file->entry, "skipped %d");
	}
	return file->dst_fd >= 0;
}
