#include "file.h"
#include "file-impl.h"

#include "medium.h"
#include "offload.h"
#include "opts.h"
#include "progress.h"
#include "report.h"
#include "std.h"
#include "sums.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/** Bytes of a file for which setting the space aside pays. */
#define RESERVE_MIN (256u << 10)

void files_init(struct files *files, const struct opts *opts, struct report *report, struct links *links,
	struct dest *dest)
{
	*files = (struct files) {.opts = opts, .report = report, .links = links, .dest = dest};
	thread_must(pthread_mutex_init(&files->lock, NULL));
	thread_must(pthread_cond_init(&files->released, NULL));
	list_init(&files->current);
	list_init(&files->begun);
	throttle_init(&files->throttle);
}

void files_destroy(struct files *files) {
	inode_set_clear(&files->overwriting, free);
	free(files->journal_path);
	throttle_destroy(&files->throttle);
	thread_must(pthread_mutex_destroy(&files->lock));
	thread_must(pthread_cond_destroy(&files->released));
}

void files_current(struct files *files, char *name, size_t size) {
	mutex_lock(&files->lock);
	const struct file *file = list_empty(&files->current) ? NULL
		: list_item(files->current.next, struct file, current);
	snprintf(name, size, "%s", file ? last_component(file->entry.name) : "");
	mutex_unlock(&files->lock);
}

/** A file is being copied from now on. */
static void begin_current(struct files *files, struct file *file) {
	if (files->watched) {
		mutex_lock(&files->lock);
		list_append(&files->current, &file->current);
		mutex_unlock(&files->lock);
	}
}

void file_end_current(struct files *files, struct file *file) {
	if (files->watched) {
		mutex_lock(&files->lock);
		if (file->current.next) {
			list_remove(&file->current);
			file->current = (struct list) {0};
		}
		mutex_unlock(&files->lock);
	}
}

void file_context_init(struct file_context *ctx, struct files *files, struct counters *counters) {
	*ctx = (struct file_context) {.files = files, .counters = counters};
	list_init(&ctx->redo);
	list_init(&ctx->later);
	list_init(&ctx->roomless);
}

void file_context_destroy(struct file_context *ctx) {
	for (struct list *node; (node = list_pop(&ctx->redo)) || (node = list_pop(&ctx->later))
		|| (node = list_pop(&ctx->roomless));)
	{
		link_name_free(list_item(node, struct link_name, node));
	}
	free(ctx->buffer);
	file_order_free(ctx);
}

static struct file *file_new(struct tree *tree, const struct entry *entry, struct link_name *redo) {
	struct file *file = calloc(1, sizeof(*file));
	if (!file) {
		return NULL;
	}
	file->tree = tree;
	file->entry = *entry;
	file->src_fd = file->dst_fd = -1;
	file->redo = redo;
	file->keep = UINT64_MAX;
	atomic_init(&file->refs, 1);
	thread_must(pthread_mutex_init(&file->lock, NULL));
	list_init(&file->work_node);
	list_init(&file->begun_node);
	tree_ref(tree);
	return file;
}

void file_free(struct file *file) {
	free(file->backup);
	free(file->hidden);
	close_fd(&file->src_fd);
	close_fd(&file->dst_fd);
	if (file->redo) {
		link_name_free(file->redo);
	}
	tree_unref(file->tree);
	thread_must(pthread_mutex_destroy(&file->lock));
	free(file);
}

void file_say(struct file_context *ctx, const struct tree *tree, const struct entry *entry, const char *backup) {
	// At the last try it was said before
	if (!(ctx->files->opts->flags & OPT_VERBOSE) || ctx->last_try) {
		return;
	}
	struct buf what = {0};
	buf_str(&what, "%s -> %d");
	if (backup) {
		char *path = tree_path(tree, DST, backup);
		buf_str(&what, " (backup: ");
		quote_in_template(&what, path ? path : backup);
		buf_char(&what, ')');
		free(path);
	}
	if (what.data) {
		tree_say(tree, entry, what.data);
	}
	buf_free(&what);
}

void file_done(struct file_context *ctx, const struct tree *tree, const struct entry *entry, counter *kind) {
	if (ctx->files->medium) {
		medium_meet(ctx->files->medium, tree->fd[DST]);
	}
	counter_add(&ctx->counters->files, 1);
	counter_add(kind, 1);
	dest_made(ctx->files->dest, tree, entry, NULL);
	tree_flush_name(tree, entry);
}

