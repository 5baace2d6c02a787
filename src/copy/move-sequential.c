#include "copy/file-impl.h"

#include "base/opts.h"
#include "journal/checksums.h"
#include "sys/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/** Zeros are looked for in blocks of this size: what file systems allocate at least. */
#define ZERO_BLOCK 4096

/** So much is written before the kernel is told to begin with bringing it to the device. */
#define WRITE_BEHIND (8u << 20)

/** A file being copied in order. */
struct order {
	struct file_context *ctx;
	struct file *file;
	struct file_order *with;
	/** Whether the source is read to its end, by read(2), as its size is not known. */
	bool unsized;
	/** Whether anything is written: not where the data was cloned. */
	bool writes;
	/** Whether zeros become holes. */
	bool dig;
	/** Whether parts of the destination were passed over, so that its size must be set. */
	bool skipped;
	/** Bytes read, hashed and written so far. */
	uint64_t at;
	/** Up to where the kernel was told to write. */
	uint64_t behind;
};

void file_order_free(struct file_context *ctx) {
	if (ctx->order) {
		hash_free(ctx->order->read);
		hash_free(ctx->order->read_back);
		free(ctx->order->buffer);
		free(ctx->order);
		ctx->order = NULL;
	}
}

static struct file_order *need_order(struct file_context *ctx) {
	if (ctx->order) {
		return ctx->order;
	}
	struct file_order *order = calloc(1, sizeof(*order));
	if (order) {
		ctx->order = order;
		order->read = hash_new();
		order->read_back = hash_new();
		order->buffer = aligned_alloc(FILE_ORDER_BLOCK, FILE_ORDER_BUFFER);
	}
	if (!order || !order->read || !order->read_back || !order->buffer) {
		file_order_free(ctx);
		return NULL;
	}
	return order;
}

static bool is_cancelled(const struct order *o) {
	return atomic_load(&o->ctx->files->cancelled);
}

/** End with a fail, or without a word when the copying was cancelled. */
static bool stop(struct order *o, int ret, const char *what) {
	o->file->cursor = o->at;
	if (ret == -EINTR && is_cancelled(o)) {
		file_abandon(o->file, o->at);
	} else {
		file_fail(o->file, o->at, fail_make(ret, what));
	}
	return false;
}

