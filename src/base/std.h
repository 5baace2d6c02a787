/**
 * Small helpers the standard library lacks.
 */

#ifndef UCP_STD_H
#define UCP_STD_H

#include <sys/types.h>

struct timespec;

/** A string that grows. Zero-initialise; free with buf_free(). */
struct buf {
	/** The bytes, NUL-terminated unless NULL. */
	char *data;
	/** Bytes in use, without the NUL. */
	size_t len;
	/** Bytes allocated. */
	size_t size;
	/** Set when memory ran out: the content is cut short, and nothing is added any more. */
	bool failed;
};

/** Append LEN bytes. On lack of memory only buf::failed is set; buf_free() makes it usable again. */
void buf_add(struct buf *buf, const void *data, size_t len);

/** Append a string. */
void buf_str(struct buf *buf, const char *str);

/** Append one byte. */
void buf_char(struct buf *buf, char c);

/**
 * Append what is to be read from a descriptor up to its end.
 *
 * @param most  The most bytes that the buffer is to hold, not less than it does: what never ends must not take all memory.
 * @return 0; -EFBIG if there is more, of which one byte was read; another -errno. The buffer is NULL only without memory.
 */
int buf_read(struct buf *buf, int fd, size_t most);

/** Free the bytes and make the buffer empty. */
void buf_free(struct buf *buf);

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

/** Close a descriptor if it is one, and set it to -1. Returns 0 or -errno; the descriptor is gone either way. */
int close_fd(int *fd);

/** The type of the file system that a descriptor's file is on (statfs(2), f_type); 0 if it cannot be found out. */
uint32_t fs_type(int fd);

/** Set the times of what a descriptor is about, be it made with O_PATH (utimensat(2)). Returns 0 or -errno. */
int set_times(int fd, const struct timespec times[2]);

/** Seconds of CLOCK_MONOTONIC. */
double now(void);

/** The last component of a path, trailing slashes included; "" for "/". Points into PATH. */
const char *last_component(const char *path);

/** Cut the slashes off the end of a path, but for the one of "/". */
void strip_slashes(char *path);

/** The smallest power of two that is not below N (at least 1). */
unsigned next_pow2(unsigned n);

/** The next number of a seeded sequence (splitmix64), for injected faults. */
uint64_t random_next(uint64_t *state);

#endif // UCP_STD_H