/** About how many bytes were to be copied; a name of several has its share of them. */
static uint64_t expected_bytes(const struct opts *opts, const struct stat *st) {
	if (!st || !S_ISREG(st->st_mode) || (opts->flags & (OPT_HARD_LINK | OPT_SYMBOLIC_LINK | OPT_ATTRIBUTES_ONLY))) {
		return 0;
	}
	uint64_t size = (uint64_t)st->st_size;
	if (opts->sparse != WHEN_NEVER) {
		size = min(size, (uint64_t)st->st_blocks * 512);
	}
	return opts->preserve & PRESERVE_LINKS ? size / max(st->st_nlink, 1u) : size;
}

void file_skipped(struct file_context *ctx, const struct stat *st) {
	counter_add(&ctx->counters->skipped, 1);
	counter_add(&ctx->counters->left_bytes, expected_bytes(ctx->files->opts, st));
}

void file_failed(struct file_context *ctx, const struct stat *st) {
	counter_add(&ctx->counters->failed, 1);
	counter_add(&ctx->counters->left_bytes, expected_bytes(ctx->files->opts, st));
}

/** Whether what was opened is what was listed, or else what stands there now. */
static bool is_as_listed(const struct file *file) {
	struct stat now;
	if (file->entry.ino == 0 || file->entry.ino == file->st.st_ino) {
		return true;
	}
	// Directories list another number than stat(2) tells on some file systems
	int flags = tree_follows(file->tree) ? 0 : AT_SYMLINK_NOFOLLOW;
	return fstatat(file->tree->fd[SRC], file->entry.name, &now, flags) == 0
		&& inode_same(inode_of(&now), inode_of(&file->st));
}

/** Open a source under a lease when whoever has that has given it up. Returns a descriptor or -errno. */
static int wait_for_source(const struct file_context *ctx, const struct file *file, int flags) {
	int dir = file->tree->fd[SRC];
	struct stat st;
	int seen = openat(dir, file->entry.name, O_PATH | O_CLOEXEC | (flags & O_NOFOLLOW));
	if (seen < 0) {
		return -errno;
	}
	int ret = fstat(seen, &st) != 0 ? -errno : S_ISREG(st.st_mode) ? 0 : -ESTALE;
	if (ret == 0) {
		ret = file_open_waiting(ctx, seen, dir, file->entry.name, O_RDONLY | O_CLOEXEC);
	}
	close_fd(&seen);
	return ret;
}

/**
 * Open the source and see that it is what we were told of. If it is under a lease, it is waited for, or with FILE_DEFERRED
 * set it has to be opened again later.
 *
 * @param wait  Whether it has to be waited for at once.
 */
static struct fail open_source(struct file_context *ctx, struct file *file, const struct stat *st, bool wait) {
	const struct files *files = ctx->files;
	int flags = O_RDONLY | O_NOCTTY | O_CLOEXEC;
	if (!tree_follows(file->tree)) {
		flags |= O_NOFOLLOW;
	}
	// A fifo put in a file's place must not make us wait
	bool regular = !st || S_ISREG(st->st_mode);
	if (regular) {
		flags |= O_NONBLOCK;
	}
	int fd = openat(file->tree->fd[SRC], file->entry.name, flags);
	int err = errno;
	bool leased = fd < 0 && err == EAGAIN && regular;
	if (leased && !wait) {
		file->flags |= FILE_DEFERRED;
		return FAIL_NONE;
	}
	if (leased) {
		fd = wait_for_source(ctx, file, flags);
		err = -fd;
	}
	file->src_fd = max(fd, -1);
	if (fd < 0) {
		struct stat there;
		// cp looks before it opens
		bool found = st || fstatat(file->tree->fd[SRC], file->entry.name, &there, AT_SYMLINK_NOFOLLOW) == 0;
		return found ? fail_make(err, "cannot open %s for reading") : fail_make(errno, "cannot stat %s");
	}
	struct timespec when = {0};
	if (files->opts->flags & OPT_RESUME) {
		clock_gettime(CLOCK_REALTIME_COARSE, &when);
	}
	if (fstat(file->src_fd, &file->st) != 0) {
		return fail_make(errno, "cannot fstat %s");
	}
	file->untold = (files->opts->flags & OPT_RESUME) && !journal_can_tell(&file->st, &when);
	bool same = st ? inode_same(inode_of(st), inode_of(&file->st)) : S_ISREG(file->st.st_mode) && is_as_listed(file);
	if (!same) {
		return fail_make(0, "skipping file %s, as it was replaced while being copied");
	}
	if (files->sums && sums_is(files->sums, &file->st)) {
		return fail_make(0, "cannot copy %s: checksums are being written to it");
	}
	file->flags |= regular && !leased ? FILE_NONBLOCK : 0;
	return FAIL_NONE;
}

