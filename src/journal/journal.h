// SPDX-License-Identifier: MIT
/**
 * Records what an interrupted copy has done, so that the next run can continue it (--resume).
 *
 * A journal is the file ".ucp-journal" in the destination. Records are only appended to it, each with a checksum. They
 * name the finished files, and the ranges of big files that were written to a partial file. Each record includes the
 * state of the source (inode, size, times), so that a source that has changed is copied again.
 *
 * A record is written only after the data it describes; records of finished files may be delayed by up to 8 MiB of data
 * or a second. That is enough if ucp is killed and the system keeps running. After a crash of the system only records
 * before a mark are trusted. A mark is written twice a minute, after all data was flushed to the medium; not on file
 * systems that do not report flush errors (flush_reports()).
 */

#ifndef UCP_JOURNAL_H
#define UCP_JOURNAL_H

#include "base/inode.h"
#include "base/thread.h"
#include "sys/extent.h"

#include <sys/stat.h>

/** The journal's name. */
#define JOURNAL_NAME ".ucp-journal"

/** Bytes of records that are buffered. */
#define JOURNAL_HELD 4096

/** The source of a file, when reading began. */
struct journal_source {
	uint64_t dev;
	uint64_t ino;
	uint64_t size;
	/** Nanoseconds since 1970, from st_mtim and st_ctim. */
	int64_t mtime;
	int64_t ctime;
};

/** A finished file in the destination. */
struct journal_copy {
	uint64_t dev;
	uint64_t ino;
	uint64_t size;
	int64_t mtime;
};

/** Ranges of a file. */
struct journal_ranges {
	struct extent *list;
	size_t count;
	size_t size;
	/** How many ranges at the front are in order and separate; the others are as they were added. */
	size_t ordered;
};

/** Hash table of finished files, by the inodes of their copies. */
struct journal_table {
	struct journal_slot *slots;
	size_t size;
};

/** A file whose finished ranges are noted while it is copied. */
struct journal_part {
	/** The part's number in the journal. */
	uint64_t id;
	struct journal_source src;
	/** The inode under the temporary name, 0 if no range was noted. */
	uint64_t ino;
	/** Ranges that earlier runs have written, in order. */
	struct journal_ranges done;
	/** Ranges that this run has written but not noted in the journal yet; and their bytes. */
	struct journal_ranges news;
	uint64_t news_bytes;
	/** Ranges that this run has written and noted in the journal. */
	struct journal_ranges noted;
	/** The path below the journal's directory. */
	char *path;
	/** Whether this run has begun or continued the part. */
	bool taken;
};

/** What the directory of a journal is for. */
enum journal_place {
	/** Unknown. */
	JOURNAL_UNKNOWN,
	/** Operands are copied into it. */
	JOURNAL_INTO,
	/** It is itself the copy of a source directory. */
	JOURNAL_ITSELF,
};

/** What a journal is about. */
struct journal_top {
	/** enum journal_place. */
	uint64_t place;
	/** For JOURNAL_ITSELF: the source's inode, and a hash of its absolute path, 0 if that is unknown. */
	uint64_t dev;
	uint64_t ino;
	uint64_t path;
};

/** The content of a journal; zero-initialise. */
struct journal_index {
	/** What the last run was about. */
	struct journal_top top;
	struct journal_table finished;
	/** The parts, struct journal_part, by path and by number: tsearch(3) trees. */
	void *parts;
	void *ids;
	/** Length of the valid beginning, in bytes. */
	size_t valid;
	/** The journal's number, and the highest number of its parts. */
	uint64_t id;
	uint64_t last_part;
};

/** The circumstances of a run, which decide whether its records are trusted later. */
struct journal_now {
	/** The boot of the system, and the mount of the destination. */
	uint8_t boot[16];
	uint64_t mount;
	/** The device of the destination: marks do not cover other devices. */
	uint64_t dev;
	/** Fingerprint of the options that change what a finished copy looks like. */
	uint64_t options;
};

