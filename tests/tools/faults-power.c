// SPDX-License-Identifier: MIT
#include "faults-power.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/** Power fails between blocks: a disk writes a sector whole or not at all. */
#define BLOCK 4096

/** What a block was before a write that is in the cache. */
struct before {
	struct before *older;
	int fd;
	off_t off;
	size_t len;
	char data[BLOCK];
};

/** One disk a faultfs. */
static struct {
	pthread_mutex_t lock;
	enum { POWER_STEADY, POWER_ON, POWER_CUT } state;
	/** Newest first. */
	struct before *cache;
} power = {.lock = PTHREAD_MUTEX_INITIALIZER};

/** Whether the cache loses a block: all of it that was not flushed. */
static bool is_lost(off_t off, uint64_t seed) {
	uint64_t x = ((uint64_t)off / BLOCK + 1) * UINT64_C(0x9e3779b97f4a7c15) ^ seed * UINT64_C(0xbf58476d1ce4e5b9);
	x ^= x >> 31;
	x *= UINT64_C(0x94d049bb133111eb);
	return x >> 63;
}

static void forget(void) {
	for (struct before *before; (before = power.cache);) {
		power.cache = before->older;
		free(before);
	}
}

static void cut(uint64_t seed) {
	// The oldest comes last, and is what was flushed
	for (const struct before *before = power.cache; before; before = before->older) {
		if (is_lost(before->off, seed) && pwrite(before->fd, before->data, before->len, before->off) < 0) {
			perror("faultfs");
		}
	}
	forget();
	power.state = POWER_CUT;
}

int power_command(const char *command) {
	unsigned long seed;
	int end = 0;
	int ret = 0;
	pthread_mutex_lock(&power.lock);
	if (strcmp(command, "volatile") == 0) {
		power.state = POWER_ON;
	} else if (sscanf(command, "cut %lu%n", &seed, &end) == 1 && command[end] == '\0') {
		cut(seed);
	} else {
		ret = -EINVAL;
	}
	pthread_mutex_unlock(&power.lock);
	return ret;
}

bool power_is_on(void) {
	pthread_mutex_lock(&power.lock);
	bool on = power.state != POWER_STEADY;
	pthread_mutex_unlock(&power.lock);
	return on;
}

/** Remember what a range is, which lies in one block. */
static int remember(int fd, off_t off, size_t len) {
	struct before *before = calloc(1, sizeof(*before));
	if (!before) {
		return -ENOMEM;
	}
	*before = (struct before) {.older = power.cache, .fd = fd, .off = off, .len = len};
	if (pread(fd, before->data, len, off) < 0) { // (behind the end are zeros)
		free(before);
		return -errno;
	}
	power.cache = before;
	return 0;
}

static int remember_all(int fd, off_t off, size_t len) {
	for (size_t some; len > 0; off += (off_t)some, len -= some) {
		some = BLOCK - (size_t)off % BLOCK;
		some = some < len ? some : len;
		int err = remember(fd, off, some);
		if (err) {
			return err;
		}
	}
	return 0;
}

ssize_t power_write(int fd, const char *data, size_t len, off_t off) {
	pthread_mutex_lock(&power.lock);
	ssize_t ret = power.state == POWER_ON ? remember_all(fd, off, len) : 0;
	if (ret == 0 && power.state == POWER_CUT) {
		ret = (ssize_t)len;
	} else if (ret == 0) {
		ret = pwrite(fd, data, len, off);
		ret = ret < 0 ? -errno : ret;
	}
	pthread_mutex_unlock(&power.lock);
	return ret;
}

int power_flush(int fd) {
	int ret = 0;
	pthread_mutex_lock(&power.lock);
	if (power.state == POWER_STEADY) {
		ret = fdatasync(fd) < 0 ? -errno : 0;
	} else if (power.state == POWER_ON) {
		forget(); // nobody takes the power from this machine, so nothing must reach its own disk
	}
	pthread_mutex_unlock(&power.lock);
	return ret;
}
