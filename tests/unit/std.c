/**
 * std.c: sizes, paths, strings that grow, numbers.
 */

#include "unit.h"

#include "base/std.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

struct written {
	const char *text;
	int ret;
	uint64_t size;
};

static const struct written sizes[] = {
	{"0", 0, 0},
	{"1", 0, 1},
	{"007", 0, 7},
	{"4096", 0, 4096},
	{"1K", 0, 1024},
	{"1k", 0, 1024},
	{"1KiB", 0, 1024},
	{"1kB", 0, 1000},
	{"1KB", 0, 1000},
	{"1kib", 0, 1024},
	{"1kb", 0, 1000},
	{"20m", 0, 20u << 20},
	{"20mB", 0, 20000000},
	{"20mib", 0, 20u << 20},
	{"2g", 0, 2ull << 30},
	{"2t", 0, 2ull << 40},
	{"12b", 0, 12},
	{"3M", 0, 3ull << 20},
	{"3MiB", 0, 3ull << 20},
	{"3MB", 0, 3000000},
	{"2G", 0, 2ull << 30},
	{"2GB", 0, 2000000000},
	{"5T", 0, 5ull << 40},
	{"5TB", 0, 5000000000000},
	{"7P", 0, 7ull << 50},
	{"15E", 0, 15ull << 60},
	{"15EiB", 0, 15ull << 60},
	{"18EB", 0, 18000000000000000000u},
	{"0E", 0, 0},
	{"18446744073709551615", 0, UINT64_MAX},

	{"18446744073709551616", -ERANGE, 0},
	{"16E", -ERANGE, 0},
	{"19EB", -ERANGE, 0},
	{"18014398509481984K", -ERANGE, 0},
	{"99999999999999999999999999999999K", -ERANGE, 0},

	{"", -EINVAL, 0},
	{" 1", -EINVAL, 0},
	{"1 ", -EINVAL, 0},
	{"1 K", -EINVAL, 0},
	{"+1", -EINVAL, 0},
	{"-1", -EINVAL, 0},
	{"-0", -EINVAL, 0},
	{"K", -EINVAL, 0},
	{"x", -EINVAL, 0},
	{"0x10", -EINVAL, 0},
	{"1.5M", -EINVAL, 0},
	{"1KK", -EINVAL, 0},
	{"1Ki", -EINVAL, 0},
	{"1KiBs", -EINVAL, 0},
	{"1KBi", -EINVAL, 0},
	{"1iB", -EINVAL, 0},
	{"1X", -EINVAL, 0},
	{"1@", -EINVAL, 0},
	{"1\x0b", -EINVAL, 0},
	{"1M/s", -EINVAL, 0},
	{"1.", -EINVAL, 0},
	{".5M", -EINVAL, 0},
	{"10Mbit", -EINVAL, 0},
	{"99999999999999999999999999999999x", -EINVAL, 0},
};

static const struct written decimals[] = {
	{"1.5M", 0, 3u << 19},
	{"1.5mb", 0, 1500000},
	{".5k", 0, 512},
	{"0.1K", 0, 102},
	{"007.50", 0, 7},
	{"1.999999999999999999999999999999", 0, 1},
	{"0.000000000000000000867361737988404E", 0, 1},
	{"15.999999999999999999E", 0, UINT64_MAX - 1},
	{"15.99999999999999999999999E", 0, UINT64_MAX},
	{"0.0", 0, 0},
	{"0.0E", 0, 0},
	{"3M", 0, 3u << 20},

	{"16.0E", -ERANGE, 0},
	{"99999999999999999999.5", -ERANGE, 0},

	{"0.9", -EINVAL, 0},
	{"0.0001K", -EINVAL, 0},
	{"1.", -EINVAL, 0},
	{"1.M", -EINVAL, 0},
	{".", -EINVAL, 0},
	{".M", -EINVAL, 0},
	{"1.5.5", -EINVAL, 0},
	{"1,5M", -EINVAL, 0},
	{"-1.5M", -EINVAL, 0},
	{"1e5", -EINVAL, 0},
	{"1.5M/s", -EINVAL, 0},
};

static const struct written rates[] = {
	{"10MB/s", 0, 10000000},
	{"10MiB/s", 0, 10u << 20},
	{"1.5m/s", 0, 3u << 19},
	{"5000/s", 0, 5000},
	{"5000B/S", 0, 5000},
	{"20M", 0, 20u << 20},

	{"/s", -EINVAL, 0},
	{"M/s", -EINVAL, 0},
	{"10M/", -EINVAL, 0},
	{"10Ms", -EINVAL, 0},
	{"10M/s/s", -EINVAL, 0},
	{"10M/ss", -EINVAL, 0},
	{"10Mbit/s", -EINVAL, 0},
};

static void check_all(const struct written *written, size_t count, enum size_form form) {
	for (const struct written *w = written; w < written + count; ++w) {
		uint64_t size = 12345;
		int ret = parse_size(w->text, form, &size);
		CHECK_MSG(ret == w->ret, "\"%s\" gives %d, not %d", w->text, ret, w->ret);
		CHECK_MSG(ret < 0 || size == w->size, "\"%s\" is %" PRIu64 ", not %" PRIu64, w->text, size, w->size);
	}
}

TEST(sizes_with_suffixes) {
	check_all(sizes, countof(sizes), SIZE_WHOLE);
}

TEST(sizes_with_decimals) {
	check_all(decimals, countof(decimals), SIZE_DECIMAL);
}

TEST(rates) {
	check_all(rates, countof(rates), SIZE_RATE);
}

static const struct {
	const char *path;
	const char *last;
} components[] = {
	{"a", "a"},
	{"a/", "a/"},
	{"a///", "a///"},
	{"a/b", "b"},
	{"a/b/", "b/"},
	{"a//b//", "b//"},
	{"/a", "a"},
	{"//a", "a"},
	{"/a/b", "b"},
	{"./a", "a"},
	{"a/.", "."},
	{"a/./", "./"},
	{"a/..", ".."},
	{".", "."},
	{"..", ".."},
	{"../", "../"},
	{"/", ""},
	{"///", ""},
	{"", ""},
	{" / ", " "},
};

TEST(last_components) {
	for (size_t i = 0; i < countof(components); ++i) {
		const char *path = components[i].path;
		const char *last = last_component(path);
		CHECK_STR(last, components[i].last);
		CHECK(last >= path && last <= path + strlen(path));
	}
}

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

TEST(powers_of_two) {
	CHECK_EQ(next_pow2(0), 1);
	CHECK_EQ(next_pow2(1), 1);
	CHECK_EQ(next_pow2(2), 2);
	for (unsigned bit = 2; bit < 32; ++bit) {
		unsigned p = 1u << bit;
		CHECK_EQ(next_pow2(p - 1), p);
		CHECK_EQ(next_pow2(p), p);
		CHECK_EQ(next_pow2(p / 2 + 1), p);
	}
}

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

TEST(random_numbers_follow_their_seed) {
	uint64_t a = 1;
	uint64_t b = 1;
	uint64_t c = 2;
	uint64_t any = 0;
	uint64_t all = UINT64_MAX;
	for (int i = 0; i < 100; ++i) {
		uint64_t n = random_next(&a);
		CHECK_EQ(n, random_next(&b));
		CHECK(n != random_next(&c));
		any |= n;
		all &= n;
	}
	CHECK_EQ(any, UINT64_MAX);
	CHECK_EQ(all, 0);
}

TEST(time_goes_forward) {
	double first = now();
	double second = now();
	CHECK(second >= first);
	usleep(2000);
	CHECK(now() - first >= 0.002);
}

UNIT_MAIN
