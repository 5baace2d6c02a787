// SPDX-License-Identifier: MIT
/**
 * fstype.c: what is known of a file system by its type.
 */

#include "unit.h"

#include "base/io.h"
#include "sys/fstype.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>

TEST(numbers_are_those_of_the_kernel) {
	CHECK(fstype_of(EXT4_SUPER_MAGIC) & FSTYPE_REPORTS);
	CHECK(fstype_of(BTRFS_SUPER_MAGIC) & FSTYPE_REPORTS);
	CHECK(fstype_of(F2FS_SUPER_MAGIC) & FSTYPE_LISTS_ACLS);
	CHECK(fstype_of(TMPFS_MAGIC) & FSTYPE_CLOSES);
	CHECK(fstype_of(RAMFS_MAGIC) & FSTYPE_CLOSES);
	CHECK(fstype_of(OVERLAYFS_SUPER_MAGIC) & FSTYPE_LISTS_ACLS);
	CHECK(fstype_of(MSDOS_SUPER_MAGIC) & FSTYPE_TIMES_2S);
	CHECK(fstype_of(NFS_SUPER_MAGIC) & FSTYPE_REMOTE);
	CHECK(fstype_of(V9FS_MAGIC) & FSTYPE_ORDERED);
	CHECK(fstype_of(AUTOFS_SUPER_MAGIC) & FSTYPE_MOUNTS);
	const uint32_t unsized[] = {PROC_SUPER_MAGIC, SYSFS_MAGIC, DEBUGFS_MAGIC, TRACEFS_MAGIC, SECURITYFS_MAGIC,
		CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC};
	for (size_t i = 0; i < countof(unsized); ++i) {
		CHECK(fstype_of(unsized[i]) & FSTYPE_UNSIZED);
	}
}

TEST(nothing_is_known_of_others) {
	CHECK_EQ(fstype_of(0), 0);
	CHECK_EQ(fstype_of(0xef54), 0);
	CHECK(!fstype_is(-1, (enum fstype)~0));
}

TEST(nothing_careless_is_known_of_servers) {
	const enum fstype careless = FSTYPE_LOCAL | FSTYPE_REPORTS | FSTYPE_CLOSES | FSTYPE_LISTS_ACLS | FSTYPE_RESERVES
		| FSTYPE_UNSHARED;
	const uint32_t servers[] = {NFS_SUPER_MAGIC, V9FS_MAGIC, 0x65735546, 0xff534d42, 0xfe534d42, 0x00c36400};
	for (size_t i = 0; i < countof(servers); ++i) {
		CHECK(fstype_of(servers[i]) != 0);
		CHECK_EQ(fstype_of(servers[i]) & careless, 0);
	}
}

TEST(descriptors_are_asked) {
	int fd = open("/proc", O_PATH | O_CLOEXEC);
	struct statfs fs;
	if (fd < 0 || fstatfs(fd, &fs) != 0 || fs.f_type != PROC_SUPER_MAGIC) {
		close_fd(&fd);
		SKIP("no /proc");
	}
	CHECK(fstype_is(fd, FSTYPE_UNSIZED));
	CHECK(fstype_is(fd, FSTYPE_MAGIC_LINKS));
	CHECK(!fstype_is(fd, FSTYPE_CLOSES));
	close_fd(&fd);
}

UNIT_MAIN
