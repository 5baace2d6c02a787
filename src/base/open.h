/**
 * Opening what a name leads to when others may change that at any time.
 *
 * First a descriptor is made with O_PATH, which has no effect on what it stands for. Whoever has it asks it whose it is
 * and what it is, and then opens that very thing, whatever the name means by now.
 */

#ifndef UCP_OPEN_H
#define UCP_OPEN_H

#include <stdbool.h>

struct stat;

/** Returned, in place of -errno, if a thing cannot be opened again as /proc is not there. */
#define OPEN_NO_PROC (-5001)

/**
 * Open what a descriptor stands for once more.
 *
 * This goes through /proc/self/fd. If /proc is not mounted, the path is opened instead, with O_NONBLOCK and O_NOCTTY, and
 * compared with the descriptor: something else that was put there is opened for a moment then, but never used.
 *
 * @param seen   A descriptor that was made with O_PATH.
 * @param dir    A directory; only for PATH.
 * @param path   By which the descriptor was made; NULL: fail if there is no /proc.
 * @param flags  As of open(2), without O_CREAT and O_NOFOLLOW.
 * @return A descriptor or -errno: -ESTALE if something else stands there by now, OPEN_NO_PROC if PATH is NULL. Without
 *         /proc -EAGAIN may come even if FLAGS lack O_NONBLOCK.
 */
int open_again(int seen, int dir, const char *path, int flags);

/**
 * As fstatat(2), and whether something is mounted there, or may be since that cannot be found out.
 *
 * @param flags  As of fstatat(2).
 * @return 0 or -errno.
 */
int open_look(int dir, const char *name, int flags, struct stat *st, bool *mount);

/** Whether descriptors can be opened by their names in /proc. */
bool open_has_proc(void);

#endif // UCP_OPEN_H
