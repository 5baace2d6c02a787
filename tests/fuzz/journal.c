// SPDX-License-Identifier: MIT
/** Journals from anywhere: reading one ends, stays in bounds, and believes no more than it should. */

#include "fuzz.h"

#include "base/buf.h"
#include "journal/journal-impl.h"

/** Append a record with a checksum that is right. */
static void add(struct buf *buf, unsigned kind, uint64_t seed, const void *payload, size_t len) {
	struct journal_head head = {.magic = JOURNAL_MAGIC, .kind = (uint16_t)kind, .len = (uint16_t)len};
	head.sum = journal_sum(seed, &head, payload);
	buf_add(buf, &head, sizeof(head));
	buf_add(buf, payload, len);
}

/** Parse and forget. */
static void parse(const void *data, size_t size) {
	struct journal_now now = {.mount = 1, .dev = 2, .options = 3};
	struct journal_index index;
	int ret = journal_parse(&index, &now, data, size);
	MUST((ret == 0 || ret == -EPROTO) && index.valid <= size);
	journal_index_clear(&index);
}

/** Ranges, too, are made of what comes from outside. */
static void try_ranges(const uint8_t *data, size_t size) {
	struct journal_ranges ranges = {0};
	for (size_t i = 0; i + 4 <= size; i += 4) {
		uint64_t start = data[i] | (uint64_t)data[i + 1] << 8;
		MUST(journal_ranges_add(&ranges, start, start + 1 + data[i + 2]) == 0);
		if (data[i + 3] % 8 == 0) {
			journal_ranges_order(&ranges);
		}
	}
	journal_ranges_order(&ranges);
	for (size_t i = 0; i + 4 <= size; i += 4) {
		uint64_t start = data[i] | (uint64_t)data[i + 1] << 8;
		struct extent gap;
		MUST(!journal_ranges_gap(&ranges, start, start + 1 + data[i + 2], &gap));
	}
	for (size_t i = 1; i < ranges.count; ++i) {
		MUST(ranges.list[i - 1].end < ranges.list[i].start);
	}
	free(ranges.list);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	parse(data, size);

	// No checksum is found by chance: kinds, lengths and what follows, as a journal of which all sums are right
	struct buf buf = {0};
	const struct journal_now run = {.mount = size ? data[0] & 1u : 0, .dev = 2, .options = 3};
	add(&buf, JOURNAL_FIRST, 0, &(struct journal_first) {.id = 1}, sizeof(struct journal_first));
	add(&buf, JOURNAL_RUN, 1, &run, sizeof(run));
	for (size_t i = 0; i + 2 <= size;) {
		size_t len = data[i + 1] < size - i - 2 ? data[i + 1] : size - i - 2;
		add(&buf, data[i] % (JOURNAL_MARK + 2), 1, data + i + 2, len);
		i += 2 + len;
	}
	MUST(buf.data);
	parse(buf.data, buf.len);
	buf_free(&buf);

	try_ranges(data, size);
	return 0;
}
