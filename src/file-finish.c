#include "file-impl.h"

#include "flush.h"
#include "medium.h"
#include "meta.h"
#include "opts.h"
#include "progress.h"
#include "reach.h"
#include "report.h"
#include "std.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/** Take away what did not get its name: what was there before still has it. */
static void undo_staged(struct file_context *ctx, struct file *file) {
	file_unstage(ctx, file);
	if (file->backup && tree_pin(file->tree) == 0) {
		dest_undo_backup(ctx->files->dest, file->tree, &file->entry, file->backup);
		tree_unpin(file->tree);
	}
}

/** Take away, or at least cut, a destination that is not what it should be. */
static void undo(struct file_context *ctx, struct file *file) {
	struct stat ours;
	struct stat there;
	if (file->flags & FILE_STAGED) {
		undo_staged(ctx, file);
		return;
	}
	if ((file->flags & FILE_SPECIAL) || file->dst_fd < 0 || fstat(file->dst_fd, &ours) != 0) {
		return;
	}
	if (!(file->flags & FILE_CREATED)) {
		// What was there before is lost; what is there now must not pass for whole
		uint64_t keep = min(file->keep, file->cursor);
		uint64_t size = (uint64_t)ours.st_size;
		bool more = size > keep || (file->flags & FILE_RESERVED_SPACE);
		if (!(file->flags & FILE_NO_DATA) && more) {
			// Where even that fails there is nothing left to try; what went wrong first is reported
			int ret = ftruncate(file->dst_fd, (off_t)min(keep, size));
			(void)ret;
		}
		return;
	}
	// Should its name lead to it no more, it must at least not look complete
	if (ftruncate(file->dst_fd, 0) != 0 || tree_pin(file->tree) < 0) {
		return;
	}
	int dir = file->tree->fd[DST];
	if (fstat(file->dst_fd, &ours) == 0 && fstatat(dir, file->entry.dst_name, &there, AT_SYMLINK_NOFOLLOW) == 0
		&& file_is_still(file->tree, &ours, &there))
	{
		unlinkat(dir, file->entry.dst_name, 0);
	}
	if (file->backup) {
		dest_undo_backup(ctx->files->dest, file->tree, &file->entry, file->backup);
	}
	tree_unpin(file->tree);
}

void files_take_away(struct files *files) {
	struct file_context ctx = {.files = files};
	mutex_lock(&files->lock);
	for (struct list *node = files->begun.next; node != &files->begun; node = node->next) {
		const struct file *file = list_item(node, struct file, begun_node);
		// Workers go on changing the file: look only at what is settled once it is in the list. Nothing of it is to stay.
		struct file settled = {
			.tree = file->tree,
			.entry = file->entry,
			.flags = file->begun_flags | FILE_INCOMPLETE | FILE_RESERVED_SPACE,
			.dst_fd = file->dst_fd,
			.backup = file->backup,
			.hidden = file->hidden,
			.led_to = file->led_to,
		};
		// Nobody takes a part for the whole
		if (!file->part) {
			undo(&ctx, &settled);
		}
	}
	mutex_unlock(&files->lock);
}

/**
 * Whether closing a file may fail: on file systems of other machines and programs, which tell of errors only then. They are
 * told from others once for each device.
 */
static bool may_fail_to_close(struct file_context *ctx, const struct file *file) {
	dev_t dev = file->tree->inode[DST].dev;
	// The base's device is not known: operands may lead to any
	if ((file->tree->flags & TREE_BASE) || (file->flags & FILE_BY_LINK)) {
		return true;
	}
	if (ctx->closes_known && ctx->closes == dev) {
		return false;
	}
	switch (fs_type(file->dst_fd)) {
	case EXT4_SUPER_MAGIC:
	case XFS_SUPER_MAGIC:
	case BTRFS_SUPER_MAGIC:
	case F2FS_SUPER_MAGIC:
	case TMPFS_MAGIC:
	case RAMFS_MAGIC:
		ctx->closes = dev;
		ctx->closes_known = true;
		return false;
	default:
		return true;
	}
}

/**
 * Closing failed, and with it perhaps writing (NFS, quotas): the same for a descriptor that is gone.
 *
 * @param made  What this run made, to be known again by; NULL if that is not known.
 */
