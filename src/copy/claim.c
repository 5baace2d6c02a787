#include "copy/file-impl.h"

#include "display/writeback.h"
#include "sys/symlink.h"

#include <stdlib.h>
#include <sys/stat.h>

bool file_reserve(struct file_context *ctx, struct file *file) {
	struct files *files = ctx->files;
	struct inode inode = inode_of(&file->target.found);

	mutex_lock(&files->lock);
	while (ctx->patient && inode_set_has(&files->overwriting, inode)) {
		cond_wait(&files->released, &files->lock);
	}
	int ret = inode_set_add(&files->overwriting, inode);
	mutex_unlock(&files->lock);
	file->target.flags |= ret == 1 ? TARGET_RESERVED : 0;
	return ret == 1;
}

bool file_is_being_made(struct file_context *ctx, const struct tree *tree, const struct stat *st) {
	struct files *files = ctx->files;
	if (!st || !(tree->flags & TREE_OPERANDS) || !(files->dest->flags & DEST_SEVERAL)) {
		return false;
	}
	mutex_lock(&files->lock);
	while (ctx->patient && inode_set_has(&files->overwriting, inode_of(st))) {
		cond_wait(&files->released, &files->lock);
	}
	bool being_made = inode_set_has(&files->overwriting, inode_of(st));
	mutex_unlock(&files->lock);
	return being_made;
}

void file_protect(struct file_context *ctx, struct file *file) {
	bool read = (file->tree->flags & TREE_OPERANDS) && (ctx->files->dest->flags & DEST_SEVERAL);
	if ((read || file->link) && fstat(file->target.fd, &file->target.found) == 0) {
		file_reserve(ctx, file);
	}
}

void file_release(struct file_context *ctx, struct file *file) {
	struct files *files = ctx->files;
	if (!(file->target.flags & TARGET_RESERVED)) {
		return;
	}
	mutex_lock(&files->lock);
	struct inode *item = inode_set_find(&files->overwriting, inode_of(&file->target.found));
	inode_set_remove(&files->overwriting, item);
	free(item);
	file->target.flags &= ~(unsigned)TARGET_RESERVED;
	cond_broadcast(&files->released);
	mutex_unlock(&files->lock);
}
