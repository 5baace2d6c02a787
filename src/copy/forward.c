#include "copy/file-impl.h"

#include "sys/extent.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/** Zeros are written so many at a time. */
#define ZEROS (64u << 10)

/** Whether an error may mean that a write is not where the file ends. */
static bool is_refusal(int err) {
	return err == EINVAL || err == EPERM || err == EOPNOTSUPP || err == ESPIPE;
}

/** Write zeros from the end of the destination up to OFF. Returns whether that went well. */
static bool fill(const struct file *file, uint64_t end, uint64_t off) {
	char *zeros = calloc(1, ZEROS);
	while (zeros && end < off) {
		ssize_t n = pwrite(file->target.fd, zeros, min(off - end, (uint64_t)ZEROS), (off_t)end);
		if (n <= 0) {
			break;
		}
		end += (uint64_t)n;
	}
	free(zeros);
	return end == off;
}

/** Whether an earlier run has left something behind an offset that is not going to be written again. */
static bool has_more(const struct file *file, uint64_t off) {
	const struct journal_ranges *done = file->part ? &file->part->done : NULL;
	return done && done->count > 0 && done->list[done->count - 1].end > off;
}

bool file_move_end(const struct file *file, int err, uint64_t off) {
	struct stat st;
	if (!is_refusal(err) || (file->target.flags & TARGET_SPECIAL) || (file->flags & FILE_SHARED) || !extent_wants_order(file->target.fd)
		|| fstat(file->target.fd, &st) != 0)
	{
		return false;
	}
	uint64_t end = (uint64_t)st.st_size;
	if (end < off) {
		return fill(file, end, off);
	}
	// A write that was refused may have got through in part, and an interrupted run got further than it noted
	return end > off && !has_more(file, off) && ftruncate(file->target.fd, (off_t)off) == 0;
}
