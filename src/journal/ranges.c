// SPDX-License-Identifier: MIT
#include "journal/journal-impl.h"

#include "base/array.h"

#include <errno.h>
#include <stdlib.h>

static int by_start(const void *a, const void *b) {
	uint64_t x = ((const struct extent *)a)->start;
	uint64_t y = ((const struct extent *)b)->start;
	return (x > y) - (x < y);
}

void journal_ranges_order(struct journal_ranges *ranges) {
	size_t count = 0;
	if (!ranges->list || ranges->ordered == ranges->count) {
		return;
	}
	qsort(ranges->list, ranges->count, sizeof(*ranges->list), by_start);
	for (size_t i = 1; i < ranges->count; ++i) {
		struct extent *last = &ranges->list[count];
		const struct extent *next = &ranges->list[i];
		if (next->start <= last->end) {
			last->end = max(last->end, next->end);
		} else {
			ranges->list[++count] = *next;
		}
	}
	ranges->ordered = ranges->count = count + 1;
}

/**
 * Make room for one more range. Sorting may free room by merging, but at least half of it, or sorting would not pay.
 */
static int make_room(struct journal_ranges *ranges) {
	if (ranges->list && ranges->count < ranges->size) {
		return 0;
	}
	journal_ranges_order(ranges);
	if (ranges->list && ranges->count <= ranges->size / 2) {
		return 0;
	}
	return array_grow(&ranges->list, &ranges->size, sizeof(*ranges->list));
}

int journal_ranges_add(struct journal_ranges *ranges, uint64_t start, uint64_t end) {
	struct extent *last = ranges->count > 0 ? &ranges->list[ranges->count - 1] : NULL;
	bool ordered = ranges->ordered == ranges->count;
	// Most ranges follow the previous one
	if (last && start <= last->end && end >= last->start && (start >= last->start || !ordered)) {
		last->start = min(start, last->start);
		last->end = max(end, last->end);
		return 0;
	}
	int ret = make_room(ranges);
	if (ret < 0) {
		return ret;
	}
	ordered = ranges->ordered == ranges->count;
	last = ranges->count > 0 ? &ranges->list[ranges->count - 1] : NULL;
	ranges->list[ranges->count++] = (struct extent) {.start = start, .end = end};
	ranges->ordered += ordered && (!last || start > last->end) ? 1 : 0;
	return 0;
}

/** The first range that ends at or after an offset. */
static size_t first_behind(const struct journal_ranges *ranges, uint64_t offset) {
	size_t low = 0;
	size_t high = ranges->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (ranges->list[middle].end < offset) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return low;
}

bool journal_ranges_gap(const struct journal_ranges *ranges, uint64_t start, uint64_t end, struct extent *gap) {
	for (size_t i = first_behind(ranges, start); i < ranges->count && start < end; ++i) {
		const struct extent *range = &ranges->list[i];
		if (range->end <= start) {
			continue;
		}
		if (range->start > start) {
			*gap = (struct extent) {.start = start, .end = min(end, range->start)};
			return true;
		}
		start = range->end;
	}
	*gap = (struct extent) {.start = start, .end = end};
	return start < end;
}
