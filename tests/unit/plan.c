// SPDX-License-Identifier: MIT
/**
 * plan.c: which movers are asked for which files.
 */

#include "unit.h"

#include "base/opts.h"
#include "copy/mover.h"
#include "copy/plan.h"

/** One line of the table: what is asked and known, and what is chosen. */
struct line {
	const char *what;
	/** Options besides the defaults. */
	unsigned opts;
	enum when reflink;
	enum when sparse;
	enum engine engine;
	unsigned inject;
	/** What is known of both ends. */
	uint64_t size;
	unsigned facts;
	/** What is chosen. */
	const struct mover *ways[PLAN_MOST];
	unsigned flags;
};

#define SMALL 1000
#define BIG (64u << 20)

static const struct line lines[] = {
	{.what = "a small file", .reflink = WHEN_AUTO, .sparse = WHEN_AUTO, .size = SMALL, .facts = FACT_REGULAR,
		.ways = {&move_reflink, &move_server, &move_cached, &move_ranges}},
	{.what = "the largest small file", .reflink = WHEN_AUTO, .sparse = WHEN_AUTO,
		.size = MOVE_BUFFER, .facts = FACT_REGULAR,
		.ways = {&move_reflink, &move_server, &move_cached, &move_ranges}},
	{.what = "a file that is larger", .reflink = WHEN_AUTO, .sparse = WHEN_AUTO,
		.size = MOVE_BUFFER + 1, .facts = FACT_REGULAR,
		.ways = {&move_reflink, &move_server, &move_ranges}},
	{.what = "attributes only", .sparse = WHEN_AUTO, .opts = OPT_ATTRIBUTES_ONLY,
		.reflink = WHEN_ALWAYS, .size = BIG, .facts = FACT_REGULAR,
		.ways = {&move_nothing}},
	{.what = "a link to an earlier copy", .reflink = WHEN_ALWAYS, .sparse = WHEN_AUTO, .size = BIG,
		.facts = FACT_REGULAR | FACT_LINKED, .ways = {&move_nothing}},
	{.what = "a file that an earlier copy has", .reflink = WHEN_AUTO, .sparse = WHEN_AUTO, .size = SMALL,
		.facts = FACT_REGULAR | FACT_EARLIER,
		.ways = {&move_earlier, &move_reflink, &move_server, &move_cached, &move_ranges}},
	{.what = "no clone", .sparse = WHEN_AUTO, .reflink = WHEN_NEVER, .size = SMALL, .facts = FACT_REGULAR,
		.ways = {&move_cached, &move_ranges}},
	{.what = "a clone or nothing", .sparse = WHEN_AUTO, .reflink = WHEN_ALWAYS, .size = BIG, .facts = FACT_REGULAR,
		.ways = {&move_reflink, &move_server, &move_ranges}, .flags = PLAN_MUST_CLONE},
	{.what = "a clone of nothing", .sparse = WHEN_AUTO, .reflink = WHEN_ALWAYS, .facts = FACT_REGULAR,
		.ways = {&move_reflink, &move_stream}, .flags = PLAN_MUST_CLONE | PLAN_UNSIZED},
	{.what = "a clone of a fifo", .sparse = WHEN_AUTO, .reflink = WHEN_ALWAYS, .size = 0, .facts = 0,
		.ways = {&move_reflink, &move_stream}, .flags = PLAN_MUST_CLONE | PLAN_UNSIZED},
	{.what = "an empty file", .reflink = WHEN_AUTO, .sparse = WHEN_AUTO, .facts = FACT_REGULAR,
		.ways = {&move_stream}, .flags = PLAN_UNSIZED},
	{.what = "a file of /proc", .reflink = WHEN_AUTO, .sparse = WHEN_AUTO, .size = SMALL,
		.facts = FACT_REGULAR | FACT_UNSIZED,
		.ways = {&move_reflink, &move_stream}, .flags = PLAN_UNSIZED},
	{.what = "a device", .reflink = WHEN_AUTO, .sparse = WHEN_AUTO, .size = SMALL, .facts = 0,
		.ways = {&move_stream}, .flags = PLAN_UNSIZED},
	{.what = "onto a device", .reflink = WHEN_AUTO, .sparse = WHEN_AUTO, .size = BIG,
		.facts = FACT_REGULAR | FACT_SPECIAL, .ways = {&move_stream}},
	{.what = "onto a device, from a file with holes", .reflink = WHEN_AUTO, .size = BIG,
		.facts = FACT_REGULAR | FACT_SPECIAL | FACT_FEW_BLOCKS,
		.sparse = WHEN_ALWAYS, .ways = {&move_stream}},
	{.what = "holes", .reflink = WHEN_AUTO, .sparse = WHEN_AUTO, .size = BIG, .facts = FACT_REGULAR | FACT_FEW_BLOCKS,
		.ways = {&move_reflink, &move_server, &move_ranges}, .flags = PLAN_SKIP_HOLES},
	{.what = "holes that are written", .reflink = WHEN_AUTO, .sparse = WHEN_NEVER, .size = BIG,
		.facts = FACT_REGULAR | FACT_FEW_BLOCKS,
		.ways = {&move_reflink, &move_server, &move_ranges}},
	{.what = "zeros that become holes", .reflink = WHEN_AUTO, .sparse = WHEN_ALWAYS, .size = SMALL,
		.facts = FACT_REGULAR | FACT_FEW_BLOCKS,
		.ways = {&move_reflink, &move_ranges}, .flags = PLAN_SKIP_HOLES | PLAN_MAKE_HOLES},
	{.what = "verified", .sparse = WHEN_AUTO, .opts = OPT_VERIFY, .reflink = WHEN_NEVER, .size = BIG,
		.facts = FACT_REGULAR,
		.ways = {&move_sequential}, .flags = PLAN_HASH},
	{.what = "cloned and verified", .sparse = WHEN_AUTO, .opts = OPT_VERIFY, .reflink = WHEN_ALWAYS,
		.size = BIG, .facts = FACT_REGULAR,
		.ways = {&move_reflink, &move_sequential}, .flags = PLAN_MUST_CLONE | PLAN_HASH},
	{.what = "an empty file, verified", .reflink = WHEN_AUTO, .sparse = WHEN_AUTO,
		.opts = OPT_VERIFY, .facts = FACT_REGULAR,
		.ways = {&move_sequential}, .flags = PLAN_HASH | PLAN_UNSIZED},
	{.what = "system calls only", .reflink = WHEN_AUTO, .sparse = WHEN_AUTO, .engine = ENGINE_SYNC,
		.size = SMALL, .facts = FACT_REGULAR,
		.ways = {&move_reflink, &move_ranges}},
	{.what = "a ring only", .reflink = WHEN_AUTO, .sparse = WHEN_AUTO, .engine = ENGINE_URING,
		.size = SMALL, .facts = FACT_REGULAR,
		.ways = {&move_reflink, &move_ranges}},
	{.what = "with injected faults", .reflink = WHEN_AUTO, .sparse = WHEN_AUTO,
		.inject = INJECT_SHORT_READ, .size = SMALL, .facts = FACT_REGULAR,
		.ways = {&move_reflink, &move_ranges}},
};

