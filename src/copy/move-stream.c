// SPDX-License-Identifier: MIT
#include "copy/mover.h"

#include "base/io.h"
#include "base/opts.h"
#include "engine/throttle.h"

#include <errno.h>
#include <unistd.h>

/** Most bytes of a request with injected faults. */
#define LITTLE 1000

static enum move stream(struct movers *movers, struct transfer *t) {
	size_t want = t->opts->inject & (INJECT_SHORT_READ | INJECT_SHORT_WRITE) ? LITTLE : MOVE_BUFFER;
	t->sink->begin(t->sink->arg);
	if (!movers_need_buffer(movers)) {
		return transfer_failed(t, ERROR_READ, ENOMEM, "error reading %s");
	}
	while (!transfer_is_cancelled(t)) {
		size_t may = throttle_take(t->sink->throttle, want);
		if (may == 0) {
			break;
		}
		ssize_t n = read(t->src, movers->buffer, may);
		int err = errno;
		throttle_give(t->sink->throttle, may - (size_t)max(n, (ssize_t)0));
		if (n == 0) {
			return MOVE_DONE;
		}
		if (n < 0 && err == EINTR) {
			continue;
		}
		if (n < 0) {
			return transfer_is_cancelled(t) ? MOVE_CANCELLED : transfer_failed(t, ERROR_READ, err, "error reading %s");
		}
		int ret = write_full(t->dst, movers->buffer, (size_t)n, t->sink->cancelled);
		if (ret < 0) {
			return transfer_failed(t, ERROR_WRITE, ret, "error writing %d");
		}
		t->done += (uint64_t)n;
		transfer_moved(t, (uint64_t)n);
	}
	return MOVE_CANCELLED;
}

const struct mover move_stream = {.name = "streamed to its end", .move = stream};
