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

static void add(struct acl *acl, uint16_t tag, uint16_t perm, uint32_t id) {
	const uint16_t head[2] = {htole16(tag), htole16(perm)};
	id = htole32(id);
	if (acl->size == 0) {
		acl->data[0] = 2;
		acl->size = 4;
	}
	memcpy(acl->data + acl->size, head, sizeof(head));
	memcpy(acl->data + acl->size + 4, &id, sizeof(id));
	acl->size += 8;
}

static mode_t without(mode_t mode, const struct acl *acl) {
	return meta_mode_without(mode, acl->data, acl->size);
}

TEST(a_mask_is_not_the_groups) {
	struct acl acl = {0};
	add(&acl, USER_OBJ, 6, 0);
	add(&acl, USER, 7, 1);
	add(&acl, GROUP_OBJ, 0, 0);
	add(&acl, MASK, 7, 0);
	add(&acl, OTHER, 0, 0);
	CHECK(without(0670, &acl) == 0600);
}

TEST(what_the_group_has_stays) {
	struct acl acl = {0};
	add(&acl, USER_OBJ, 6, 0);
	add(&acl, USER, 7, 1);
	add(&acl, GROUP_OBJ, 5, 0);
	add(&acl, MASK, 7, 0);
	add(&acl, OTHER, 4, 0);
	CHECK(without(S_IFREG | 04674, &acl) == (S_IFREG | 04654));
}

TEST(the_mask_limits_the_group) {
	struct acl acl = {0};
	add(&acl, GROUP_OBJ, 7, 0);
	add(&acl, GROUP, 7, 1);
	add(&acl, MASK, 1, 0);
	add(&acl, OTHER, 7, 0);
	CHECK(without(0717, &acl) == 0711);
}

TEST(who_is_denied_by_name_is_one_of_the_others) {
	struct acl acl = {0};
	add(&acl, USER, 0, 1);
	add(&acl, GROUP_OBJ, 6, 0);
	add(&acl, MASK, 6, 0);
	add(&acl, OTHER, 4, 0);
	CHECK(without(0664, &acl) == 0600);
	struct acl group = {0};
	add(&group, GROUP_OBJ, 6, 0);
	add(&group, GROUP, 1, 1);
	add(&group, MASK, 7, 0);
	add(&group, OTHER, 5, 0);
	CHECK(without(0675, &group) == 0661);
}

TEST(what_makes_no_sense_gives_nothing) {
	struct acl acl = {0};
	CHECK(without(0777, &acl) == 0700);
	add(&acl, GROUP_OBJ, 7, 0);
	for (size_t size = 0; size < acl.size; ++size) {
		CHECK(meta_mode_without(0777, acl.data, size) == 0700);
	}
	CHECK(without(0777, &acl) == 0770);
}

UNIT_MAIN
