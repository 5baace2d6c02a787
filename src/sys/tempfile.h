/**
 * Temporary names, under which something stands until it is whole: ".ucp-" and 16 hexadecimal digits.
 *
 * The digits follow from the name it is going to have, so that what a killed run has left is met again by the next one
 * that makes the same file, and taken away. Who writes under a temporary name holds a lock on the file (flock(2)), so that
 * others know it for one that is in use.
 */

#ifndef UCP_TEMPFILE_H
#define UCP_TEMPFILE_H

#include "base/inode.h"

#include <stdatomic.h>

/** Whether a run still waits for locks of files under temporary names: others can plant those, so it waits for one only. */
struct tempfile_patience {
	atomic_bool spent;
};

/** Which digits a temporary name has. */
enum tempfile_kind {
	/** Those that follow from the name. */
	TEMPFILE_KNOWN,
	/** Any: for where the known ones are taken. */
	TEMPFILE_RANDOM,
};

/** The temporary name for PATH, in the same directory; to be freed. NULL without memory. */
char *tempfile_path(const char *path, enum tempfile_kind kind);

/** Whether a name is of the form of temporary ones. */
bool tempfile_is_name(const char *name);

/**
 * Take away what stands at a temporary name unless somebody is using it.
 *
 * @param patience  Set when one was waited for in vain; NULL: wait.
 * @return 0, -EBUSY or another -errno.
 */
int tempfile_clear(int dir, const char *path, struct tempfile_patience *patience);

/** Take away a name if it still is that of an inode: what others put there stays. Returns 0, also then, or -errno. */
int tempfile_drop(int dir, const char *path, struct inode inode);

/** Whether a name in a directory can be taken away again or changed: not if the directory is append-only. */
bool tempfile_can_go(int dir);

/**
 * Lock a file under a temporary name. A ucp that was killed may hold its locks a little longer than it lives, till the kernel
 * has taken down its ring.
 *
 * @param wait  Milliseconds to wait for others.
 * @return 0; -EBUSY if somebody else has it; -ESTALE if it was taken away meanwhile.
 */
int tempfile_lock(int fd, unsigned wait);

/**
 * To whom a file belongs that we make in a directory. It is somebody else where a file system gives all files to one user, or
 * takes us for another one. A file is made to find out, and goes again. Returns 0 or -errno.
 */
int tempfile_owner(int dir, uid_t *owner);

/** Give a file without a name (O_TMPFILE) one that must be free. Returns 0 or -errno. */
int tempfile_link(int fd, int dir, const char *path);

/** Move something to a name that must be free. Returns 0 or -errno: -EEXIST if it is not. */
int tempfile_move(int dir, const char *from, const char *to);

/**
 * The same for a file that is open. If the kernel cannot do it at once the file becomes a hard link, and keeps the old name
 * until it is closed: NFS would only give it another name, ".nfs…", as long as it is open.
 *
 * @return 0 or -errno; 1 if the caller has to take away the old name, by tempfile_drop().
 */
int tempfile_move_open(int dir, const char *from, const char *to);

#endif // UCP_TEMPFILE_H
