// SPDX-License-Identifier: MIT
#include "copy/file-impl.h"

#include "base/io.h"
#include "base/must.h"
#include "base/open.h"
#include "base/opts.h"
#include "sys/fstype.h"

#include <fcntl.h>
#include <sys/stat.h>

/**
 * Whether closing a file may fail: file systems of other machines and programs report errors only then. The file system
 * is looked up once per device.
 */
static bool may_fail_to_close(struct file_context *ctx, const struct file *file) {
	dev_t dev = target_device(file);
	if (dev != 0 && !(ctx->closing_known && ctx->closing_on == dev)) {
		ctx->closing_may_fail = !fstype_is(file->target.fd, FSTYPE_CLOSES);
		ctx->closing_on = dev;
		ctx->closing_known = true;
	}
	return dev == 0 || ctx->closing_may_fail;
}

/** Set COPY to the inode made for the first of several names. Returns whether others may become links to it. */
static bool know_again(const struct file_context *ctx, const struct file *file, struct inode *copy) {
	struct stat st = {0};
	if (!file->link) {
		return false;
	}
	if (!(file->target.flags & (TARGET_SPECIAL | TARGET_BY_LINK))) {
		bool known = fstat(file->target.fd, &st) == 0;
		*copy = inode_of(&st);
		return known;
	}
	// Like cp, link to what was written through, but not to what others put there
	if (tree_pin(file->tree) < 0) {
		return false;
	}
	int dir = file->tree->fd[DST];
	bool known = fstatat(dir, file->entry.dst_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISREG(st.st_mode)
		&& file_is_own(ctx->files, dir, &st);
	tree_unpin(file->tree);
	*copy = inode_of(&st);
	return known;
}

/** Remove a file from files::begun. */
static void leave_list(struct file_context *ctx, struct file *file) {
	if (file->begun) {
		mutex_lock(&ctx->files->lock);
		list_remove(&file->begun_node);
		cond_broadcast(&ctx->files->released);
		mutex_unlock(&ctx->files->lock);
	}
}

/** Close the destination and remove the temporary name besides its own. Returns FAIL, or else the error of closing. */
static struct error close_destination(struct file_context *ctx, struct file *file, struct error fail) {
	struct stat made;
	bool mount;
	bool tempfile = file->target.tempfile && !target_is_staged(&file->target);
	bool noted = (tempfile || ((file->target.flags & TARGET_CREATED) && may_fail_to_close(ctx, file)))
		// Only the inode is of interest, for which no server has to be asked
		&& open_look(file->target.fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, &made, &mount) == 0;
	int ret = close_fd(&file->target.fd);
	if (ret < 0) {
		fail = fail.text ? fail : error_make(ERROR_CLOSE, ret, "failed to close %d");
		file_rollback_closed(ctx, file, noted ? &made : NULL);
	}
	if (tempfile && noted) {
		file_unhide(file, inode_of(&made));
	}
	return fail;
}

/** Print the change (--itemize). */
static void note_change(const struct file *file) {
	unsigned target = file->target.flags;
	mode_t mode = target & TARGET_SPECIAL ? file->target.found.st_mode : S_IFREG;
	enum change change = file->flags & FILE_NO_DATA && !(target & TARGET_LINKED) ? CHANGE_ATTRIBUTES : CHANGE_DATA;
	tree_change(file->tree, &file->entry, file->flags & FILE_EXISTED ? change : CHANGE_NEW,
		target & TARGET_LINKED ? 0 : mode);
}

/** With OPT_MOVE, set COPY to the inode of a complete copy. Returns whether the source may be removed after it. */
static bool is_moved(const struct file_context *ctx, const struct file *file, struct inode *copy) {
	struct stat st;
	const unsigned elsewhere = TARGET_SPECIAL | TARGET_BY_LINK;
	if (!(ctx->files->opts->flags & OPT_MOVE) || (file->flags & FILE_INCOMPLETE) || (file->target.flags & elsewhere)
		|| fstat(file->target.fd, &st) != 0)
	{
		return false;
	}
	*copy = inode_of(&st);
	return S_ISREG(file->source.st.st_mode) && st.st_size == file->source.st.st_size;
}

/** Report and count the outcome of a file, and register its copy. */
static void record(struct file_context *ctx, struct file *file, struct error fail, const struct inode *copy) {
	bool copied = !(file->flags & FILE_INCOMPLETE);
	bool deferred = fail.text && !copied && file_copy_later(ctx, file, fail.err);
	if (fail.text && !deferred) {
		tree_report(file->tree, &file->entry, fail);
	}
	if (copied && (ctx->files->opts->flags & OPT_DEBUG)) {
		file_explain(ctx, file);
	}
	if (copied) {
		note_change(file);
		file_count_copied(ctx, file);
		file_note_made(ctx, file);
		tree_flush_name(file->tree, &file->entry);
		file_note_sum(ctx, file);
	} else if (!deferred) {
		file_count_failed(ctx, file, fail.err);
	}
	counter_add(&ctx->counters->skipped_bytes, deferred ? 0 : file->resumed);
	counter_add(&ctx->counters->resumed_bytes, copied ? file->resumed : 0);
	if (file->link) {
		file->link->first.flawed = fail.text;
	}
	// Before file_release(): a worker waiting to write to this file has to learn that further names are links to it
	file_hardlinks_end(ctx, file->link, file->tree, copied ? copy : NULL);
}

void file_unref(struct file_context *ctx, struct file *file) {
	unsigned refs = atomic_fetch_sub(&file->refs, 1);
	must(refs > 0);
	if (refs != 1) {
		return;
	}
	leave_list(ctx, file);
	struct error fail = file_commit(ctx, file);
	if (file->flags & FILE_INCOMPLETE) {
		file_rollback(ctx, file);
	}
	struct inode copy;
	struct inode made;
	bool known = know_again(ctx, file, &copy);
	bool moved = is_moved(ctx, file, &made);
	fail = close_destination(ctx, file, fail);
	moved &= !fail.text || fail.excused;
	if (moved && file->link) {
		link_copied(file->link, &file->source.st);
	}
	record(ctx, file, fail, known ? &copy : NULL);
	if (moved) {
		bool untold = file->source.flags & SOURCE_UNTOLD;
		file_moved_away(ctx, file->tree, &file->entry, &file->source.st, made, untold);
	}
	file_release(ctx, file);
	file_free(file);
}
