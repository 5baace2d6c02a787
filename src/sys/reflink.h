// SPDX-License-Identifier: MIT
/**
 * Copies that share their data with the source.
 */

#ifndef UCP_REFLINK_H
#define UCP_REFLINK_H

/** Result of reflink_clone(). */
enum reflink_result {
	/** The whole file is copied. */
	REFLINK_DONE,
	/** Not possible between these two file systems: copy the data of all files. */
	REFLINK_NOT_HERE,
	/** Not possible for this file (a swap file, or one that must not share data): copy its data. */
	REFLINK_NOT_THIS,
	/** Possible, but failed with errno. */
	REFLINK_FAILED,
};

/** Let DST share all data of SRC (FICLONE, ioctl_ficlone(2)). Sets errno unless done. */
enum reflink_result reflink_clone(int dst, int src);

/** Whether an error of FICLONE or copy_file_range(2) concerns the two file systems, not only the file. */
bool reflink_error_is_of_place(int err);

#endif // UCP_REFLINK_H
