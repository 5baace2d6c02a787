// SPDX-License-Identifier: MIT
/**
 * Time.
 */

#ifndef UCP_CLOCK_H
#define UCP_CLOCK_H

#include <stdbool.h>
#include <time.h>

/** Seconds of CLOCK_MONOTONIC. */
double now(void);

/** Whether two times are the same to the nanosecond. */
static inline bool time_same(struct timespec a, struct timespec b) {
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

#endif // UCP_CLOCK_H
