// SPDX-License-Identifier: MIT
#include "copy/file-impl.h"

#include "base/opts.h"
#include "display/writeback.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/** Leave a destination as it is. */
static void skip(struct file_context *ctx, const struct tree *tree, const struct entry *entry, const struct stat *st,
	const struct dest_found *found) {
	file_leave(ctx, tree, entry, st, found);
	if (ctx->files->opts->flags & OPT_DEBUG) {
		tree_say(tree, entry, SAY_NOTE, "skipped %d");
	}
}

bool file_judge(struct file_context *ctx, struct tree *tree, const struct entry *entry, const struct stat *st,
	struct judged *judged) {
	struct error fail = NO_ERROR;
	bool named = entry->dst_name[0] != '\0';
	if (tree->flags & TREE_CREATED) {
		// This run made what stands there, for another name: creating the file reports that
		return true;
	}
	if (named && fstatat(tree->fd[DST], entry->dst_name, &judged->found.st, AT_SYMLINK_NOFOLLOW) != 0) {
		if (errno == ENOENT) {
			judged->absent = tree->flags & TREE_OPERANDS;
			return true;
		}
		tree_report(tree, entry, error_make(ERROR_STAT, errno, "cannot stat %d"));
		file_failed(ctx, st);
		judged->verdict = DEST_REFUSE;
		return false;
	}
	judged->found.seen = named;
	judged->verdict = file_verdict(ctx, tree, entry, st, &judged->found, &fail);
	if (judged->verdict == DEST_REFUSE && file_put_off(ctx, tree, entry, &judged->found)) {
		return false;
	}
	if (judged->verdict == DEST_REFUSE) {
		tree_report(tree, entry, fail);
		file_failed(ctx, st);
		return false;
	}
	judged->known = judged->verdict == DEST_OVERWRITE || judged->verdict == DEST_CREATE;
	if (!judged->known) {
		skip(ctx, tree, entry, st, &judged->found);
	}
	return judged->known;
}

/** Whether ST is known not to be of a regular file. */
static bool is_special(const struct stat *st) {
	return (st->st_mode & S_IFMT) != 0 && !S_ISREG(st->st_mode);
}

/** Judge what stands at the destination, and open it or create what replaces it. */
static void replace(struct file_context *ctx, struct file *file, const struct judged *judged, struct error *fail) {
	enum dest_verdict verdict = judged->verdict;
	struct dest_found found = judged->found;
	if (!judged->known) {
		verdict = file_verdict(ctx, file->tree, &file->entry, &file->source.st, &found, fail);
	}
	if (verdict == DEST_REFUSE && file_put_off(ctx, file->tree, &file->entry, &found)) {
		*fail = NO_ERROR;
		return;
	}
	if (verdict == DEST_SKIP || verdict == DEST_DONE) {
		skip(ctx, file->tree, &file->entry, &file->source.st, &found);
	}
	file->target.found = found.st;
	file->target.backup = found.backup;
	if (verdict == DEST_OVERWRITE || verdict == DEST_CREATE) {
		file->flags |= FILE_EXISTED;
		file_say(ctx, file->tree, &file->entry, file->target.backup);
	}
	if (verdict == DEST_OVERWRITE) {
		// Write into special files even with --atomic, and into files that only get attributes
		bool written = is_special(&found.st) || (ctx->files->opts->flags & OPT_ATTRIBUTES_ONLY);
		*fail = (written ? &target_in_place : file->target.wanted)->overwrite(ctx, file);
	} else if (verdict == DEST_CREATE) {
		*fail = file->target.wanted->create_again(ctx, file, found.replace);
	}
}

/**
 * The error for a destination that could not be made. If nothing can have stood there, it was taken meanwhile: by a
 * name that the file system takes for the same one, or by another user, whose link is not followed.
 */
static struct error cannot_make(const struct file *file, int ret, const char *what) {
	struct stat st;
	const char *name = file->entry.dst_name;
	if (ret == -EEXIST && fstatat(file->tree->fd[DST], name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode)) {
		return error_make(ERROR_COPY, 0, "not writing through dangling symlink %d");
	}
	if (ret == -EISDIR && name[0] != '\0' && name[strlen(name) - 1] == '/') {
		ret = -ENOTDIR;
	}
	return tree_explain(file->tree, &file->entry, error_make(ERROR_CREATE, -ret, what));
}

bool file_open_destination(struct file_context *ctx, struct file *file, const struct judged *judged) {
	struct error fail = NO_ERROR;
	bool new = (file->tree->flags & TREE_CREATED) || judged->absent;

	file->target.wanted = file_is_atomic(ctx, &file->entry) ? &target_staged : &target_in_place;
	int ret = judged->known ? -EEXIST : file->target.wanted->create(ctx, file);
	if (ret == -EEXIST && !new) {
		replace(ctx, file, judged, &fail);
	} else {
		static const char what[] = "cannot create regular file %d";
		if (ret < 0) {
			fail = cannot_make(file, ret, what);
		}
		// Print no line for a destination that cannot even be looked at
		if (!fail.text || fail.op == ERROR_CREATE) {
			file_say(ctx, file->tree, &file->entry, NULL);
		}
	}
	if (fail.text) {
		if ((fail.err != EINTR || !atomic_load(&ctx->files->cancelled)) && !file_copy_later(ctx, file, fail.err)) {
			tree_report(file->tree, &file->entry, fail);
			file_failed(ctx, &file->source.st);
		}
		return false;
	}
	if (file->target.fd >= 0 && ctx->files->writeback) {
		writeback_track(ctx->files->writeback, file->target.fd);
	}
	return file->target.fd >= 0;
}
