// SPDX-License-Identifier: MIT
/**
 * Preloaded into ucp by locks.py: measures how long each lock is held, by the place that takes it, and writes lines of
 * "OFFSET COUNT NANOSECONDS LONGEST" to the file that LOCKS_RESULT names. OFFSET is the place in the program, in
 * hexadecimal. What an empty hold takes is subtracted.
 */

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/** Most places that take locks, a power of 2; and most locks that a thread holds at a time. */
#define PLACES 1024
#define HELD 16

/** A place that takes a lock. */
struct place {
	_Atomic uintptr_t at;
	_Atomic uint64_t count;
	_Atomic uint64_t sum;
	_Atomic uint64_t longest;
};

/** A lock that this thread holds. */
struct hold {
	const void *lock;
	struct place *place;
	uint64_t start;
};

static struct place places[PLACES];
static struct place lost;
static _Thread_local struct hold held[HELD];
static _Thread_local unsigned held_count;

static int (*real_lock)(pthread_mutex_t *);
static int (*real_unlock)(pthread_mutex_t *);
static int (*real_wait)(pthread_cond_t *, pthread_mutex_t *);
static int (*real_timedwait)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *);
static int (*real_read)(pthread_rwlock_t *);
static int (*real_write)(pthread_rwlock_t *);
static int (*real_rwunlock)(pthread_rwlock_t *);

static uint64_t now(void) {
	struct timespec at;
	clock_gettime(CLOCK_MONOTONIC, &at);
	return (uint64_t)at.tv_sec * 1000000000 + (uint64_t)at.tv_nsec;
}

static struct place *find(void *at) {
	uintptr_t key = (uintptr_t)at;
	for (unsigned i = 0; i < PLACES; ++i) {
		struct place *place = &places[(key / 4 + i) % PLACES];
		uintptr_t is = 0;
		if (atomic_compare_exchange_strong(&place->at, &is, key) || is == key) {
			return place;
		}
	}
	return &lost;
}

static void begin(const void *lock, struct place *place) {
	if (held_count < HELD) {
		held[held_count++] = (struct hold) {.lock = lock, .place = place, .start = now()};
	}
}

/** Returns the place that took the lock. */
static struct place *end(const void *lock) {
	uint64_t until = now();
	for (unsigned i = held_count; i-- > 0;) {
		if (held[i].lock == lock) {
			struct hold hold = held[i];
			held[i] = held[--held_count];
			uint64_t took = until - hold.start;
			atomic_fetch_add(&hold.place->count, 1);
			atomic_fetch_add(&hold.place->sum, took);
			if (took > atomic_load(&hold.place->longest)) {
				atomic_store(&hold.place->longest, took);
			}
			return hold.place;
		}
	}
	return &lost;
}

static void load(void) __attribute__((constructor));
static void load(void) {
	*(void **)&real_lock = dlsym(RTLD_NEXT, "pthread_mutex_lock");
	*(void **)&real_unlock = dlsym(RTLD_NEXT, "pthread_mutex_unlock");
	*(void **)&real_wait = dlsym(RTLD_NEXT, "pthread_cond_wait");
	*(void **)&real_timedwait = dlsym(RTLD_NEXT, "pthread_cond_timedwait");
	*(void **)&real_read = dlsym(RTLD_NEXT, "pthread_rwlock_rdlock");
	*(void **)&real_write = dlsym(RTLD_NEXT, "pthread_rwlock_wrlock");
	*(void **)&real_rwunlock = dlsym(RTLD_NEXT, "pthread_rwlock_unlock");
}

int pthread_mutex_lock(pthread_mutex_t *mutex) {
	int err = real_lock(mutex);
	begin(mutex, find(__builtin_return_address(0)));
	return err;
}

int pthread_mutex_unlock(pthread_mutex_t *mutex) {
	end(mutex);
	return real_unlock(mutex);
}

int pthread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex) {
	struct place *place = end(mutex);
	int err = real_wait(cond, mutex);
	begin(mutex, place);
	return err;
}

int pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex, const struct timespec *until) {
	struct place *place = end(mutex);
	int err = real_timedwait(cond, mutex, until);
	begin(mutex, place);
	return err;
}

int pthread_rwlock_rdlock(pthread_rwlock_t *lock) {
	int err = real_read(lock);
	begin(lock, find(__builtin_return_address(0)));
	return err;
}

int pthread_rwlock_wrlock(pthread_rwlock_t *lock) {
	int err = real_write(lock);
	begin(lock, find(__builtin_return_address(0)));
	return err;
}

int pthread_rwlock_unlock(pthread_rwlock_t *lock) {
	end(lock);
	return real_rwunlock(lock);
}

/** What a hold takes that has nothing to do. */
static uint64_t empty_hold(void) {
	static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	struct place empty = {0};
	for (int i = 0; i < 10000; ++i) {
		begin(&mutex, &empty);
		end(&mutex);
	}
	return empty.sum / empty.count;
}

static void finish(void) __attribute__((destructor));
static void finish(void) {
	const char *path = getenv("LOCKS_RESULT");
	FILE *out = path ? fopen(path, "w") : NULL;
	if (!out) {
		return;
	}
	uint64_t empty = empty_hold();
	for (unsigned i = 0; i < PLACES; ++i) {
		struct place *place = &places[i];
		Dl_info info;
		if (place->count == 0 || !dladdr((void *)place->at, &info)) {
			continue;
		}
		uint64_t own = place->sum > place->count * empty ? place->sum - place->count * empty : 0;
		fprintf(out, "%lx %lu %lu %lu\n", (unsigned long)(place->at - (uintptr_t)info.dli_fbase), (unsigned long)place->count,
			(unsigned long)own, (unsigned long)place->longest);
	}
	fclose(out);
}
