// SPDX-License-Identifier: MIT
/**
 * Assertions that are checked in every build.
 */

#ifndef UCP_MUST_H
#define UCP_MUST_H

#undef NDEBUG
#include <assert.h>

/** Abort, and print the file, the line and the expression, unless X is true; in release builds, too. */
#define must(x) assert(x)

#endif // UCP_MUST_H