/** An open journal. Zero-initialise, except for the first three members; then journal_is_open() is false. */
struct journal {
	/** What the journal is about; set by the caller before journal_open(). */
	struct journal_top top;
	/** Set to cancel reading the journal; may be NULL. */
	const atomic_bool *cancelled;
	/** Whether no thread may be started: then there are no marks. */
	bool alone;
	/** Guards index, err, lost, stopping and the buffered records. */
	pthread_mutex_t lock;
	/** Held for reading while records are written; for writing to keep writers out. */
	pthread_rwlock_t writing;
	int fd;
	/** The journal's directory. */
	int dir;
	atomic_bool open;
	/** The journal's number, and the seed of its checksums: records of another journal are invalid in this one. */
	uint64_t id;
	/** The number of the next part. */
	uint64_t next_part;
	/** The first -errno of writing to the journal; then nothing more is noted. */
	int err;
	/** The -errno of syncfs(2) if data of noted files could not be flushed. */
	int lost;
	/** The offset in the last mark of this run: the data of all records before it is on the medium. */
	off_t safe;
	/** Buffered records of finished files, and the bytes of these files. */
	char held[JOURNAL_HELD];
	size_t held_len;
	uint64_t held_bytes;
	struct journal_now now;
	struct journal_index index;
	/** The thread that writes buffered records in time, and sets marks, if it runs. */
	pthread_t marker;
	pthread_cond_t wake;
	bool marking;
	bool stopping;
};

/** How journal_close() leaves a journal. */
enum journal_end {
	/** The copy can be continued. */
	JOURNAL_KEEP,
	/** The copy is complete: remove the journal, and partial files that this run has not continued. */
	JOURNAL_REMOVE,
};

/** Read a journal in memory, up to the first invalid record. Returns 0, -ENOMEM, or -EPROTO as journal_read() does. */
int journal_parse(struct journal_index *index, const struct journal_now *now, const void *data, size_t len);

/**
 * As journal_parse(), from a file of any size. Memory is needed only for the content of records.
 *
 * @param cancelled  Ends the reading with -EINTR once set; or NULL.
 * @return 0, -EPROTO if the journal was written in the other byte order, or another -errno.
 */
int journal_read(struct journal_index *index, const struct journal_now *now, int fd, const atomic_bool *cancelled);

/**
 * Read only what the last run of a journal was about. JOURNAL_UNKNOWN if the journal lacks this. Returns 0 or -errno.
 */
int journal_read_top(struct journal_top *top, int fd, const atomic_bool *cancelled);

/** Free the content of a journal. */
void journal_index_clear(struct journal_index *index);

/** Describe a journal of a directory that is itself the copy of PATH, whose inode is INODE (links followed). */
struct journal_top journal_top_of(const char *path, struct inode inode);

/** Result of journal_look(). */
enum journal_says {
	/** The directory has no journal of ours, or its journal is about operands copied into it. */
	JOURNAL_SAYS_INTO,
	/** The directory is an interrupted copy of that source. */
	JOURNAL_SAYS_ITSELF,
	/** The directory is an interrupted copy of another source. */
	JOURNAL_SAYS_OTHER,
	/** The journal does not say: it is damaged, of an earlier version, or unreadable. */
	JOURNAL_SAYS_NOTHING,
};

/**
 * Look at the journal in a directory, without a change or a lock. TOP: the source in question. CANCELLED: as in
 * journal_read().
 */
enum journal_says journal_look(int dir, const struct journal_top *top, const atomic_bool *cancelled);

/**
 * Announce that directory PATH will be made: make a notice, a file under PATH's temporary name that says which copy
 * PATH will be, until PATH has a journal.
 *
 * @return A notice to end with journal_announced(); NULL if there can be none.
 */
struct journal_notice *journal_announce(const char *path, const struct journal_top *top);

/**
 * Whether a directory was announced as a copy of that source, and is still empty.
 *
 * @param dir     The directory.
 * @param path    Its path.
 * @param notice  Set, if so, as by journal_announce().
 */
