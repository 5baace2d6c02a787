#include "journal/journal-impl.h"

#include <errno.h>
#include <stdlib.h>
#include <xxhash.h>

/** What is noted of a finished file: hashes of the inode that is its copy, never 0, and of all there is to know of both. */
struct journal_slot {
	uint64_t copy;
	uint64_t all;
};

/** A record's slot. The journal's number is nobody else's to know, so nobody can have two files look alike. */
static struct journal_slot slot_of(const struct journal_finished *finished, uint64_t seed) {
	const uint64_t inode[] = {finished->copy.dev, finished->copy.ino};
	return (struct journal_slot) {
		.copy = max(XXH3_64bits_withSeed(inode, sizeof(inode), seed), (uint64_t)1),
		.all = XXH3_64bits_withSeed(finished, sizeof(*finished), seed),
	};
}

/** Where the slot of a copy is, or is to be. */
static struct journal_slot *find(const struct journal_table *table, uint64_t copy) {
	size_t i = copy % table->size;
	while (table->slots[i].copy != 0 && table->slots[i].copy != copy) {
		i = i + 1 < table->size ? i + 1 : 0;
	}
	return &table->slots[i];
}

int journal_table_add(struct journal_table *table, uint64_t seed, const struct journal_finished *finished, uint64_t most) {
	if (!table->slots) {
		// One in five stays free, so that what is not there is soon not found
		table->size = (size_t)(most + most / 4 + 1);
		table->slots = calloc(table->size, sizeof(*table->slots));
	}
	if (!table->slots) {
		return -ENOMEM;
	}
	// Of an inode that was used again the last record counts
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
