// SPDX-License-Identifier: MIT
#include "copy/file-impl.h"

#include "base/io.h"
#include "sys/symlink.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

void file_rollback(struct file_context *ctx, struct file *file) {
	file->target.ops->rollback(ctx, file);
}

void files_take_away(struct files *files) {
	struct file_context ctx = {.files = files, .leaves_open = true};
	mutex_lock(&files->lock);
	for (struct list *node = files->begun.next; node != &files->begun; node = node->next) {
		const struct file *file = list_item(node, struct file, begun_node);
		// Workers may still change FILE, but not its target. Keep nothing of the target
		struct file settled = {
			.tree = file->tree,
			.entry = file->entry,
			.flags = FILE_INCOMPLETE,
			.target = file->target,
			.plan.flags = PLAN_RESERVE,
		};
		// A part cannot pass for the whole file
		if (!file->part) {
			file_rollback(&ctx, &settled);
		}
	}
	mutex_unlock(&files->lock);
}

void file_rollback_closed(struct file_context *ctx, struct file *file, const struct stat *made) {
	struct stat st;
	bool created = file->target.flags & TARGET_CREATED;
	const char *name = file->entry.dst_name;
	if ((file->target.flags & TARGET_SPECIAL) || (file->flags & FILE_INCOMPLETE) || tree_pin(file->tree) < 0) {
		return;
	}
	file->flags |= FILE_INCOMPLETE;
	file->cursor = 0;
	int dir = file->tree->fd[DST];
	const struct stat *was = created ? made : &file->target.found;
	// Someone may have put another file there
	bool ours = fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode)
		&& (was ? inode_same(inode_of(&st), inode_of(was)) : symlink_is_closed(dir));
	if (ours && created) {
		unlinkat(dir, name, 0);
	} else if (ours) {
		file->target.fd = openat(dir, name, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		ours = file->target.fd >= 0 && fstat(file->target.fd, &st) == 0 && inode_same(inode_of(&st), inode_of(was));
	}
	if (created && file->target.backup) {
		dest_undo_backup(ctx->files->dest, file->tree, &file->entry, file->target.backup);
	}
	tree_unpin(file->tree);
	if (ours && !created) {
		file_rollback(ctx, file);
	}
	close_fd(&file->target.fd);
}
