// SPDX-License-Identifier: MIT
#include "run/head.h"

/** Seconds of a read on average from which on a head moves for it: that takes 5 to 15 ms, anything else up to 1 ms. */
#define MOVED 3e-3

/** The share of the work that has to come from the medium if this is to be the reason for its being slow. */
#define COLD 0.5

/** How to go on during a trial. */
static struct head_choice judge(struct head_choice now, const struct head_facts *facts) {
	if (facts->probes >= HEAD_PROBES) {
		bool moved = facts->waited >= MOVED * facts->probes;
		return moved ? (struct head_choice) {HEAD_SWEEP, "a rotational device, and the first reads were slow"}
					 : (struct head_choice) {HEAD_FREE, "a rotational device, but the first reads were fast"};
	}
	if (facts->warm >= HEAD_WARM || facts->rate >= facts->fast) {
		return (struct head_choice) {HEAD_FREE, "a rotational device, but the data is in memory, or comes fast"};
	}
	if (facts->stuck) {
		return (struct head_choice) {HEAD_FREE, "a rotational device, but something else is waited for"};
	}
	return now;
}

struct head_choice head_choose(struct head_choice now, const struct head_facts *facts) {
	if (!facts->rotational) {
		return (struct head_choice) {HEAD_FREE, "no rotational device is known"};
	}
	if (facts->bound) {
		return (struct head_choice) {HEAD_FREE, "the options say so"};
	}
	if (now.way == HEAD_CAREFUL) {
		return judge(now, facts);
	}
	bool slow = facts->rate < facts->fast && facts->cold >= COLD;
	if (now.way == HEAD_FREE && slow && facts->trials > 0) {
		return (struct head_choice) {HEAD_CAREFUL, "a rotational device, and nothing is known of its reads"};
	}
	return now;
}
