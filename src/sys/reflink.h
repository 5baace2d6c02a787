/**
 * Copies that the file system makes by itself.
 */

#ifndef UCP_REFLINK_H
#define UCP_REFLINK_H

/** What came of an attempt to let the file system copy. */
enum reflink_result {
	/** The whole file is copied. */
	REFLINK_DONE,
	/** Not possible between these two file systems: copy the data, and that of all other files there. */
	REFLINK_NOT_HERE,
	/** Not possible for this file (a swap file, or one that is never to share data): copy its data. */
	REFLINK_NOT_THIS,
	/** It is possible, and went wrong; errno tells how. */
	REFLINK_FAILED,
};

/** Make DST share all data of SRC (FICLONE, ioctl_ficlone(2)). Sets errno unless done. */
enum reflink_result reflink_clone(int dst, int src);

/** Whether an error of FICLONE or copy_file_range(2) is about the two file systems, not just about the file. */
bool reflink_error_is_of_place(int err);

#endif // UCP_REFLINK_H
