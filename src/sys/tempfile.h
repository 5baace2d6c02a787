// SPDX-License-Identifier: MIT
/**
 * Temporary names, under which files stand until they are complete: ".ucp-" and 16 hexadecimal digits.
 *
 * The digits are a hash of the final name, so that the next run that makes the same file finds and removes the leftover
 * of a killed run. A run that writes under a temporary name holds a lock on the file (flock(2)), so that others see it
 * is in use.
 */

#ifndef UCP_TEMPFILE_H
#define UCP_TEMPFILE_H

#include "base/inode.h"

#include <stdatomic.h>

/**
 * Whether this run has waited in vain for the lock of a temporary name. It waits only once, because other users can
 * plant such files.
 */
struct tempfile_patience {
	atomic_bool spent;
	/** Milliseconds to wait, or 0 for a short time. */
	unsigned wait;
};

/** Milliseconds after which the kernel has closed the ring of a killed ucp, with its files, even on a busy machine. */
#define TEMPFILE_KILLED_WAIT 5000

/** How the digits of a temporary name are chosen. */
enum tempfile_kind {
	/** By the hash of the final name. */
	TEMPFILE_KNOWN,
	/** At random, if the known name is taken. */
	TEMPFILE_RANDOM,
};

/** The temporary name for PATH, in the same directory; the caller frees it. NULL without memory. */
char *tempfile_path(const char *path, enum tempfile_kind kind);

/** Whether a name has the form of a temporary name. */
bool tempfile_is_name(const char *name);

/**
 * Remove a file under a temporary name, unless another run is using it.
 *
 * @param patience  Spent once waiting was in vain; NULL: always wait a short time.
 * @return 0, -EBUSY or another -errno.
 */
int tempfile_clear(int dir, const char *path, struct tempfile_patience *patience);

/** Remove a name if it still belongs to INODE: another file there stays. Returns 0, also then, or -errno. */
int tempfile_drop(int dir, const char *path, struct inode inode);

/** Whether names in a directory can be removed or changed: not if the directory is append-only. */
bool tempfile_can_go(int dir);

/**
 * Lock a file under a temporary name. A killed ucp may keep its locks a little longer, until the kernel has closed its
 * ring.
 *
 * @param wait  Milliseconds to wait for another holder.
 * @return 0; -EBUSY if another run holds the lock; -ESTALE if the file has been removed.
 */
int tempfile_lock(int fd, unsigned wait);

/**
 * Find the owner of files that we make in a directory: another user if the file system assigns one owner to all files,
 * or maps our user. Makes a file and removes it again. Returns 0 or -errno.
 */
int tempfile_owner(int dir, uid_t *owner);

/** Give an unnamed file (O_TMPFILE) a name that must be free. Returns 0 or -errno. */
int tempfile_link(int fd, int dir, const char *path);

/** Move a file to a name that must be free. Returns 0 or -errno: -EEXIST if the name is taken. */
int tempfile_move(int dir, const char *from, const char *to);

/**
 * As tempfile_move(), for a file that is open. If the kernel cannot do it in one step, the file gets a second hard link
 * and keeps the old name until it is closed: NFS would rename an open file to ".nfs…" instead of removing it.
 *
 * @return 0 or -errno; 1 if the caller has to remove the old name with tempfile_drop().
 */
int tempfile_move_open(int dir, const char *from, const char *to);

#endif // UCP_TEMPFILE_H
