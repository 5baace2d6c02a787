// SPDX-License-Identifier: MIT
/**
 * Extents of data, holes and zeros in a file.
 */

#ifndef UCP_EXTENT_H
#define UCP_EXTENT_H

#include "base/thread.h"

#include <sys/types.h>

/** Part of a file: from START up to, but not including, END. The journal's file has such parts: journal_written. */
struct extent {
	uint64_t start;
	uint64_t end;
};

/**
 * Find the first data at or after OFFSET (SEEK_DATA and SEEK_HOLE, lseek(2)). If the file system does not report holes,
 * everything is data. Moves the descriptor's position.
 *
 * @return 1 if there is data before SIZE, 0 if only a hole follows, or -errno.
 */
int extent_next(int fd, uint64_t offset, uint64_t size, struct extent *extent);

/**
 * Whether a file has, or may have, a hole before SIZE. A file with fewer blocks than its size may also be compressed,
 * so ask this. If the answer is no, the descriptor's position is at the start.
 */
bool extent_has_hole(int fd, uint64_t size);

/**
 * How many bytes of data a file has between its holes; SIZE if that cannot be found out. Moves the descriptor's
 * position.
 *
 * @param stop  Ends the count early, with an arbitrary result, once set; or NULL.
 */
uint64_t extent_sum(int fd, uint64_t size, const atomic_bool *stop);

/**
 * Whether part of a file is in the page cache; asking reads nothing from the medium (cachestat(2), Linux 6.5).
 *
 * @return 1, 0 or -errno: -ENOSYS on older kernels.
 */
int extent_is_cached(int fd, struct extent extent);

/**
 * Whether any page of part of a file is, or may be, in the page cache (mincore(2)). Works on all kernels, but the file
 * must be open for reading, and be ours or writable for us. A page that is cached in part may go unnoticed.
 *
 * @param pages  Buffer of COUNT bytes: COUNT pages are asked about at a time.
 */
bool extent_may_be_cached(int fd, struct extent extent, unsigned char *pages, size_t count);

/**
 * Whether a regular file may grow to SIZE bytes: by the limit of the file system, at which lseek(2) fails with EINVAL,
 * and that of the process (RLIMIT_FSIZE). Sets the position of FD to 0.
 */
bool extent_fits(int fd, uint64_t size);

/**
 * Reserve SIZE bytes for a file without holes that nothing was written to (FALLOC_FL_KEEP_SIZE, fallocate(2)). This
 * makes writing cheaper on file systems with FSTYPE_RESERVES. After a failure nothing is reserved, and writing will
 * report the error. ftruncate(2) gives back the unwritten part.
 */
void extent_reserve(int fd, uint64_t size);

/** As extent_reserve(), for a range of a file with holes; others may write to it. A failure may reserve a part. */
void extent_reserve_part(int fd, struct extent part);

/**
 * Where the data of a file begins: bytes from the beginning of the medium (FIEMAP), or 0 if that is not known. Does not
 * write anything back.
 */
uint64_t extent_place(int fd);

/**
 * How many of the LEN bytes at DATA are zero from the start, in whole blocks of BLOCK bytes; the last block may be
 * shorter.
 */
size_t extent_zeros(const char *data, size_t len, size_t block);

/** How many bytes precede the next block of zeros. BLOCK as in extent_zeros(). */
size_t extent_nonzeros(const char *data, size_t len, size_t block);

#endif // UCP_EXTENT_H
