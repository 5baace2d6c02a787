#include "copy/file-impl.h"

#include "base/opts.h"
#include "sys/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/** Pages that are looked for in memory at once, with a byte of the buffer for each. */
#define LOOK (256u << 10)

/** A destination being read back. */
struct check {
	struct file_context *ctx;
	struct file *file;
	struct file_order *with;
	/** Bytes read back so far. */
	uint64_t at;
	/** Whether it is read with O_DIRECT. */
	bool direct;
	/** Whether holes are read, too, and a difference is reported: if it is read once more, or is no regular file. */
	bool again;
	/** Whether something was not as it was read. */
	bool parted;
};

static bool is_cancelled(const struct check *c) {
	return atomic_load(&c->ctx->files->cancelled);
}

/** The next part of the destination that is not a hole. Returns as extent_next(). */
static int next_part(const struct check *c, uint64_t at, struct extent *part) {
	if (c->again) {
		*part = (struct extent) {.start = at, .end = c->file->size};
		return at < c->file->size;
	}
	return extent_next(c->file->target.fd, at, c->file->size, part);
}

static bool is_cached(const struct check *c) {
	struct extent part;
	int ret = 0;
	for (uint64_t at = 0; (ret = next_part(c, at, &part)) > 0; at = part.end) {
		if (extent_may_be_cached(c->file->target.fd, part, (unsigned char *)c->with->buffer, LOOK)) {
			return true;
		}
	}
	return ret < 0;
}

/** Have all of the destination on its device and, where that is possible, none of it in memory. Returns 0 or -errno. */
static int write_out(const struct check *c) {
	static const unsigned all = SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;
	int fd = c->file->target.fd;

	// Without its journal and the drive's cache, which are not what is read back, it takes much less time
	int ret = sync_file_range(fd, 0, 0, all) == 0 ? 0 : -errno;
	if (ret == -EIO || ret == -ENOSPC || ret == -EDQUOT) {
		return ret;
	}
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	if (ret == 0 && !is_cached(c)) {
		c->file->plan.read_back = FILE_BACK_DROPPED;
		return 0;
	}
	// Some file systems write in more than one step
	if (fdatasync(fd) != 0) {
		return -errno;
	}
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	c->file->plan.read_back = is_cached(c) ? FILE_BACK_MEMORY : FILE_BACK_DROPPED;
	return 0;
}

/** Read past the page cache, or not any more. Returns whether that can be. */
static bool set_direct(struct check *c, bool direct) {
	int fd = c->file->target.fd;
	int flags = fcntl(fd, F_GETFL);
	if (flags < 0 || (direct && (c->ctx->files->opts->inject & INJECT_NO_DIRECT))) {
		return false;
	}
	if (fcntl(fd, F_SETFL, direct ? flags | O_DIRECT : flags & ~O_DIRECT) != 0) {
		return false;
	}
	c->direct = direct;
	return true;
}

/** Read bytes of the destination; the buffer has room for a whole block more. Returns their number or -errno. */
static ssize_t get(struct check *c, char *buffer, size_t len, uint64_t off) {
	// With O_DIRECT only whole blocks can be asked for
	size_t whole = (len + FILE_ORDER_BLOCK - 1) / FILE_ORDER_BLOCK * FILE_ORDER_BLOCK;
	for (;;) {
		ssize_t n = pread(c->file->target.fd, buffer, c->direct ? whole : len, (off_t)off);
		if (n >= 0) {
			return min(n, (ssize_t)len);
		}
		if (errno == EINVAL && c->direct && set_direct(c, false)) {
			continue;
		}
		if (errno != EINTR || is_cancelled(c)) {
			return -errno;
		}
	}
}

/** Report that the destination is not the source: at offset FROM or, where TO is not 0, somewhere between the two. */
static void report_parted(struct check *c, uint64_t from, uint64_t to) {
	char what[160];
	if (to > 0) {
		snprintf(what, sizeof(what), "verification of %%d failed: it differs from %%s between offsets %" PRIu64
			" and %" PRIu64, from, to);
	} else {
		snprintf(what, sizeof(what), "verification of %%d failed: it differs from %%s at offset %" PRIu64, from);
	}
	tree_report(c->file->tree, &c->file->entry, fail_make(0, what));
	file_abandon(c->file, from);
}

/** Read bytes of the destination that could be read before. Returns whether they still can. */
static bool get_again(struct check *c, char *buffer, size_t len, uint64_t off) {
	for (size_t got = 0; got < len;) {
		ssize_t n = get(c, buffer + got, len - got, off + got);
		if (n <= 0) {
			return false;
		}
		got += (size_t)n;
	}
	return true;
}

/** How many bytes two runs have in common. */
static size_t common(const char *a, const char *b, size_t len) {
	size_t i = 0;
	while (i < len && a[i] == b[i]) {
		++i;
	}
	return i;
}

/** Read up to LEN bytes of the source. Returns how many there are. */
static size_t get_source(const struct check *c, char *buffer, size_t len, uint64_t off) {
	size_t got = 0;
	while (got < len) {
		ssize_t n = pread(c->file->source.fd, buffer + got, len - got, (off_t)(off + got));
		if (n <= 0 && !(n < 0 && errno == EINTR && !is_cancelled(c))) {
			break;
		}
		got += n > 0 ? (size_t)n : 0;
	}
	return got;
}

