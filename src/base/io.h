/**
 * What is done with descriptors of any kind.
 */

#ifndef UCP_IO_H
#define UCP_IO_H

#include <sys/types.h>

/** Close a descriptor if it is one, and set it to -1. Returns 0 or -errno; the descriptor is gone either way. */
int close_fd(int *fd);

/** The type of the file system that a descriptor's file is on (statfs(2), f_type); 0 if it cannot be found out. */
uint32_t fs_type(int fd);

/** Set the times of what a descriptor is about, be it made with O_PATH (utimensat(2)). Returns 0 or -errno. */
int set_times(int fd, const struct timespec times[2]);

#endif // UCP_IO_H
