/**
 * Hashes of the bytes of a file (XXH3, 128 bits), and where other bytes first part from those. The only user of
 * libxxhash.
 *
 * On the way a hash leaves marks, each the hash of all bytes before it. Another hash that expects them sees at the
 * next mark that its bytes are not the same, whatever became of the first ones meanwhile. When there are too many marks
 * every other is forgotten, so a file of any size needs the same memory.
 */

#ifndef UCP_HASH_H
#define UCP_HASH_H

/** Most marks; and bytes from one to the next until there are as many. */
#define HASH_MARKS 1024
#define HASH_STEP (64u << 10)

/** Bytes of a hash as text, with the NUL. */
#define HASH_TEXT 33

/** A hash under way. */
struct hash;

/** Make a hash; NULL without memory. */
struct hash *hash_new(void);

/** Free it. NULL is ignored. */
void hash_free(struct hash *hash);

/** Begin with no bytes. */
void hash_begin(struct hash *hash);

/** Begin to expect a hash that has ended, and stays as it is meanwhile. */
void hash_expect(struct hash *hash, const struct hash *made);

/** Add bytes. Returns false once they differ from those that are expected; they are not looked at then. */
bool hash_add(struct hash *hash, const void *data, size_t len);

/** Add LEN zeros. Returns as hash_add(). */
bool hash_zeros(struct hash *hash, uint64_t len);

/** All bytes were added. Returns whether they are those expected, if any, and as many. */
bool hash_end(struct hash *hash);

/** After parting: the bytes up to *FROM are the same, and between *FROM and *TO something is not. */
void hash_mismatch(const struct hash *hash, uint64_t *from, uint64_t *to);

/** After a mismatch: go back to *FROM, to try with other bytes whether they are those expected. */
void hash_go_back(struct hash *hash);

/** How many bytes were added. */
uint64_t hash_size(const struct hash *hash);

/** The hash of all bytes, after hash_end(), as xxhsum(1) writes it. */
void hash_text(const struct hash *hash, char text[HASH_TEXT]);

#endif // UCP_HASH_H
