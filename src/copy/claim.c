// SPDX-License-Identifier: MIT
#include "copy/file-impl.h"

#include "base/opts.h"

#include <stdlib.h>
#include <sys/stat.h>

/** A source that is being read, and by how many files. */
struct reader {
	struct inode inode;
	unsigned count;
};

/** Whether data is being moved to an inode, whether or not that is reserved. files::lock is held. */
static bool is_begun(const struct files *files, struct inode inode) {
	for (const struct list *node = files->begun.next; node != &files->begun; node = node->next) {
		const struct file *file = list_item(node, struct file, begun_node);
		struct stat st;
		if (fstat(file->target.fd, &st) == 0 && inode_same(inode_of(&st), inode)) {
			return true;
		}
	}
	return false;
}

/** Who is asked whether an inode is busy. */
enum asked {
	ASK_WRITERS,
	/** Also files in files::begun whose new destination was not reserved, as no mount had been met in a source yet. */
	ASK_ALL_WRITERS,
	ASK_READERS,
};

/** Whether another file is writing INODE or, if asked, reading it. With may_wait, wait for it. files::lock is held. */
static bool is_busy(struct file_context *ctx, struct inode inode, enum asked asked) {
	struct files *files = ctx->files;
	bool busy;
	while ((busy = inode_set_has(&files->overwriting, inode)
				   || (asked == ASK_READERS && inode_set_has(&files->reading, inode))
				   || (asked == ASK_ALL_WRITERS && is_begun(files, inode)))
		&& ctx->may_wait)
	{
		cond_wait(&files->released, &files->lock);
	}
	return busy;
}

/** Release the source; files::lock is held. */
static void release_source(struct files *files, struct file *file) {
	struct reader *reader = inode_set_find(&files->reading, file->source.reading);
	if (--reader->count == 0) {
		inode_set_remove(&files->reading, &reader->inode);
		free(reader);
	}
	file->source.flags &= ~(unsigned)SOURCE_READING;
	cond_broadcast(&files->released);
}

bool file_reserve(struct file_context *ctx, struct file *file) {
	struct files *files = ctx->files;
	struct inode inode = inode_of(&file->target.found);

	mutex_lock(&files->lock);
	bool held = file->source.flags & SOURCE_READING;
	bool busy = inode_set_has(&files->overwriting, inode) || inode_set_has(&files->reading, inode);
	if (busy && held && ctx->may_wait) {
		// Two files that are copies of each other would wait for each other
		release_source(files, file);
		is_busy(ctx, inode, ASK_READERS);
	} else {
		busy = is_busy(ctx, inode, ASK_READERS);
	}
	int ret = busy ? 0 : inode_set_add(&files->overwriting, inode);
	mutex_unlock(&files->lock);
	file->target.flags |= ret == 1 ? TARGET_RESERVED : 0;
	return ret == 1;
}

/** Whether there are several operands, one of which may be the destination of another. */
static bool is_one_of_several(const struct file_context *ctx, const struct tree *tree) {
	return (tree->flags & TREE_OPERANDS) && (ctx->files->dest->flags & DEST_SEVERAL);
}

/** Whether names of a tree may lead to files that this run writes. */
static bool may_lead_to_copies(const struct file_context *ctx, const struct tree *tree) {
	bool below = !(tree->flags & TREE_OPERANDS);
	return (tree->flags & TREE_LED_AWAY) || (below && tree_follows(tree)) || is_one_of_several(ctx, tree);
}

/** Which writers to ask about what names of TREE lead to. With -L, all writers are known. */
static enum asked writers(const struct file_context *ctx, const struct tree *tree, bool mounted) {
	bool led = mounted || (tree->flags & TREE_LED_AWAY);
	return led && ctx->files->opts->deref != DEREF_ALWAYS ? ASK_ALL_WRITERS : ASK_WRITERS;
}

bool file_reserve_source(struct file_context *ctx, struct file *file, const struct stat *st) {
	struct files *files = ctx->files;
	struct inode inode = inode_of(st);
	bool mounted = file->source.flags & SOURCE_MOUNTED;
	if (!mounted && !may_lead_to_copies(ctx, file->tree)) {
		return true;
	}
	mutex_lock(&files->lock);
	bool busy = is_busy(ctx, inode, writers(ctx, file->tree, mounted));
	struct reader *reader = busy ? NULL : inode_set_find(&files->reading, inode);
	if (!busy && !reader) {
		reader = calloc(1, sizeof(*reader));
		if (reader) {
			reader->inode = inode;
			if (inode_set_insert(&files->reading, &reader->inode) < 0) {
				free(reader);
				reader = NULL;
			}
		}
	}
	if (reader) {
		++reader->count;
		file->source.reading = inode;
		file->source.flags |= SOURCE_READING;
	}
	mutex_unlock(&files->lock);
	return !busy;
}

void file_protect(struct file_context *ctx, struct file *file) {
	const struct tree *tree = file->tree;
	bool read = is_one_of_several(ctx, tree);
	bool led = ctx->files->opts->deref == DEREF_ALWAYS || atomic_load(&tree->trees->mounted);
	if ((read || led || file->link) && fstat(file->target.fd, &file->target.found) == 0) {
		file_reserve(ctx, file);
	}
}

void file_release_destination(struct file_context *ctx, struct file *file) {
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

void file_release(struct file_context *ctx, struct file *file) {
	file_release_destination(ctx, file);
	if (file->source.flags & SOURCE_READING) {
		mutex_lock(&ctx->files->lock);
		release_source(ctx->files, file);
		mutex_unlock(&ctx->files->lock);
	}
}