/** Write bytes where they belong: as write_full(), but at an offset, and file_move_end() may answer an error. */
static int put(struct order *o, const char *data, size_t len, uint64_t off) {
	const struct file *file = o->file;
	bool little = o->ctx->files->opts->inject & INJECT_SHORT_WRITE;
	while (len > 0) {
		size_t want = little ? min(len, (size_t)1000) : len;
		ssize_t n = file->target.flags & TARGET_SPECIAL ? write(file->target.fd, data, want)
			: pwrite(file->target.fd, data, want, (off_t)off);
		if (n < 0 && ((errno == EINTR && !is_cancelled(o)) || file_move_end(file, errno, off))) {
			continue;
		}
		if (n <= 0) {
			return n < 0 ? -errno : -EIO;
		}
		data += n;
		off += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

/** Write what was read and hashed, leaving out zeros where they are to be holes. */
static int put_block(struct order *o, char *data, size_t len) {
	const struct opts *opts = o->ctx->files->opts;
	uint64_t off = o->at;

	if ((opts->inject & INJECT_CORRUPT) && opts->seed >= off && opts->seed - off < len) {
		data[opts->seed - off] ^= 1;
	}
	while (len > 0) {
		size_t zeros = o->dig ? extent_zeros(data, len, ZERO_BLOCK) : 0;
		size_t run = o->dig ? extent_nonzeros(data + zeros, len - zeros, ZERO_BLOCK) : len;
		int ret = put(o, data + zeros, run, off + zeros);
		if (ret < 0) {
			return ret;
		}
		o->skipped |= zeros > 0;
		counter_add(&o->file->zeros, zeros);
		data += zeros + run;
		off += zeros + run;
		len -= zeros + run;
	}
	return 0;
}

/** Begin to bring to the device what will be read back from there. */
static void write_behind(struct order *o) {
	if (o->at - o->behind >= WRITE_BEHIND && (o->ctx->files->opts->flags & OPT_VERIFY)) {
		sync_file_range(o->file->target.fd, (off_t)o->behind, (off_t)(o->at - o->behind), SYNC_FILE_RANGE_WRITE);
		o->behind = o->at;
	}
}

/** Copy data up to END, or to the end of the source. Returns whether there may be more behind END. */
static bool copy_data(struct order *o, uint64_t end) {
	struct file *file = o->file;
	struct throttle *throttle = &o->ctx->files->throttle;
	size_t most = FILE_ORDER_BUFFER;
	// Injected faults ask for little here too
	if (o->ctx->files->opts->inject & INJECT_SHORT_READ) {
		most = 1000;
	}
	while (o->at < end) {
		size_t want = throttle_take(throttle, (size_t)min(end - o->at, (uint64_t)most));
		// Nothing may be taken where all is over, and that is not the end of the source
		ssize_t n = is_cancelled(o) || want == 0 ? -1 : o->unsized ? read(file->source.fd, o->with->buffer, want)
			: pread(file->source.fd, o->with->buffer, want, (off_t)o->at);
		int err = errno;
		throttle_give(throttle, want - (size_t)max(n, (ssize_t)0));
		if (is_cancelled(o)) {
			return stop(o, -EINTR, NULL);
		}
		if (n < 0 && err == EINTR) {
			continue;
		}
		if (n < 0) {
			return stop(o, err, "error reading %s");
		}
		if (n == 0) {
			file->size = o->at;
			return false;
		}
		hash_add(o->with->read, o->with->buffer, (size_t)n);
		int ret = o->writes ? put_block(o, o->with->buffer, (size_t)n) : 0;
		if (ret < 0) {
			return stop(o, ret, "error writing %d");
		}
		o->at += (uint64_t)n;
		if (o->writes) {
			file_moved(o->ctx, file, (uint64_t)n);
			write_behind(o);
		}
	}
	return true;
}

/** Pass over a hole of the source. */
static bool copy_hole(struct order *o, uint64_t end) {
	while (o->at < end) {
		uint64_t n = min(end - o->at, (uint64_t)FILE_HOLE_PART);
		if (is_cancelled(o)) {
			return stop(o, -EINTR, NULL);
		}
		hash_zeros(o->with->read, n);
		o->at += n;
		o->file->holes += o->writes ? n : 0;
	}
	o->skipped = true;
	return true;
}

/** Copy the data of a source with holes, and only that. */
static bool copy_extents(struct order *o) {
	struct file *file = o->file;
	struct stat st;
	while (o->at < file->size) {
		struct extent part = {.start = file->size, .end = file->size};
		int ret = extent_next(file->source.fd, o->at, file->size, &part);
		if (ret < 0) {
			return stop(o, ret, "cannot lseek %s");
		}
		if (ret == 0) {
			part.start = part.end = file->size;
			// It may have been cut short meanwhile, and not end in a hole
			if (fstat(file->source.fd, &st) == 0 && (uint64_t)st.st_size < file->size) {
				part.start = part.end = file->size = max((uint64_t)st.st_size, o->at);
			}
		}
		if (!copy_hole(o, part.start) || !copy_data(o, part.end)) {
			break;
		}
	}
	return !(file->flags & FILE_INCOMPLETE);
}

/** Copy all of it. Returns whether that went well. */
static bool copy_all(struct order *o) {
	const struct opts *opts = o->ctx->files->opts;
	struct file *file = o->file;
	bool plain = !o->unsized && !(file->target.flags & TARGET_SPECIAL);

	file->size = o->unsized ? INT64_MAX : (uint64_t)file->source.st.st_size;
	o->dig = opts->sparse == WHEN_ALWAYS && !(file->target.flags & TARGET_SPECIAL);
	hash_begin(o->with->read);
	if (plain && file_passes_holes(opts, file)) {
		if (!copy_extents(o)) {
			return false;
		}
	} else {
		copy_data(o, file->size);
	}
	if (file->flags & FILE_INCOMPLETE) {
		return false;
	}
	hash_end(o->with->read);
	file->cursor = file->size = o->at;
	// What is to be read back must have its size
	if (o->skipped && o->writes && ftruncate(file->target.fd, (off_t)o->at) != 0) {
		return stop(o, errno, "error writing %d");
	}
	return true;
}

void file_copy_in_order(struct file_context *ctx, struct file *file, enum file_order_flags flags) {
	struct order o = {
		.ctx = ctx,
		.file = file,
		.with = need_order(ctx),
		.unsized = flags & FILE_ORDER_UNSIZED,
		.writes = !(file->flags & FILE_CLONED),
	};
	if (!o.with) {
		file_fail(file, 0, fail_make(ENOMEM, "error reading %s"));
		return;
	}
	file->flags |= FILE_ORDERED;
	if (!copy_all(&o)) {
		return;
	}
	hash_text(o.with->read, file->sum);
	if (ctx->files->opts->flags & OPT_VERIFY) {
		file_verify(ctx, file);
	}
}

void file_note_sum(struct file_context *ctx, struct file *file) {
	struct sums *sums = ctx->files->sums;
	if (!sums || !(file->flags & FILE_ORDERED) || (file->target.flags & TARGET_SPECIAL)) {
		return;
	}
	char *path = tree_path(file->tree, DST, file->entry.dst_name);
	if (path) {
		sums_add(sums, file->sum, path);
	} else {
		tree_report(file->tree, &file->entry, fail_make(ENOMEM, "cannot note the checksum of %d"));
	}
	free(path);
}
