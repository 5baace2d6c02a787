// SPDX-License-Identifier: MIT
/**
 * Whether two descriptors lead to one file although the devices differ: overlayfs, FUSE and network file systems show a
 * file of another file system under their own device number.
 */

#ifndef UCP_TWIN_H
#define UCP_TWIN_H

#include <stdbool.h>

/**
 * Whether changing DST changes SRC; O_PATH descriptors are enough. If both have the same mtime, DST's is changed for a
 * moment to find out. So call this only for a DST that will be changed anyway. If the mtime cannot be changed or read
 * reliably, equal inode numbers decide.
 */
bool twin_is(int dst, int src);

#endif // UCP_TWIN_H
