// SPDX-License-Identifier: MIT
#include "copy/mover.h"

#include "base/io.h"
#include "engine/throttle.h"
#include "sys/extent.h"

#include <errno.h>
#include <sys/uio.h>
#include <unistd.h>

/** If extent_is_cached() cannot answer, one file in COLD_TRIES is tried. */
#define COLD_TRIES 32

/**
 * Read a small file's data if it is cached, and one byte more to see whether it ends there. Reading a file that is not
 * cached would start many small reads; a ring hands many files to the kernel at once, which reads neighbouring ones
 * together. Returns the number of bytes read, or -1.
 */
static ssize_t read_cached(struct movers *movers, const struct transfer *t) {
	struct iovec iov = {.iov_base = movers->buffer, .iov_len = t->size + 1};
	bool asks = movers->no_nowait_known && movers->no_nowait == t->src_dev;

	if (asks || movers->cold > 0) {
		int cached = extent_is_cached(t->src, (struct extent) {.end = t->size});
		if (cached == 0 || (cached < 0 && (asks || movers->cold++ % COLD_TRIES != 0))) {
			return -1;
		}
	}
	if (asks) {
		return pread(t->src, movers->buffer, iov.iov_len, 0);
	}
	ssize_t n = preadv2(t->src, &iov, 1, 0, RWF_NOWAIT);
	if (n < 0 && errno == EOPNOTSUPP) {
		movers->no_nowait = t->src_dev;
		movers->no_nowait_known = true;
		return read_cached(movers, t);
	}
	return n;
}

static enum move copy_cached(struct movers *movers, struct transfer *t) {
	if (t->done > 0 || (t->flags & PLAN_SKIP_HOLES) || throttle_is_active(t->sink->throttle)
		|| !movers_need_buffer(movers)) {
		return MOVE_DECLINED;
	}
	ssize_t n = read_cached(movers, t);
	if (n > (ssize_t)t->size) {
		t->by = &move_stream;
		return move_stream.move(movers, t);
	}
	if (n != (ssize_t)t->size) {
		movers->cold = max(movers->cold, 1u);
		return MOVE_DECLINED;
	}
	movers->cold = 0;
	int ret = write_full(t->dst, movers->buffer, t->size, t->sink->cancelled);
	if (ret < 0) {
		return transfer_failed(t, ERROR_WRITE, ret, "error writing %d");
	}
	t->done = t->size;
	transfer_moved(t, t->size);
	return MOVE_DONE;
}

const struct mover move_cached = {.name = "read and written at once, being cached", .move = copy_cached};
