// SPDX-License-Identifier: MIT
#include "copy/mover-sequential.h"

#include "base/opts.h"
#include "engine/throttle.h"
#include "sys/extent.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/** Zeros are looked for in blocks of this size, the least that file systems allocate. */
#define ZERO_BLOCK 4096

/** Bytes written before the kernel is asked to start writing them to the device. */
#define WRITE_BEHIND (8u << 20)

/** Most bytes of a request with injected faults. */
#define LITTLE 1000

/** A file that is copied in order. */
struct order {
	struct transfer *t;
	struct move_order *with;
	/** Whether data is written: not if it was cloned. */
	bool writes;
	/** Whether parts of the destination were passed over, so that its size must be set. */
	bool skipped;
	/** The offset up to which the kernel was asked to write to the device. */
	uint64_t behind;
	/** MOVE_DONE until something goes wrong. */
	enum move result;
};

static void move_order_free(struct move_order *order) {
	if (order) {
		hash_free(order->read);
		hash_free(order->read_back);
		free(order->buffer);
		free(order);
	}
}

static struct move_order *need_order(struct movers *movers) {
	if (movers->order) {
		return movers->order;
	}
	struct move_order *order = calloc(1, sizeof(*order));
	if (order) {
		order->read = hash_new();
		order->read_back = hash_new();
		order->buffer = aligned_alloc(MOVE_ORDER_BLOCK, MOVE_ORDER_BUFFER + MOVE_ORDER_BLOCK);
	}
	if (!order || !order->read || !order->read_back || !order->buffer) {
		move_order_free(order);
		return NULL;
	}
	movers->order = order;
	return order;
}

/** Stop because of an error, or because the copy was cancelled. Returns false. */
static bool stop(struct order *o, enum error_op op, int ret, const char *what) {
	o->result = transfer_failed(o->t, op, ret, what);
	return false;
}

