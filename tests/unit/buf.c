// SPDX-License-Identifier: MIT
/**
 * buf.c: strings that grow.
 */

#include "unit.h"

#include "base/buf.h"
#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

TEST(strings_that_grow) {
	struct buf buf = {0};
	char whole[3000] = "";
	buf_str(&buf, "");
	CHECK_STR(buf.data, "");
	CHECK_EQ(buf.len, 0);
	for (int i = 0; i < 200; ++i) {
		buf_str(&buf, "ab");
		buf_char(&buf, (char)('0' + i % 10));
		buf_add(&buf, "xyz", 2);
		sprintf(whole + strlen(whole), "ab%cxy", '0' + i % 10);
		CHECK_STR(buf.data, whole);
		CHECK_EQ(buf.len, strlen(whole));
		CHECK(buf.size > buf.len);
	}
	CHECK(!buf.failed);
	buf_free(&buf);
	CHECK(!buf.data);
	CHECK_EQ(buf.len, 0);
	CHECK_EQ(buf.size, 0);
	buf_free(&buf);

	// Bytes of any kind, and as good as new
	buf_char(&buf, '\0');
	buf_add(&buf, "\0\n", 2);
	buf_add(&buf, "", 0);
	CHECK_EQ(buf.len, 3);
	CHECK_MEM(buf.data, "\0\0\n", 4);
	buf_free(&buf);
}

TEST(strings_grow_by_much_at_once) {
	struct buf buf = {0};
	char *data = malloc(1 << 20);
	memset(data, 'x', 1 << 20);
	buf_add(&buf, data, 1 << 20);
	buf_char(&buf, '!');
	CHECK_EQ(buf.len, (1 << 20) + 1);
	CHECK_MEM(buf.data, data, 1 << 20);
	CHECK_STR(buf.data + (1 << 20), "!");
	buf_free(&buf);
	free(data);
}

TEST(reading_ends) {
	struct buf buf = {0};
	int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	REQUIRE(zero >= 0);
	CHECK_EQ(buf_read(&buf, zero, 0), -EFBIG);
	CHECK_EQ(buf.len, 1);
	CHECK_EQ(buf_read(&buf, zero, 100000), -EFBIG);
	CHECK_EQ(buf.len, 100001);
	buf_free(&buf);
	close_fd(&zero);

	int pipes[2];
	REQUIRE(pipe(pipes) == 0 && write(pipes[1], "1234567", 7) == 7);
	close_fd(&pipes[1]);
	CHECK_EQ(buf_read(&buf, pipes[0], 6), -EFBIG);
	CHECK_EQ(buf_read(&buf, pipes[0], 7), 0);
	CHECK_STR(buf.data, "1234567");
	buf_free(&buf);
	close_fd(&pipes[0]);
}

UNIT_MAIN
