// SPDX-License-Identifier: MIT
#include "journal/journal-impl.h"

#include <errno.h>
#include <stdlib.h>
#include <xxhash.h>

/** A finished file: hashes of the copy's inode (never 0), and of the whole record. */
struct journal_slot {
	uint64_t copy;
	uint64_t all;
};

/** The slot of a record. The journal's number is secret, so that other users cannot make two files look alike. */
static struct journal_slot slot_of(const struct journal_finished *finished, uint64_t seed) {
	const uint64_t inode[] = {finished->copy.dev, finished->copy.ino};
	return (struct journal_slot) {
		.copy = max(XXH3_64bits_withSeed(inode, sizeof(inode), seed), (uint64_t)1),
		.all = XXH3_64bits_withSeed(finished, sizeof(*finished), seed),
	};
}

/** The slot of a copy, or the free slot for it. */
static struct journal_slot *find(const struct journal_table *table, uint64_t copy) {
	size_t i = copy % table->size;
	while (table->slots[i].copy != 0 && table->slots[i].copy != copy) {
		i = i + 1 < table->size ? i + 1 : 0;
	}
	return &table->slots[i];
}

int journal_table_add(struct journal_table *table, uint64_t seed, const struct journal_finished *finished,
	uint64_t most) {
	if (!table->slots) {
		// Keep one in five free, so that searches end soon
		table->size = (size_t)(most + most / 4 + 1);
		table->slots = calloc(table->size, sizeof(*table->slots));
	}
	if (!table->slots) {
		return -ENOMEM;
	}
	// If an inode number was reused, the last record counts
	struct journal_slot slot = slot_of(finished, seed);
	*find(table, slot.copy) = slot;
	return 0;
}

bool journal_table_has(const struct journal_table *table, uint64_t seed, const struct journal_finished *finished) {
	if (!table->slots) {
		return false;
	}
	struct journal_slot slot = slot_of(finished, seed);
	const struct journal_slot *there = find(table, slot.copy);
	return there->copy == slot.copy && there->all == slot.all;
}

void journal_table_free(struct journal_table *table) {
	free(table->slots);
	*table = (struct journal_table) {0};
}