static const char *name_of(const struct mover *mover) {
	return mover ? mover->name : "nothing more";
}

TEST(each_kind_of_file_has_its_movers) {
	for (size_t i = 0; i < countof(lines); ++i) {
		const struct line *line = &lines[i];
		const struct opts opts = {.flags = line->opts, .reflink = line->reflink, .sparse = line->sparse,
			.engine = line->engine, .inject = line->inject};
		const struct plan_facts facts = {.size = line->size, .flags = line->facts};
		const struct plan plan = plan_choose(&opts, &facts);
		for (size_t k = 0; k < PLAN_MOST; ++k) {
			CHECK_MSG(plan.ways[k] == line->ways[k], "%s, way %zu: %s, not %s", line->what, k, name_of(plan.ways[k]),
				name_of(line->ways[k]));
		}
		CHECK_MSG(plan.flags == line->flags, "%s: flags %#x, not %#x", line->what, plan.flags, line->flags);
	}
}

TEST(lists_of_checksums_want_order) {
	static char list[] = "list";
	const struct opts opts = {.checksums = list};
	const struct plan_facts facts = {.size = BIG, .flags = FACT_REGULAR};
	const struct plan plan = plan_choose(&opts, &facts);
	CHECK(plan.ways[1] == &move_sequential || plan.ways[0] == &move_sequential);
	CHECK(plan.flags & PLAN_HASH);
}

TEST(space_is_set_aside_for_large_files_and_parts) {
	struct plan plan = {0};
	CHECK(plan_reserves(&plan, BIG));
	CHECK(!plan_reserves(&plan, SMALL));
	plan.flags = PLAN_SKIP_HOLES;
	CHECK(plan_reserves(&plan, BIG));
	CHECK(!plan_reserves(&plan, SMALL));
	plan.flags = PLAN_MAKE_HOLES;
	CHECK(!plan_reserves(&plan, BIG));
}

UNIT_MAIN
