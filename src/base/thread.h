// SPDX-License-Identifier: MIT
/**
 * Thin wrappers around pthreads. A lock that cannot be taken is a bug, not an error to handle.
 */

#ifndef UCP_THREAD_H
#define UCP_THREAD_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

/** Abort if a pthread call failed that cannot fail in a correct program. */
static inline void thread_must(int err) {
	if (err != 0) {
		abort();
	}
}

/** Lock a mutex. */
static inline void mutex_lock(pthread_mutex_t *mutex) {
	thread_must(pthread_mutex_lock(mutex));
}

/** Unlock a mutex. */
static inline void mutex_unlock(pthread_mutex_t *mutex) {
	thread_must(pthread_mutex_unlock(mutex));
}

/** Lock for reading, together with other readers. A thread that holds the lock must not lock it again. */
static inline void rwlock_read(pthread_rwlock_t *lock) {
	thread_must(pthread_rwlock_rdlock(lock));
}

/** Lock for writing, alone. */
static inline void rwlock_write(pthread_rwlock_t *lock) {
	thread_must(pthread_rwlock_wrlock(lock));
}

/** Unlock a lock held for reading or writing. */
static inline void rwlock_unlock(pthread_rwlock_t *lock) {
	thread_must(pthread_rwlock_unlock(lock));
}

/** Sleep until the condition is signalled; may wake without reason. */
static inline void cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex) {
	thread_must(pthread_cond_wait(cond, mutex));
}

/** As cond_wait(), but for at most SECONDS. */
static inline void cond_wait_for(pthread_cond_t *cond, pthread_mutex_t *mutex, double seconds) {
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	uint64_t end = (uint64_t)until.tv_nsec + (uint64_t)(seconds * 1e9) + 1;
	until.tv_sec += (time_t)(end / 1000000000);
	until.tv_nsec = (long)(end % 1000000000);
	int ret = pthread_cond_clockwait(cond, mutex, CLOCK_MONOTONIC, &until);
	thread_must(ret == ETIMEDOUT ? 0 : ret);
}

/** Wake one sleeper. */
static inline void cond_signal(pthread_cond_t *cond) {
	thread_must(pthread_cond_signal(cond));
}

/** Wake all sleepers. */
static inline void cond_broadcast(pthread_cond_t *cond) {
	thread_must(pthread_cond_broadcast(cond));
}

/** A number that one thread adds to and others read; no memory order is implied. */
typedef _Atomic uint64_t counter;

/** Add to a counter. */
static inline void counter_add(counter *c, uint64_t n) {
	atomic_fetch_add_explicit(c, n, memory_order_relaxed);
}

/** Read a counter. */
static inline uint64_t counter_get(const counter *c) {
	return atomic_load_explicit(c, memory_order_relaxed);
}

#endif // UCP_THREAD_H
