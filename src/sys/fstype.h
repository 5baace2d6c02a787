// SPDX-License-Identifier: MIT
/**
 * Properties of file systems by their type (statfs(2), f_type).
 *
 * One table holds everything that depends on a file system's type, with sources. A type that is not in the table has no
 * properties, so each property that permits less care must be listed.
 */

#ifndef UCP_FSTYPE_H
#define UCP_FSTYPE_H

/** Properties of a file system. */
enum fstype {
	/** syncfs(2) reports data that the medium did not accept, or there is no medium. */
	FSTYPE_REPORTS = 1 << 0,
	/** close(2) cannot fail: all errors come earlier or from fsync(2). */
	FSTYPE_CLOSES = 1 << 1,
	/** listxattr(2) lists all ACLs. */
	FSTYPE_LISTS_ACLS = 1 << 2,
	/** Reserving space by fallocate(2) is cheap, and keeps files contiguous. */
	FSTYPE_RESERVES = 1 << 3,
	/** Files never share blocks. */
	FSTYPE_UNSHARED = 1 << 4,
	/** Files share blocks only within one device; on other file systems, possibly across several. */
	FSTYPE_SHARES_AT_HOME = 1 << 5,
	/** stat(2) gives no real size: it is 0 or a page. */
	FSTYPE_UNSIZED = 1 << 6,
	/** Another machine or program stores the data, and may copy it without sending it here and back. */
	FSTYPE_REMOTE = 1 << 7,
	/** A server handles each write, and may accept only sequential ones, for example to upload to an object store. */
	FSTYPE_ORDERED = 1 << 8,
	/** Inode numbers may change at each look, or after the kernel has forgotten the inode. */
	FSTYPE_RENUMBERS = 1 << 9,
	/** Times are stored in steps of two seconds. */
	FSTYPE_TIMES_2S = 1 << 10,
	/** Times are stored in steps of 10 milliseconds. */
	FSTYPE_TIMES_10MS = 1 << 11,
	/** Symbolic links may lead to files that have no path. */
	FSTYPE_MAGIC_LINKS = 1 << 12,
	/** Opening a directory mounts something there, except with O_PATH. */
	FSTYPE_MOUNTS = 1 << 13,
	/** This machine stores the data: access to the page cache waits for no other machine and no other program. */
	FSTYPE_LOCAL = 1 << 14,
	/** A file has less than 4 GiB. */
	FSTYPE_FILES_4G = 1 << 15,
};

/** The properties of a type (f_type, cut to 32 bits); 0 if it is unknown. Pure. */
enum fstype fstype_of(uint32_t magic);

/** The properties of the file system that FD is on; 0 also if statfs(2) fails. */
enum fstype fstype_at(int fd);

/** Whether the file system that FD is on has a property; false if that cannot be found out. */
bool fstype_is(int fd, enum fstype property);

#endif // UCP_FSTYPE_H
