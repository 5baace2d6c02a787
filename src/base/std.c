#include "base/std.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
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

/** A letter as a small one, whatever the locale. */
static char small(char letter) {
	return (char)(letter | 0x20);
}

/** The factor a size suffix of so many letters stands for, or 0. */
static uint64_t suffix_factor(const char *suffix, size_t len) {
	static const char letters[] = "kmgtpe";
	uint64_t base = 1024;

	if (len == 0 || (len == 1 && small(*suffix) == 'b')) {
		return 1;
	}
	const char *letter = strchr(letters, small(*suffix));
	if (len == 2 && small(suffix[1]) == 'b') {
		base = 1000;
	} else if (len > 1 && !(len == 3 && small(suffix[1]) == 'i' && small(suffix[2]) == 'b')) {
		return 0;
	}
	uint64_t factor = 1;
	for (const char *l = letters; letter && l <= letter; ++l) {
		factor *= base;
	}
	return letter ? factor : 0;
}

int parse_size(const char *str, enum size_form form, uint64_t *size) {
	static const char all_digits[] = "0123456789";
	size_t whole = strspn(str, all_digits);
	const char *fraction = str + whole + 1;
	size_t digits = form != SIZE_WHOLE && str[whole] == '.' ? strspn(fraction, all_digits) : 0;
	if (whole == 0 && digits == 0) {
		return -EINVAL;
	}
	const char *suffix = digits > 0 ? fraction + digits : str + whole;
	size_t len = strlen(suffix);
	if (form == SIZE_RATE && len >= 2 && suffix[len - 2] == '/' && small(suffix[len - 1]) == 's') {
		len -= 2;
	}
	uint64_t factor = suffix_factor(suffix, len);
	if (factor == 0) {
		return -EINVAL;
	}
	uint64_t rest = 0;
	bool is_nothing = strspn(str, "0.") >= (size_t)(suffix - str);
	for (size_t i = digits; i-- > 0;) {
		// Exact, for only the last digit is less than a whole byte that is dropped
		rest = ((uint64_t)(fraction[i] - '0') * factor + rest) / 10;
	}
	errno = 0;
	uintmax_t n = strtoumax(str, NULL, 10);
	if (errno == ERANGE || __builtin_mul_overflow(n, factor, &n) || __builtin_add_overflow(n, rest, size)) {
		return -ERANGE;
	}
	return *size == 0 && !is_nothing ? -EINVAL : 0;
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

uint32_t fs_type(int fd) {
	struct statfs fs;
	return fstatfs(fd, &fs) == 0 ? (uint32_t)fs.f_type : 0;
}

int set_times(int fd, const struct timespec times[2]) {
	char path[32];
	if (utimensat(fd, "", times, AT_EMPTY_PATH) == 0) {
		return 0;
	}
	if (errno != EINVAL) {
		return -errno;
	}
	// Linux before 5.8 takes no AT_EMPTY_PATH
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (utimensat(AT_FDCWD, path, times, 0) == 0) {
		return 0;
	}
	int err = errno;
	// A directory is found without /proc, too
	return err == ENOENT && utimensat(fd, ".", times, 0) == 0 ? 0 : -err;
}

double now(void) {
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

void strip_slashes(char *path) {
	size_t len = strlen(path);
	while (len > 1 && path[len - 1] == '/') {
		path[--len] = '\0';
	}
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
