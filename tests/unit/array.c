// SPDX-License-Identifier: MIT
/**
 * array.c: arrays that grow.
 */

#include "unit.h"

#include "base/array.h"

#include <stdlib.h>

struct item {
	char name[3];
	int number;
};

TEST(reserve_keeps_what_is_there) {
	struct item *items = NULL;
	size_t size = 0;
	for (int i = 0; i < 1000; ++i) {
		CHECK(array_reserve(items, (size_t)i, size) == 0);
		CHECK(size > (size_t)i);
		items[i] = (struct item) {.name = "ab", .number = i};
	}
	for (int i = 0; i < 1000; ++i) {
		CHECK_STR(items[i].name, "ab");
		CHECK_EQ(items[i].number, i);
	}
	free(items);
}

TEST(reserve_allocates_only_if_there_is_no_room) {
	struct item *items = NULL;
	size_t size = 0;
	CHECK(array_reserve(items, 0, size) == 0);
	struct item *first = items;
	for (size_t count = 0; count < size; ++count) {
		CHECK(array_reserve(items, count, size) == 0);
		CHECK(items == first);
	}
	free(items);
}

UNIT_MAIN
