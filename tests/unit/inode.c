// SPDX-License-Identifier: MIT
/**
 * inode.c: sets of inodes.
 */

#include "unit.h"

#include "base/inode.h"

#include <stdlib.h>

/** Something larger that begins with an inode. */
struct thing {
	struct inode inode;
	int value;
};

static unsigned released;

static void release(void *item) {
	++released;
	free(item);
}

static struct inode inode(dev_t dev, ino_t ino) {
	return (struct inode) {.dev = dev, .ino = ino};
}

TEST(same_only_if_both_numbers_are) {
	struct stat st = {.st_dev = 3, .st_ino = 4};
	CHECK(inode_same(inode_of(&st), inode(3, 4)));
	CHECK(!inode_same(inode_of(&st), inode(4, 3)));
	CHECK(!inode_same(inode_of(&st), inode(3, 5)));
	CHECK(!inode_same(inode_of(&st), inode(2, 4)));
}

TEST(an_empty_set) {
	struct inode_set set = {0};
	CHECK(!inode_set_has(&set, inode(0, 0)));
	CHECK(!inode_set_find(&set, inode(1, 1)));
	inode_set_clear(&set, free);
	CHECK(!inode_set_has(&set, inode(0, 0)));
}

TEST(each_is_added_once) {
	static const uint64_t numbers[] = {0, 1, 2, INT32_MAX, UINT32_MAX, 1ull << 32, INT64_MAX, UINT64_MAX};
	struct inode_set set = {0};
	for (size_t i = 0; i < countof(numbers); ++i) {
		for (size_t j = 0; j < countof(numbers); ++j) {
			struct inode it = inode(numbers[i], numbers[j]);
			CHECK(!inode_set_has(&set, it));
			CHECK_EQ(inode_set_add(&set, it), 1);
			CHECK_EQ(inode_set_add(&set, it), 0);
			CHECK(inode_set_has(&set, it));
			struct inode *found = inode_set_find(&set, it);
			CHECK(found && inode_same(*found, it));
		}
	}
	released = 0;
	inode_set_clear(&set, release);
	CHECK_EQ(released, countof(numbers) * countof(numbers));
	CHECK(!inode_set_has(&set, inode(0, 0)));
}

TEST(things_are_found_by_their_inode) {
	enum { COUNT = 5000 };
	struct inode_set set = {0};
	for (int i = 0; i < COUNT; ++i) {
		struct thing *thing = malloc(sizeof(*thing));
		// In an order that is none
		ino_t number = (ino_t)((i * 1237) % COUNT);
		*thing = (struct thing) {.inode = inode(number % 3, number), .value = (int)number};
		CHECK_EQ(inode_set_insert(&set, &thing->inode), 0);
	}
	for (int i = 0; i < COUNT; i += 2) {
		struct thing *thing = inode_set_find(&set, inode((dev_t)i % 3, (ino_t)i));
		REQUIRE(thing);
		CHECK_EQ(thing->value, i);
		inode_set_remove(&set, &thing->inode);
		free(thing);
	}
	for (int i = 0; i < COUNT; ++i) {
		struct thing *thing = inode_set_find(&set, inode((dev_t)i % 3, (ino_t)i));
		CHECK_EQ(thing != NULL, i % 2);
		CHECK(!thing || thing->value == i);
		CHECK(!inode_set_has(&set, inode((dev_t)(i + 1) % 3, (ino_t)i)));
	}
	released = 0;
	inode_set_clear(&set, release);
	CHECK_EQ(released, COUNT / 2);
}

UNIT_MAIN
