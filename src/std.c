#include "std.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static bool buf_reserve(struct buf *buf, size_t more) {
	size_t need = buf->len + more + 1;
	if (buf->failed) {
		return false; // lest what is shorter still fits, and letters are missing within
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
		// One byte more than may be kept shows whether there are more
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

/** The factor a size suffix stands for, or 0. */
static uint64_t suffix_factor(const char *suffix) {
	static const char letters[] = "KMGTPE";

	if (*suffix == '\0' || strcmp(suffix, "B") == 0) {
		return 1;
	}
	char first = *suffix == 'k' ? 'K' : *suffix;
	const char *letter = strchr(letters, first);
	if (!letter) {
		return 0;
	}
	uint64_t base = 1024;
	if (strcmp(suffix + 1, "B") == 0) {
		base = 1000;
	} else if (suffix[1] != '\0' && strcmp(suffix + 1, "iB") != 0) {
		return 0;
	}
	uint64_t factor = 1;
	for (const char *l = letters; l <= letter; ++l) {
		factor *= base;
	}
	return factor;
}

int parse_size(const char *str, uint64_t *size) {
	if (*str < '0' || *str > '9') {
		return -EINVAL;
	}
	errno = 0;
	char *end;
	uintmax_t n = strtoumax(str, &end, 10);
	int err = errno;
	uint64_t factor = suffix_factor(end);
	if (factor == 0) {
		return -EINVAL;
	}
	if (err == ERANGE || __builtin_mul_overflow(n, factor, size)) {
		return -ERANGE;
	}
	return 0;
}

int close_fd(int *fd) {
	int old = *fd;
	*fd = -1;
	if (old < 0) {
		return 0;
	}
	// On Linux the descriptor is gone even after EINTR: closing again could hit another file
	if (close(old) != 0 && errno != EINTR) {
		return -errno;
	}
	return 0;
}

double now(void) {
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

const char *last_component(const char *path) {
	const char *base = path;
	for (const char *p = path; *p; ++p) {
		if (*p == '/' && p[1] != '/' && p[1] != '\0') {
			base = p + 1;
		}
	}
	if (base == path) {
		while (*base == '/') {
			++base;
		}
	}
	return base;
}

unsigned next_pow2(unsigned n) {
	unsigned p = 1;
	while (p < n) {
		p *= 2;
	}
	return p;
}

uint64_t random_next(uint64_t *state) {
	uint64_t z = *state += 0x9e3779b97f4a7c15u;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}
