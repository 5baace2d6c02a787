/**
 * Getting what was written onto the medium (--fsync): by one syncfs(2) for a whole file system if that is known to do it
 * and to report what failed, else by an fsync(2) for each file and directory.
 *
 * The kernel reports errors of writing back only to who had the file system open when they happened: so a descriptor is
 * kept from before anything is written.
 */

#ifndef UCP_FLUSH_H
#define UCP_FLUSH_H

#include "base/thread.h"

#include <sys/types.h>

/** Most file systems that are flushed as a whole, each with a descriptor; what is on others is flushed one by one. */
#define FLUSH_MOST 4

/** A file system that is flushed as a whole in the end. */
struct flush_fs {
	dev_t dev;
	int fd;
	/** A directory on it, for messages. */
	char *path;
	/** The process that waits for it, or 0; and what came of it if none could be had. */
	pid_t pid;
	int result;
};

/** All of them. */
struct flush {
	pthread_mutex_t lock;
	struct flush_fs fs[FLUSH_MOST];
	unsigned count;
};

/** How what is made in a directory gets onto the medium. */
enum flush_way {
	/** By flush_whole() in the end, with everything else on its file system. */
	FLUSH_TOGETHER,
	/** The file and the directory have to be flushed on their own. */
	FLUSH_EACH,
};

/**
 * Whether syncfs(2) on the file system that a descriptor leads to writes to the medium, and reports data that could not
 * be written. No for whatever is not known to.
 */
bool flush_reports(int fd);

/** Set up. */
void flush_init(struct flush *flush);

/** Close and free everything. */
void flush_destroy(struct flush *flush);

/**
 * Choose the way for a directory in which nothing has been made yet, and note its file system.
 *
 * @param dir   Its descriptor.
 * @param path  Its path for messages, which is copied; may be NULL.
 */
enum flush_way flush_choose(struct flush *flush, int dir, dev_t dev, const char *path);

/**
 * Begin to bring all that was written to a file system that was noted onto its medium: in a process of its own, as the
 * kernel lets nobody go who waits for that, be it for ever.
 */
void flush_whole_begin(struct flush_fs *fs);

/** Returns -EAGAIN until that has ended (SIGCHLD), then 0 or -errno. */
int flush_whole_end(struct flush_fs *fs);

/**
 * Wait until a file, with its attributes, is on its medium. Returns 0 or -errno; -EINTR if a signal came when *STOP was set.
 *
 * @param stop  May be NULL.
 */
int flush_file(int fd, const atomic_bool *stop);

/** The same for a directory and its names. File systems that have nothing to flush for one are content. */
int flush_directory(int fd, const atomic_bool *stop);

/** The same for a directory given by its path. */
int flush_directory_at(int dir, const char *path, const atomic_bool *stop);

#endif // UCP_FLUSH_H
