// SPDX-License-Identifier: MIT
#include "copy/mover-sequential.h"

#include "base/io.h"
#include "base/opts.h"
#include "sys/extent.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/** Pages checked for being cached at a time; the buffer has a byte for each. */
#define LOOK (256u << 10)

/** A destination that is read back. */
struct check {
	struct transfer *t;
	struct move_order *with;
	/** Bytes read back so far. */
	uint64_t at;
	/** Whether it is read with O_DIRECT. */
	bool direct;
	/** Whether holes are read, too, and differences reported: if it is read once more, or is no regular file. */
	bool again;
	/** Whether the destination differs from what was read. */
	bool mismatch;
	/** MOVE_DONE until something goes wrong. */
	enum move result;
};

/** Find the next part of the destination that is not a hole. Returns as extent_next() does. */
static int next_part(const struct check *c, uint64_t at, struct extent *part) {
	if (c->again) {
		*part = (struct extent) {.start = at, .end = c->t->size};
		return at < c->t->size;
	}
	return extent_next(c->t->dst, at, c->t->size, part);
}

static bool is_cached(const struct check *c) {
	struct extent part;
	int ret = 0;
	for (uint64_t at = 0; (ret = next_part(c, at, &part)) > 0; at = part.end) {
		if (extent_may_be_cached(c->t->dst, part, (unsigned char *)c->with->buffer, LOOK)) {
			return true;
		}
	}
	return ret < 0;
}

/** Write all of the destination to its device and, if possible, drop it from memory. Returns 0 or -errno. */
static int write_out(const struct check *c) {
	static const unsigned all = SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;
	int fd = c->t->dst;

	// Leaving out the journal and the drive's cache, which are not read back, saves much time
	int ret = or_errno(sync_file_range(fd, 0, 0, all));
	if (ret == -EIO || ret == -ENOSPC || ret == -EDQUOT) {
		return ret;
	}
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	if (ret == 0 && !is_cached(c)) {
		c->t->read_back = MOVE_BACK_DROPPED;
		return 0;
	}
	// Some file systems need more than one step to write
	if (fdatasync(fd) != 0) {
		return -errno;
	}
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	c->t->read_back = is_cached(c) ? MOVE_BACK_MEMORY : MOVE_BACK_DROPPED;
	return 0;
}

/** Set or clear O_DIRECT. Returns whether that succeeded. */
static bool set_direct(struct check *c, bool direct) {
	int fd = c->t->dst;
	int flags = fcntl(fd, F_GETFL);
	if (flags < 0 || (direct && (c->t->opts->inject & INJECT_NO_DIRECT))) {
		return false;
	}
	if (fcntl(fd, F_SETFL, direct ? flags | O_DIRECT : flags & ~O_DIRECT) != 0) {
		return false;
	}
	c->direct = direct;
	return true;
}

/** Read bytes of the destination; BUFFER has room for one more block. Returns their number or -errno. */
static ssize_t get(struct check *c, char *buffer, size_t len, uint64_t off) {
	// O_DIRECT reads only whole blocks
	size_t whole = (len + MOVE_ORDER_BLOCK - 1) / MOVE_ORDER_BLOCK * MOVE_ORDER_BLOCK;
	for (;;) {
		ssize_t n = pread(c->t->dst, buffer, c->direct ? whole : len, (off_t)off);
		if (n >= 0) {
			return min(n, (ssize_t)len);
		}
		if (errno == EINVAL && c->direct && set_direct(c, false)) {
			continue;
		}
		if (errno != EINTR || transfer_is_cancelled(c->t)) {
			return -errno;
		}
	}
}

/** Stop with the result FAILED at an offset. Returns false. */
static bool stop(struct check *c, uint64_t at, enum move failed) {
	c->t->bad = at;
	c->result = failed;
	return false;
}

/** Report a difference at offset FROM or, if TO is not 0, somewhere between FROM and TO. Returns false. */
static bool differs(struct check *c, uint64_t from, uint64_t to) {
	struct transfer *t = c->t;
	if (to > 0) {
		snprintf(t->text, sizeof(t->text),
			"verification of %%d failed: it differs from %%s between offsets %" PRIu64 " and %" PRIu64, from, to);
	} else {
		snprintf(t->text, sizeof(t->text), "verification of %%d failed: it differs from %%s at offset %" PRIu64, from);
	}
	t->fail = error_make(ERROR_VERIFY, 0, t->text);
	return stop(c, from, MOVE_DIFFERS);
}

/** Read bytes of the destination that were readable before. Returns whether they still are. */
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

/** How many bytes at the beginning of A and B are equal. */
static size_t common(const char *a, const char *b, size_t len) {
	size_t i = 0;
	while (i < len && a[i] == b[i]) {
		++i;
	}
	return i;
}

/**
 * Find out where between two offsets the mismatch is, by reading both ends once more. The source is only used if its
 * data is still what was copied.
 */
