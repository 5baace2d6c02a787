// SPDX-License-Identifier: MIT
#include "base/buf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool buf_reserve(struct buf *buf, size_t more) {
	size_t need = buf->len + more + 1;
	if (buf->failed) {
		return false; // After one failure refuse all: a shorter string could still fit and leave a gap
	}
	if (need <= buf->size) {
		return true;
	}
	size_t size = max(need, buf->size * 2);
	char *data = realloc(buf->data, size);
	if (!data) {
		buf->failed = true;
		return false;
	}
	buf->data = data;
	buf->size = size;
	return true;
}

void buf_add(struct buf *buf, const void *data, size_t len) {
	if (!buf_reserve(buf, len)) {
		return;
	}
	memcpy(buf->data + buf->len, data, len);
	buf->len += len;
	buf->data[buf->len] = '\0';
}

void buf_str(struct buf *buf, const char *str) {
	buf_add(buf, str, strlen(str));
}

void buf_char(struct buf *buf, char c) {
	buf_add(buf, &c, 1);
}

int buf_read(struct buf *buf, int fd, size_t most) {
	for (;;) {
		if (!buf_reserve(buf, 4096)) {
			return -ENOMEM;
		}
		// Reading one byte too many shows whether there is more
		size_t room = min(buf->size - 1, most + 1) - buf->len;
		ssize_t n = read(fd, buf->data + buf->len, room);
		if (n < 0 && errno == EINTR) {
			continue;
		}
		buf->data[buf->len += (size_t)max(n, (ssize_t)0)] = '\0';
		if (n <= 0) {
			return n < 0 ? -errno : 0;
		}
		if (buf->len > most) {
			return -EFBIG;
		}
	}
}

void buf_free(struct buf *buf) {
	free(buf->data);
	*buf = (struct buf) {0};
}
