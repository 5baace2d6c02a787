// SPDX-License-Identifier: MIT
/**
 * The main thread: resolve the operands, start workers, tick, take signals, sum up.
 */

#ifndef UCP_COORDINATOR_H
#define UCP_COORDINATOR_H

struct opts;
struct report;

/**
 * Copy what the options ask for.
 *
 * @return The signal that ended the run, after everything unfinished was removed, or 0. Problems are reported.
 */
int coordinator_run(const struct opts *opts, struct report *report);

#endif // UCP_COORDINATOR_H
