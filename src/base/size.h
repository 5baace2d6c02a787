// SPDX-License-Identifier: MIT
/**
 * Sizes in bytes as users write them.
 */

#ifndef UCP_SIZE_H
#define UCP_SIZE_H

/** Which forms of a size are allowed. */
enum size_form {
	/** Only whole numbers. */
	SIZE_WHOLE,
	/** Also decimals after a point; a fraction of a byte is dropped. */
	SIZE_DECIMAL,
	/** Also decimals, and "/s" at the end. */
	SIZE_RATE,
};

/**
 * Parse a size with an optional suffix as in GNU coreutils: K, M, G, T (1024), KiB, …, kB, MB, … (1000), but in upper
 * or lower case, as in rsync(1).
 *
 * @return 0; -EINVAL if it is no size, or more than 0 but less than a byte; -ERANGE if it is too large.
 */
int parse_size(const char *str, enum size_form form, uint64_t *size);

#endif // UCP_SIZE_H
