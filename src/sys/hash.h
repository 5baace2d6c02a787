// SPDX-License-Identifier: MIT
/**
 * Hashes of a file's bytes (XXH3, 128 bits), which also find where other bytes first differ. The only user of
 * libxxhash.
 *
 * A hash records marks on the way, each the hash of all bytes before it. Another hash that expects these marks notices
 * at the next mark that its bytes differ, without needing the first bytes again. When there are too many marks every
 * second one is dropped, so a file of any size needs the same memory.
 */

#ifndef UCP_HASH_H
#define UCP_HASH_H

/** Most marks; and the bytes between two marks at first. */
#define HASH_MARKS 1024
#define HASH_STEP (64u << 10)

/** Size of a hash as text, with the NUL. */
#define HASH_TEXT 33

/** A hash under way. */
struct hash;

/** Allocate a hash; NULL without memory. */
struct hash *hash_new(void);

/** Free a hash. NULL is ignored. */
void hash_free(struct hash *hash);

/** Start a hash over, with no bytes. */
void hash_begin(struct hash *hash);

/** Start a hash over that expects the bytes of MADE, which has ended and must not change meanwhile. */
void hash_expect(struct hash *hash, const struct hash *made);

/** Add bytes. Returns false once they differ from the expected ones; further bytes are then ignored. */
bool hash_add(struct hash *hash, const void *data, size_t len);

/** Add LEN zeros. Returns as hash_add(). */
bool hash_zeros(struct hash *hash, uint64_t len);

/** End the bytes. Returns whether they are the expected ones, if any, and as many. */
bool hash_end(struct hash *hash);

/** After a mismatch: the bytes up to *FROM are the same, and some byte between *FROM and *TO differs. */
void hash_mismatch(const struct hash *hash, uint64_t *from, uint64_t *to);

/** After a mismatch: go back to *FROM, to compare other bytes from there on. */
void hash_go_back(struct hash *hash);

/** The hash of all bytes, after hash_end(), as xxhsum(1) writes it. */
void hash_text(const struct hash *hash, char text[HASH_TEXT]);

#endif // UCP_HASH_H
