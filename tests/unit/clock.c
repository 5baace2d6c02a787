// SPDX-License-Identifier: MIT
/**
 * clock.c, and random.h: what follows a clock, and what follows a seed.
 */

#include "unit.h"

#include "base/clock.h"
#include "base/random.h"

#include <unistd.h>

TEST(random_numbers_follow_their_seed) {
	uint64_t a = 1;
	uint64_t b = 1;
	uint64_t c = 2;
	uint64_t any = 0;
	uint64_t all = UINT64_MAX;
	for (int i = 0; i < 100; ++i) {
		uint64_t n = random_next(&a);
		CHECK_EQ(n, random_next(&b));
		CHECK(n != random_next(&c));
		any |= n;
		all &= n;
	}
	CHECK_EQ(any, UINT64_MAX);
	CHECK_EQ(all, 0);
}

TEST(time_goes_forward) {
	double first = now();
	double second = now();
	CHECK(second >= first);
	usleep(2000);
	CHECK(now() - first >= 0.002);
}

UNIT_MAIN
