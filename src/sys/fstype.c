// SPDX-License-Identifier: MIT
#include "sys/fstype.h"

#include <sys/vfs.h>

/** The properties of a type. */
struct known {
	uint32_t magic;
	enum fstype is;
};

/**
 * The numbers are those of linux/magic.h, written out because older headers lack some. The sources:
 *
 * - REPORTS: tested on a failing medium (tests/cases/fsync.sh), or there is no medium. Not listed: overlayfs, where the
 *   lower file system records the errors; FUSE, which asks its server only if that is trusted; network file systems and
 *   FAT, some of which do not flush the drive's cache.
 * - CLOSES: Linux, no `flush` in the file_operations, or one that always returns 0 (f2fs_file_flush() of F2FS).
 * - LISTS_ACLS: Linux, the attributes that `listxattr` returns; network file systems and FUSE leave this to their
 *   server.
 * - RESERVES: Linux, `fallocate` that allocates unwritten extents, which later writes fill in place. Not listed: Btrfs,
 *   which does not compress data in reserved ranges.
 * - UNSHARED, SHARES_AT_HOME: Linux, `remap_file_range`. Btrfs and network file systems share across devices of a
 *   volume.
 * - UNSIZED: Linux, files generated when they are read (proc(5), sysfs(5)).
 * - REMOTE: Linux, `copy_file_range` that asks the server. Local file systems copy page by page, as we do.
 * - ORDERED: FUSE and 9P servers that store the data elsewhere (tests/tools/faultfs.c).
 * - RENUMBERS: Linux, iunique() in FAT and exFAT, and servers without inode numbers.
 * - TIMES_*, FILES_4G: the on-disk formats of FAT and exFAT.
 * - LOCAL: Linux, file systems on block devices and in memory. Not overlayfs, which may be on top of any other.
 * - MAGIC_LINKS: proc(5), /proc/PID/fd. MOUNTS: open(2), O_PATH.
 */
static const struct known known[] = {
	{0xef53,
		FSTYPE_LOCAL | FSTYPE_REPORTS | FSTYPE_CLOSES | FSTYPE_LISTS_ACLS | FSTYPE_RESERVES
			| FSTYPE_UNSHARED}, // ext2, ext3, ext4
	{0x58465342,
		FSTYPE_LOCAL | FSTYPE_REPORTS | FSTYPE_CLOSES | FSTYPE_LISTS_ACLS | FSTYPE_RESERVES
			| FSTYPE_SHARES_AT_HOME}, // XFS
	{0x9123683e, FSTYPE_LOCAL | FSTYPE_REPORTS | FSTYPE_CLOSES | FSTYPE_LISTS_ACLS}, // Btrfs
	{0xf2f52010, FSTYPE_LOCAL | FSTYPE_CLOSES | FSTYPE_LISTS_ACLS}, // F2FS
	{0x01021994, FSTYPE_LOCAL | FSTYPE_REPORTS | FSTYPE_CLOSES | FSTYPE_LISTS_ACLS | FSTYPE_UNSHARED}, // tmpfs
	{0x858458f6, FSTYPE_LOCAL | FSTYPE_REPORTS | FSTYPE_CLOSES}, // ramfs
	{0x794c7630, FSTYPE_LISTS_ACLS}, // overlayfs
	{0x4d44, FSTYPE_LOCAL | FSTYPE_UNSHARED | FSTYPE_RENUMBERS | FSTYPE_TIMES_2S | FSTYPE_FILES_4G}, // FAT
	{0x2011bab0, FSTYPE_LOCAL | FSTYPE_UNSHARED | FSTYPE_RENUMBERS | FSTYPE_TIMES_10MS}, // exFAT
	{0x6969, FSTYPE_REMOTE}, // NFS
	{0xff534d42, FSTYPE_REMOTE | FSTYPE_RENUMBERS}, // CIFS
	{0xfe534d42, FSTYPE_REMOTE | FSTYPE_RENUMBERS}, // SMB 2
	{0x00c36400, FSTYPE_REMOTE}, // Ceph
	{0x65735546, FSTYPE_REMOTE | FSTYPE_RENUMBERS | FSTYPE_ORDERED}, // FUSE
	{0x01021997, FSTYPE_ORDERED}, // 9P
	{0x9fa0, FSTYPE_UNSIZED | FSTYPE_MAGIC_LINKS}, // proc
	{0x62656572, FSTYPE_UNSIZED}, // sysfs
	{0x64626720, FSTYPE_UNSIZED}, // debugfs
	{0x74726163, FSTYPE_UNSIZED}, // tracefs
	{0x73636673, FSTYPE_UNSIZED}, // securityfs
	{0x27e0eb, FSTYPE_UNSIZED}, // cgroup
	{0x63677270, FSTYPE_UNSIZED}, // cgroup 2
	{0x0187, FSTYPE_MOUNTS}, // autofs
};

enum fstype fstype_of(uint32_t magic) {
	for (size_t i = 0; i < countof(known); ++i) {
		if (known[i].magic == magic) {
			return known[i].is;
		}
	}
	return 0;
}

enum fstype fstype_at(int fd) {
	struct statfs fs;
	return fstatfs(fd, &fs) == 0 ? fstype_of((uint32_t)fs.f_type) : 0;
}

bool fstype_is(int fd, enum fstype property) {
	return fstype_at(fd) & property;
}
