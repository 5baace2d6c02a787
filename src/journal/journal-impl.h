/**
 * The form of a journal; for the journal room only.
 */

#ifndef UCP_JOURNAL_IMPL_H
#define UCP_JOURNAL_IMPL_H

#include "journal/journal.h"

/** What each record begins with. */
#define JOURNAL_MAGIC 0x314a6375u

/** The longest path of a part. */
#define JOURNAL_PATH 4096

/** Kinds of records. */
enum journal_kind {
	/** The first one: struct journal_first. */
	JOURNAL_FIRST = 1,
	/** A run begins: struct journal_run. */
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

/** The head of a record. */
struct journal_head {
	uint32_t magic;
	uint16_t kind;
	/** Bytes that follow. */
	uint16_t len;
	/** Of kind, length and the bytes that follow, with the journal's number as seed (0 for the first record). */
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
	/** Not there in journals of earlier versions. */
	struct journal_top top;
};

/** JOURNAL_FINISHED: of a source of which journal_can_tell() that it has changed. */
struct journal_finished {
	struct journal_source src;
	struct journal_copy copy;
};

/** JOURNAL_BEGUN: a part, with nothing written yet, whatever was noted of its path before. */
struct journal_begun {
	uint64_t id;
	struct journal_source src;
};

/** JOURNAL_WRITTEN: a range of a part. */
struct journal_written {
	uint64_t id;
	uint64_t dev;
	uint64_t ino;
	struct journal_range range;
};

/** JOURNAL_MARK: all that records of this run before that offset tell of is on the medium. */
struct journal_mark {
	uint64_t offset;
};

/** A record that is being put together, of at most that many bytes. */
struct journal_record {
	struct journal_head head;
	char payload[sizeof(struct journal_begun) + JOURNAL_PATH];
};

/** Bytes of what a journal begins with. */
#define JOURNAL_BEGINNING (2 * sizeof(struct journal_head) + sizeof(struct journal_first) + sizeof(struct journal_run))

/** Put a record together. SEED: the journal's number, 0 for the first record. Returns its bytes. */
size_t journal_make_record(struct journal_record *record, enum journal_kind kind, uint64_t seed, const void *data, size_t len);

/** Put together the record that a journal begins with, if it is ANEW, and that of a run. Returns the bytes. */
size_t journal_make_beginning(char *data, bool anew, const struct journal_first *first, const struct journal_run *run);

/** Whether a journal's file can be believed: nobody else has made it, or has another name for it. */
bool journal_is_ours(const struct stat *st);

/** A checksum. */
uint64_t journal_sum(uint64_t seed, const struct journal_head *head, const void *payload);

/** The part of a path, or NULL. */
struct journal_part *journal_find_part(const struct journal_index *index, const char *path);

/** Begin a part anew, under a number. NULL without memory. */
struct journal_part *journal_add_part(struct journal_index *index, const char *path, uint64_t id,
	const struct journal_source *src);

/**
 * Note a finished file, of which the last record counts. About 20 bytes for each are enough.
 *
 * @param seed  The journal's number.
 * @param most  As many may come from this one on.
 * @return 0 or -ENOMEM.
 */
int journal_table_add(struct journal_table *table, uint64_t seed, const struct journal_finished *finished, uint64_t most);

/** Whether that very file is noted as finished. SEED: the journal's number. */
bool journal_table_has(const struct journal_table *table, uint64_t seed, const struct journal_finished *finished);

/** Free it. */
void journal_table_free(struct journal_table *table);

#endif // UCP_JOURNAL_IMPL_H
