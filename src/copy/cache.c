// SPDX-License-Identifier: MIT
#include "copy/file-impl.h"

#include "base/limits.h"
#include "base/opts.h"
#include "sys/extent.h"
#include "sys/machine.h"

#include <errno.h>
#include <fcntl.h>

/** Files smaller than this gain nothing from bypassing the page cache. */
#define DIRECT_MIN (1u << 20)

/** O_DIRECT needs multiples of this for offsets, lengths and buffers, nearly everywhere. */
#define BLOCK 4096u

/** Bytes of a file that are checked for being cached. */
#define LOOK_AT (64u << 20)

/**
 * Copying less than 1/SMALL_SHARE of the memory never needs to spare the page cache. From 1/READ_SHARE on, data read
 * need not stay there.
 */
#define SMALL_SHARE 8
#define READ_SHARE 16

/** Set the status flags of both descriptors. */
static bool set_flags(const struct file *file, int flags) {
	return fcntl(file->source.fd, F_SETFL, flags) == 0 && fcntl(file->target.fd, F_SETFL, flags) == 0;
}

/** Whether all requests for a file's data can be for whole blocks. */
static bool is_aligned(const struct file_context *ctx, const struct file *file) {
	const struct opts *opts = ctx->files->opts;
	return !(file->plan.flags & (PLAN_SKIP_HOLES | PLAN_MAKE_HOLES)) && opts->chunk_size % BLOCK == 0
		&& opts->range_size % BLOCK == 0 && !throttle_is_active(&ctx->files->throttle);
}

/** Bypass the page cache if that is possible. */
static bool go_direct(const struct file_context *ctx, struct file *file) {
	if (!is_aligned(ctx, file) || (ctx->files->opts->inject & INJECT_NO_DIRECT) || !set_flags(file, O_DIRECT)) {
		set_flags(file, 0);
		return false;
	}
	file->plan.cache = CACHE_BYPASS;
	// file_copy_tail() moves the rest, which is no whole block
	file->size -= file->size % BLOCK;
	return true;
}

/** How many bytes may go through the page cache before it drops what others have there. */
static uint64_t spare(struct files *files) {
	uint64_t bytes = atomic_load(&files->spare);
	if (bytes == 0) {
		bytes = max(min(machine_free_memory(), files->limits->memory) / 2, (uint64_t)1);
		atomic_store(&files->spare, bytes);
	}
	return bytes;
}

/** Whether, after MOVED bytes, data read from a file need not stay: reading it again costs less than memory. */
static bool is_read_once(const struct file_context *ctx, const struct file *file, uint64_t moved) {
	bool fast = atomic_load_explicit(&ctx->files->fast, memory_order_relaxed)
		|| (ctx->files->opts->inject & INJECT_LITTLE_MEMORY);
	bool kept = ctx->no_dontcache_known && ctx->no_dontcache == file->source.st.st_dev;
	return fast && !kept && moved >= ctx->files->limits->memory / READ_SHARE;
}

/** How many bytes of a file go through the page cache, as far as the file system reports it. */
static uint64_t bytes_of(const struct file *file) {
	return file->plan.flags & PLAN_SKIP_HOLES ? min(file->size, (uint64_t)file->source.st.st_blocks * 512) : file->size;
}

void file_cache_choose(struct file_context *ctx, struct file *file) {
	struct files *files = ctx->files;
	uint64_t size = bytes_of(file);

	if (files->opts->direct == WHEN_ALWAYS && size >= DIRECT_MIN) {
		go_direct(ctx, file);
	}
	if (files->opts->direct != WHEN_AUTO) {
		return;
	}
	uint64_t moved = atomic_fetch_add(&files->moved, size) + size;
	if (is_read_once(ctx, file, moved)) {
		file->plan.cache = CACHE_READ_ONCE;
	}
	if (size < DIRECT_MIN || moved < files->limits->memory / SMALL_SHARE || moved < spare(files)) {
		return;
	}
	struct extent first = {.end = min(size, (uint64_t)LOOK_AT)};
	bool huge = size / 2 > spare(files) && extent_is_cached(file->source.fd, first) <= 0;
	if (!huge || !go_direct(ctx, file)) {
		file->plan.cache = CACHE_LEAVE;
	}
}

bool file_cache_refused(struct file_context *ctx, struct file *file, int err) {
	// EINVAL is expected only with O_DIRECT (alignment); otherwise it is a real error
	bool refused = err == EOPNOTSUPP || (err == EINVAL && file->plan.cache == CACHE_BYPASS);
	if (file->plan.cache == CACHE_KEEP || !refused) {
		return false;
	}
	if (file->plan.cache == CACHE_READ_ONCE) {
		ctx->no_dontcache = file->source.st.st_dev;
		ctx->no_dontcache_known = true;
	}
	file_cache_use(file);
	return true;
}

uint64_t file_cache_planned(const struct file *file) {
	uint64_t size = (uint64_t)file->source.st.st_size;
	return file->plan.cache == CACHE_BYPASS ? size - size % BLOCK : size;
}

void file_cache_use(struct file *file) {
	if (file->plan.cache == CACHE_BYPASS) {
		set_flags(file, 0);
	}
}
