// SPDX-License-Identifier: MIT
#include "copy/file-impl.h"

#include "base/must.h"

#include <sys/stat.h>

/** Set the size if no data follows: the source may have been truncated, rather than end in a hole. The lock is held. */
static void forget_lost_end(struct file *file) {
	struct stat st;
	if (fstat(file->source.fd, &st) == 0 && (uint64_t)st.st_size < file->size) {
		file->size = (uint64_t)st.st_size;
	}
}

/** Find the next range; the lock is held. */
static bool next_range(struct file *file, uint64_t want, struct extent *range) {
	if (file->cursor >= file->size || file->fail.text) {
		return false;
	}
	range->start = file->cursor;
	range->end = file->size;
	if (file->plan.flags & PLAN_SKIP_HOLES) {
		int ret = extent_next(file->source.fd, file->cursor, file->size, range);
		if (ret < 0) {
			file->fail = error_make(ERROR_SEEK, ret, "cannot lseek %s");
			file->flags |= FILE_INCOMPLETE;
			file->keep = min(file->keep, file->cursor);
		}
		if (ret == 0) {
			forget_lost_end(file);
		}
		file->holes += (ret > 0 ? range->start : max(file->size, file->cursor)) - file->cursor;
		if (ret <= 0) {
			file->cursor = file->size;
			return false;
		}
	}
	if (range->end - range->start > want) {
		range->end = range->start + want;
	}
	must(range->end <= file->size);
	file->cursor = range->end;
	return true;
}

bool file_claim(struct file *file, uint64_t want, struct extent *range) {
	mutex_lock(&file->lock);
	bool claimed = next_range(file, want, range);
	while (claimed && file->part && !file_skip_written(file, range)) {
		claimed = next_range(file, want, range);
	}
	mutex_unlock(&file->lock);
	if (claimed && (file->plan.flags & PLAN_RESERVE_PARTS) && plan_reserves(&file->plan, range->end - range->start)) {
		extent_reserve_part(file->target.fd, *range);
	}
	return claimed;
}

bool file_move_end(const struct file *file, int err, uint64_t off) {
	const struct journal_ranges *done = file->part ? &file->part->done : NULL;
	uint64_t kept = done && done->count > 0 ? done->list[done->count - 1].end : 0;
	return !(file->target.flags & TARGET_SPECIAL) && !(file->flags & FILE_SHARED)
		&& mover_end_at(file->target.fd, err, off, kept);
}
