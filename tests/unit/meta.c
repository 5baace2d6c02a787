// SPDX-License-Identifier: MIT
/**
 * meta.c: what an ACL leaves of a mode.
 */

#include "unit.h"

#include "sys/meta-impl.h"

#include <endian.h>
#include <string.h>

/** An ACL as the kernel shows it. */
struct acl {
	unsigned char data[4 + 8 * 16];
	size_t size;
};

enum tag { USER_OBJ = 1, USER = 2, GROUP_OBJ = 4, GROUP = 8, MASK = 16, OTHER = 32 };

/** An entry of an ACL. */
struct ace {
	uint16_t tag;
	uint16_t perm;
	uint32_t id;
};

static struct acl make_acl(const struct ace *entries, size_t count) {
	struct acl acl = {.data = {2}, .size = count > 0 ? 4 : 0};
	for (size_t i = 0; i < count; ++i) {
		const uint16_t head[2] = {htole16(entries[i].tag), htole16(entries[i].perm)};
		uint32_t id = htole32(entries[i].id);
		memcpy(acl.data + acl.size, head, sizeof(head));
		memcpy(acl.data + acl.size + 4, &id, sizeof(id));
		acl.size += 8;
	}
	return acl;
}

/** The ACL with these entries, in braces. */
#define ACL(...) make_acl((const struct ace[]) {__VA_ARGS__}, countof(((const struct ace[]) {__VA_ARGS__})))

static mode_t without(mode_t mode, struct acl acl) {
	return meta_mode_without(mode, acl.data, acl.size);
}

TEST(a_mask_is_not_the_groups) {
	struct acl acl = ACL({USER_OBJ, 6, 0}, {USER, 7, 1}, {GROUP_OBJ, 0, 0}, {MASK, 7, 0}, {OTHER, 0, 0});
	CHECK(without(0670, acl) == 0600);
}

TEST(what_the_group_has_stays) {
	struct acl acl = ACL({USER_OBJ, 6, 0}, {USER, 7, 1}, {GROUP_OBJ, 5, 0}, {MASK, 7, 0}, {OTHER, 4, 0});
	CHECK(without(S_IFREG | 04674, acl) == (S_IFREG | 04654));
}

TEST(the_mask_limits_the_group) {
	CHECK(without(0717, ACL({GROUP_OBJ, 7, 0}, {GROUP, 7, 1}, {MASK, 1, 0}, {OTHER, 7, 0})) == 0711);
}

TEST(who_is_denied_by_name_is_one_of_the_others) {
	CHECK(without(0664, ACL({USER, 0, 1}, {GROUP_OBJ, 6, 0}, {MASK, 6, 0}, {OTHER, 4, 0})) == 0600);
	CHECK(without(0675, ACL({GROUP_OBJ, 6, 0}, {GROUP, 1, 1}, {MASK, 7, 0}, {OTHER, 5, 0})) == 0661);
}

TEST(what_makes_no_sense_gives_nothing) {
	CHECK(without(0777, (struct acl) {.size = 0}) == 0700);
	struct acl acl = ACL({GROUP_OBJ, 7, 0});
	for (size_t size = 0; size < acl.size; ++size) {
		CHECK(meta_mode_without(0777, acl.data, size) == 0700);
	}
	CHECK(without(0777, acl) == 0770);
}

UNIT_MAIN
