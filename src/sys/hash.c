// SPDX-License-Identifier: MIT
#include "sys/hash.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

struct hash {
	XXH3_state_t *state;
	/** Bytes added. */
	uint64_t at;
	/** Bytes from mark to mark, and the marks at 1, 2, 3, … times step. */
	uint64_t step;
	unsigned count;
	XXH128_hash_t marks[HASH_MARKS];
	/** The hash of all bytes, set by hash_end(). */
	XXH128_hash_t whole;

	/** The expected hash, or NULL. */
	const struct hash *made;
	/** The last mark at which all bytes were the same, and the state there. */
	uint64_t good_at;
	XXH3_state_t *good;
	bool mismatch;
};

struct hash *hash_new(void) {
	struct hash *hash = calloc(1, sizeof(*hash));
	if (!hash) {
		return NULL;
	}
	hash->state = XXH3_createState();
	hash->good = XXH3_createState();
	if (!hash->state || !hash->good) {
		hash_free(hash);
		return NULL;
	}
	hash_begin(hash);
	return hash;
}

void hash_free(struct hash *hash) {
	if (hash) {
		XXH3_freeState(hash->state);
		XXH3_freeState(hash->good);
		free(hash);
	}
}

void hash_begin(struct hash *hash) {
	XXH3_128bits_reset(hash->state);
	hash->at = hash->good_at = 0;
	hash->step = HASH_STEP;
	hash->count = 0;
	hash->made = NULL;
	hash->mismatch = false;
}

void hash_expect(struct hash *hash, const struct hash *made) {
	hash_begin(hash);
	hash->made = made;
	hash->step = made->step;
	XXH3_copyState(hash->good, hash->state);
}

/** Record a mark. */
static void mark(struct hash *hash) {
	if (hash->count == HASH_MARKS) {
		for (unsigned i = 0; i < HASH_MARKS / 2; ++i) {
			hash->marks[i] = hash->marks[2 * i + 1];
		}
		hash->count = HASH_MARKS / 2;
		hash->step *= 2;
		if (hash->at % hash->step != 0) {
			return;
		}
	}
	hash->marks[hash->count++] = XXH3_128bits_digest(hash->state);
}

/** Compare with the expected mark here. */
static void compare(struct hash *hash) {
	const struct hash *made = hash->made;
	uint64_t i = hash->at / hash->step - 1;
	if (i >= made->count || !XXH128_isEqual(XXH3_128bits_digest(hash->state), made->marks[i])) {
		hash->mismatch = true;
		return;
	}
	hash->good_at = hash->at;
	XXH3_copyState(hash->good, hash->state);
}

bool hash_add(struct hash *hash, const void *data, size_t len) {
	const char *bytes = data;
	while (len > 0 && !hash->mismatch) {
		size_t n = (size_t)min((uint64_t)len, hash->step - hash->at % hash->step);
		XXH3_128bits_update(hash->state, bytes, n);
		bytes += n;
		len -= n;
		hash->at += n;
		if (hash->at % hash->step != 0) {
			continue;
		}
		if (hash->made) {
			compare(hash);
		} else {
			mark(hash);
		}
	}
	return !hash->mismatch;
}

bool hash_zeros(struct hash *hash, uint64_t len) {
	static const char zeros[HASH_STEP];
	while (len > 0 && !hash->mismatch) {
		size_t n = (size_t)min(len, (uint64_t)sizeof(zeros));
		hash_add(hash, zeros, n);
		len -= n;
	}
	return !hash->mismatch;
}

bool hash_end(struct hash *hash) {
	const struct hash *made = hash->made;
	if (hash->mismatch) {
		return false;
	}
	hash->whole = XXH3_128bits_digest(hash->state);
	if (made && (made->at != hash->at || !XXH128_isEqual(made->whole, hash->whole))) {
		hash->mismatch = true;
	}
	return !hash->mismatch;
}

void hash_mismatch(const struct hash *hash, uint64_t *from, uint64_t *to) {
	*from = hash->good_at;
	*to = min(hash->good_at + hash->step, max(hash->made->at, hash->at));
}

void hash_go_back(struct hash *hash) {
	XXH3_copyState(hash->state, hash->good);
	hash->at = hash->good_at;
	hash->mismatch = false;
}

void hash_text(const struct hash *hash, char text[HASH_TEXT]) {
	XXH128_canonical_t canonical;
	XXH128_canonicalFromHash(&canonical, hash->whole);
	for (size_t i = 0; i < sizeof(canonical.digest); ++i) {
		snprintf(text + 2 * i, 3, "%02x", canonical.digest[i]);
	}
}
