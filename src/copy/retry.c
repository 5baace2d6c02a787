// SPDX-License-Identifier: MIT
#include "copy/file-impl.h"

#include "base/opts.h"
#include "dest/hardlinks.h"

#include <errno.h>
#include <sys/stat.h>

/** Most names that are put aside: they are kept in memory. */
#define MOST 50000

/** Whether something that failed with ERR may be tried once more. */
static bool may_try_later(const struct file_context *ctx, int err) {
	const struct files *files = ctx->files;
	// No question is asked twice
	return err == ENOSPC && !ctx->last_try && !(files->opts->flags & OPT_INTERACTIVE) && !atomic_load(&files->cancelled)
		&& atomic_load(&files->nospace) < MOST;
}

/** Whether a file that failed with ERR may be tried once more. */
static bool may_copy_later(const struct file_context *ctx, const struct file *file, int err) {
	// An overwritten file is newer than its source now, so -u would skip it
	bool cut = (file->target.flags & TARGET_RESERVED) && !(file->target.flags & TARGET_CREATED)
		&& !target_is_staged(&file->target);
	bool last = file->retry && file->retry->last_try;
	return !last && !(file->target.flags & TARGET_SPECIAL) && S_ISREG(file->source.st.st_mode)
		&& !(cut && ctx->files->opts->update == UPDATE_OLDER) && may_try_later(ctx, err);
}

bool file_try_later(struct file_context *ctx, struct tree *tree, const struct entry *entry, int err,
	enum try_what what) {
	struct link_name *name = may_try_later(ctx, err) ? link_name_new(tree, entry) : NULL;
	if (!name) {
		return false;
	}
	atomic_fetch_add(&ctx->files->nospace, 1);
	name->last_try = true;
	name->what = (unsigned char)what;
	list_append(&ctx->nospace, &name->node);
	return true;
}

bool file_put_off(struct file_context *ctx, struct tree *tree, const struct entry *entry,
	const struct dest_found *found) {
	struct link_name *name = found->later ? link_name_new(tree, entry) : NULL;
	if (name) {
		name->agreed = found->agreed;
		list_append(&ctx->nospace, &name->node);
	}
	return name;
}

bool file_yields_part(const struct file_context *ctx, const struct file *file) {
	return file->resumed == 0 && may_copy_later(ctx, file, file->fail.err);
}

bool file_copy_later(struct file_context *ctx, struct file *file, int err) {
	enum try_what what = file->part && !(file->flags & FILE_YIELDED) ? TRY_PART : TRY_FILE;
	if (!may_copy_later(ctx, file, err) || !file_try_later(ctx, file->tree, &file->entry, err, what)) {
		return false;
	}
	if (file->part) {
		journal_put_down(&ctx->files->journal, file->part, file->part_ino);
	}
	// These bytes will be moved again
	counter_add(&ctx->counters->skipped_bytes, 0 - counter_get(&file->moved));
	return true;
}
