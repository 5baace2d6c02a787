// SPDX-License-Identifier: MIT
/**
 * The C dialect of ucp. The Makefile includes this before every translation unit.
 */

#ifndef UCP_PRELUDE_H
#define UCP_PRELUDE_H

/** GNU and Linux interfaces: openat, statx, pipe2, getdents64, … */
#define _GNU_SOURCE 1

/** 64-bit off_t and time_t on every machine. */
#define _FILE_OFFSET_BITS 64
#define _TIME_BITS 64

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Arguments from number FIRST on are formatted by argument number FMT, as by printf(3). */
#define attr_printf(fmt, first) __attribute__((format(printf, fmt, first)))

/** Marks an intended fall into the next case. */
#define fallthru __attribute__((fallthrough))

/** The number of elements of an array. */
#define countof(array) (sizeof(array) / sizeof((array)[0]))

/** The smaller of two values, which must have no side effects. */
#define min(a, b) ((a) < (b) ? (a) : (b))

/** The larger of two values, which must have no side effects. */
#define max(a, b) ((a) > (b) ? (a) : (b))

/** The result RET of a system call, or -errno if the call failed. */
static inline int or_errno(int ret) {
	return ret < 0 ? -errno : ret;
}

#endif // UCP_PRELUDE_H
