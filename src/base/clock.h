// SPDX-License-Identifier: MIT
/**
 * Time.
 */

#ifndef UCP_CLOCK_H
#define UCP_CLOCK_H

/** Seconds of CLOCK_MONOTONIC. */
double now(void);

#endif // UCP_CLOCK_H
