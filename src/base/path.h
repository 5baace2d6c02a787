/**
 * Paths as strings.
 */

#ifndef UCP_PATH_H
#define UCP_PATH_H

/** The last component of a path, with trailing slashes; "" for "/". Points into PATH. */
const char *last_component(const char *path);

/** The directory that a path is in, "." if it names none; the caller frees it. NULL without memory. */
char *parent_directory(const char *path);

/** Remove trailing slashes from a path; "/" stays. */
void strip_slashes(char *path);

#endif // UCP_PATH_H
