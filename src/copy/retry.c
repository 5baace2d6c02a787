#include "copy/file-impl.h"

#include "base/opts.h"
#include "dest/hardlinks.h"

#include <errno.h>
#include <sys/stat.h>

/** Most names that are tried once more: as many are kept in memory. */
#define MOST 50000

bool file_try_later(struct file_context *ctx, struct tree *tree, const struct entry *entry, int err, bool directory) {
	struct files *files = ctx->files;
	// Nobody is asked twice
	if (err != ENOSPC || ctx->last_try || (files->opts->flags & OPT_INTERACTIVE) || atomic_load(&files->cancelled)
		|| atomic_load(&files->roomless) >= MOST)
	{
		return false;
	}
	struct link_name *name = link_name_new(tree, entry);
	if (!name) {
		return false;
	}
	atomic_fetch_add(&files->roomless, 1);
	name->last_try = true;
	name->directory = directory;
	list_append(&ctx->roomless, &name->node);
	return true;
}

bool file_copy_later(struct file_context *ctx, struct file *file, int err) {
	// What was overwritten is newer than its source now
	bool cut = (file->target.flags & TARGET_RESERVED) && !(file->target.flags & (TARGET_CREATED | TARGET_STAGED));
	bool last = file->redo && file->redo->last_try;
	if (last || (file->target.flags & TARGET_SPECIAL) || !S_ISREG(file->source.st.st_mode)
		|| (cut && ctx->files->opts->update == UPDATE_OLDER)
		|| !file_try_later(ctx, file->tree, &file->entry, err, false))
	{
		return false;
	}
	if (file->part) {
		journal_put_down(&ctx->files->journal, file->part, file->part_ino);
	}
	// It will be moved again
	counter_add(&ctx->counters->left_bytes, 0 - counter_get(&file->moved));
	return true;
}
