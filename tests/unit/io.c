// SPDX-License-Identifier: MIT
/**
 * io.c: what is done with descriptors of any kind.
 */

#include "unit.h"

#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

TEST(descriptors_are_closed_once) {
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int old = fd;
	REQUIRE(fd >= 0);
	CHECK_EQ(close_fd(&fd), 0);
	CHECK_EQ(fd, -1);
	CHECK_EQ(fcntl(old, F_GETFD), -1);
	CHECK_EQ(close_fd(&fd), 0);
	fd = old;
	CHECK_EQ(close_fd(&fd), -EBADF);
	CHECK_EQ(fd, -1);
}

TEST(paths_of_descriptors) {
	char path[FD_PATH_SIZE];
	char link[64] = "";
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	REQUIRE(fd >= 0);
	CHECK(readlink(fd_path(fd, path), link, sizeof(link) - 1) > 0);
	CHECK_STR(link, "/dev/null");
	CHECK_STR(fd_path(INT32_MAX, path), "/proc/self/fd/2147483647");
	close_fd(&fd);
}

static int pipes[2];
static size_t drained;

static void drain(int number) {
	static char data[1 << 16];
	(void)number;
	ssize_t n = read(pipes[0], data, sizeof(data));
	drained += n > 0 ? (size_t)n : 0;
}

static void nothing(int number) {
	(void)number;
}

/** Write more than fits a pipe, while a signal with that handler comes again and again. */
static int write_interrupted(void (*handler)(int), size_t len, const atomic_bool *cancelled) {
	const struct itimerval often = {{0, 2000}, {0, 2000}};
	const struct itimerval never = {0};
	struct sigaction action = {.sa_handler = handler};
	char *data = calloc(1, len);
	REQUIRE(data && pipe2(pipes, O_CLOEXEC) == 0 && sigaction(SIGALRM, &action, NULL) == 0);
	// A signal may come before anything is written
	REQUIRE(fcntl(pipes[0], F_SETFL, O_NONBLOCK) == 0);
	drained = 0;
	setitimer(ITIMER_REAL, &often, NULL);
	int ret = write_full(pipes[1], data, len, cancelled);
	setitimer(ITIMER_REAL, &never, NULL);
	free(data);
	return ret;
}

static void close_pipes(void) {
	close_fd(&pipes[0]);
	close_fd(&pipes[1]);
}

TEST(writing_goes_on_after_signals) {
	const atomic_bool cancelled = false;
	const atomic_bool *const flags[] = {NULL, &cancelled};
	for (size_t i = 0; i < countof(flags); ++i) {
		CHECK_EQ(write_interrupted(drain, 300000, flags[i]), 0);
		close_fd(&pipes[1]);
		for (size_t before = SIZE_MAX; before != drained;) {
			before = drained;
			drain(0);
		}
		CHECK_EQ(drained, 300000);
		close_pipes();
	}
}

TEST(signal_ends_writing_that_is_cancelled) {
	const atomic_bool cancelled = true;
	CHECK_EQ(write_interrupted(nothing, 300000, &cancelled), -EINTR);
	close_pipes();
}

TEST(errors_of_writing) {
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	REQUIRE(fd >= 0);
	CHECK_EQ(write_full(fd, "x", 1, NULL), -ENOSPC);
	CHECK_EQ(write_full(fd, "", 0, NULL), 0);
	CHECK_EQ(write_full(-1, "x", 1, NULL), -EBADF);
	close_fd(&fd);
}

TEST(reading_goes_on_to_the_end) {
	const char text[] = "0123456789";
	char data[sizeof(text)] = "";
	int fd = memfd_create("text", MFD_CLOEXEC);
	REQUIRE(fd >= 0 && write(fd, text, 10) == 10);
	CHECK_EQ(read_full(fd, data, 4, 3, NULL), 4);
	CHECK_STR(data, "3456");
	CHECK_EQ(read_full(fd, data, sizeof(data), 7, NULL), 3);
	CHECK_EQ(read_full(fd, data, sizeof(data), 10, NULL), 0);
	close_fd(&fd);
	CHECK_EQ(read_full(fd, data, 1, 0, NULL), -EBADF);
}

UNIT_MAIN
