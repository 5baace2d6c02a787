// SPDX-License-Identifier: MIT
/**
 * A disk with a volatile cache whose power fails: what was written since the last flush is there, or is not, block by
 * block, and nothing that is written later.
 */

#ifndef UCP_FAULTS_POWER_H
#define UCP_FAULTS_POWER_H

#include <stddef.h>
#include <sys/types.h>

/**
 * Obey a command, one of
 *
 *     volatile     from now on what is written is in a cache until the next flush
 *     cut SEED     the power fails; the seed chooses the blocks of the cache that are lost
 *
 * @return 0, -EINVAL for any other command, or -ENOMEM.
 */
int power_command(const char *command);

/** Whether a cache is simulated: then allocating and freeing of ranges, which the cache does not know, must fail. */
bool power_is_on(void);

/** Write like pwrite(2). @return the bytes, or -errno. */
ssize_t power_write(int fd, const char *data, size_t len, off_t off);

/** Flush like fdatasync(2): what was written until now stays. @return 0 or -errno. */
int power_flush(int fd);

#endif // UCP_FAULTS_POWER_H
