// SPDX-License-Identifier: MIT
#include "copy/mover.h"

#include "sys/reflink.h"

#include <errno.h>

/** Whether the devices of a transfer are known not to share data. */
static bool is_hopeless(const struct movers *movers, const struct transfer *t) {
	return movers->no_clone_known && movers->no_clone[0] == t->src_dev && movers->no_clone[1] == t->dst_dev;
}

/** Take note of a clone. Returns what a mover does. */
static enum move cloned(struct transfer *t) {
	t->cloned = true;
	transfer_moved(t, t->size);
	return t->flags & PLAN_HASH ? MOVE_DECLINED : MOVE_DONE;
}

static enum move share(struct movers *movers, struct transfer *t) {
	bool must = t->flags & PLAN_MUST_CLONE;
	if (t->cloned || (!must && is_hopeless(movers, t))) {
		return MOVE_DECLINED;
	}
	enum reflink_result result = reflink_clone(t->dst, t->src);
	int err = errno;
	if (result == REFLINK_DONE) {
		return cloned(t);
	}
	if (must || result == REFLINK_FAILED) {
		t->fail = error_make(ERROR_CLONE, err, "failed to clone %d from %s");
		return MOVE_FAILED;
	}
	if (result == REFLINK_NOT_HERE && t->dst_dev != 0) {
		movers->no_clone[0] = t->src_dev;
		movers->no_clone[1] = t->dst_dev;
		movers->no_clone_known = true;
	}
	return MOVE_DECLINED;
}

static enum move share_earlier(struct movers *movers, struct transfer *t) {
	(void)movers;
	if (reflink_clone(t->dst, t->earlier) == REFLINK_DONE) {
		return cloned(t);
	}
	t->earlier_err = errno;
	return MOVE_DECLINED;
}

const struct mover move_reflink = {.name = "cloned", .move = share};
const struct mover move_earlier = {.name = "cloned from an earlier copy", .move = share_earlier};
