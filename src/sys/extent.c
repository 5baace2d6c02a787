// SPDX-License-Identifier: MIT
#include "sys/extent.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_cachestat
/** The same on all architectures, but missing in headers of older kernels. */
#	define SYS_cachestat 451
#endif

/** Whether this error of lseek(2) means that the file system does not report holes. */
static bool is_unknown(int err) {
	return err == EINVAL || err == EOPNOTSUPP || err == ENOTTY || err == ESPIPE;
}

int extent_next(int fd, uint64_t offset, uint64_t size, struct extent *extent) {
	if (offset >= size) {
		return 0;
	}
	off_t data = lseek(fd, (off_t)offset, SEEK_DATA);
	if (data < 0 && errno == ENXIO) {
		return 0;
	}
	if (data < 0) {
		if (!is_unknown(errno)) {
			return -errno;
		}
		*extent = (struct extent) {.start = offset, .end = size};
		return 1;
	}
	off_t hole = lseek(fd, data, SEEK_HOLE);
	if (hole < 0 && errno == ENXIO) {
		// The file was truncated meanwhile
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

bool extent_has_hole(int fd, uint64_t size) {
	off_t hole = lseek(fd, 0, SEEK_HOLE);
	// Without SEEK_HOLE all is data; extent_next() reports any other error
	bool none = hole < 0 ? is_unknown(errno) : (uint64_t)hole >= size;
	return !none || lseek(fd, 0, SEEK_SET) != 0;
}

uint64_t extent_sum(int fd, uint64_t size, const atomic_bool *stop) {
	struct extent extent = {0};
	uint64_t sum = 0;
	int ret = 1;
	while (extent.end < size && !(stop && atomic_load(stop)) && (ret = extent_next(fd, extent.end, size, &extent)) > 0)
	{
		sum += extent.end - extent.start;
	}
	return ret < 0 ? size : sum;
}

uint64_t extent_place(int fd) {
	union {
		struct fiemap map;
		char room[sizeof(struct fiemap) + sizeof(struct fiemap_extent)];
	} first = {.map = {.fm_length = FIEMAP_MAX_OFFSET, .fm_extent_count = 1}};
	if (ioctl(fd, FS_IOC_FIEMAP, &first.map) != 0 || first.map.fm_mapped_extents == 0) {
		return 0;
	}
	return first.map.fm_extents[0].fe_physical;
}

static bool is_zero(const char *data, size_t len) {
	return len == 0 || (data[0] == 0 && memcmp(data, data + 1, len - 1) == 0);
}

int extent_is_cached(int fd, struct extent extent) {
	struct {
		uint64_t offset;
		uint64_t length;
	} range = {.offset = extent.start, .length = extent.end - extent.start};
	struct {
		uint64_t cached, dirty, writeback, evicted, recently_evicted;
	} pages = {0};
	if (syscall(SYS_cachestat, fd, &range, &pages, 0) != 0) {
		return -errno;
	}
	uint64_t size = (uint64_t)sysconf(_SC_PAGESIZE);
	return pages.cached >= (extent.end - 1) / size - extent.start / size + 1;
}

bool extent_may_be_cached(int fd, struct extent extent, unsigned char *pages, size_t count) {
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	for (uint64_t at = extent.start / page * page; at < extent.end; at += count * page) {
		size_t len = (size_t)min(extent.end - at, (uint64_t)count * page);
		void *map = mmap(NULL, len, PROT_READ, MAP_SHARED, fd, (off_t)at);
		if (map == MAP_FAILED) {
			return true;
		}
		bool cached = mincore(map, len, pages) != 0;
		for (size_t i = 0; i < (len + page - 1) / page && !cached; ++i) {
			cached = pages[i] & 1;
		}
		munmap(map, len);
		if (cached) {
			return true;
		}
	}
	return false;
}

bool extent_fits(int fd, uint64_t size) {
	struct rlimit limit;
	if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY && size > limit.rlim_cur) {
		return false;
	}
	bool fits = lseek(fd, (off_t)size, SEEK_SET) >= 0 || errno != EINVAL;
	lseek(fd, 0, SEEK_SET);
	return fits;
}

void extent_reserve(int fd, uint64_t size) {
	struct stat st;
	if (fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)size) != 0 && fstat(fd, &st) == 0) {
		// Give back a partial reservation, since other files may need the space
		int ret = ftruncate(fd, st.st_size);
		(void)ret;
	}
}

void extent_reserve_part(int fd, struct extent part) {
	// If there is no room, the write will report it
	int ret = fallocate(fd, FALLOC_FL_KEEP_SIZE, (off_t)part.start, (off_t)(part.end - part.start));
	(void)ret;
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
