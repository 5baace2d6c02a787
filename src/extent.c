#include "extent.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

int extent_next(int fd, uint64_t offset, uint64_t size, struct extent *extent) {
	if (offset >= size) {
		return 0;
	}
	off_t data = lseek(fd, (off_t)offset, SEEK_DATA);
	if (data < 0 && errno == ENXIO) {
		return 0;
	}
	if (data < 0) {
		if (errno != EINVAL && errno != EOPNOTSUPP && errno != ENOTTY && errno != ESPIPE) {
			return -errno;
		}
		*extent = (struct extent) {.start = offset, .end = size};
		return 1;
	}
	off_t hole = lseek(fd, data, SEEK_HOLE);
	if (hole < 0 && errno == ENXIO) {
		// Cut short since
		return 0;
	}
	if (hole <= data) {
		hole = (off_t)size;
	}
	*extent = (struct extent) {
		.start = (uint64_t)data,
		.end = min((uint64_t)hole, size),
	};
	return extent->start < size;
}

static bool is_zero(const char *data, size_t len) {
	return len == 0 || (data[0] == 0 && memcmp(data, data + 1, len - 1) == 0);
}

size_t extent_zeros(const char *data, size_t len, size_t block) {
	size_t done = 0;
	while (done < len) {
		size_t n = min(block, len - done);
		if (!is_zero(data + done, n)) {
			break;
		}
		done += n;
	}
	return done;
}

size_t extent_nonzeros(const char *data, size_t len, size_t block) {
	size_t done = 0;
	while (done < len) {
		size_t n = min(block, len - done);
		if (is_zero(data + done, n)) {
			break;
		}
		done += n;
	}
	return done;
}
