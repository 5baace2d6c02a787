// SPDX-License-Identifier: MIT
#include "copy/file-impl.h"

#include "base/clock.h"
#include "base/io.h"
#include "base/open.h"
#include "base/opts.h"
#include "base/path.h"
#include "report/report.h"
#include "sys/meta.h"
#include "sys/tempfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/** Open the directories of one option. WARNING: the message if that fails. */
static void open_all(const struct files *files, const struct opts_dirs *dirs, const char *warning,
	struct earlier_copies *copies) {
	for (unsigned i = 0; i < dirs->count; ++i) {
		int fd = open(dirs->paths[i], O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0) {
			report_warn(files->report, ERROR_OPEN, errno, warning, dirs->paths[i], NULL);
			continue;
		}
		copies->dirs[copies->count++] = (struct earlier) {.fd = fd, .path = dirs->paths[i]};
	}
}

void files_open_earlier(struct files *files) {
	const struct opts *opts = files->opts;
	open_all(files, &opts->link_dests, "warning: nothing will be linked to files in %s", &files->linked);
	open_all(files, &opts->reflink_dests, "warning: nothing will be cloned from %s", &files->cloned);
}

void files_close_earlier(struct files *files) {
	for (unsigned i = 0; i < files->linked.count; ++i) {
		close_fd(&files->linked.dirs[i].fd);
	}
	for (unsigned i = 0; i < files->cloned.count; ++i) {
		close_fd(&files->cloned.dirs[i].fd);
	}
}

/** Report once why files of an earlier copy are not used. */
static void complain(const struct files *files, struct earlier *earlier, const char *warning, int err) {
	if (!atomic_exchange(&earlier->refused, true)) {
		report_warn(files->report, ERROR_CREATE, err, warning, earlier->path, NULL);
	}
}

static const char not_linked[] = "warning: copying files that could not be linked to those in %s";
static const char not_cloned[] = "warning: copying files that could not be cloned from %s";

