// SPDX-License-Identifier: MIT
/**
 * Flushing written data to the medium (--fsync): by one syncfs(2) for a file system that is known to flush and to
 * report errors so, else by an fsync(2) for each file and directory.
 *
 * The kernel reports a write-back error only through descriptors that were open when it happened. So a descriptor is
 * opened before anything is written.
 */

#ifndef UCP_FLUSH_H
#define UCP_FLUSH_H

#include "base/thread.h"

#include <sys/types.h>

/** How many file systems are flushed whole, each with a descriptor; on others each file is flushed on its own. */
#define FLUSH_MOST 4

/** A file system that is flushed whole at the end. */
struct flush_fs {
	dev_t dev;
	/** A descriptor on it; -1: flush all file systems. */
	int fd;
	/** The descriptor is that of a block device, which is flushed itself. */
	bool raw;
	/** A directory on it, for messages. */
	char *path;
	/** The process that flushes the file system, or 0; and the result once it is known. */
	pid_t pid;
	int result;
};

/** The file systems to be flushed whole. */
struct flush {
	pthread_mutex_t lock;
	struct flush_fs fs[FLUSH_MOST];
	unsigned count;
};

/** How new files in a directory are flushed. */
enum flush_way {
	/** By flush_whole_begin() at the end, with everything else on the file system. */
	FLUSH_TOGETHER,
	/** Each file and directory on its own. */
	FLUSH_EACH,
};

/**
 * Whether syncfs(2) on the descriptor's file system writes to the medium and reports data that could not be written.
 * False for file systems about which this is unknown.
 */
bool flush_reports(int fd);

/** Set up FLUSH. */
void flush_init(struct flush *flush);

/** End the processes of flush_whole_begin(), close and free everything. */
void flush_destroy(struct flush *flush);

/**
 * Choose how to flush a directory in which nothing has been made yet, and note its file system.
 *
 * @param dir   The directory's descriptor.
 * @param path  The directory's path for messages, which is copied; may be NULL.
 */
enum flush_way flush_choose(struct flush *flush, int dir, dev_t dev, const char *path);

/**
 * Flush all noted file systems now, each in a process of its own.
 *
 * @param stop  If it becomes true, the waiting ends, even if a medium hangs.
 * @param path  Set after an error to the path of the file system concerned; the caller frees it.
 * @return 0, -EINTR if it was stopped, or the first other -errno.
 */
int flush_now(struct flush *flush, const atomic_bool *stop, char **path);

/**
 * Start a process that flushes a noted file system: a process, because syncfs(2) may hang for ever and cannot be
 * interrupted.
 */
void flush_whole_begin(struct flush_fs *fs);

/**
 * Flush a file system in a process and wait for that, but no longer than until *STOP is set, even if the medium hangs.
 *
 * @return 0, -EINTR if it was stopped, or another -errno.
 */
int flush_whole(struct flush_fs *fs, const atomic_bool *stop);

/** Returns -EAGAIN until the process has ended (SIGCHLD), then 0 or -errno. */
int flush_whole_end(struct flush_fs *fs);

/**
 * Flush a file and its attributes to the medium. Returns 0 or -errno; -EINTR if a signal came while *STOP was set.
 *
 * @param stop  May be NULL.
 */
int flush_file(int fd, const atomic_bool *stop);

/**
 * As flush_file(), for a directory and its names. Returns 0 also if the file system does not flush directories
 * (EINVAL).
 */
int flush_directory(int fd, const atomic_bool *stop);

/** As flush_directory(), for a directory at PATH. */
int flush_directory_at(int dir, const char *path, const atomic_bool *stop);

#endif // UCP_FLUSH_H
