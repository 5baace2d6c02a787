// SPDX-License-Identifier: MIT
/**
 * flush.c: which file systems are flushed as a whole, and what is said where nothing can be.
 */

#include "scratch.h"
#include "unit.h"

#include "base/io.h"
#include "sys/flush.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static int open_directory(const char *path, int flags) {
	int fd = open(path, flags | O_DIRECTORY | O_CLOEXEC);
	REQUIRE(fd >= 0);
	return fd;
}

/** A directory of a kind of file system that is known to flush as a whole: there is one almost everywhere. */
static int open_whole(int flags) {
	struct flush flush;
	flush_init(&flush);
	int fd = open_directory("/dev/shm", O_RDONLY);
	bool whole = flush_choose(&flush, fd, 1, NULL) == FLUSH_TOGETHER;
	close_fd(&fd);
	flush_destroy(&flush);
	if (!whole) {
		SKIP("needs a tmpfs at /dev/shm");
	}
	return open_directory("/dev/shm", flags);
}

/** What comes of a file system that is being flushed. */
static int whole_end(struct flush_fs *fs) {
	int ret;
	while ((ret = flush_whole_end(fs)) == -EAGAIN) {
		usleep(1000);
	}
	return ret;
}

TEST(a_file_system_is_noted_once) {
	struct flush flush;
	int dir = open_whole(O_RDONLY);
	flush_init(&flush);
	CHECK_EQ(flush_choose(&flush, dir, 7, "here"), FLUSH_TOGETHER);
	CHECK_EQ(flush_choose(&flush, dir, 7, "there"), FLUSH_TOGETHER);
	CHECK_EQ(flush_choose(&flush, dir, 8, NULL), FLUSH_TOGETHER);
	CHECK_EQ(flush.count, 2);
	CHECK_STR(flush.fs[0].path, "here");
	CHECK_STR(flush.fs[1].path, ".");
	// It keeps a descriptor of its own
	close_fd(&dir);
	flush_whole_begin(&flush.fs[0]);
	CHECK_EQ(whole_end(&flush.fs[0]), 0);
	// Asked again it says the same
	CHECK_EQ(flush_whole_end(&flush.fs[0]), 0);
	int kept = flush.fs[0].fd;
	flush_destroy(&flush);
	CHECK_EQ(fcntl(kept, F_GETFD), -1);
}

TEST(more_than_can_be_kept_are_flushed_one_by_one) {
	struct flush flush;
	int dir = open_whole(O_RDONLY);
	flush_init(&flush);
	for (dev_t dev = 1; dev <= FLUSH_MOST; ++dev) {
		CHECK_EQ(flush_choose(&flush, dir, dev, "d"), FLUSH_TOGETHER);
	}
	CHECK_EQ(flush_choose(&flush, dir, FLUSH_MOST + 1, "d"), FLUSH_EACH);
	CHECK_EQ(flush_choose(&flush, dir, FLUSH_MOST, "d"), FLUSH_TOGETHER);
	CHECK_EQ(flush.count, FLUSH_MOST);
	close_fd(&dir);
	flush_destroy(&flush);
}

TEST(what_cannot_be_flushed_as_a_whole) {
	struct flush flush;
	flush_init(&flush);
	// No file system that writes anything
	int proc = open_directory("/proc", O_RDONLY);
	CHECK_EQ(flush_choose(&flush, proc, 1, "proc"), FLUSH_EACH);
	// Nothing can be done by a descriptor that is for searching only, nor by none
	int dir = open_whole(O_PATH);
	CHECK_EQ(flush_choose(&flush, dir, 2, "path"), FLUSH_EACH);
	CHECK_EQ(flush_choose(&flush, -1, 3, "none"), FLUSH_EACH);
	CHECK_EQ(flush.count, 0);
	close_fd(&proc);
	close_fd(&dir);
	flush_destroy(&flush);
	struct flush_fs none = {.fd = open_directory("/", O_PATH)};
	flush_whole_begin(&none);
	CHECK_EQ(whole_end(&none), -EBADF);
	close_fd(&none.fd);
}

TEST(files_and_directories) {
	go_to_scratch();
	int file = open("file", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	int dir = open_directory(".", O_RDONLY);
	int ends[2];
	REQUIRE(file >= 0 && pipe(ends) == 0 && mkdir("sub", 0755) == 0);
	CHECK_EQ(flush_file(file, NULL), 0);
	CHECK_EQ(flush_directory(dir, NULL), 0);
	CHECK_EQ(flush_directory_at(dir, "sub", NULL), 0);
	CHECK_EQ(flush_directory_at(dir, "none", NULL), -ENOENT);
	CHECK_EQ(flush_directory_at(dir, "file", NULL), -ENOTDIR);
	// A pipe has nothing to flush: that is an error for a file, but not for a directory of such a file system
	CHECK_EQ(flush_file(ends[0], NULL), -EINVAL);
	CHECK_EQ(flush_directory(ends[0], NULL), 0);
	CHECK_EQ(flush_directory(-1, NULL), -EBADF);
	close_fd(&file);
	close_fd(&dir);
	close_fd(&ends[0]);
	close_fd(&ends[1]);
}

UNIT_MAIN
