// SPDX-License-Identifier: MIT
/**
 * Paths as strings.
 */

#ifndef UCP_PATH_H
#define UCP_PATH_H

/** The last component of a path, with trailing slashes; "" for "/". Points into PATH. */
const char *last_component(const char *path);

/**
 * The directory that a path is in, with the slash behind it, or "." if the path names none; the caller frees it. NULL
 * with errno set without memory.
 */
char *parent_directory(const char *path);

/** Remove trailing slashes from a path; "/" stays. */
void strip_slashes(char *path);

#endif // UCP_PATH_H
