#include "file-impl.h"

#include "extent.h"
#include "machine.h"
#include "opts.h"

#include <errno.h>
#include <fcntl.h>

/** Files smaller than this gain nothing by going past the page cache. */
#define DIRECT_MIN (1u << 20)

/** What O_DIRECT wants offsets, lengths and buffers to be multiples of, nearly everywhere. */
#define BLOCK 4096u

/** How much of a file is looked at for whether it is cached. */
#define LOOK_AT (64u << 20)

/** Less than one in so many bytes of memory never matters. */
#define SMALL_SHARE 8

/** Have a file read and written with these flags. */
static bool set_flags(const struct file *file, int flags) {
	return fcntl(file->src_fd, F_SETFL, flags) == 0 && fcntl(file->dst_fd, F_SETFL, flags) == 0;
}

/** Whether all requests for a file's data can be for whole blocks. */
static bool is_aligned(const struct file_context *ctx, const struct file *file) {
	const struct opts *opts = ctx->files->opts;
	return !(file->flags & (FILE_EXTENTS | FILE_DIG)) && opts->chunk_size % BLOCK == 0
		&& opts->range_size % BLOCK == 0 && !throttle_is_active(&ctx->files->throttle);
}

/** Go past the page cache if that is possible. */
static bool go_direct(const struct file_context *ctx, struct file *file) {
	if (!is_aligned(ctx, file) || (ctx->files->opts->inject & INJECT_NO_DIRECT) || !set_flags(file, O_DIRECT)) {
		set_flags(file, 0);
		return false;
	}
	file->cache = FILE_CACHE_PAST;
	// The rest is no whole block: file_follow() moves it
	file->size -= file->size % BLOCK;
	return true;
}

/** How many bytes may go through the page cache before it loses what others have there. */
static uint64_t spare(struct files *files) {
	uint64_t bytes = atomic_load(&files->spare);
	if (bytes == 0) {
		bytes = max(min(machine_free_memory(), files->opts->memory) / 2, (uint64_t)1);
		atomic_store(&files->spare, bytes);
	}
	return bytes;
}

void file_cache_choose(struct file_context *ctx, struct file *file) {
	struct files *files = ctx->files;
	uint64_t size = file->size;

	if (files->opts->direct == WHEN_NEVER || size < DIRECT_MIN) {
		return;
	}
	if (files->opts->direct == WHEN_ALWAYS) {
		go_direct(ctx, file);
		return;
	}
	uint64_t moved = atomic_fetch_add(&files->moved, size) + size;
	if (moved < files->opts->memory / SMALL_SHARE || moved < spare(files)) {
		return;
	}
	struct extent first = {.end = min(size, (uint64_t)LOOK_AT)};
	bool huge = size / 2 > spare(files) && extent_is_cached(file->src_fd, first) <= 0;
	if (!huge || !go_direct(ctx, file)) {
		file->cache = FILE_CACHE_LEAVE;
	}
}

bool file_cache_refused(struct file *file, int err) {
	if (file->cache == FILE_CACHE_USE || (err != EINVAL && err != EOPNOTSUPP)) {
		return false;
	}
	file_cache_use(file);
	return true;
}

uint64_t file_cache_planned(const struct file *file) {
	uint64_t size = (uint64_t)file->st.st_size;
	return file->cache == FILE_CACHE_PAST ? size - size % BLOCK : size;
}

void file_cache_use(struct file *file) {
	if (file->cache == FILE_CACHE_PAST) {
		set_flags(file, 0);
	}
}