/** Let the file system copy if it can. Returns whether the data is still to be copied. */
static bool try_clone(struct file_context *ctx, struct file *file) {
	const struct opts *opts = ctx->files->opts;
	dev_t devs[2] = {file->st.st_dev, file->tree->inode[DST].dev};
	bool must = opts->reflink == WHEN_ALWAYS;

	if (opts->reflink == WHEN_NEVER) {
		return true;
	}
	if (!must && ((file->flags & FILE_SPECIAL) || !S_ISREG(file->st.st_mode) || file->st.st_size == 0
		|| (ctx->no_clone_known && ctx->no_clone[SRC] == devs[SRC] && ctx->no_clone[DST] == devs[DST])))
	{
		return true;
	}
	enum offload offload = offload_clone(file->dst_fd, file->src_fd);
	int err = errno;
	if (offload == OFFLOAD_DONE) {
		file->flags |= FILE_NO_DATA | FILE_CLONED;
		file_moved(ctx, file, (uint64_t)file->st.st_size);
		return false;
	}
	if (must || offload == OFFLOAD_FAILED) {
		file_fail(file, 0, fail_make(err, "failed to clone %d from %s"));
		return false;
	}
	// The base's device is not known: operands may lead to any
	if (offload == OFFLOAD_NOT_HERE && !(file->tree->flags & TREE_BASE)) {
		memcpy(ctx->no_clone, devs, sizeof(devs));
		ctx->no_clone_known = true;
	}
	return true;
}

/** Undo O_NONBLOCK before data is waited for: io_uring would take it as a wish not to. */
static void let_wait(const struct file *file) {
	if (file->flags & FILE_NONBLOCK) {
		fcntl(file->src_fd, F_SETFL, O_RDONLY);
	}
	if (file->flags & FILE_DST_NONBLOCK) {
		fcntl(file->dst_fd, F_SETFL, 0);
	}
}

void file_moved(struct file_context *ctx, struct file *file, uint64_t bytes) {
	counter_add(&ctx->counters->bytes, bytes);
	counter_add(&file->moved, bytes);
}

void file_note_begun(struct file_context *ctx, struct file *file) {
	if (!file->begun) {
		file->begun = true;
		file->begun_flags = file->flags;
		mutex_lock(&ctx->files->lock);
		list_append(&ctx->files->begun, &file->begun_node);
		mutex_unlock(&ctx->files->lock);
	}
}

bool file_passes_holes(const struct opts *opts, const struct file *file) {
	uint64_t size = (uint64_t)file->st.st_size;
	// Fewer blocks than the size may be compression
	bool fewer = (uint64_t)file->st.st_blocks * 512 < size;
	return fewer && opts->sparse != WHEN_NEVER && extent_has_hole(file->src_fd, size);
}

/** Choose how the data is moved. Returns whether it is to be moved in ranges. */
static bool plan(struct file_context *ctx, struct file *file) {
	const struct opts *opts = ctx->files->opts;
	uint64_t size = (uint64_t)file->st.st_size;

	if (opts->flags & OPT_ATTRIBUTES_ONLY) {
		file->flags |= FILE_NO_DATA;
		return false;
	}
	bool move = try_clone(ctx, file);
	bool unsized = (file->tree->flags & TREE_UNSIZED) || size == 0 || !S_ISREG(file->st.st_mode);
	if (file_is_ordered(opts) && (move || (file->flags & FILE_CLONED))) {
		let_wait(file);
		file_note_begun(ctx, file);
		file_copy_in_order(ctx, file, unsized ? FILE_ORDER_UNSIZED : 0);
		return false;
	}
	if (!move) {
		return false;
	}
	if (unsized || (file->flags & FILE_SPECIAL)) {
		let_wait(file);
		file_note_begun(ctx, file);
		file_stream(ctx, file);
		return false;
	}
	file->size = size;
	if (file_passes_holes(opts, file)) {
		file->flags |= FILE_EXTENTS | FILE_SET_SIZE;
	}
	if (opts->sparse == WHEN_ALWAYS) {
		file->flags |= FILE_DIG | FILE_SET_SIZE;
	}
	if (file_offload(ctx, file) || (file->cursor == 0 && file_copy_cached(ctx, file))) {
		return false;
	}
	let_wait(file);
	// What is moved by one request needs no look
	bool many = size > min((uint64_t)opts->chunk_size, (uint64_t)RESERVE_MIN) || (file->flags & (FILE_EXTENTS | FILE_DIG));
	if (many && extent_wants_order(file->dst_fd)) {
		file->flags |= FILE_FORWARD;
	}
	file_note_begun(ctx, file);
	if (size >= RESERVE_MIN && !(file->flags & (FILE_EXTENTS | FILE_DIG))) {
		file->flags |= FILE_RESERVED_SPACE;
		extent_reserve(file->dst_fd, size);
	}
	file_cache_choose(ctx, file);
	return true;
}

