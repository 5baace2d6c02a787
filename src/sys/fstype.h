/**
 * What is known of a file system by its type (statfs(2), f_type).
 *
 * All that depends on the type of a file system is in one table, with its source. Of a type that is not in it nothing is
 * known, so a property that allows something less careful has to be stated.
 */

#ifndef UCP_FSTYPE_H
#define UCP_FSTYPE_H

/** What may be true of a file system. */
enum fstype {
	/** syncfs(2) reports data that the medium did not take, or there is no medium. */
	FSTYPE_REPORTS = 1 << 0,
	/** Closing a file cannot fail: all errors come earlier or by fsync(2). */
	FSTYPE_CLOSES = 1 << 1,
	/** All ACLs are listed by listxattr(2). */
	FSTYPE_LISTS_ACLS = 1 << 2,
	/** Setting space aside by fallocate(2) costs nothing, and gives files that lie together. */
	FSTYPE_RESERVES = 1 << 3,
	/** Files never share blocks. */
	FSTYPE_UNSHARED = 1 << 4,
	/** Files share blocks on one device only; others may across several. */
	FSTYPE_SHARES_AT_HOME = 1 << 5,
	/** Files do not tell their size: it is 0 or a page. */
	FSTYPE_UNSIZED = 1 << 6,
	/** Another machine or program keeps the data, and may copy it without sending it here and back. */
	FSTYPE_REMOTE = 1 << 7,
	/** A server decides about each write, and may take them in order only. */
	FSTYPE_ORDERED = 1 << 8,
	/** The numbers of inodes may change at each look, or when the kernel has forgotten them. */
	FSTYPE_RENUMBERS = 1 << 9,
	/** Times are kept in steps of two seconds. */
	FSTYPE_TIMES_2S = 1 << 10,
	/** Times are kept in steps of 10 milliseconds. */
	FSTYPE_TIMES_10MS = 1 << 11,
	/** Symbolic links may lead to where no path does. */
	FSTYPE_MAGIC_LINKS = 1 << 12,
	/** Something is mounted when a directory is opened, but not with O_PATH. */
	FSTYPE_MOUNTS = 1 << 13,
	/** This machine keeps it: what is in the page cache, or goes there, waits for no other machine and no other program. */
	FSTYPE_LOCAL = 1 << 14,
};

/** The properties of a type (f_type, cut to 32 bits); 0 if nothing is known. Pure. */
enum fstype fstype_of(uint32_t magic);

/** The same of the file system that a descriptor's file is on; 0 also if that cannot be found out. */
enum fstype fstype_at(int fd);

/** Whether the file system that a descriptor's file is on has a property; false if it cannot be found out. */
bool fstype_is(int fd, enum fstype property);

#endif // UCP_FSTYPE_H
