// SPDX-License-Identifier: MIT
/**
 * throttle.c: how evenly bytes are given out, and that everybody who waits goes on when something changes.
 */

#include "unit.h"

#include "engine/throttle.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/** Simulated time moves on in so many steps a second. */
#define STEPS 1000

/** Seconds that are simulated. */
#define SECONDS 20

/** Most that any one second may have above the rate. */
#define OVER 1.15

TEST(every_second_has_its_share) {
	static const uint64_t rates[] = {1, 10, 1000, 4096, 65535, 100000, 1000000, 12345678, 1000000000, 50000000000};
	static const size_t wants[] = {1, 4096, 256u << 10, 64u << 20};
	for (size_t i = 0; i < countof(rates); ++i) {
		for (size_t j = 0; j < countof(wants); ++j) {
			struct bucket bucket = {0};
			static double moved[SECONDS * STEPS];
			double sum = 0;
			size_t steps = 0;
			uint64_t takes = 0;
			bucket_set(&bucket, rates[i], 100);
			while (steps < countof(moved) && takes < 100000) {
				double t = 100 + (double)steps / STEPS;
				double wait = 0;
				for (size_t n; (n = bucket_take(&bucket, wants[j], t, &wait)) > 0; ++takes) {
					CHECK(n <= wants[j]);
					sum += (double)n;
				}
				CHECK(wait > 0);
				moved[steps++] = sum;
			}
			double rate = (double)rates[i];
			for (size_t k = STEPS; k < steps; ++k) {
				double second = moved[k] - moved[k - STEPS];
				CHECK_MSG(second <= rate * OVER + 1, "%f at a rate of %f, in pieces of %zu", second, rate, wants[j]);
				CHECK_MSG(second >= rate / OVER - 1, "%f at a rate of %f, in pieces of %zu", second, rate, wants[j]);
			}
			double all = rate * (double)steps / STEPS;
			CHECK_MSG(sum <= all * 1.01 + rate / 10 + 1 && sum >= all * 0.99 - rate / 10 - 1, "%f in all, and not %f", sum, all);
		}
	}
}

TEST(what_nobody_took_is_lost) {
	struct bucket bucket = {0};
	double wait;
	double sum = 0;
	bucket_set(&bucket, 1000000, 0);
	for (size_t n; (n = bucket_take(&bucket, 1u << 20, 1000, &wait)) > 0;) {
		sum += (double)n;
	}
	CHECK(sum > 0 && sum <= 1000000 / 8);
}

TEST(the_time_to_wait_is_enough) {
	struct bucket bucket = {0};
	double wait = 0;
	double t = 0;
	bucket_set(&bucket, 1000, 0);
	while (bucket_take(&bucket, 4096, t, &wait) > 0) {
	}
	CHECK(wait > 0 && wait < 0.1);
	CHECK_EQ(bucket_take(&bucket, 4096, wait / 2, &wait), 0);
	CHECK(bucket_take(&bucket, 4096, wait + 1e-9 + wait, &wait) > 0);
}

TEST(a_new_rate_counts_at_once) {
	struct bucket bucket = {0};
	double wait = 0;
	bucket_set(&bucket, 1000000000, 0);
	while (bucket_take(&bucket, 64u << 20, 1, &wait) > 0) {
	}
	// The debt of a fast rate would last for hours
	bucket_set(&bucket, 1000, 1);
	bucket_take(&bucket, 1, 1, &wait);
	CHECK(wait < 0.2);
	bucket_set(&bucket, 0, 1);
	CHECK_EQ(bucket_take(&bucket, 12345, 1, &wait), 12345);
}

/** Takes a byte, and says so. */
struct taker {
	struct throttle *throttle;
	atomic_bool waits;
	atomic_bool done;
};

static void *take(void *arg) {
	struct taker *taker = arg;
	atomic_store(&taker->waits, true);
	throttle_take(taker->throttle, 1000);
	atomic_store(&taker->done, true);
	return NULL;
}

/** Let somebody wait for more than there will be, and go on by END. */
static void wait_until(struct throttle *throttle, void (*end)(struct throttle *throttle)) {
	struct taker taker = {.throttle = throttle};
	pthread_t thread;
	REQUIRE(pthread_create(&thread, NULL, take, &taker) == 0);
	while (!atomic_load(&taker.waits)) {
		usleep(1000);
	}
	CHECK(!atomic_load(&taker.done));
	end(throttle);
	pthread_join(thread, NULL);
	CHECK(atomic_load(&taker.done));
}

static void no_rate(struct throttle *throttle) {
	throttle_set_rate(throttle, 0);
}

static void no_ceiling(struct throttle *throttle) {
	throttle_set_ceiling(throttle, UINT64_MAX);
}

static void give_one(struct throttle *throttle) {
	throttle_give(throttle, 1);
}

TEST(who_waits_goes_on_when_something_changes) {
	struct throttle throttle;
	throttle_init(&throttle);
	CHECK_EQ(throttle_take(&throttle, 12345), 12345);

	throttle_set_ceiling(&throttle, 1500);
	CHECK_EQ(throttle_take(&throttle, 1000), 1000);
	CHECK_EQ(throttle_take(&throttle, 1000), 500);
	CHECK_EQ(throttle_taken(&throttle), 1500);
	wait_until(&throttle, give_one);
	CHECK_EQ(throttle_taken(&throttle), 1500);
	wait_until(&throttle, no_ceiling);

	throttle_set_rate(&throttle, 1);
	while (throttle.bucket.level >= 0) {
		throttle_take(&throttle, 1);
	}
	throttle.bucket.level = -1e9;
	wait_until(&throttle, no_rate);

	throttle_set_ceiling(&throttle, 0);
	wait_until(&throttle, throttle_stop);
	// And from then on nobody waits
	CHECK_EQ(throttle_take(&throttle, 1000), 0);
	throttle_destroy(&throttle);
}

TEST(the_file_that_says_the_rate) {
	char path[] = "/tmp/ucp-rate-XXXXXX";
	int fd = mkstemp(path);
	struct rate_file file = {.path = path};
	uint64_t rate = 7;
	static const struct {
		const char *text;
		int ret;
		uint64_t rate;
	} steps[] = {
		{"", 0, 7}, {"100\n", 1, 100}, {"2K", 1, 2048}, {"  ", 0, 2048}, {"1MB # slow\n", 1, 1000000},
		{"fast\n", -EINVAL, 1000000}, {"-1\n", -EINVAL, 1000000}, {"0\n", 1, 0},
	};
	REQUIRE(fd >= 0);
	for (size_t i = 0; i < countof(steps); ++i) {
		// As if it were another time: the size may be the same
		REQUIRE(ftruncate(fd, 0) == 0);
		REQUIRE(pwrite(fd, steps[i].text, strlen(steps[i].text), 0) == (ssize_t)strlen(steps[i].text));
		REQUIRE(futimens(fd, (struct timespec[2]) {{.tv_sec = (time_t)i}, {.tv_sec = (time_t)i}}) == 0);
		CHECK_EQ(rate_file_read(&file, &rate), steps[i].ret);
		CHECK_EQ(rate, steps[i].rate);
		CHECK_EQ(rate_file_read(&file, &rate), 0);
	}
	unlink(path);
	CHECK_EQ(rate_file_read(&file, &rate), -ENOENT);
	close(fd);
}

UNIT_MAIN
