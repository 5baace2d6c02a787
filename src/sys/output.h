// SPDX-License-Identifier: MIT
/**
 * Files that are written to by a name that the user gave, as the log.
 *
 * Others may be able to put something there, as in /tmp. So links of theirs lead nowhere their makers could not write,
 * as in a destination (sys/symlink), and what is there is opened only after its owner is known.
 */

#ifndef UCP_OUTPUT_H
#define UCP_OUTPUT_H

/**
 * Open a file for writing, and make it if it is missing. For the reader of a fifo of ours this waits, as open(2) does.
 *
 * @param flags  More flags of open(2).
 * @return A descriptor or -errno: -EACCES if another user put the file there, or a link on the way to it, and may not
 *         have us write to it. Files that others share with us may be written to, except in sticky directories, as the
 *         kernel has it (fs.protected_regular).
 */
int output_open(const char *path, int flags);

#endif // UCP_OUTPUT_H
