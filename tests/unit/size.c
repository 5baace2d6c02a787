// SPDX-License-Identifier: MIT
/**
 * size.c: numbers of bytes as people write them.
 */

#include "unit.h"

#include "base/size.h"

#include <errno.h>

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

UNIT_MAIN