/** Write bytes at OFF (special: at the current offset) like write_full(), but mover_end_at() may handle errors. */
static int put(struct order *o, const char *data, size_t len, uint64_t off) {
	const struct transfer *t = o->t;
	bool little = t->opts->inject & INJECT_SHORT_WRITE;
	bool special = t->special;
	while (len > 0) {
		size_t want = little ? min(len, (size_t)LITTLE) : len;
		ssize_t n = special ? write(t->dst, data, want) : pwrite(t->dst, data, want, (off_t)off);
		if (n < 0
			&& ((errno == EINTR && !transfer_is_cancelled(t)) || (!special && mover_end_at(t->dst, errno, off, 0)))) {
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

/** Write what was read and hashed, without zeros that are to become holes. */
static int put_block(struct order *o, char *data, size_t len) {
	const struct opts *opts = o->t->opts;
	uint64_t off = o->t->done;
	bool make_holes = o->t->flags & PLAN_MAKE_HOLES;

	if ((opts->inject & INJECT_CORRUPT) && opts->seed >= off && opts->seed - off < len) {
		data[opts->seed - off] ^= 1;
	}
	while (len > 0) {
		size_t zeros = make_holes ? extent_zeros(data, len, ZERO_BLOCK) : 0;
		size_t run = make_holes ? extent_nonzeros(data + zeros, len - zeros, ZERO_BLOCK) : len;
		int ret = put(o, data + zeros, run, off + zeros);
		if (ret < 0) {
			return ret;
		}
		o->skipped |= zeros > 0;
		counter_add(o->t->sink->zeros, zeros);
		data += zeros + run;
		off += zeros + run;
		len -= zeros + run;
	}
	return 0;
}

/** Start writing to the device what will be read back from it. */
static void write_behind(struct order *o) {
	const struct transfer *t = o->t;
	if (t->done - o->behind >= WRITE_BEHIND && (t->opts->flags & OPT_VERIFY)) {
		sync_file_range(t->dst, (off_t)o->behind, (off_t)(t->done - o->behind), SYNC_FILE_RANGE_WRITE);
		o->behind = t->done;
	}
}

/** Copy data up to END, or to the end of the source. Returns whether there may be more behind END. */
static bool copy_data(struct order *o, uint64_t end) {
	struct transfer *t = o->t;
	struct throttle *throttle = t->sink->throttle;
	size_t most = t->opts->inject & INJECT_SHORT_READ ? LITTLE : MOVE_ORDER_BUFFER;
	bool unsized = t->flags & PLAN_UNSIZED;
	while (t->done < end) {
		size_t want = throttle_take(throttle, (size_t)min(end - t->done, (uint64_t)most));
		// throttle_take() returns 0 only when stopping: do not take that for the end of the source
		ssize_t n = -1;
		if (!transfer_is_cancelled(t) && want > 0) {
			void *buffer = o->with->buffer;
			n = unsized ? read(t->src, buffer, want) : pread(t->src, buffer, want, (off_t)t->done);
		}
		int err = errno;
		throttle_give(throttle, want - (size_t)max(n, (ssize_t)0));
		if (transfer_is_cancelled(o->t)) {
			return stop(o, ERROR_READ, -EINTR, NULL);
		}
		if (n < 0 && err == EINTR) {
			continue;
		}
		if (n < 0) {
			return stop(o, ERROR_READ, err, "error reading %s");
		}
		if (n == 0) {
			t->size = t->done;
			return false;
		}
		hash_add(o->with->read, o->with->buffer, (size_t)n);
		int ret = o->writes ? put_block(o, o->with->buffer, (size_t)n) : 0;
		if (ret < 0) {
			return stop(o, ERROR_WRITE, ret, "error writing %d");
		}
		t->done += (uint64_t)n;
		if (o->writes) {
			transfer_moved(t, (uint64_t)n);
			write_behind(o);
		}
	}
	return true;
}

/** Pass over a hole of the source. */
static bool copy_hole(struct order *o, uint64_t end) {
	while (o->t->done < end) {
		uint64_t n = min(end - o->t->done, (uint64_t)MOVE_HOLE_PART);
		if (transfer_is_cancelled(o->t)) {
			return stop(o, ERROR_READ, -EINTR, NULL);
		}
		hash_zeros(o->with->read, n);
		o->t->done += n;
		o->t->holes += o->writes ? n : 0;
	}
	o->skipped = true;
	return true;
}

/** Copy only the data of a source with holes. */
static bool copy_extents(struct order *o) {
	struct transfer *t = o->t;
	struct stat st;
	while (t->done < t->size) {
		struct extent part = {.start = t->size, .end = t->size};
		int ret = extent_next(t->src, t->done, t->size, &part);
		if (ret < 0) {
			return stop(o, ERROR_SEEK, ret, "cannot lseek %s");
		}
		if (ret == 0) {
			part.start = part.end = t->size;
			// The source may have been truncated, rather than end in a hole
			if (fstat(t->src, &st) == 0 && (uint64_t)st.st_size < t->size) {
				part.start = part.end = t->size = max((uint64_t)st.st_size, o->t->done);
			}
		}
		if (!copy_hole(o, part.start) || !copy_data(o, part.end)) {
			break;
		}
	}
	return o->result == MOVE_DONE;
}

/** Copy all of the source. Returns whether that succeeded. */
static bool copy_all(struct order *o) {
	struct transfer *t = o->t;

	hash_begin(o->with->read);
	if (t->flags & PLAN_SKIP_HOLES) {
		copy_extents(o);
	} else {
		copy_data(o, t->flags & PLAN_UNSIZED ? INT64_MAX : t->size);
	}
	if (o->result != MOVE_DONE) {
		return false;
	}
	hash_end(o->with->read);
	t->size = t->done;
	// A destination has to have its size before it is read back
	if (o->skipped && o->writes && ftruncate(t->dst, (off_t)t->done) != 0) {
		return stop(o, ERROR_WRITE, errno, "error writing %d");
	}
	return true;
}

static enum move copy_in_order(struct movers *movers, struct transfer *t) {
	struct order o = {.t = t, .with = need_order(movers), .writes = !t->cloned};
	t->sink->begin(t->sink->arg);
	if (!o.with) {
		return transfer_failed(t, ERROR_READ, ENOMEM, "error reading %s");
	}
	if (!copy_all(&o)) {
		return o.result;
	}
	hash_text(o.with->read, t->sum);
	return t->opts->flags & OPT_VERIFY ? move_verify(movers, t) : MOVE_DONE;
}

const struct mover move_sequential = {.name = "copied in order", .move = copy_in_order};

void movers_free(struct movers *movers) {
	free(movers->buffer);
	move_order_free(movers->order);
}