bool journal_was_announced(int dir, const char *path, const struct journal_top *top, const atomic_bool *cancelled,
	struct journal_notice **notice);

/** Free a notice, and with JOURNAL_REMOVE remove its file. NULL is ignored. */
void journal_announced(struct journal_notice *notice, enum journal_end end);

/**
 * Open or make the journal of a directory, and read it.
 *
 * @param options  Fingerprint of the options that change what a finished copy looks like.
 * @return 0; -EBUSY if another ucp uses the journal; -EEXIST if the journal is to be JOURNAL_INTO, but the directory is
 *         itself an interrupted copy, whose journal stays; -EPROTO if a machine of the other byte order has written the
 *         journal, which stays; another -errno if there can be no journal.
 */
int journal_open(struct journal *journal, int dir, uint64_t options);

/**
 * Stop setting marks, because the journal will be closed. Returns 0, or the -errno of flushing data of noted files:
 * then the records after the last mark have been removed.
 */
int journal_settle(struct journal *journal);

/**
 * Remove the records after the last mark, because their data is not on the medium (ERR, as -errno), and note nothing
 * more.
 */
void journal_doubt(struct journal *journal, int err);

/** Write the buffered records, and close the journal, if it is open. Returns 0 or the first -errno of writing. */
int journal_close(struct journal *journal, enum journal_end end);

/** Whether the journal is open. */
static inline bool journal_is_open(const struct journal *journal) {
	return atomic_load(&journal->open);
}

/** Whether the journal is open and was begun by an earlier run. */
static inline bool journal_goes_on(const struct journal *journal) {
	return journal_is_open(journal) && journal->index.valid > 0;
}

/**
 * Whether the times of a file will show its next change: not if the last change was in the same clock tick, or in the
 * same step in which the file system stores times.
 *
 * @param st    The status of the file.
 * @param when  CLOCK_REALTIME_COARSE, which the kernel uses for file times, read just before ST.
 */
bool journal_can_tell(const struct stat *st, const struct timespec *when);

/** Whether an earlier run finished a file, and neither source nor copy has changed. */
bool journal_is_finished(struct journal *journal, const struct stat *src, const struct stat *dst);

/** Note that a file is finished. */
void journal_finish(struct journal *journal, const struct stat *src, const struct stat *dst);

/**
 * Continue or begin a part.
 *
 * @param path  Path below the journal's directory.
 * @param left  The file under the temporary name, or NULL. If it is not the noted one, or if the source has changed,
 *              the part begins again, with a new record.
 * @return The part, owned by the journal; NULL if nothing can be noted. If journal_part::done is not empty, LEFT
 *         contains those ranges.
 */
struct journal_part *journal_begin(struct journal *journal, const char *path, const struct stat *src,
	const struct stat *left);

/**
 * Allow journal_begin() to continue PART in this run. All written ranges must have been noted.
 *
 * @param ino  The inode of the partial file.
 */
void journal_put_down(struct journal *journal, struct journal_part *part, uint64_t ino);

/** Note that a range is written. The caller makes sure that only one thread does so for a part. */
void journal_wrote(struct journal *journal, struct journal_part *part, uint64_t ino, uint64_t start, uint64_t end);

/** Write all noted ranges of a part to the journal. */
void journal_flush_part(struct journal *journal, struct journal_part *part, uint64_t ino);

/** Add a range; any order is allowed. N ranges take O(N log N) in all. Returns 0 or -ENOMEM. */
int journal_ranges_add(struct journal_ranges *ranges, uint64_t start, uint64_t end);

/** Sort the ranges, and merge those that touch. */
void journal_ranges_order(struct journal_ranges *ranges);

/** Remove all ranges; their memory is kept. */
static inline void journal_ranges_empty(struct journal_ranges *ranges) {
	ranges->count = ranges->ordered = 0;
}

/** Find the first gap between the ranges, which are in order, within [START, END). Returns whether there is one. */
bool journal_ranges_gap(const struct journal_ranges *ranges, uint64_t start, uint64_t end, struct extent *gap);

#endif // UCP_JOURNAL_H
