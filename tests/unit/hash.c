// SPDX-License-Identifier: MIT
/**
 * hash.c: what the hash of some bytes is, and where others part from them.
 */

#include "unit.h"

#include "sys/hash.h"

#include <stdlib.h>

#define STEP HASH_STEP

/** Bytes that differ from place to place. */
static char *make_bytes(size_t len) {
	char *data = malloc(len + 1);
	REQUIRE(data);
	for (size_t i = 0; i < len; ++i) {
		data[i] = (char)(i * 31 + i / 251);
	}
	return data;
}

static struct hash *made_of(const char *data, size_t len) {
	struct hash *hash = hash_new();
	REQUIRE(hash);
	CHECK(hash_add(hash, data, len));
	CHECK(hash_end(hash));
	return hash;
}

/** Retrace in pieces of a size. Returns whether all was the same. */
static bool retrace(struct hash *hash, const struct hash *made, const char *data, size_t len, size_t piece) {
	hash_expect(hash, made);
	for (size_t at = 0; at < len; at += piece) {
		if (!hash_add(hash, data + at, min(piece, len - at))) {
			return false;
		}
	}
	return hash_end(hash);
}

// What `xxhsum -H2` says
TEST(known_values) {
	char text[HASH_TEXT];
	struct hash *hash = made_of("", 0);
	hash_text(hash, text);
	CHECK_STR(text, "99aa06d3014798d86001c324468d497f");
	hash_begin(hash);
	hash_add(hash, "a", 1);
	hash_end(hash);
	hash_text(hash, text);
	CHECK_STR(text, "a96faf705af16834e6c632b61e964e1f");
	hash_free(hash);
}

TEST(zeros_are_bytes) {
	char text[2][HASH_TEXT];
	char *zeros = calloc(1, 3 * STEP + 5);
	REQUIRE(zeros);
	struct hash *hash = made_of(zeros, 3 * STEP + 5);
	struct hash *other = hash_new();
	REQUIRE(other);
	CHECK(hash_zeros(other, 3 * STEP + 5) && hash_end(other));
	hash_text(hash, text[0]);
	hash_text(other, text[1]);
	CHECK_STR(text[0], text[1]);
	hash_free(hash);
	hash_free(other);
	free(zeros);
}

TEST(pieces_do_not_matter) {
	static const size_t pieces[] = {7, 4096, STEP - 1, STEP, STEP + 1, 10 * STEP};
	static const size_t sizes[] = {0, 1, STEP - 1, STEP, STEP + 1, 3 * STEP, 3 * STEP + 100};
	struct hash *check = hash_new();
	REQUIRE(check);
	for (size_t i = 0; i < countof(sizes); ++i) {
		char *data = make_bytes(sizes[i]);
		struct hash *made = made_of(data, sizes[i]);
		for (size_t j = 0; j < countof(pieces); ++j) {
			CHECK(retrace(check, made, data, sizes[i], pieces[j]));
		}
		hash_free(made);
		free(data);
	}
	hash_free(check);
}

/** Spoil a byte: it is found between two marks, and what was there before is told from it. */
static void spoil(const struct hash *made, char *data, size_t len, size_t at) {
	uint64_t from;
	uint64_t to;
	struct hash *check = hash_new();
	REQUIRE(check);
	data[at] ^= 64;
	CHECK(!retrace(check, made, data, len, 5000));
	hash_mismatch(check, &from, &to);
	CHECK_EQ(from, at / STEP * STEP);
	CHECK_EQ(to, min((at / STEP + 1) * STEP, len));
	// What is not as it was is seen again, also where the file ends
	hash_go_back(check);
	CHECK(!hash_add(check, data + from, (size_t)(to - from)) || (to == len && !hash_end(check)));
	data[at] ^= 64;
	hash_go_back(check);
	CHECK(hash_add(check, data + from, (size_t)(to - from)));
	CHECK(to < len || hash_end(check));
	hash_free(check);
}

TEST(a_spoiled_byte_is_found) {
	static const size_t sizes[] = {1, STEP, STEP + 1, 3 * STEP, 4 * STEP - 9};
	for (size_t i = 0; i < countof(sizes); ++i) {
		char *data = make_bytes(sizes[i]);
		struct hash *made = made_of(data, sizes[i]);
		for (size_t at = 0; at < sizes[i]; at += STEP / 3) {
			spoil(made, data, sizes[i], at);
		}
		spoil(made, data, sizes[i], sizes[i] - 1);
		hash_free(made);
		free(data);
	}
}

TEST(too_few_and_too_many_bytes) {
	static const size_t sizes[] = {10, STEP, 2 * STEP, 2 * STEP + 10};
	for (size_t i = 0; i < countof(sizes); ++i) {
		size_t len = sizes[i];
		uint64_t from;
		uint64_t to;
		char *data = make_bytes(len + STEP);
		struct hash *made = made_of(data, len);
		struct hash *check = hash_new();
		REQUIRE(check);
		CHECK(!retrace(check, made, data, len - 1, 4096));
		hash_mismatch(check, &from, &to);
		CHECK(from <= len - 1 && to >= len);
		CHECK(!retrace(check, made, data, len + 1, 4096));
		hash_mismatch(check, &from, &to);
		CHECK(from <= len && to >= len + 1);
		CHECK(!retrace(check, made, data, len + STEP, 4096));
		CHECK(!retrace(check, made, data, 0, 4096));
		hash_free(check);
		hash_free(made);
		free(data);
	}
}

// The marks get further apart, and still all are found
TEST(more_bytes_than_there_are_marks_for) {
	const uint64_t size = (uint64_t)STEP * HASH_MARKS * 2 + 3 * STEP + 17;
	struct hash *made = hash_new();
	struct hash *check = hash_new();
	REQUIRE(made && check);
	hash_zeros(made, size);
	CHECK(hash_end(made));
	hash_expect(check, made);
	CHECK(hash_zeros(check, size));
	CHECK(hash_end(check));
	for (unsigned i = 0; i < 4; ++i) {
		uint64_t from;
		uint64_t to;
		uint64_t at = i == 3 ? size - 1 : size / 3 * i + i;
		hash_expect(check, made);
		CHECK(hash_zeros(check, at));
		hash_add(check, "x", 1);
		CHECK(!hash_zeros(check, size - at - 1) || !hash_end(check));
		hash_mismatch(check, &from, &to);
		CHECK(from <= at && at < to && to - from <= 4 * STEP);
	}
	hash_free(made);
	hash_free(check);
}

UNIT_MAIN
