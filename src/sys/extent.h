/**
 * Where the data of a file is, and where only zeros are.
 */

#ifndef UCP_EXTENT_H
#define UCP_EXTENT_H

#include "base/thread.h"

#include <sys/types.h>

/** A part of a file: from START up to, not including, END. */
struct extent {
	uint64_t start;
	uint64_t end;
};

/**
 * Find the first data at or after an offset (SEEK_DATA and SEEK_HOLE, lseek(2)).
 * Where the file system cannot tell, everything is data. Moves the descriptor's position.
 *
 * @return 1 if there is data before SIZE, 0 if only a hole follows, or -errno.
 */
int extent_next(int fd, uint64_t offset, uint64_t size, struct extent *extent);

/**
 * Whether a file has a hole before SIZE, or may have one since that cannot be found out. If it has fewer blocks than its size,
 * that may also be because the file system compresses. If it has no hole, the descriptor's position is at the start then.
 */
bool extent_has_hole(int fd, uint64_t size);

/**
 * How many bytes of data a file has between its holes; SIZE if that cannot be found out. Moves the descriptor's position.
 *
 * @param stop  What ends this early when it is set, with any result; or NULL.
 */
uint64_t extent_sum(int fd, uint64_t size, const atomic_bool *stop);

/**
 * Whether a part of a file is in the page cache, found out without causing any reading (cachestat(2), Linux 6.5).
 *
 * @return 1, 0 or -errno: -ENOSYS on older kernels.
 */
int extent_is_cached(int fd, struct extent extent);

/**
 * Whether any page of a part of a file is in the page cache, or may be (mincore(2)). On all kernels, but the file must be open
 * for reading and be ours, or be one we may write to. Of a page that is there in part only nothing is said.
 *
 * @param pages  Room for COUNT bytes: the part is looked at by so many pages at once.
 */
bool extent_may_be_cached(int fd, struct extent extent, unsigned char *pages, size_t count);

/**
 * Have the file system set SIZE bytes aside for a file that nobody writes to yet, and that will have no holes, where that makes
 * writing cheaper (FALLOC_FL_KEEP_SIZE, fallocate(2)). If it does not, nothing is set aside, and writing will tell why. An
 * ftruncate(2) is needed to give back what was not written to.
 */
void extent_reserve(int fd, uint64_t size);

/**
 * Whether a file may be on a file system that takes writes only one behind the other. Some that are reached by FUSE or 9p
 * do, as what keeps the data (an object store, say) takes it only so.
 */
bool extent_wants_order(int fd);

/** How many of the LEN bytes at DATA, counted in whole blocks of BLOCK bytes and a rest, are zero from the start. */
size_t extent_zeros(const char *data, size_t len, size_t block);

/** How many bytes come before the next block of zeros. */
size_t extent_nonzeros(const char *data, size_t len, size_t block);

#endif // UCP_EXTENT_H
