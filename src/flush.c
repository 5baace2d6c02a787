#include "flush.h"

#include "std.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

void flush_init(struct flush *flush) {
	*flush = (struct flush) {0};
	thread_must(pthread_mutex_init(&flush->lock, NULL));
}

void flush_destroy(struct flush *flush) {
	for (unsigned i = 0; i < flush->count; ++i) {
		close_fd(&flush->fs[i].fd);
		free(flush->fs[i].path);
	}
	thread_must(pthread_mutex_destroy(&flush->lock));
}

/**
 * Only file systems that were seen to report data that a failing medium does not take are here (tests/cases/fsync.sh), and
 * those that have no medium. Not so: overlayfs, where errors are noted for the file system below; FUSE, which asks its
 * server only if that is trusted; network file systems and FAT, some of which do not empty the cache of the drive.
 */
bool flush_reports(int fd) {
	struct statfs fs;
	if (fstatfs(fd, &fs) != 0) {
		return false;
	}
	switch ((uint32_t)fs.f_type) {
	case EXT4_SUPER_MAGIC:
	case XFS_SUPER_MAGIC:
	case BTRFS_SUPER_MAGIC:
	case TMPFS_MAGIC:
	case RAMFS_MAGIC:
		return true;
	default:
		return false;
	}
}

/** Note a file system; the lock is held. Returns whether it could be. */
static bool note(struct flush *flush, int dir, dev_t dev, const char *path) {
	if (flush->count == FLUSH_MOST || !flush_reports(dir)) {
		return false;
	}
	int mode = fcntl(dir, F_GETFL);
	// A descriptor for searching only cannot be flushed
	if (mode < 0 || (mode & O_PATH)) {
		return false;
	}
	struct flush_fs fs = {.dev = dev, .fd = fcntl(dir, F_DUPFD_CLOEXEC, 0), .path = strdup(path ? path : ".")};
	if (fs.fd < 0 || !fs.path) {
		close_fd(&fs.fd);
		free(fs.path);
		return false;
	}
	flush->fs[flush->count++] = fs;
	return true;
}

enum flush_way flush_choose(struct flush *flush, int dir, dev_t dev, const char *path) {
	mutex_lock(&flush->lock);
	bool noted = false;
	for (unsigned i = 0; i < flush->count && !noted; ++i) {
		noted = flush->fs[i].dev == dev;
	}
	noted = noted || note(flush, dir, dev, path);
	mutex_unlock(&flush->lock);
	return noted ? FLUSH_TOGETHER : FLUSH_EACH;
}

int flush_whole(const struct flush_fs *fs) {
	return syncfs(fs->fd) == 0 ? 0 : -errno;
}

int flush_file(int fd) {
	while (fsync(fd) != 0) {
		if (errno != EINTR) {
			return -errno;
		}
	}
	return 0;
}

int flush_directory(int fd) {
	int ret = flush_file(fd);
	return ret == -EINVAL ? 0 : ret;
}

int flush_directory_at(int dir, const char *path) {
	int fd = openat(dir, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		return -errno;
	}
	int ret = flush_directory(fd);
	close_fd(&fd);
	return ret;
}
