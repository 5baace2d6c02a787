/**
 * Numbers of bytes as people write them.
 */

#ifndef UCP_SIZE_H
#define UCP_SIZE_H

/** How a number of bytes may be written. */
enum size_form {
	/** As a whole number. */
	SIZE_WHOLE,
	/** Also with decimals behind a point; what is less than a byte of it does not count. */
	SIZE_DECIMAL,
	/** Also with decimals, and with /s at the end. */
	SIZE_RATE,
};

/**
 * Parse a number of bytes with an optional suffix as in GNU coreutils: K, M, G, T (1024), KiB, …, kB, MB, … (1000), but
 * in small or in capital letters, as in rsync(1).
 *
 * @return 0, -EINVAL if it is no size or more than nothing but less than a byte, -ERANGE if it does not fit.
 */
int parse_size(const char *str, enum size_form form, uint64_t *size);

#endif // UCP_SIZE_H
