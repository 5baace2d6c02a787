// SPDX-License-Identifier: MIT
/**
 * Changes of modes as users write them: the MODE of chmod(1), in which a D or F before a clause limits it to
 * directories or to everything else, as in rsync(1).
 */

#ifndef UCP_MODES_H
#define UCP_MODES_H

#include <sys/types.h>

/** A list of changes; NULL is the list without any. */
struct modes;

/**
 * Parse a list of changes and append it to another one. Numbers may stand in lists: D2755,F644.
 *
 * @param modes  The list, or NULL; replaced by the longer one, for the caller to free with modes_free().
 * @return 0; -EINVAL if TEXT is no such list, which leaves *MODES as it is; -ENOMEM.
 */
int modes_parse(struct modes **modes, const char *text);

/**
 * Apply the changes to a mode, as chmod(1) does: a number leaves set-id bits of a directory alone unless it names them
 * or has five digits, and a clause without u, g, o and a leaves the bits of the umask alone.
 *
 * @param mode  The mode with its type.
 * @return The new mode with its type.
 */
mode_t modes_apply(const struct modes *modes, mode_t mode, mode_t umask);

/** A number that is the same for equal lists, and with high probability for no others; 0 for NULL. */
uint64_t modes_number(const struct modes *modes);

/** Free a list, or NULL. */
void modes_free(struct modes *modes);

#endif // UCP_MODES_H