/** Open PATH below an earlier copy, without following links. Returns an O_PATH descriptor or -errno. */
static int open_below(const struct earlier *earlier, const char *path) {
	struct open_how how = {
		.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	return or_errno((int)syscall(SYS_openat2, earlier->fd, path, &how, sizeof(how)));
}

/** What a file of an earlier copy is wanted for. */
enum use {
	USE_LINK,
	USE_CLONE,
};

/** Whether the status of a file is what its copy would get. */
static bool looks_same(const struct opts *opts, const struct stat *src, const struct stat *there) {
	// What another user owns may change later
	uid_t kept = opts->uid != (uid_t)-1 ? opts->uid : src->st_uid;
	uid_t owner = opts->flags & OPT_PRIVILEGED ? kept : geteuid();
	return S_ISREG(there->st_mode) && src->st_size == there->st_size && there->st_uid == owner
		&& time_same(src->st_mtim, there->st_mtim)
		// A copy is not its source
		&& !inode_same(inode_of(src), inode_of(there));
}

/** Whether everyone who may read a copy may also read the existing file, in case that is another file after all. */
static bool is_as_open(const struct stat *src, const struct stat *there) {
	const mode_t others = S_IRGRP | S_IROTH;
	return (src->st_mode & others & ~there->st_mode) == 0;
}

/**
 * Whether the attributes that a copy would get are those of an existing file.
 *
 * @param fd  The existing file, open for reading.
 */
static bool has_same_attributes(const struct files *files, const struct file *file, int fd, const struct stat *there) {
	struct opts opts = *files->opts;
	// Also what only the existing file has must not be there
	opts.preserve |= PRESERVE_XATTR;
	const struct meta meta = {
		.opts = &opts,
		.flags = file_unlisted_acls(file->tree, file->source.fd),
		.src = &file->source.st,
		.dst = there,
		.src_fd = file->source.fd,
		.src_dir = file->tree->fd[SRC],
		.src_name = file->entry.name,
		.dst_fd = fd,
	};
	return !meta_differs(&meta);
}

/** Whether an existing file may be used: it has the right attributes and, if the user wants to know, contents. */
static bool is_same(const struct files *files, const struct file *file, int fd, const struct stat *there,
	enum use use) {
	const struct opts *opts = files->opts;
	bool read = (opts->update == UPDATE_CHECKSUM || (opts->flags & OPT_VERIFY)) && file->source.fd >= 0;
	bool fits = use == USE_LINK ? has_same_attributes(files, file, fd, there) : is_as_open(&file->source.st, there);
	return fits && (!read || dest_has_same_data(files->dest, (int[2]) {file->source.fd, fd}))
		&& !atomic_load(&files->cancelled);
}

/** Open the file that PATH is in an earlier copy, if it is the same. Returns a descriptor for reading, or -1. */
static int open_same(const struct files *files, const struct file *file, struct earlier *earlier, const char *path,
	enum use use) {
	struct stat st;
	int seen = open_below(earlier, path);
	if (seen < 0) {
		if (seen != -ENOENT && seen != -ENOTDIR && seen != -ELOOP && seen != -EXDEV) {
			complain(files, earlier, use == USE_LINK ? not_linked : not_cloned, -seen);
		}
		return -1;
	}
	int fd = -1;
	if (fstat(seen, &st) == 0 && looks_same(files->opts, &file->source.st, &st)) {
		fd = open_again(seen, earlier->fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	}
	close_fd(&seen);
	if (fd >= 0 && !is_same(files, file, fd, &st, use)) {
		close_fd(&fd);
	}
	return max(fd, -1);
}

/**
 * The path of a file below the earlier copies, written to BUF, which has SIZE bytes; NULL if there is none, or nothing
 * is to be looked for.
 */
static const char *path_in(const struct earlier_copies *copies, const struct file *file, char *buf, size_t size) {
	if (copies->count == 0 || !S_ISREG(file->source.st.st_mode) || (file->tree->flags & TREE_UNSIZED)) {
		return NULL;
	}
	const struct tree *root = tree_copy_root(file->tree);
	const char *name = file->entry.dst_name;
	// What the user named whole may have a path before its name
	return tree_path_below(file->tree, root, tree_is_named_whole(root) ? last_component(name) : name, buf, size);
}

int file_link_earlier(struct file_context *ctx, struct file *file, int dir, const char *name) {
	struct files *files = ctx->files;
	char buf[PATH_MAX];
	const char *path = path_in(&files->linked, file, buf, sizeof(buf));
	for (unsigned i = 0; path && i < files->linked.count; ++i) {
		int fd = open_same(files, file, &files->linked.dirs[i], path, USE_LINK);
		int ret = fd < 0 ? 1 : tempfile_link(fd, dir, name);
		if (ret == 0) {
			file->target.fd = fd;
			file->target.flags |= TARGET_CREATED | TARGET_LINKED;
			return 0;
		}
		close_fd(&fd);
		if (ret == -EEXIST) {
			return ret;
		}
		if (ret < 0) {
			complain(files, &files->linked.dirs[i], not_linked, -ret);
		}
	}
	return 1;
}

bool file_would_link_earlier(struct files *files, struct tree *tree, const struct entry *entry, const struct stat *st) {
	const struct file file = {.tree = tree, .entry = *entry, .source = {.fd = -1, .st = *st}};
	char buf[PATH_MAX];
	const char *path = path_in(&files->linked, &file, buf, sizeof(buf));
	int fd = -1;
	for (unsigned i = 0; path && fd < 0 && i < files->linked.count; ++i) {
		fd = open_same(files, &file, &files->linked.dirs[i], path, USE_LINK);
	}
	bool would = fd >= 0;
	close_fd(&fd);
	return would;
}

int file_open_earlier(const struct file_context *ctx, const struct file *file, struct earlier **earlier) {
	struct files *files = ctx->files;
	char buf[PATH_MAX];
	const char *path = file->source.st.st_size > 0 ? path_in(&files->cloned, file, buf, sizeof(buf)) : NULL;
	int fd = -1;
	for (unsigned i = 0; path && fd < 0 && i < files->cloned.count; ++i) {
		*earlier = &files->cloned.dirs[i];
		fd = open_same(files, file, *earlier, path, USE_CLONE);
	}
	return fd;
}

void file_not_cloned(const struct files *files, struct earlier *earlier, int err) {
	complain(files, earlier, not_cloned, err);
}