/**
 * Something between two offsets is not as it was read: look where, by reading both once more. The source can tell only
 * if it is still what it was.
 */
static void find_parted(struct check *c) {
	struct hash *hash = c->with->read_back;
	size_t half = FILE_ORDER_BUFFER / 2;
	char *src = c->with->buffer;
	char *dst = src + half;
	uint64_t from;
	uint64_t to;
	uint64_t found = UINT64_MAX;
	bool same = true;

	hash_parted(hash, &from, &to);
	hash_go_back(hash);
	to = min(to, c->file->size);
	for (uint64_t at = from; at < to && same && !is_cancelled(c);) {
		size_t len = (size_t)min(to - at, (uint64_t)half);
		same = get_source(c, src, len, at) == len && hash_add(hash, src, len);
		if (same && found == UINT64_MAX && get_again(c, dst, len, at)) {
			size_t alike = common(src, dst, len);
			found = alike < len ? at + alike : found;
		}
		at += len;
	}
	same = same && (to < c->file->size || hash_end(hash));
	if (same && found != UINT64_MAX) {
		report_parted(c, found, 0);
	} else if (is_cancelled(c)) {
		file_abandon(c->file, from);
	} else {
		report_parted(c, from, to);
	}
}

/** Something is not as it was read. Returns false. */
static bool end_parted(struct check *c) {
	c->parted = true;
	if (c->again) {
		find_parted(c);
	}
	return false;
}

/** Read a part of the destination back. Returns whether that is what was read of the source, as far as it is known. */
static bool read_part(struct check *c, uint64_t end) {
	size_t most = FILE_ORDER_BUFFER;
	if (c->ctx->files->opts->inject & INJECT_SHORT_READ) {
		most = FILE_ORDER_BLOCK;
	}
	while (c->at < end) {
		ssize_t n = is_cancelled(c) ? -EINTR : get(c, c->with->buffer, (size_t)min(end - c->at, (uint64_t)most), c->at);
		if (n == -EINTR) {
			file_abandon(c->file, c->at);
			return false;
		}
		if (n < 0) {
			file_fail(c->file, c->at, fail_make((int)n, "error reading back %d"));
			return false;
		}
		if (n == 0 && c->again) {
			report_parted(c, c->at, 0);
		}
		if (n == 0) {
			c->parted = true;
			return false;
		}
		if (!hash_add(c->with->read_back, c->with->buffer, (size_t)n)) {
			return end_parted(c);
		}
		c->at += (uint64_t)n;
	}
	return true;
}

/** Count a hole of the destination as the zeros it stands for. */
static bool read_hole(struct check *c, uint64_t end) {
	while (c->at < end) {
		uint64_t n = min(end - c->at, (uint64_t)FILE_HOLE_PART);
		if (is_cancelled(c)) {
			file_abandon(c->file, c->at);
			return false;
		}
		if (!hash_zeros(c->with->read_back, n)) {
			return end_parted(c);
		}
		c->at += n;
	}
	return true;
}

/** Read the destination back. Returns whether it is what was read of the source. */
static bool read_all(struct check *c) {
	hash_retrace(c->with->read_back, c->with->read);
	c->at = 0;
	while (c->at < c->file->size) {
		struct extent part;
		int ret = next_part(c, c->at, &part);
		if (ret < 0) {
			file_fail(c->file, c->at, fail_make(ret, "error reading back %d"));
			return false;
		}
		if (ret == 0) {
			part.start = part.end = c->file->size;
		}
		if (!read_hole(c, part.start) || !read_part(c, part.end)) {
			return false;
		}
	}
	return hash_end(c->with->read_back) || end_parted(c);
}

/**
 * Read the destination back once more. While data is on its way to the device some file systems take it for a hole (btrfs
 * before Linux 6.12, at least), so now all has to be there, and what may be a hole is read.
 */
static bool read_again(struct check *c) {
	c->again = true;
	if (fdatasync(c->file->target.fd) != 0) {
		file_fail(c->file, 0, fail_make(errno, "error writing %d"));
		return false;
	}
	posix_fadvise(c->file->target.fd, 0, 0, POSIX_FADV_DONTNEED);
	return read_all(c);
}

void file_verify(struct file_context *ctx, struct file *file) {
	struct check c = {.ctx = ctx, .file = file, .with = ctx->order};
	struct stat st;

	c.again = file->target.flags & TARGET_SPECIAL;
	int ret = file->size > 0 ? write_out(&c) : 0;
	if (ret < 0) {
		file_fail(file, 0, fail_make(ret, "error writing %d"));
		return;
	}
	if (set_direct(&c, true) && file->plan.read_back == FILE_BACK_DROPPED) {
		file->plan.read_back = FILE_BACK_DIRECT;
	}
	if (!read_all(&c) && !(c.parted && !c.again && read_again(&c))) {
		return;
	}
	if (!(file->target.flags & TARGET_SPECIAL) && (fstat(file->target.fd, &st) != 0 || (uint64_t)st.st_size != file->size)) {
		report_parted(&c, file->size, 0);
	}
	if (file->plan.read_back == FILE_BACK_DIRECT && !c.direct) {
		file->plan.read_back = FILE_BACK_DROPPED;
	}
}
