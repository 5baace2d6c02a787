/**
 * Strings that grow.
 */

#ifndef UCP_BUF_H
#define UCP_BUF_H

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

#endif // UCP_BUF_H
