// SPDX-License-Identifier: MIT
#include "copy/file-impl.h"
#include "copy/file.h"

#include "base/io.h"
#include "base/must.h"
#include "base/opts.h"
#include "base/path.h"

#include <stdio.h>
#include <stdlib.h>

void files_init(struct files *files, const struct opts *opts, const struct limits *limits, struct report *report,
	struct hardlinks *hardlinks, struct dest *dest) {
	*files = (struct files) {.opts = opts, .limits = limits, .report = report, .hardlinks = hardlinks, .dest = dest};
	thread_must(pthread_mutex_init(&files->lock, NULL));
	thread_must(pthread_cond_init(&files->released, NULL));
	list_init(&files->begun);
	throttle_init(&files->throttle);
	removals_init(&files->removals);
	files_open_earlier(files);
}

void files_destroy(struct files *files) {
	inode_set_clear(&files->overwriting, free);
	inode_set_clear(&files->reading, free);
	free(files->journal_path);
	files_close_earlier(files);
	throttle_destroy(&files->throttle);
	removals_destroy(&files->removals);
	thread_must(pthread_mutex_destroy(&files->lock));
	thread_must(pthread_cond_destroy(&files->released));
}

void files_current(struct files *files, char *name, size_t size) {
	mutex_lock(&files->lock);
	const struct file *file = list_empty(&files->begun) ? NULL : list_item(files->begun.next, struct file, begun_node);
	snprintf(name, size, "%s", file ? last_component(file->entry.name) : "");
	mutex_unlock(&files->lock);
}

struct file *file_new(struct tree *tree, const struct entry *entry, struct link_name *retry) {
	struct file *file = calloc(1, sizeof(*file));
	if (!file) {
		return NULL;
	}
	file->tree = tree;
	file->entry = *entry;
	file->source.fd = file->target.fd = -1;
	file->target.ops = &target_in_place;
	file->retry = retry;
	file->keep = UINT64_MAX;
	atomic_init(&file->refs, 1);
	thread_must(pthread_mutex_init(&file->lock, NULL));
	list_init(&file->work_node);
	list_init(&file->begun_node);
	tree_ref(tree);
	return file;
}

void file_free(struct file *file) {
	free(file->target.backup);
	free(file->target.tempfile);
	close_fd(&file->source.fd);
	close_fd(&file->target.fd);
	if (file->retry) {
		link_name_free(file->retry);
	}
	tree_unref(file->tree);
	thread_must(pthread_mutex_destroy(&file->lock));
	free(file);
}

void file_moved(struct file_context *ctx, struct file *file, uint64_t bytes) {
	counter_add(&ctx->counters->bytes, bytes);
	counter_add(&file->moved, bytes);
}

void file_note_begun(struct file_context *ctx, struct file *file) {
	if (!file->begun) {
		file->begun = true;
		mutex_lock(&ctx->files->lock);
		list_append(&ctx->files->begun, &file->begun_node);
		mutex_unlock(&ctx->files->lock);
	}
}

void file_abandon(struct file *file, uint64_t off) {
	mutex_lock(&file->lock);
	file->flags |= FILE_INCOMPLETE;
	file->keep = min(file->keep, off);
	mutex_unlock(&file->lock);
}

void file_fail(struct file *file, uint64_t off, struct error fail) {
	mutex_lock(&file->lock);
	if (!file->fail.text) {
		file->fail = fail;
	}
	file->flags |= FILE_INCOMPLETE;
	file->keep = min(file->keep, off);
	mutex_unlock(&file->lock);
}

void file_ended(struct file *file, uint64_t off) {
	mutex_lock(&file->lock);
	if (off < file->size) {
		file->size = off;
		file->flags |= FILE_SET_SIZE;
	}
	mutex_unlock(&file->lock);
}

void file_ref(struct file *file) {
	unsigned refs = atomic_fetch_add(&file->refs, 1);
	must(refs > 0);
}
