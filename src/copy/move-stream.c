#include "copy/file-impl.h"

#include "base/io.h"
#include "base/opts.h"
#include "display/progress.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

/** Where nobody can tell whether a file is cached, one in so many is tried. */
#define COLD_TRIES 32

/** Whether an interrupted call is to be made again. */
static bool again(const struct file_context *ctx) {
	return errno == EINTR && !atomic_load(&ctx->files->cancelled);
}

/** Have file_context::buffer. */
static bool need_buffer(struct file_context *ctx) {
	if (!ctx->buffer) {
		ctx->buffer = malloc(FILE_BUFFER + 1);
	}
	return ctx->buffer != NULL;
}

/**
 * Read a small file's data if it is cached, and one byte more, so as to see the end. Trying to read what is not would
 * start reading it, and so many files in many small pieces; a ring hands the kernel many files at once, which it reads
 * together where they are neighbours. Returns what was read, or -1.
 */
static ssize_t read_cached(struct file_context *ctx, const struct file *file) {
	struct iovec iov = {.iov_base = ctx->buffer, .iov_len = file->size + 1};
	bool asks = ctx->waits_known && ctx->waits == file->source.st.st_dev;

	if (asks || ctx->cold > 0) {
		int cached = extent_is_cached(file->source.fd, (struct extent) {.end = file->size});
		if (cached == 0 || (cached < 0 && (asks || ctx->cold++ % COLD_TRIES != 0))) {
			return -1;
		}
	}
	if (asks) {
		return pread(file->source.fd, ctx->buffer, iov.iov_len, 0);
	}
	ssize_t n = preadv2(file->source.fd, &iov, 1, 0, RWF_NOWAIT);
	if (n < 0 && errno == EOPNOTSUPP) {
		ctx->waits = file->source.st.st_dev;
		ctx->waits_known = true;
		return read_cached(ctx, file);
	}
	return n;
}

bool file_copy_cached(struct file_context *ctx, struct file *file) {
	size_t size = file->size;
	const struct opts *opts = ctx->files->opts;
	if (size > FILE_BUFFER || opts->engine != ENGINE_AUTO || opts->inject || opts->sparse == WHEN_ALWAYS
		|| (file->plan.flags & PLAN_SKIP_HOLES) || throttle_is_active(&ctx->files->throttle) || !need_buffer(ctx))
	{
		return false;
	}
	ssize_t n = read_cached(ctx, file);
	if (n > (ssize_t)size) {
		file_stream(ctx, file);
		return true;
	}
	if (n != (ssize_t)size) {
		ctx->cold = 1;
		return false;
	}
	ctx->cold = 0;
	file->flags |= FILE_CACHED;
	int ret = write_full(file->target.fd, ctx->buffer, size, &ctx->files->cancelled);
	if (ret == -EINTR) {
		file_abandon(file, 0);
	} else if (ret < 0) {
		file_fail(file, 0, fail_make(ret, "error writing %d"));
	} else {
		file_moved(ctx, file, size);
	}
	return true;
}

void file_stream(struct file_context *ctx, struct file *file) {
	// What only ends so was copied in another way
	if (file->cursor == 0) {
		file->flags |= FILE_STREAMED;
	}
	if (!need_buffer(ctx)) {
		file_fail(file, 0, fail_make(ENOMEM, "error reading %s"));
		return;
	}
	size_t want = FILE_BUFFER;
	// Injected faults ask for little here too
	if (ctx->files->opts->inject & (INJECT_SHORT_READ | INJECT_SHORT_WRITE)) {
		want = 1000;
	}
	while (!atomic_load(&ctx->files->cancelled)) {
		size_t may = throttle_take(&ctx->files->throttle, want);
		if (may == 0) {
			break;
		}
		ssize_t n = read(file->source.fd, ctx->buffer, may);
		int err = errno;
		throttle_give(&ctx->files->throttle, may - (size_t)max(n, (ssize_t)0));
		errno = err;
		if (n == 0) {
			return;
		}
		if (n < 0 && again(ctx)) {
			continue;
		}
		if (n < 0) {
			break;
		}
		int ret = write_full(file->target.fd, ctx->buffer, (size_t)n, &ctx->files->cancelled);
		if (ret < 0) {
			if (ret != -EINTR) {
				file_fail(file, file->cursor, fail_make(ret, "error writing %d"));
			}
			break;
		}
		file->cursor += (uint64_t)n;
		file_moved(ctx, file, (uint64_t)n);
	}
	if (atomic_load(&ctx->files->cancelled)) {
		file_abandon(file, file->cursor);
	} else if (!file->fail.what) {
		file_fail(file, file->cursor, fail_make(errno, "error reading %s"));
	}
}

void file_follow(struct file_context *ctx, struct file *file) {
	struct stat st;
	off_t size = (off_t)file->size;
	bool cut = file->size < file_cache_planned(file);
	// For a small file a look would cost more than it finds
	if (file->size <= FILE_BUFFER || cut || fstat(file->source.fd, &st) != 0 || st.st_size <= size) {
		return;
	}
	file_cache_use(file);
	if (lseek(file->source.fd, size, SEEK_SET) != size || lseek(file->target.fd, size, SEEK_SET) != size) {
		file_fail(file, file->size, fail_make(errno, "cannot lseek %s"));
		return;
	}
	file->cursor = file->size;
	file_stream(ctx, file);
	file->size = file->cursor;
}