/** The source cannot be opened. What cp would have found wrong, said and done before that comes first. */
static void source_failed(struct file_context *ctx, struct file *file, struct judged *judged, struct fail fail) {
	struct stat st;
	int flags = tree_follows(file->tree) ? 0 : AT_SYMLINK_NOFOLLOW;

	if (fail.err == EINTR && atomic_load(&ctx->files->cancelled)) {
		return;
	}
	if (!judged->known && fstatat(file->tree->fd[SRC], file->entry.name, &st, flags) == 0) {
		if (!file_judge(ctx, file->tree, &file->entry, &st, judged)
			&& judged->verdict != DEST_OVERWRITE && judged->verdict != DEST_CREATE)
		{
			return;
		}
		file_say(ctx, file->tree, &file->entry, judged->found.backup);
	} else if (judged->known) {
		file_say(ctx, file->tree, &file->entry, judged->found.backup);
	}
	tree_report(file->tree, &file->entry, fail);
	file_failed(ctx, &file->st);
	if (judged->found.backup) {
		dest_undo_backup(ctx->files->dest, file->tree, &file->entry, judged->found.backup);
		free(judged->found.backup);
	}
}

/** Put a name aside that has to be waited for. */
static void defer(struct file_context *ctx, struct file *file) {
	struct link_name *name = link_name_new(file->tree, &file->entry);
	if (!name) {
		tree_report(file->tree, &file->entry, fail_make(ENOMEM, "cannot create regular file %d"));
		return;
	}
	list_append(&ctx->later, &name->node);
}

/** Copy a regular file, or read something else as if it were one. */
static struct file *begin_regular(struct file_context *ctx, struct tree *tree, const struct entry *entry,
	const struct stat *st, struct link_name *redo)
{
	struct file *file = file_new(tree, entry, redo);
	if (!file) {
		tree_report(tree, entry, fail_make(ENOMEM, "cannot open %s for reading"));
		file_failed(ctx, st);
		if (redo) {
			link_name_free(redo);
		}
		return NULL;
	}
	struct judged judged = {0};
	if (file_is_being_made(ctx, tree, st)) {
		defer(ctx, file);
		file_free(file);
		return NULL;
	}
	bool links = st && file_has_links(ctx, tree, st);
	if (st && !links && !file_judge(ctx, tree, entry, st, &judged)) {
		file_free(file);
		return NULL;
	}
	// Where its destination was judged already, that is not to be done twice
	struct fail fail = open_source(ctx, file, st, ctx->patient || judged.known);
	if (file->flags & FILE_DEFERRED) {
		defer(ctx, file);
		file_free(file);
		return NULL;
	}
	if (fail.what) {
		source_failed(ctx, file, &judged, fail);
		file_free(file);
		return NULL;
	}
	if (file_has_links(ctx, tree, &file->st)
		&& file_links_meet(ctx, tree, entry, &file->st, &file->link, &judged) != FILE_LINKS_COPY)
	{
		file_free(file);
		return NULL;
	}
	if (!file_open_destination(ctx, file, &judged)) {
		if (file->backup) {
			dest_undo_backup(ctx->files->dest, tree, entry, file->backup);
		}
		if (file->flags & FILE_DEFERRED) {
			defer(ctx, file);
		}
		file_links_end(ctx, file->link, tree, NULL);
		file_release(ctx, file);
		file_free(file);
		return NULL;
	}
	begin_current(ctx->files, file);
	if (plan(ctx, file)) {
		return file;
	}
	file_unref(ctx, file);
	return NULL;
}

