// SPDX-License-Identifier: MIT
#include "copy/mover.h"

#include "sys/fstype.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/** Bytes of zeros written at a time. */
#define ZEROS (64u << 10)

/** Whether an error may mean that a write was not at the end of the file. */
static bool is_refusal(int err) {
	return err == EINVAL || err == EPERM || err == EOPNOTSUPP || err == ESPIPE;
}

/** Write zeros from the end of the destination up to OFF. Returns whether that succeeded. */
static bool fill(int dst, uint64_t end, uint64_t off) {
	char *zeros = calloc(1, ZEROS);
	while (zeros && end < off) {
		ssize_t n = pwrite(dst, zeros, min(off - end, (uint64_t)ZEROS), (off_t)end);
		if (n <= 0) {
			break;
		}
		end += (uint64_t)n;
	}
	free(zeros);
	return end == off;
}

bool mover_end_at(int dst, int err, uint64_t off, uint64_t kept) {
	struct stat st;
	if (!is_refusal(err) || !fstype_is(dst, FSTYPE_ORDERED) || fstat(dst, &st) != 0) {
		return false;
	}
	uint64_t end = (uint64_t)st.st_size;
	if (end < off) {
		return fill(dst, end, off);
	}
	// A refused write may have succeeded in part, and an interrupted run may have written more than it noted
	return end > off && kept <= off && ftruncate(dst, (off_t)off) == 0;
}
