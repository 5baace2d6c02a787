#include "copy/file-impl.h"

#include "base/io.h"
#include "base/open.h"
#include "base/opts.h"
#include "display/progress.h"
#include "sys/extent.h"
#include "sys/fstype.h"
#include "sys/reflink.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/** Bytes asked for at first, until it is known who copies, and later: now and then somebody may want to know how far it is. */
#define FIRST_PART (1u << 20)
#define PART (64u << 20)

/** Whether it is worth trying for this file. */
static bool is_promising(struct file_context *ctx, const struct file *file) {
	const struct opts *opts = ctx->files->opts;
	struct far *far = &ctx->far;
	struct stat st;

	if (opts->engine != ENGINE_AUTO || opts->reflink == WHEN_NEVER || opts->inject
		|| (file->plan.flags & (PLAN_SKIP_HOLES | PLAN_MAKE_HOLES)) || throttle_is_active(&ctx->files->throttle))
	{
		return false;
	}
	if (!far->known || far->dev != file->source.st.st_dev) {
		*far = (struct far) {.known = true, .dev = file->source.st.st_dev, .copies = fstype_is(file->source.fd, FSTYPE_REMOTE)};
	}
	return far->copies && fstat(file->target.fd, &st) == 0 && st.st_dev == far->dev;
}

/**
 * What it takes to see whether what is copied first goes through our page cache: without cachestat(2) a second descriptor that
 * reads. It must be opened before, as some file systems forget what they have of a file when that is opened.
 *
 * @return A descriptor, or -1 if none is needed or can be had.
 */
static int open_proof(const struct file *file) {
	if (extent_is_cached(file->target.fd, (struct extent) {.end = 1}) >= 0) {
		return -1;
	}
	int fd = open_again(file->target.fd, -1, NULL, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	return max(fd, -1);
}

/** Without their help the kernel reads and writes the data itself, and keeps what it wrote. */
static bool is_proven(const struct file *file, int proof) {
	unsigned char pages[256];
	struct extent copied = {.end = file->cursor};
	int cached = extent_is_cached(file->target.fd, copied);
	return cached == 0 || (cached < 0 && proof >= 0 && !extent_may_be_cached(proof, copied, pages, sizeof(pages)));
}

/** Copy with their help. Returns whether that came to an end. */
static bool offload(struct file_context *ctx, struct file *file, int proof) {
	struct far *far = &ctx->far;
	while (file->cursor < file->size && far->copies) {
		off_t from = (off_t)file->cursor;
		off_t to = from;
		uint64_t want = min(file->size - file->cursor, (uint64_t)(far->proven ? PART : FIRST_PART));
		file_note_begun(ctx, file);
		ssize_t n = copy_file_range(file->source.fd, &from, file->target.fd, &to, (size_t)want, 0);
		if (n < 0 && errno == EINTR) {
			if (atomic_load(&ctx->files->cancelled)) {
				file_abandon(file, file->cursor);
				return true;
			}
			continue;
		}
		if (n <= 0) {
			// Whatever it is: reading or writing tells it better
			far->copies = far->proven || n == 0 || !offload_is_about_place(errno);
			return false;
		}
		file_wrote(ctx, file, file->cursor, file->cursor + (uint64_t)n);
		file->cursor += (uint64_t)n;
		file_moved(ctx, file, (uint64_t)n);
		if (!far->proven) {
			far->proven = is_proven(file, proof);
			far->copies = far->proven;
		}
	}
	if (file->cursor < file->size) {
		return false;
	}
	file->flags |= far->proven ? FILE_OFFLOADED : 0;
	return true;
}

bool file_offload(struct file_context *ctx, struct file *file) {
	if (!is_promising(ctx, file)) {
		return false;
	}
	int proof = ctx->far.proven ? -1 : open_proof(file);
	bool done = offload(ctx, file, proof);
	close_fd(&proof);
	return done;
}
