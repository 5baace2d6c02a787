/**
 * Copies that the file system makes by itself.
 */

#ifndef UCP_OFFLOAD_H
#define UCP_OFFLOAD_H

/** What came of an attempt to let the file system copy. */
enum offload {
	/** The whole file is copied. */
	OFFLOAD_DONE,
	/** Not possible for these two files: copy the data. */
	OFFLOAD_NOT_HERE,
	/** It is possible, and went wrong; errno tells how. */
	OFFLOAD_FAILED,
};

/** Make DST share all data of SRC (FICLONE, ioctl_ficlone(2)). Sets errno unless done. */
enum offload offload_clone(int dst, int src);

#endif // UCP_OFFLOAD_H
