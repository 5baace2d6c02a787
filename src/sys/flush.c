// SPDX-License-Identifier: MIT
#include "sys/flush.h"

#include "base/io.h"
#include "sys/fstype.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

void flush_init(struct flush *flush) {
	*flush = (struct flush) {0};
	thread_must(pthread_mutex_init(&flush->lock, NULL));
}

void flush_destroy(struct flush *flush) {
	for (unsigned i = 0; i < flush->count; ++i) {
		if (flush->fs[i].pid > 0) {
			kill(flush->fs[i].pid, SIGKILL);
			waitpid(flush->fs[i].pid, NULL, WNOHANG);
		}
		close_fd(&flush->fs[i].fd);
		free(flush->fs[i].path);
	}
	thread_must(pthread_mutex_destroy(&flush->lock));
}

bool flush_reports(int fd) {
	return fstype_is(fd, FSTYPE_REPORTS);
}

/** Note a file system to be flushed whole; the lock is held. Returns whether this succeeded. */
static bool note(struct flush *flush, int dir, dev_t dev, const char *path) {
	if (flush->count == FLUSH_MOST || !flush_reports(dir)) {
		return false;
	}
	int mode = fcntl(dir, F_GETFL);
	// syncfs(2) fails on an O_PATH descriptor
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

static int sync_whole(const struct flush_fs *fs) {
	if (fs->fd < 0) {
		sync();
		return 0;
	}
	return or_errno(fs->raw ? fsync(fs->fd) : syncfs(fs->fd));
}

void flush_whole_begin(struct flush_fs *fs) {
	fs->pid = fork();
	if (fs->pid == 0) {
		// Close all other files, since this process may hang
		close_range(0, (unsigned)fs->fd - 1, 0);
		close_range((unsigned)fs->fd + 1, ~0u, 0);
		_exit(-sync_whole(fs));
	}
	if (fs->pid < 0) {
		fs->pid = 0;
		fs->result = sync_whole(fs);
	}
}

int flush_whole_end(struct flush_fs *fs) {
	int status;
	if (fs->pid == 0) {
		return fs->result;
	}
	pid_t pid = waitpid(fs->pid, &status, WNOHANG);
	if (pid == 0 || (pid < 0 && errno == EINTR)) {
		return -EAGAIN;
	}
	fs->pid = 0;
	// The process was killed: flush here
	fs->result = pid > 0 && WIFEXITED(status) ? -WEXITSTATUS(status) : sync_whole(fs);
	return fs->result;
}

int flush_whole(struct flush_fs *fs, const atomic_bool *stop) {
	const struct timespec interval = {.tv_nsec = 1000000};
	int ret;
	flush_whole_begin(fs);
	while ((ret = flush_whole_end(fs)) == -EAGAIN && !atomic_load(stop)) {
		nanosleep(&interval, NULL);
	}
	return ret == -EAGAIN ? -EINTR : ret;
}

int flush_now(struct flush *flush, const atomic_bool *stop, char **path) {
	int ret = 0;
	mutex_lock(&flush->lock);
	unsigned count = flush->count;
	mutex_unlock(&flush->lock);
	// What is noted does not change any more, except for the process, of which each caller has its own
	for (unsigned i = 0; i < count; ++i) {
		struct flush_fs fs = flush->fs[i];
		int err = flush_whole(&fs, stop);
		if (err == -EINTR) {
			return err;
		}
		if (err < 0 && ret == 0) {
			ret = err;
			*path = strdup(fs.path);
		}
	}
	return ret;
}

int flush_file(int fd, const atomic_bool *stop) {
	while (fsync(fd) != 0) {
		if (errno != EINTR || (stop && atomic_load(stop))) {
			return -errno;
		}
	}
	return 0;
}

int flush_directory(int fd, const atomic_bool *stop) {
	int ret = flush_file(fd, stop);
	return ret == -EINVAL ? 0 : ret;
}

int flush_directory_at(int dir, const char *path, const atomic_bool *stop) {
	int fd = openat(dir, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		return -errno;
	}
	int ret = flush_directory(fd, stop);
	close_fd(&fd);
	return ret;
}