static void find_mismatch(struct check *c) {
	struct hash *hash = c->with->read_back;
	size_t half = MOVE_ORDER_BUFFER / 2;
	char *src = c->with->buffer;
	char *dst = src + half;
	uint64_t from;
	uint64_t to;
	uint64_t found = UINT64_MAX;
	bool same = true;

	hash_mismatch(hash, &from, &to);
	hash_go_back(hash);
	to = min(to, c->t->size);
	for (uint64_t at = from; at < to && same && !transfer_is_cancelled(c->t);) {
		size_t len = (size_t)min(to - at, (uint64_t)half);
		same = read_full(c->t->src, src, len, at, c->t->sink->cancelled) == (ssize_t)len && hash_add(hash, src, len);
		if (same && found == UINT64_MAX && get_again(c, dst, len, at)) {
			size_t alike = common(src, dst, len);
			found = alike < len ? at + alike : found;
		}
		at += len;
	}
	same = same && (to < c->t->size || hash_end(hash));
	if (same && found != UINT64_MAX) {
		differs(c, found, 0);
	} else if (transfer_is_cancelled(c->t)) {
		stop(c, from, MOVE_CANCELLED);
	} else {
		differs(c, from, to);
	}
}

/** Record a mismatch. Returns false. */
static bool end_mismatch(struct check *c) {
	c->mismatch = true;
	if (c->again) {
		find_mismatch(c);
	}
	return false;
}

/**
 * Read a part of the destination back. Returns whether it equals what was read of the source, as far as that is known.
 */
static bool read_part(struct check *c, uint64_t end) {
	size_t most = MOVE_ORDER_BUFFER;
	if (c->t->opts->inject & INJECT_SHORT_READ) {
		most = MOVE_ORDER_BLOCK;
	}
	while (c->at < end) {
		ssize_t n = transfer_is_cancelled(c->t)
			? -EINTR
			: get(c, c->with->buffer, (size_t)min(end - c->at, (uint64_t)most), c->at);
		if (n == -EINTR) {
			return stop(c, c->at, MOVE_CANCELLED);
		}
		if (n < 0) {
			return stop(c, c->at, transfer_failed(c->t, ERROR_READ, (int)n, "error reading back %d"));
		}
		if (n == 0 && c->again) {
			differs(c, c->at, 0);
		}
		if (n == 0) {
			c->mismatch = true;
			return false;
		}
		if (!hash_add(c->with->read_back, c->with->buffer, (size_t)n)) {
			return end_mismatch(c);
		}
		c->at += (uint64_t)n;
	}
	return true;
}

/** Hash a hole of the destination as zeros. Returns as read_part() does. */
static bool read_hole(struct check *c, uint64_t end) {
	while (c->at < end) {
		uint64_t n = min(end - c->at, (uint64_t)MOVE_HOLE_PART);
		if (transfer_is_cancelled(c->t)) {
			return stop(c, c->at, MOVE_CANCELLED);
		}
		if (!hash_zeros(c->with->read_back, n)) {
			return end_mismatch(c);
		}
		c->at += n;
	}
	return true;
}

/** Read the destination back. Returns whether it equals what was read of the source. */
static bool read_all(struct check *c) {
	hash_expect(c->with->read_back, c->with->read);
	c->at = 0;
	while (c->at < c->t->size) {
		struct extent part;
		int ret = next_part(c, c->at, &part);
		if (ret < 0) {
			return stop(c, c->at, transfer_failed(c->t, ERROR_READ, ret, "error reading back %d"));
		}
		if (ret == 0) {
			part.start = part.end = c->t->size;
		}
		if (!read_hole(c, part.start) || !read_part(c, part.end)) {
			return false;
		}
	}
	return hash_end(c->with->read_back) || end_mismatch(c);
}

/**
 * Read the destination back once more. Some file systems take data on its way to the device for a hole (btrfs before
 * Linux 6.12, at least), so it is written out first, and what may be a hole is read.
 */
static bool read_again(struct check *c) {
	c->again = true;
	if (fdatasync(c->t->dst) != 0) {
		return stop(c, 0, transfer_failed(c->t, ERROR_WRITE, errno, "error writing %d"));
	}
	posix_fadvise(c->t->dst, 0, 0, POSIX_FADV_DONTNEED);
	return read_all(c);
}

enum move move_verify(struct movers *movers, struct transfer *t) {
	struct check c = {.t = t, .with = movers->order, .again = t->special, .result = MOVE_DONE};
	struct stat st;

	int ret = t->size > 0 ? write_out(&c) : 0;
	if (ret < 0) {
		stop(&c, 0, transfer_failed(t, ERROR_WRITE, ret, "error writing %d"));
		return c.result;
	}
	if (set_direct(&c, true) && t->read_back == MOVE_BACK_DROPPED) {
		t->read_back = MOVE_BACK_DIRECT;
	}
	if (!read_all(&c) && !(c.mismatch && !c.again && read_again(&c))) {
		return c.result;
	}
	if (!t->special && (fstat(t->dst, &st) != 0 || (uint64_t)st.st_size != t->size)) {
		differs(&c, t->size, 0);
	}
	if (t->read_back == MOVE_BACK_DIRECT && !c.direct) {
		t->read_back = MOVE_BACK_DROPPED;
	}
	return c.result;
}
