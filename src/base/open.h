// SPDX-License-Identifier: MIT
/**
 * Opening files whose names others may change at any time.
 *
 * First open the name with O_PATH, which has no effect on the file. Then check the descriptor's owner and type, and
 * open that same file again, whatever the name leads to by now.
 */

#ifndef UCP_OPEN_H
#define UCP_OPEN_H

#include <stdbool.h>

struct stat;

/** Returned, in place of -errno, if a file cannot be opened again because /proc is not mounted. */
#define OPEN_NO_PROC (-5001)

/**
 * Open the file of a descriptor again.
 *
 * This uses /proc/self/fd. If /proc is not mounted, it opens PATH instead, with O_NONBLOCK and O_NOCTTY, and compares
 * the inodes: another file that was put there is opened for a moment, but never used.
 *
 * @param seen   A descriptor opened with O_PATH.
 * @param dir    A directory; only for PATH.
 * @param path   The path by which SEEN was opened; NULL: fail if there is no /proc.
 * @param flags  As for open(2), without O_CREAT and O_NOFOLLOW.
 * @return A descriptor or -errno: -ESTALE if another file stands there by now, OPEN_NO_PROC if PATH is NULL. Without
 * /proc -EAGAIN is possible even if FLAGS lack O_NONBLOCK.
 */
int open_again(int seen, int dir, const char *path, int flags);

/**
 * As fstatat(2), and set MOUNT to whether something is mounted there, or may be.
 *
 * @param flags  As for fstatat(2), and AT_STATX_DONT_SYNC.
 * @return 0 or -errno.
 */
int open_look(int dir, const char *name, int flags, struct stat *st, bool *mount);

/**
 * Open the directory that PATH, which is relative to DIR, is in.
 *
 * @param flags  As for open(2); O_DIRECTORY and O_CLOEXEC are added.
 * @return A descriptor or -errno.
 */
int open_parent(int dir, const char *path, int flags);

/**
 * Whether the directory NAME of DIR was read and contains nothing.
 *
 * @param ignored  Names that do not count, the last one NULL; or NULL.
 */
bool open_finds_empty(int dir, const char *name, const char *const *ignored);

/** Whether /proc/self/fd exists, through which descriptors can be opened again. */
bool open_has_proc(void);

#endif // UCP_OPEN_H
