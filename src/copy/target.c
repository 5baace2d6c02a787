// SPDX-License-Identifier: MIT
#include "copy/file-impl.h"

#include "base/open.h"
#include "base/opts.h"
#include "journal/checksums.h"
#include "sys/extent.h"
#include "sys/symlink.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/** Bytes from which on a file that is too large is not written in vain. */
#define FIT_MIN (1u << 20)

struct error file_not_giving(void) {
	return error_make(ERROR_COPY, 0, "not giving attributes to %d, as it belongs to another user");
}

struct error file_not_through(int ret) {
	if (ret == SYMLINK_REFUSED) {
		return error_make(ERROR_COPY, 0, tree_made_link);
	}
	return error_make(ERROR_COPY, 0,
		ret == OPEN_NO_PROC ? "not writing through %d: symbolic links of others are followed only if /proc is mounted"
							: "not writing through %d: who made this symbolic link does not own what it leads to");
}

struct error file_cannot_create(int ret) {
	bool not_through = ret == SYMLINK_FOREIGN || ret == OPEN_NO_PROC || ret == SYMLINK_REFUSED;
	return not_through ? file_not_through(ret) : error_make(ERROR_CREATE, ret, "cannot create regular file %d");
}

dev_t target_device(const struct file *file) {
	// Operands and symbolic links may lead to any device
	if (!(file->tree->flags & TREE_BASE) && !(file->target.flags & TARGET_BY_LINK)) {
		return file->tree->inode[DST].dev;
	}
	return file->target.flags & TARGET_RESERVED ? file->target.found.st_dev : 0;
}

bool file_is_too_large(const struct file *file) {
	uint64_t size = (uint64_t)file->source.st.st_size;
	bool sized = S_ISREG(file->source.st.st_mode) && !(file->tree->flags & TREE_UNSIZED);
	return sized && size >= FIT_MIN && !(file->target.flags & (TARGET_SPECIAL | TARGET_LINKED))
		&& !extent_fits(file->target.fd, size);
}

int file_access_mode(const struct opts *opts) {
	return opts->flags & OPT_VERIFY ? O_RDWR : O_WRONLY;
}

bool file_is_atomic(const struct file_context *ctx, const struct entry *entry) {
	size_t len = strlen(entry->dst_name);
	// Only a directory can have a name that ends in a slash: making it in place reports the error
	return (ctx->files->opts->flags & OPT_ATOMIC) && len > 0 && entry->dst_name[len - 1] != '/';
}

enum target_admit file_admit(const struct files *files, const struct tree *tree, const struct stat *src,
	const struct target_found *there, struct error *fail) {
	const struct stat *st = &there->st;
	// This was checked before, but something may have been moved since
	if (inode_same(inode_of(st), inode_of(src))) {
		*fail = error_make(ERROR_COPY, 0, "%s and %d are the same file");
	} else if (files->checksums && checksums_is(files->checksums, st)) {
		*fail = error_make(ERROR_COPY, 0, "cannot copy %s to %d: checksums are being written there");
	} else if (dest_is_strangers(files->opts, tree, src, st)) {
		return TARGET_DISPLACE;
	} else if (S_ISREG(st->st_mode) && (there->link || there->mount)) {
		*fail = dest_spare_source(files->dest, st);
	}
	return fail->text ? TARGET_REFUSE : TARGET_ADMIT;
}

bool file_is_also_source(const struct files *files, const struct target_found *there) {
	return !(files->opts->flags & OPT_ATTRIBUTES_ONLY) && !there->link && there->st.st_nlink > 1
		&& dest_is_source(files->dest, &there->st);
}

enum target_admit target_admit(const struct file_context *ctx, struct file *file, int fd, struct error *fail) {
	struct target_found there = {.link = file->target.flags & TARGET_BY_LINK};
	int ret = open_look(fd, "", AT_EMPTY_PATH, &there.st, &there.mount);
	*fail = ret < 0 ? error_make(ERROR_STAT, ret, "cannot fstat %d") : NO_ERROR;
	if (ret < 0) {
		return TARGET_REFUSE;
	}
	enum target_admit admit = file_admit(ctx->files, file->tree, &file->source.st, &there, fail);
	if (!fail->text && !file_is_still(file->tree, &file->target.found, &there.st)) {
		*fail = error_make(ERROR_COPY, 0, "skipping file %s, as its destination %d was replaced while being copied");
		return TARGET_REFUSE;
	}
	file->target.found = admit == TARGET_REFUSE ? file->target.found : there.st;
	return admit;
}
