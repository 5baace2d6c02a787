/**
 * The dialect ucp is written in. Included ahead of every translation unit by the Makefile.
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

/** The arguments from FIRST on are formatted by the argument at FMT, as by printf(3). */
#define attr_printf(fmt, first) __attribute__((format(printf, fmt, first)))

/** Falls into the next case on purpose. */
#define fallthru __attribute__((fallthrough))

/** The number of elements of an array. */
#define countof(array) (sizeof(array) / sizeof((array)[0]))

/** The smaller of two values without side effects. */
#define min(a, b) ((a) < (b) ? (a) : (b))

/** The larger of two values without side effects. */
#define max(a, b) ((a) > (b) ? (a) : (b))

/** What a system call returned, or -errno if it failed. */
static inline int or_errno(int ret) {
	return ret < 0 ? -errno : ret;
}

#endif // UCP_PRELUDE_H
