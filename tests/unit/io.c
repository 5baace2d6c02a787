/**
 * io.c: what is done with descriptors of any kind.
 */

#include "unit.h"

#include "base/io.h"

#include <errno.h>
#include <fcntl.h>

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

UNIT_MAIN
