// SPDX-License-Identifier: MIT
/**
 * What the parts of faultfs share.
 */

#ifndef UCP_FAULTFS_H
#define UCP_FAULTFS_H

#include "faults.h"

#define FUSE_USE_VERSION 312
#include <fuse.h>

/** What was asked for. */
struct faultfs_options {
	/** Requests that can be answered at once. */
	unsigned threads;
	/** Seconds for which the kernel may keep names and attributes. */
	double cache;
	/** Whether the kernel may collect what is written. */
	bool writeback;
	/** Whether inode numbers are others at each look. */
	bool odd_inodes;
	/** Whether copy_file_range is done. */
	bool server_copy;
	/** Whether a name is found by its letters in upper or lower case (ASCII). */
	bool fold;
	/** Nanoseconds in multiples of which times are kept; 0: as below. */
	long time_step;
	/** Seconds by which all times are shown too late. */
	long time_ahead;
	/** Whether files seem to have half the blocks they have. */
	bool compressed;
	/** Whether ACLs are left out of lists of attributes. */
	bool unlisted_acls;
};

/** The rules and counts of this mount. */
extern struct faults faults;

/** The options of this mount. */
extern struct faultfs_options options;

/** What libfuse calls; paths are below the working directory. */
extern const struct fuse_operations faultfs_operations;

#endif // UCP_FAULTFS_H
