/**
 * Paths as strings.
 */

#ifndef UCP_PATH_H
#define UCP_PATH_H

/** The last component of a path, trailing slashes included; "" for "/". Points into PATH. */
const char *last_component(const char *path);

/** Cut the slashes off the end of a path, but for the one of "/". */
void strip_slashes(char *path);

#endif // UCP_PATH_H
