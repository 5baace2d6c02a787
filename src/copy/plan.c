// SPDX-License-Identifier: MIT
#include "copy/plan.h"

#include "base/opts.h"
#include "copy/mover.h"

/** Bytes of a file from which on reserving space pays. */
#define RESERVE_MIN (256u << 10)

bool plan_is_in_order(const struct opts *opts) {
	return (opts->flags & OPT_VERIFY) || opts->checksums;
}

/** Whether to try a clone: if it is demanded, or if there is data that could be shared. */
static bool tries_clone(const struct opts *opts, const struct plan_facts *facts) {
	bool shares = (facts->flags & FACT_REGULAR) && !(facts->flags & FACT_SPECIAL) && facts->size > 0;
	return opts->reflink == WHEN_ALWAYS || (opts->reflink == WHEN_AUTO && shares);
}

/** Whether data may be moved without the ring. */
static bool may_choose(const struct opts *opts) {
	return opts->engine == ENGINE_AUTO && !opts->inject;
}

/** The plan's flags, enum plan_flags. */
static unsigned choose_flags(const struct opts *opts, const struct plan_facts *facts, bool unsized) {
	bool special = facts->flags & FACT_SPECIAL;
	bool holes = (facts->flags & FACT_FEW_BLOCKS) && !unsized && !special;
	unsigned flags = unsized ? PLAN_UNSIZED : 0;
	flags |= opts->reflink == WHEN_ALWAYS ? PLAN_MUST_CLONE : 0;
	flags |= plan_is_in_order(opts) ? PLAN_HASH : 0;
	flags |= holes && opts->sparse != WHEN_NEVER ? PLAN_SKIP_HOLES : 0;
	flags |= !special && opts->sparse == WHEN_ALWAYS ? PLAN_MAKE_HOLES : 0;
	return flags;
}

struct plan plan_choose(const struct opts *opts, const struct plan_facts *facts) {
	struct plan plan = {0};
	const struct mover **way = plan.ways;
	if ((opts->flags & OPT_ATTRIBUTES_ONLY) || (facts->flags & FACT_LINKED)) {
		*way = &move_nothing;
		return plan;
	}
	bool unsized = (facts->flags & FACT_UNSIZED) || facts->size == 0 || !(facts->flags & FACT_REGULAR);
	plan.flags = choose_flags(opts, facts, unsized);
	if (facts->flags & FACT_EARLIER) {
		*way++ = &move_earlier;
	}
	if (tries_clone(opts, facts)) {
		*way++ = &move_reflink;
	}
	if (plan.flags & PLAN_HASH) {
		*way = &move_sequential;
		return plan;
	}
	if (unsized || (facts->flags & FACT_SPECIAL)) {
		*way = &move_stream;
		return plan;
	}
	bool free = may_choose(opts) && !(plan.flags & PLAN_MAKE_HOLES);
	if (free && opts->reflink != WHEN_NEVER) {
		*way++ = &move_server;
	}
	if (free && facts->size <= MOVE_BUFFER) {
		*way++ = &move_cached;
	}
	*way = &move_ranges;
	return plan;
}

bool plan_reserves(const struct plan *plan, uint64_t size) {
	return size >= RESERVE_MIN && !(plan->flags & PLAN_MAKE_HOLES);
}
