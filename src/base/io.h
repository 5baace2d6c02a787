/**
 * What is done with descriptors of any kind.
 */

#ifndef UCP_IO_H
#define UCP_IO_H

#include <stdatomic.h>
#include <sys/types.h>

/** Bytes of the path of a descriptor in /proc. */
#define FD_PATH_SIZE 32

/** Close a descriptor if it is one, and set it to -1. Returns 0 or -errno; the descriptor is gone either way. */
int close_fd(int *fd);

/** The path of a descriptor in /proc, which leads to what it stands for. Returns PATH. */
char *fd_path(int fd, char path[FD_PATH_SIZE]);

/**
 * Write all bytes, however few the kernel takes at a time.
 *
 * @param cancelled  If it is true, a signal ends the writing; NULL: no signal does.
 * @return 0, -EINTR if it was ended, or another -errno; -EIO if the kernel takes nothing and gives no reason.
 */
int write_full(int fd, const void *data, size_t len, const atomic_bool *cancelled);

/** Set the times of what a descriptor is about, be it made with O_PATH (utimensat(2)). Returns 0 or -errno. */
int set_times(int fd, const struct timespec times[2]);

#endif // UCP_IO_H
