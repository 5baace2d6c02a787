/**
 * Thin wrappers over pthreads. A lock that cannot be taken is a bug, not an error to handle.
 */

#ifndef UCP_THREAD_H
#define UCP_THREAD_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

/** Abort unless a pthread call that cannot fail in a right program has succeeded. */
static inline void thread_must(int err) {
	if (err != 0) {
		abort();
	}
}

/** Take a mutex. */
static inline void mutex_lock(pthread_mutex_t *mutex) {
	thread_must(pthread_mutex_lock(mutex));
}

/** Give a mutex back. */
static inline void mutex_unlock(pthread_mutex_t *mutex) {
	thread_must(pthread_mutex_unlock(mutex));
}

/** Take a lock together with other readers. A thread that has it must not take it again. */
static inline void rwlock_read(pthread_rwlock_t *lock) {
	thread_must(pthread_rwlock_rdlock(lock));
}

/** Take a lock alone. */
static inline void rwlock_write(pthread_rwlock_t *lock) {
	thread_must(pthread_rwlock_wrlock(lock));
}

/** Give a lock back that was taken in either way. */
static inline void rwlock_unlock(pthread_rwlock_t *lock) {
	thread_must(pthread_rwlock_unlock(lock));
}

/** Sleep until the condition is signalled; may wake without reason. */
static inline void cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex) {
	thread_must(pthread_cond_wait(cond, mutex));
}

/** Wake one sleeper. */
static inline void cond_signal(pthread_cond_t *cond) {
	thread_must(pthread_cond_signal(cond));
}

/** Wake all sleepers. */
static inline void cond_broadcast(pthread_cond_t *cond) {
	thread_must(pthread_cond_broadcast(cond));
}

/** A number one thread adds to and others read; no order is implied. */
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
