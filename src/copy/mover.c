// SPDX-License-Identifier: MIT
#include "copy/mover.h"

#include <errno.h>
#include <stdlib.h>

static enum move do_nothing(struct movers *movers, struct transfer *t) {
	(void)movers;
	(void)t;
	return MOVE_DONE;
}

const struct mover move_nothing = {.name = "attributes only", .move = do_nothing};

static enum move leave_to_workers(struct movers *movers, struct transfer *t) {
	(void)movers;
	t->sink->begin(t->sink->arg);
	return MOVE_RANGES;
}

const struct mover move_ranges = {.name = "linked reads and writes", .move = leave_to_workers};

bool movers_need_buffer(struct movers *movers) {
	if (!movers->buffer) {
		// One more byte shows whether a file has grown
		movers->buffer = malloc(MOVE_BUFFER + 1);
	}
	return movers->buffer != NULL;
}

enum move transfer_failed(struct transfer *t, enum error_op op, int ret, const char *what) {
	if ((ret == -EINTR || ret == EINTR) && transfer_is_cancelled(t)) {
		return MOVE_CANCELLED;
	}
	t->fail = error_make(op, ret, what);
	return MOVE_FAILED;
}
