// SPDX-License-Identifier: MIT
/**
 * Growing strings.
 */

#ifndef UCP_BUF_H
#define UCP_BUF_H

/** A growing string. Zero-initialise; free with buf_free(). */
struct buf {
	/** The bytes, NUL-terminated unless NULL. */
	char *data;
	/** Bytes in use, without the NUL. */
	size_t len;
	/** Bytes allocated. */
	size_t size;
	/** Memory ran out: the content is truncated, and nothing more is added. */
	bool failed;
};

/** Append LEN bytes. If memory runs out, only buf::failed is set; buf_free() makes the string usable again. */
void buf_add(struct buf *buf, const void *data, size_t len);

/** Append a string. */
void buf_str(struct buf *buf, const char *str);

/** Append one byte. */
void buf_char(struct buf *buf, char c);

/**
 * Append everything that can be read from a descriptor.
 *
 * @param most  Most bytes that the string may hold, at least those it has: an endless file must not take all memory.
 * @return 0; -EFBIG if there is more, of which one byte was appended; another -errno. buf::data is NULL only without
 *         memory.
 */
int buf_read(struct buf *buf, int fd, size_t most);

/** Free the bytes and make the buffer empty. */
void buf_free(struct buf *buf);

#endif // UCP_BUF_H
