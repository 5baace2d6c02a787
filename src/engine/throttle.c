// SPDX-License-Identifier: MIT
#include "engine/throttle.h"

#include "base/clock.h"
#include "base/io.h"
#include "base/size.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/** Portions per second. */
#define PORTIONS 16

/** Large portions are multiples of this: whole pages. */
#define PAGE 4096

static size_t portion(const struct bucket *bucket) {
	uint64_t size = bucket->rate / PORTIONS;
	if (size >= PAGE) {
		size -= size % PAGE;
	}
	return (size_t)max(size, (uint64_t)1);
}

/** Add the bytes that have flowed in since bucket::time. */
static void fill_up(struct bucket *bucket, double t) {
	double level = bucket->level + (t - bucket->time) * (double)bucket->rate;
	// Bytes not taken in time are lost
	bucket->level = min(level, (double)portion(bucket));
	bucket->time = t;
}

void bucket_set(struct bucket *bucket, uint64_t rate, double t) {
	if (bucket->rate > 0) {
		fill_up(bucket, t);
	}
	bucket->rate = rate;
	bucket->time = t;
	bucket->level = max(min(bucket->level, 0.0), -(double)portion(bucket));
}

size_t bucket_take(struct bucket *bucket, size_t want, double t, double *wait) {
	if (bucket->rate == 0) {
		return want;
	}
	fill_up(bucket, t);
	if (bucket->level < 0) {
		*wait = -bucket->level / (double)bucket->rate;
		return 0;
	}
	size_t bytes = min(want, portion(bucket));
	bucket->level -= (double)bytes;
	return bytes;
}

void throttle_init(struct throttle *throttle) {
	*throttle = (struct throttle) {.ceiling = UINT64_MAX};
	thread_must(pthread_mutex_init(&throttle->lock, NULL));
	thread_must(pthread_cond_init(&throttle->changed, NULL));
}

void throttle_destroy(struct throttle *throttle) {
	thread_must(pthread_mutex_destroy(&throttle->lock));
	thread_must(pthread_cond_destroy(&throttle->changed));
}

/** Wake all waiting threads after a change; the lock is held. */
static void change(struct throttle *throttle) {
	atomic_store(&throttle->active, throttle->bucket.rate > 0 || throttle->ceiling < UINT64_MAX);
	cond_broadcast(&throttle->changed);
}

void throttle_set_rate(struct throttle *throttle, uint64_t rate) {
	mutex_lock(&throttle->lock);
	bucket_set(&throttle->bucket, rate, now());
	change(throttle);
	mutex_unlock(&throttle->lock);
}

void throttle_set_ceiling(struct throttle *throttle, uint64_t ceiling) {
	mutex_lock(&throttle->lock);
	throttle->ceiling = ceiling;
	change(throttle);
	mutex_unlock(&throttle->lock);
}

uint64_t throttle_taken(struct throttle *throttle) {
	mutex_lock(&throttle->lock);
	uint64_t taken = throttle->taken;
	mutex_unlock(&throttle->lock);
	return taken;
}

void throttle_stop(struct throttle *throttle) {
	mutex_lock(&throttle->lock);
	throttle->stopped = true;
	cond_broadcast(&throttle->changed);
	mutex_unlock(&throttle->lock);
}

size_t throttle_wait(struct throttle *throttle, size_t want) {
	size_t bytes = 0;
	mutex_lock(&throttle->lock);
	while (bytes == 0 && !throttle->stopped) {
		double wait = 0;
		if (throttle->taken >= throttle->ceiling) {
			cond_wait(&throttle->changed, &throttle->lock);
			continue;
		}
		size_t most = (size_t)min((uint64_t)want, throttle->ceiling - throttle->taken);
		bytes = bucket_take(&throttle->bucket, most, now(), &wait);
		if (bytes == 0) {
			// A shorter sleep is harmless: avoid an overflow
			cond_wait_for(&throttle->changed, &throttle->lock, min(wait, 3600.0));
		}
	}
	throttle->taken += bytes;
	mutex_unlock(&throttle->lock);
	return bytes;
}

void throttle_give(struct throttle *throttle, size_t bytes) {
	if (!throttle_is_active(throttle) || bytes == 0) {
		return;
	}
	mutex_lock(&throttle->lock);
	throttle->bucket.level += (double)bytes;
	throttle->taken -= min(throttle->taken, (uint64_t)bytes);
	cond_broadcast(&throttle->changed);
	mutex_unlock(&throttle->lock);
}

static bool is_same(const struct stat *a, const struct stat *b) {
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size
		&& time_same(a->st_mtim, b->st_mtim) && time_same(a->st_ctim, b->st_ctim);
}

int rate_file_read(struct rate_file *file, uint64_t *rate) {
	struct stat st;
	char text[64];
	if (stat(file->path, &st) != 0) {
		return -errno;
	}
	if (is_same(&st, &file->st)) {
		return 0;
	}
	int fd = open(file->path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0) {
		return -errno;
	}
	ssize_t n = read(fd, text, sizeof(text) - 1);
	int ret = n < 0 ? -errno : 0;
	close_fd(&fd);
	if (ret < 0) {
		return ret;
	}
	file->st = st;
	text[n] = '\0';
	text[strcspn(text, " \t\r\n")] = '\0';
	if (text[0] == '\0') {
		// The file is empty: probably it is just being written
		return 0;
	}
	return parse_size(text, SIZE_RATE, rate) < 0 ? -EINVAL : 1;
}
