/**
 * Whether two descriptors lead to one and the same thing although their file systems differ: overlayfs, FUSE and network file systems
 * show what is also to be found elsewhere, under another device number.
 */

#ifndef UCP_TWIN_H
#define UCP_TWIN_H

#include <stdbool.h>

/**
 * Whether changing DST changes SRC; descriptors opened with O_PATH will do. To find out, DST's time of modification is
 * changed for a moment, but only if SRC has the same one; so ask only about what is going to be changed anyway.
 */
bool twin_is(int dst, int src);

#endif // UCP_TWIN_H
