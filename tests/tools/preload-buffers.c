// SPDX-License-Identifier: MIT
/**
 * To be preloaded. Lets threads other than the first one have one buffer among them (mmap(2) of anonymous memory), and
 * refuses all further ones. At the end the file $UCP_REFUSED says how many that were.
 */

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/** Bytes of the smallest buffer. */
#define BUFFER 16384

static atomic_uint asked;

void *mmap64(void *addr, size_t len, int prot, int flags, int fd, off_t off) {
	bool buffer = (flags & MAP_ANONYMOUS) && prot == (PROT_READ | PROT_WRITE) && len >= BUFFER;
	if (buffer && gettid() != getpid() && atomic_fetch_add(&asked, 1) > 0) {
		errno = ENOMEM;
		return MAP_FAILED;
	}
	// NOLINTNEXTLINE(performance-no-int-to-ptr): what the system call returns is an address
	return (void *)syscall(SYS_mmap, addr, len, prot, flags, fd, off);
}

__attribute__((destructor)) static void end(void) {
	const char *path = getenv("UCP_REFUSED");
	FILE *file = path ? fopen(path, "w") : NULL;
	if (file) {
		unsigned count = atomic_load(&asked);
		fprintf(file, "%u\n", count > 0 ? count - 1 : 0);
		fclose(file);
	}
}
