// SPDX-License-Identifier: MIT
/**
 * The format of a journal; for the journal room only.
 */

#ifndef UCP_JOURNAL_IMPL_H
#define UCP_JOURNAL_IMPL_H

#include "journal/journal.h"

/** The first field of each record. */
#define JOURNAL_MAGIC 0x314a6375u

/** The longest path of a part. */
#define JOURNAL_PATH 4096

/** Kinds of records. */
enum journal_kind {
	/** First record: struct journal_first. */
	JOURNAL_FIRST = 1,
	/** Start of a run: struct journal_run. */
	JOURNAL_RUN,
	/** struct journal_finished. */
	JOURNAL_FINISHED,
	/** struct journal_begun, and the path without a NUL. */
	JOURNAL_BEGUN,
	/** struct journal_written. */
	JOURNAL_WRITTEN,
	/** struct journal_mark. */
	JOURNAL_MARK,
};

/** The header of a record. */
struct journal_head {
	uint32_t magic;
	uint16_t kind;
	/** Bytes after the header. */
	uint16_t len;
	/**
	 * Checksum of kind, len and the bytes after the header; the seed is the journal's number (0 for the first record).
	 */
	uint64_t sum;
};

/** JOURNAL_FIRST */
struct journal_first {
	/** The journal's number. */
	uint64_t id;
};

/** JOURNAL_RUN */
struct journal_run {
	struct journal_now now;
	/** Missing in journals of earlier versions. */
	struct journal_top top;
};

/** JOURNAL_FINISHED: a finished file; written only if journal_can_tell() is true of the source. */
struct journal_finished {
	struct journal_source src;
	struct journal_copy copy;
};

/** JOURNAL_BEGUN: a part of which nothing is written yet; replaces earlier parts of the same path. */
struct journal_begun {
	uint64_t id;
	struct journal_source src;
};

/** JOURNAL_WRITTEN: a range of a part has been written. */
struct journal_written {
	uint64_t id;
	uint64_t dev;
	uint64_t ino;
	struct extent range;
};

/** JOURNAL_MARK: the data of all records of this run before that offset is on the medium. */
struct journal_mark {
	uint64_t offset;
};

/** Buffer for one record of any kind. */
struct journal_record {
	struct journal_head head;
	char payload[sizeof(struct journal_begun) + JOURNAL_PATH];
};

/** Bytes of the records with which a new journal begins. */
#define JOURNAL_BEGINNING (2 * sizeof(struct journal_head) + sizeof(struct journal_first) + sizeof(struct journal_run))

/** Build a record. SEED: the journal's number, 0 for the first record. Returns its bytes. */
size_t journal_make_record(struct journal_record *record, enum journal_kind kind, uint64_t seed, const void *data,
	size_t len);

/** Build the record of a run, and with ANEW the journal's first record before it. Returns the bytes. */
size_t journal_make_beginning(char *data, bool anew, const struct journal_first *first, const struct journal_run *run);

/** Whether a journal's file can be trusted: it is ours and has only one name. */
bool journal_is_ours(const struct stat *st);

/** The checksum of a record. */
uint64_t journal_sum(uint64_t seed, const struct journal_head *head, const void *payload);

/**
 * The number of the medium that a device shows: each further one that is put in has a higher number (Linux 5.15).
 *
 * @param devices  /sys/dev/block.
 * @return 0 if it is unknown, or the file system has no device.
 */
uint64_t journal_medium(const char *devices, dev_t dev);

/** The part of a path, or NULL. */
struct journal_part *journal_find_part(const struct journal_index *index, const char *path);

/** Add a part, or reset the existing one of that path, with number ID. NULL without memory. */
struct journal_part *journal_add_part(struct journal_index *index, const char *path, uint64_t id,
	const struct journal_source *src);

/**
 * Note a finished file; a later record of the same copy replaces an earlier one. Needs about 20 bytes a file.
 *
 * @param seed  The journal's number.
 * @param most  Upper limit of the number of files, this one and all later ones.
 * @return 0 or -ENOMEM.
 */
int journal_table_add(struct journal_table *table, uint64_t seed, const struct journal_finished *finished,
	uint64_t most);

/** Whether exactly this file is noted as finished. SEED: the journal's number. */
bool journal_table_has(const struct journal_table *table, uint64_t seed, const struct journal_finished *finished);

/** Free TABLE. */
void journal_table_free(struct journal_table *table);

#endif // UCP_JOURNAL_IMPL_H
