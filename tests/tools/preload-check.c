// SPDX-License-Identifier: MIT
/**
 * To be preloaded. At exit, says in the file that $UCP_FDS names which descriptors above 2 are still open. With
 * $UCP_NO_MEMORY=N, the N-th allocation and all after it for which a random number says so fail, but never one before
 * or after main(): with N=0 none does, and $UCP_ALLOCATIONS is a file for their number.
 */

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static atomic_long count;
static long first;
static atomic_bool ready;

static void stop(void) {
	atomic_store(&ready, false);
}

/** Whether this allocation is to fail. */
static bool refused(void) {
	if (!atomic_load(&ready)) {
		return false;
	}
	long n = atomic_fetch_add(&count, 1) + 1;
	if (n == 1) {
		atexit(stop); // noted after main() began, and so done before what gcov writes
	}
	return first > 0 && (n == first || (n > first && (n * 2654435761u >> 8) % 3 == 0));
}

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

void *malloc(size_t size) {
	if (refused()) {
		errno = ENOMEM;
		return NULL;
	}
	return __libc_malloc(size);
}

void *calloc(size_t n, size_t size) {
	if (refused()) {
		errno = ENOMEM;
		return NULL;
	}
	return __libc_calloc(n, size);
}

void *realloc(void *old, size_t size) {
	if (refused()) {
		errno = ENOMEM;
		return NULL;
	}
	return __libc_realloc(old, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
	if (refused()) {
		errno = ENOMEM;
		return NULL;
	}
	return __libc_memalign(alignment, size);
}

int posix_memalign(void **memory, size_t alignment, size_t size) {
	*memory = aligned_alloc(alignment, size);
	return *memory ? 0 : ENOMEM;
}

static void write_file(const char *path, const char *text) {
	int fd = path ? open(path, O_WRONLY | O_CREAT | O_APPEND, 0666) : -1;
	if (fd >= 0) {
		(void)!write(fd, text, strlen(text));
		close(fd);
	}
}

__attribute__((constructor)) static void begin(void) {
	const char *nth = getenv("UCP_NO_MEMORY");
	first = nth ? atol(nth) : 0;
	atomic_store(&ready, true);
}

__attribute__((destructor)) static void end(void) {
	char text[300];
	atomic_store(&ready, false);
	snprintf(text, sizeof(text), "%ld\n", atomic_load(&count));
	write_file(getenv("UCP_ALLOCATIONS"), text);
	for (int fd = 3; fd < 1024; ++fd) {
		char path[32];
		char target[200];
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		ssize_t n = readlink(path, target, sizeof(target) - 1);
		if (n >= 0) {
			target[n] = '\0';
			snprintf(text, sizeof(text), "%d: %s\n", fd, target);
			write_file(getenv("UCP_FDS"), text);
		}
	}
}
