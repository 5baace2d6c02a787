// SPDX-License-Identifier: MIT
/**
 * warm GIB: touch and free so much memory, and print the seconds it took.
 *
 * Where memory has lain free for long, the first to touch it pays for more than a page: whoever runs first in a race
 * would pay for all.
 */

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#define PAGE 4096

static double seconds(void) {
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int main(int argc, char **argv) {
	size_t size = argc == 2 ? (size_t)(atof(argv[1]) * (1 << 30)) : 0;
	if (size == 0) {
		fprintf(stderr, "usage: warm GIB\n");
		return 2;
	}
	double start = seconds();
	char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED) {
		perror("warm");
		return 1;
	}
	madvise(memory, size, MADV_HUGEPAGE);
	for (size_t i = 0; i < size; i += PAGE) {
		((volatile char *)memory)[i] = 1;
	}
	printf("%.3f\n", seconds() - start);
	return 0;
}