static void undo_closed(struct file_context *ctx, struct file *file, const struct stat *made) {
	struct stat st;
	bool created = file->flags & FILE_CREATED;
	const char *name = file->entry.dst_name;
	if ((file->flags & (FILE_SPECIAL | FILE_INCOMPLETE)) || tree_pin(file->tree) < 0) {
		return;
	}
	file->flags |= FILE_INCOMPLETE;
	file->cursor = 0;
	int dir = file->tree->fd[DST];
	const struct stat *was = created ? made : &file->found;
	// Another file may have been put there
	bool ours = fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode)
		&& (was ? inode_same(inode_of(&st), inode_of(was)) : reach_is_closed(dir));
	if (ours && created) {
		unlinkat(dir, name, 0);
	} else if (ours) {
		file->dst_fd = openat(dir, name, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		ours = file->dst_fd >= 0 && fstat(file->dst_fd, &st) == 0 && inode_same(inode_of(&st), inode_of(was));
	}
	if (created && file->backup) {
		dest_undo_backup(ctx->files->dest, file->tree, &file->entry, file->backup);
	}
	tree_unpin(file->tree);
	if (ours && !created) {
		undo(ctx, file);
	}
	close_fd(&file->dst_fd);
}

/** What was made of the first of several names, to know it by. Returns whether others may become links to it. */
static bool know_again(const struct file_context *ctx, const struct file *file, struct inode *copy) {
	struct stat st = {0};
	if (!file->link) {
		return false;
	}
	if (!(file->flags & (FILE_SPECIAL | FILE_BY_LINK))) {
		bool known = fstat(file->dst_fd, &st) == 0;
		*copy = inode_of(&st);
		return known;
	}
	// What was written through is linked to as with cp, but not what others put there
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

/** With trees::flush, see that a destination is on its medium which is not flushed with its file system. */
static struct fail flush(struct file_context *ctx, struct file *file) {
	const struct opts *opts = ctx->files->opts;
	const struct tree *tree = file->tree;
	// Written through a link it may be on another file system than its directory
	bool elsewhere = file->flags & FILE_CREATED ? opts->flags & OPT_POSIX : file->found.st_dev != tree->inode[DST].dev;
	bool device = (file->flags & FILE_SPECIAL) && S_ISBLK(file->found.st_mode);

	if (!tree->trees->flush || ((file->flags & FILE_SPECIAL) && !device)
		|| !((tree->flags & TREE_FLUSH_EACH) || elsewhere || device))
	{
		return FAIL_NONE;
	}
	int ret = flush_file(file->dst_fd, &ctx->files->cancelled);
	if (ret < 0) {
		file->flags |= FILE_INCOMPLETE;
		file->keep = 0;
	}
	return ret < 0 && ret != -EINTR ? fail_make(ret, "error syncing %d") : FAIL_NONE;
}

/** Set the size, unless it is right already. Returns 0 or -errno. */
static int set_size(const struct file *file) {
	struct stat st;
	if (ftruncate(file->dst_fd, (off_t)file->size) == 0) {
		return 0;
	}
	int err = errno;
	bool right = fstat(file->dst_fd, &st) == 0 && (uint64_t)st.st_size == file->size;
	return right || file_move_end(file, err, file->size) ? 0 : -err;
}

/** Whether the destination may have an ACL: its own, that of the directory it was made in, or what an earlier run has left. */
static bool may_have_acl(const struct file_context *ctx, const struct file *file) {
	// By a link that leads nowhere yet, a file is made in another directory
	bool elsewhere = (file->flags & FILE_BY_LINK) || (ctx->files->opts->flags & OPT_POSIX);
	return !(file->flags & FILE_CREATED) || (file->tree->flags & TREE_DEFAULT_ACL) || elsewhere || file->part;
}

/** All data is there: give the destination its size and attributes. */
static struct fail complete(struct file_context *ctx, struct file *file) {
	const struct opts *opts = ctx->files->opts;
	int ret = (file->flags & FILE_SET_SIZE) && !(file->flags & FILE_SPECIAL) ? set_size(file) : 0;
	if (ret < 0) {
		file->flags |= FILE_INCOMPLETE;
		return fail_make(ret, "error writing %d");
	}
	struct fail inherited = file->flags & FILE_INHERITS ? file_inherit(ctx, file) : FAIL_NONE;
	struct meta meta = {
		.opts = opts,
		.src = &file->st,
		.dst = file->flags & FILE_CREATED ? NULL : &file->found,
		.final_mode = file->final_mode,
		.src_fd = file->src_fd,
		.dst_fd = file->dst_fd,
	};
	meta.flags |= file->flags & FILE_CREATED ? META_NEW : 0;
	meta.flags |= file->flags & FILE_FINAL_MODE ? META_FINAL_MODE : 0;
	meta.flags |= may_have_acl(ctx, file) ? META_STRAY_ACL : 0;
	meta.flags |= opts->preserve & PRESERVE_MODE ? file_unlisted_acls(file->tree, file->src_fd) : 0;
	struct fail fail = meta_apply(&meta);
	fail = fail.what ? fail : inherited;
	struct fail flushed = flush(ctx, file);
	return flushed.what ? flushed : fail;
}

/**
 * Say the same in the words of cp (copy_debug_string() in its copy.c), which scripts read. It is one template with what
 * follows, lest another line gets between them.
 */
static void explain_as_cp(struct buf *line, const struct opts *opts, const struct file *file) {
	bool cloned = file->flags & FILE_CLONED;
	bool tried = S_ISREG(file->st.st_mode) && file->st.st_size > 0 && !(file->flags & FILE_SPECIAL);
	bool never = opts->reflink == WHEN_NEVER;
	const char *offload = cloned ? "unknown" : file->flags & FILE_OFFLOADED ? "yes"
		: never || opts->sparse == WHEN_ALWAYS ? "avoided" : "no";
	const char *reflink = cloned ? "yes" : never ? "no" : tried || opts->reflink == WHEN_ALWAYS ? "unsupported" : "unknown";
	bool seek = opts->sparse != WHEN_NEVER && (uint64_t)file->st.st_blocks * 512 < (uint64_t)file->st.st_size && tried;
	bool zeros = opts->sparse == WHEN_ALWAYS;
	const char *holes = cloned ? "unknown" : seek && zeros ? "SEEK_HOLE + zeros" : seek ? "SEEK_HOLE" : zeros ? "zeros" : "no";

	if (!(opts->flags & OPT_ATTRIBUTES_ONLY)) {
		buf_str(line, "copy offload: ");
		buf_str(line, offload);
		buf_str(line, ", reflink: ");
		buf_str(line, reflink);
		buf_str(line, ", sparse detection: ");
		buf_str(line, holes);
		buf_char(line, '\n');
	}
}

/** Say how a file was copied (--debug). */
static void explain(struct file_context *ctx, const struct file *file) {
	struct buf line = {0};
	char *src = tree_path(file->tree, SRC, file->entry.name);
	const char *how = "%s: linked reads and writes";
	if (file->flags & FILE_ORDERED) {
		how = file_order_words(file);
	} else if (file->cache == FILE_CACHE_PAST) {
		how = "%s: linked reads and writes, past the page cache";
	} else if (file->cache == FILE_CACHE_READ_ONCE) {
		how = "%s: linked reads and writes, what is read is not kept";
	} else if (file->cache == FILE_CACHE_LEAVE) {
		how = "%s: linked reads and writes, leaving the page cache";
	} else if (file->flags & FILE_OFFLOADED) {
		how = "%s: copied by those who keep it";
	} else if (file->flags & FILE_CLONED) {
		how = "%s: cloned";
	} else if (file->flags & FILE_CACHED) {
		how = "%s: read and written at once, being cached";
	} else if (file->flags & FILE_STREAMED) {
		how = "%s: streamed to its end";
	} else if (file->flags & FILE_NO_DATA) {
		how = "%s: attributes only";
	} else if (file->flags & FILE_FORWARD) {
		how = "%s: reads, written one after the other";
	} else if (file->flags & FILE_DIG) {
		how = "%s: reads, zeros left out";
	} else if (file->flags & FILE_EXTENTS) {
		how = "%s: linked reads and writes, holes passed over";
	} else if (file->flags & FILE_SHARED) {
		how = "%s: linked reads and writes, shared by all workers";
	}
	explain_as_cp(&line, ctx->files->opts, file);
	buf_str(&line, how);
	if (!line.failed) {
		report_say(ctx->files->report, line.data, src, NULL);
	}
	buf_free(&line);
	free(src);
}

/** The room that is missing for the data of a file, as far as its source tells, besides what it keeps. */
static uint64_t room_for(const struct opts *opts, const struct file *file, const atomic_bool *cancelled) {
	uint64_t data = (uint64_t)file->st.st_size;
	if (opts->sparse != WHEN_NEVER && (uint64_t)file->st.st_blocks * 512 < data) {
		data = extent_sum(file->src_fd, data, cancelled);
	}
	uint64_t kept = file->flags & FILE_CREATED ? 0 : min(file->keep, file->cursor);
	return data - min(data, kept);
}

/** Have no other operand replace what was made of this one. */
static void note_made(struct file_context *ctx, struct file *file) {
	struct dest *dest = ctx->files->dest;
	struct inode found = inode_of(&file->found);
	bool serial = dest->flags & DEST_SERIAL;
	bool known = !serial && (file->flags & FILE_RESERVED) && !(ctx->files->opts->flags & OPT_ATOMIC);
	if (!(file->tree->flags & TREE_OPERANDS) || !(dest->flags & DEST_SEVERAL) || (!serial && (file->flags & FILE_BY_LINK))) {
		return;
	}
	if (tree_pin(file->tree) == 0) {
		dest_made(dest, file->tree, &file->entry, known ? &found : NULL);
		tree_unpin(file->tree);
	}
}

/** Count a file that is whole, and how it was copied. */
static void count_copied(struct file_context *ctx, const struct file *file) {
	struct counters *counters = ctx->counters;
	counter_add(&counters->files, 1);
	counter_add(&counters->data, counter_get(&file->moved));
	counter_add(&counters->holes, file->holes);
	counter_add(&counters->zeros, counter_get(&file->zeros));
	counter_add(&counters->clones, file->flags & FILE_CLONED ? 1 : 0);
	counter_add(&counters->clone_bytes, file->flags & FILE_CLONED ? counter_get(&file->moved) : 0);
	counter_add(&counters->cached, file->flags & FILE_CACHED ? 1 : 0);
	counter_add(&counters->streams, file->flags & FILE_STREAMED ? 1 : 0);
	counter_add(&counters->shared, file->flags & FILE_SHARED ? 1 : 0);
}

/** Count a file that could not be copied for ERR. */
static void count_failed(struct file_context *ctx, const struct file *file, int err) {
	struct counters *counters = ctx->counters;
	counter_add(&counters->failed, 1);
	counter_add(&counters->left_bytes, file->size - min(file->size, file->cursor));
	if ((err == ENOSPC || err == EDQUOT) && !(file->flags & FILE_SPECIAL)) {
		counter_add(&counters->roomless, room_for(ctx->files->opts, file, &ctx->files->cancelled));
	}
}

void file_unref(struct file_context *ctx, struct file *file) {
	if (atomic_fetch_sub(&file->refs, 1) != 1) {
		return;
	}
	file_end_current(ctx->files, file);
	if (file->begun) {
		mutex_lock(&ctx->files->lock);
		list_remove(&file->begun_node);
		mutex_unlock(&ctx->files->lock);
	}
	if (!(file->flags & FILE_INCOMPLETE) && !file_is_ordered(ctx->files->opts)) {
		file_follow(ctx, file);
	}
	struct fail fail = file->fail;
	if (!fail.what && !(file->flags & FILE_INCOMPLETE)) {
		fail = complete(ctx, file);
	}
	if ((file->flags & FILE_STAGED) && !(file->flags & FILE_INCOMPLETE)) {
		struct fail unnamed = file_publish(ctx, file);
		fail = unnamed.what ? unnamed : fail;
		if (!fail.what && !(file->flags & FILE_INCOMPLETE)) {
			file_note_finished(ctx, file);
		}
	}
	if (file->flags & FILE_INCOMPLETE) {
		undo(ctx, file);
	}
	struct inode copy;
	bool known = know_again(ctx, file, &copy);
	struct stat made;
	bool hidden = file->hidden && !(file->flags & FILE_STAGED);
	bool noted = (hidden || ((file->flags & FILE_CREATED) && may_fail_to_close(ctx, file)))
		&& fstat(file->dst_fd, &made) == 0;
	int ret = close_fd(&file->dst_fd);
	if (ret < 0) {
		fail = fail.what ? fail : fail_make(ret, "failed to close %d");
		undo_closed(ctx, file, noted ? &made : NULL);
	}
	if (hidden && noted) {
		file_unhide(file, inode_of(&made));
	}
	bool copied = !(file->flags & FILE_INCOMPLETE);
	bool later = fail.what && !copied && file_copy_later(ctx, file, fail.err);
	if (fail.what && !later) {
		tree_report(file->tree, &file->entry, fail);
	}
	if (copied && (ctx->files->opts->flags & OPT_DEBUG)) {
		explain(ctx, file);
	}
	if (copied) {
		count_copied(ctx, file);
		note_made(ctx, file);
		tree_flush_name(file->tree, &file->entry);
		file_note_sum(ctx, file);
	} else if (!later) {
		count_failed(ctx, file, fail.err);
	}
	counter_add(&ctx->counters->left_bytes, later ? 0 : file->resumed);
	counter_add(&ctx->counters->resumed_bytes, copied ? file->resumed : 0);
	// Whoever waits for this file is to know that it has more names
	file_links_end(ctx, file->link, file->tree, copied && known ? &copy : NULL);
	file_release(ctx, file);
	file_free(file);
}
