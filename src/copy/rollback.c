#include "copy/file-impl.h"

#include "base/io.h"
#include "sys/symlink.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/** Remove a file that did not get its name, which still belongs to what was there before. */
static void undo_staged(struct file_context *ctx, struct file *file) {
	file_unstage(ctx, file);
	if (file->target.backup && tree_pin(file->tree) == 0) {
		dest_undo_backup(ctx->files->dest, file->tree, &file->entry, file->target.backup);
		tree_unpin(file->tree);
	}
}

void file_rollback(struct file_context *ctx, struct file *file) {
	struct stat ours;
	struct stat there;
	if (file->target.flags & TARGET_STAGED) {
		undo_staged(ctx, file);
		return;
	}
	if ((file->target.flags & TARGET_SPECIAL) || file->target.fd < 0 || fstat(file->target.fd, &ours) != 0) {
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

void files_take_away(struct files *files) {
	struct file_context ctx = {.files = files, .leaves_open = true};
	mutex_lock(&files->lock);
	for (struct list *node = files->begun.next; node != &files->begun; node = node->next) {
		const struct file *file = list_item(node, struct file, begun_node);
		// Workers may still change the file, but not its target. Nothing of the target is to stay
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