struct file *file_begin(struct file_context *ctx, struct tree *tree, const struct entry *entry, const struct stat *st,
	struct link_name *redo)
{
	const struct opts *opts = ctx->files->opts;
	struct stat got;
	const struct stat *known = st;

	if (opts->flags & OPT_DRY_RUN) {
		file_foresee(ctx, tree, entry, st);
		return NULL;
	}
	// Where a destination may well stay as it is, one look at both ends is cheaper than opening them
	bool look = entry->type != DT_REG || opts->update != UPDATE_ALL
		|| (opts->flags & (OPT_HARD_LINK | OPT_SYMBOLIC_LINK));
	if (!st && look) {
		if (fstatat(tree->fd[SRC], entry->name, &got, tree_follows(tree) ? 0 : AT_SYMLINK_NOFOLLOW) != 0) {
			tree_report(tree, entry, fail_make(errno, "cannot stat %s"));
			file_failed(ctx, NULL);
			goto out;
		}
		known = &got;
	}
	mode_t mode = known ? known->st_mode : S_IFREG;
	bool contents = !(opts->flags & OPT_RECURSIVE) || (opts->flags & OPT_COPY_CONTENTS);
	if (file_is_journal(ctx, tree, entry)) {
		tree_report(tree, entry, fail_make(0, "cannot copy %s: --resume keeps its journal at %d"));
		file_failed(ctx, known);
	} else if (S_ISDIR(mode)) {
		tree_report(tree, entry, fail_make(0, "skipping file %s, as it was replaced while being copied"));
		file_failed(ctx, NULL);
	} else if (opts->flags & (OPT_HARD_LINK | OPT_SYMBOLIC_LINK)) {
		file_make_link(ctx, tree, entry, known);
	} else if (S_ISREG(mode) || (contents && !S_ISLNK(mode))) {
		return begin_regular(ctx, tree, entry, known, redo);
	} else if (S_ISLNK(mode)) {
		file_copy_symlink(ctx, tree, entry, known);
	} else {
		file_copy_special(ctx, tree, entry, known);
	}
out:
	if (redo) {
		link_name_free(redo);
	}
	return NULL;
}

/** Where no data follows the source may have been cut short meanwhile, and not end in a hole; the lock is held. */
static void forget_lost_end(struct file *file) {
	struct stat st;
	if (fstat(file->src_fd, &st) == 0 && (uint64_t)st.st_size < file->size) {
		file->size = (uint64_t)st.st_size;
	}
}

/** Find the next range; the lock is held. */
static bool next_range(struct file *file, uint64_t want, struct extent *range) {
	if (file->cursor >= file->size || file->fail.what) {
		return false;
	}
	range->start = file->cursor;
	range->end = file->size;
	if (file->flags & FILE_EXTENTS) {
		int ret = extent_next(file->src_fd, file->cursor, file->size, range);
		if (ret < 0) {
			file->fail = fail_make(ret, "cannot lseek %s");
			file->flags |= FILE_INCOMPLETE;
			file->keep = min(file->keep, file->cursor);
		}
		if (ret == 0) {
			forget_lost_end(file);
		}
		file->holes += (ret > 0 ? range->start : max(file->size, file->cursor)) - file->cursor;
		if (ret <= 0) {
			file->cursor = file->size;
			return false;
		}
	}
	if (range->end - range->start > want) {
		range->end = range->start + want;
	}
	file->cursor = range->end;
	return true;
}

bool file_claim(struct file *file, uint64_t want, struct extent *range) {
	mutex_lock(&file->lock);
	bool claimed = next_range(file, want, range);
	while (claimed && file->part && !file_skip_written(file, range)) {
		claimed = next_range(file, want, range);
	}
	mutex_unlock(&file->lock);
	return claimed;
}

void file_abandon(struct file *file, uint64_t off) {
	mutex_lock(&file->lock);
	file->flags |= FILE_INCOMPLETE;
	file->keep = min(file->keep, off);
	mutex_unlock(&file->lock);
}

void file_fail(struct file *file, uint64_t off, struct fail fail) {
	mutex_lock(&file->lock);
	if (!file->fail.what) {
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
	atomic_fetch_add(&file->refs, 1);
}
