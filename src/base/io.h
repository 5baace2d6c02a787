// SPDX-License-Identifier: MIT
/**
 * Operations on descriptors of any kind.
 */

#ifndef UCP_IO_H
#define UCP_IO_H

#include <stdatomic.h>
#include <sys/types.h>

struct dirent64;

/** Size of a descriptor's path in /proc. */
#define FD_PATH_SIZE 32

/** Close a descriptor unless it is -1, and set it to -1. Returns 0 or -errno; the descriptor is closed in any case. */
int close_fd(int *fd);

/** Write to PATH the descriptor's path in /proc, a link to the open file. Returns PATH. */
char *fd_path(int fd, char path[FD_PATH_SIZE]);

/**
 * Write all bytes, with several calls if necessary.
 *
 * @param cancelled  If true, a signal ends the writing; NULL: no signal does.
 * @return 0, -EINTR if a signal ended it, or another -errno; -EIO if the kernel writes nothing without an error.
 */
int write_full(int fd, const void *data, size_t len, const atomic_bool *cancelled);

/**
 * Read LEN bytes at an offset, with several calls if necessary.
 *
 * @param cancelled  As for write_full().
 * @return How many bytes were read: less than LEN only at the end of the file. -EINTR if a signal ended it, or another
 *         -errno.
 */
ssize_t read_full(int fd, void *data, size_t len, uint64_t off, const atomic_bool *cancelled);

/**
 * Read the names in a directory, whose descriptor is at its beginning, all but "." and "..".
 *
 * @param take  Called with each entry until it returns something other than 0.
 * @return What TAKE returned last, or -errno.
 */
int read_names(int dir, int (*take)(void *arg, const struct dirent64 *entry), void *arg);

/** Set the times of a descriptor's file (utimensat(2)); O_PATH descriptors are allowed. Returns 0 or -errno. */
int set_times(int fd, const struct timespec times[2]);

#endif // UCP_IO_H
