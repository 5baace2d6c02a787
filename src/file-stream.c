#include "file-impl.h"

#include "opts.h"
#include "progress.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

/** Whether an interrupted call is to be made again. */
static bool again(const struct file_context *ctx) {
	return errno == EINTR && !atomic_load(&ctx->files->cancelled);
}

/** Write everything, however little at a time. Returns 0 or -errno. */
static int write_whole(const struct file_context *ctx, int fd, const char *data, size_t len) {
	while (len > 0) {
		ssize_t n = write(fd, data, len);
		if (n < 0 && again(ctx)) {
			continue;
		}
		if (n <= 0) {
			return n < 0 ? -errno : -EIO;
		}
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

/** Have file_context::buffer. */
static bool need_buffer(struct file_context *ctx) {
	if (!ctx->buffer) {
		ctx->buffer = malloc(FILE_BUFFER);
	}
	return ctx->buffer != NULL;
}

bool file_copy_cached(struct file_context *ctx, struct file *file) {
	size_t size = file->size;
	const struct opts *opts = ctx->files->opts;
	if (size > FILE_BUFFER || opts->engine != ENGINE_AUTO || opts->inject || opts->sparse == WHEN_ALWAYS
		|| (file->flags & FILE_EXTENTS) || !need_buffer(ctx))
	{
		return false;
	}
	struct iovec iov = {.iov_base = ctx->buffer, .iov_len = size};
	if (preadv2(file->src_fd, &iov, 1, 0, RWF_NOWAIT) != (ssize_t)size) {
		return false;
	}
	file->flags |= FILE_CACHED;
	int ret = write_whole(ctx, file->dst_fd, ctx->buffer, size);
	if (ret == -EINTR) {
		file_abandon(file, 0);
	} else if (ret < 0) {
		file_fail(file, 0, fail_make(ret, "error writing %d"));
	} else {
		counter_add(&ctx->counters->bytes, size);
		counter_add(&ctx->counters->cached, 1);
	}
	return true;
}

void file_stream(struct file_context *ctx, struct file *file) {
	file->flags |= FILE_STREAMED;
	counter_add(&ctx->counters->streams, 1);
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
		ssize_t n = read(file->src_fd, ctx->buffer, want);
		if (n == 0) {
			return;
		}
		if (n < 0 && again(ctx)) {
			continue;
		}
		if (n < 0) {
			break;
		}
		int ret = write_whole(ctx, file->dst_fd, ctx->buffer, (size_t)n);
		if (ret < 0) {
			if (ret != -EINTR) {
				file_fail(file, file->cursor, fail_make(ret, "error writing %d"));
			}
			break;
		}
		file->cursor += (uint64_t)n;
		counter_add(&ctx->counters->bytes, (uint64_t)n);
	}
	if (atomic_load(&ctx->files->cancelled)) {
		file_abandon(file, file->cursor);
	} else if (!file->fail.what) {
		file_fail(file, file->cursor, fail_make(errno, "error reading %s"));
	}
}
