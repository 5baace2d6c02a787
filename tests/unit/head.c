// SPDX-License-Identifier: MIT
/**
 * head.c: when the sources are taken to be on a medium with a head.
 */

#include "unit.h"

#include "run/head.h"

#define FAST 4096

/** One line of the table: how the sources are read now, what is known, and how they are read next. */
struct line {
	const char *what;
	enum head_way now;
	struct head_facts facts;
	enum head_way next;
};

static const struct line lines[] = {
	{"nothing is known of the device", HEAD_FREE, {.trials = 2, .cold = 1}, HEAD_FREE},
	{"a device without a head, however slow", HEAD_FREE, {.trials = 2, .cold = 1, .rate = 1}, HEAD_FREE},
	{"the start", HEAD_FREE, {.rotational = true, .trials = 2, .cold = 1}, HEAD_CAREFUL},
	{"the user has chosen the workers", HEAD_FREE, {.rotational = true, .bound = true, .trials = 2, .cold = 1}, HEAD_FREE},
	{"a rate was set meanwhile", HEAD_SWEEP, {.rotational = true, .bound = true}, HEAD_FREE},
	{"too few reads", HEAD_CAREFUL, {.rotational = true, .probes = HEAD_PROBES - 1, .waited = 1}, HEAD_CAREFUL},
	{"slow reads", HEAD_CAREFUL, {.rotational = true, .probes = HEAD_PROBES, .waited = 0.03 * HEAD_PROBES / 10}, HEAD_SWEEP},
	{"reads not that slow", HEAD_CAREFUL, {.rotational = true, .probes = HEAD_PROBES, .waited = 0.0029 * HEAD_PROBES},
		HEAD_FREE},
	{"slow reads among files in memory", HEAD_CAREFUL,
		{.rotational = true, .probes = HEAD_PROBES + 1, .waited = 1, .warm = HEAD_WARM}, HEAD_SWEEP},
	{"a file in memory", HEAD_CAREFUL, {.rotational = true, .probes = 1, .waited = 1, .warm = HEAD_WARM}, HEAD_FREE},
	{"nothing happens", HEAD_CAREFUL, {.rotational = true, .stuck = true, .cold = 1}, HEAD_FREE},
	{"some directories", HEAD_CAREFUL, {.rotational = true, .warm = HEAD_WARM - 1}, HEAD_CAREFUL},
	{"big files at the speed of a disk", HEAD_CAREFUL, {.rotational = true, .cold = 1, .rate = FAST - 1}, HEAD_CAREFUL},
	{"big files that come fast", HEAD_CAREFUL, {.rotational = true, .cold = 1, .rate = FAST}, HEAD_FREE},
	{"memory, then the disk", HEAD_FREE, {.rotational = true, .cold = 0.6, .rate = 200, .trials = 1}, HEAD_CAREFUL},
	{"slow for another reason", HEAD_FREE, {.rotational = true, .cold = 0.4, .rate = 200, .trials = 1}, HEAD_FREE},
	{"from the medium, and fast", HEAD_FREE, {.rotational = true, .cold = 1, .rate = FAST, .trials = 1}, HEAD_FREE},
	{"enough trials", HEAD_FREE, {.rotational = true, .cold = 1, .rate = 200}, HEAD_FREE},
	{"a sweep goes on", HEAD_SWEEP, {.rotational = true, .warm = HEAD_WARM, .rate = FAST, .trials = 1}, HEAD_SWEEP},
};

TEST(table) {
	for (size_t i = 0; i < countof(lines); ++i) {
		struct head_facts facts = lines[i].facts;
		facts.fast = FAST;
		struct head_choice choice = head_choose((struct head_choice) {lines[i].now, "as before"}, &facts);
		CHECK_MSG(choice.way == lines[i].next, "%s: %d", lines[i].what, (int)choice.way);
		CHECK_MSG((choice.way == lines[i].now && choice.way != HEAD_FREE) == (strcmp(choice.why, "as before") == 0)
			|| choice.way == HEAD_FREE, "%s: %s", lines[i].what, choice.why);
	}
}

UNIT_MAIN
