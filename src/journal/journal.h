/**
 * What an interrupted copy has done, so that the next one goes on there (--resume).
 *
 * A journal is a file in the destination, ".ucp-journal", to which records are only appended, each with a checksum. It
 * says which files were finished, and which ranges of big ones were written to a file that is not whole yet. Each record
 * is tied to the source as it was (inode, size, times), so that what has changed since is copied anew.
 *
 * Records come after what they tell of was written, those of finished files after 8 MiB of them or a second at most. As
 * long as the system runs that is enough, whatever kills ucp. After a crash of the system only those are believed that come
 * before a mark, which is set after everything was written to the medium, twice a minute; not on file systems that report
 * no errors of that (flush_reports()).
 */

#ifndef UCP_JOURNAL_H
#define UCP_JOURNAL_H

#include "base/inode.h"
#include "base/thread.h"

#include <sys/stat.h>

/** The journal's name. */
#define JOURNAL_NAME ".ucp-journal"

/** Bytes of records that are held back. */
#define JOURNAL_HELD 4096

/** The source of a file, as it was when reading it began. */
struct journal_source {
	uint64_t dev;
	uint64_t ino;
	uint64_t size;
	/** Nanoseconds since 1970, by st_mtim and st_ctim. */
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

/** Ranges of a file, [start, end). */
struct journal_ranges {
	struct journal_range {
		uint64_t start;
		uint64_t end;
	} *list;
	size_t count;
	size_t size;
	/** So many of them are in order and apart from each other; those behind are as they came. */
	size_t ordered;
};

/** Finished files, by the inodes that are their copies. */
struct journal_table {
	struct journal_slot *slots;
	size_t size;
};

/** A file that is written in parts. */
struct journal_part {
	/** Which one it is in the journal. */
	uint64_t id;
	struct journal_source src;
	/** The inode under the temporary name, 0 if no range was noted. */
	uint64_t ino;
	/** What earlier runs have written, in order. */
	struct journal_ranges done;
	/** What this run has written, and is not in the journal yet; and how many bytes of it. */
	struct journal_ranges news;
	uint64_t news_bytes;
	/** What this run has written, and is in the journal. */
	struct journal_ranges noted;
	/** Its path below the journal's directory. */
	char *path;
	/** Whether this run has taken it up. */
	bool taken;
};

/** What the directory of a journal is. */
enum journal_place {
	/** That is not known. */
	JOURNAL_UNKNOWN,
	/** Operands are copied into it. */
	JOURNAL_INTO,
	/** It is the copy of a source directory itself. */
	JOURNAL_ITSELF,
};

/** What a journal is of. */
struct journal_top {
	/** enum journal_place. */
	uint64_t place;
	/** For JOURNAL_ITSELF the source: its inode, and a hash of its path from the root, 0 if there is none. */
	uint64_t dev;
	uint64_t ino;
	uint64_t path;
};

/** What a journal says; zero-initialise. */
struct journal_index {
	/** What the last run was of. */
	struct journal_top top;
	struct journal_table finished;
	/** Of struct journal_part, by path and by number: tsearch(3) trees. */
	void *parts;
	void *ids;
	/** Bytes that make sense, from the beginning. */
	size_t valid;
	/** The journal's own number, and the highest of its parts. */
	uint64_t id;
	uint64_t last_part;
};

/** What a journal's records are believed by. */
struct journal_now {
	/** The boot of the system, and the mount of the destination. */
	uint8_t boot[16];
	uint64_t mount;
	/** The device of the destination: marks tell nothing of others. */
	uint64_t dev;
	/** The options that say what a finished file is like. */
	uint64_t options;
};

/** A journal that is open. Zero-initialise, but for the first three; then journal_is_open() says no. */
struct journal {
	/** What it is of: set by the caller before it is opened. */
	struct journal_top top;
	/** Set when nobody waits for it to be read any more; NULL if that is never so. */
	const atomic_bool *cancelled;
	/** Whether there is no room for a thread: then there are no marks. */
	bool alone;
	/** Guards journal::index, journal::err, journal::lost, journal::stopping and what is held back. */
	pthread_mutex_t lock;
	/** Held for reading while records are written, and for writing while others must not be. */
	pthread_rwlock_t writing;
	int fd;
	/** The directory it is in. */
	int dir;
	atomic_bool open;
	/** What checksums begin with, so that records of another journal make no sense in this one. */
	uint64_t id;
	/** The next part's. */
	uint64_t next_part;
	/** Writing to it failed: nothing more is noted. The first -errno. */
	int err;
	/** Something that records tell of was not written to the medium: the -errno of syncfs(2). */
	int lost;
	/** What the last mark says that this run has set: bytes of records that tell of what is on the medium. */
	off_t safe;
	/** Records of finished files that are held back, and bytes of these files. */
	char held[JOURNAL_HELD];
	size_t held_len;
	uint64_t held_bytes;
	struct journal_now now;
	struct journal_index index;
	/** The thread that writes what is held back for long, and sets marks, if it runs. */
	pthread_t marker;
	pthread_cond_t wake;
	bool marking;
	bool stopping;
};

/** How journal_close() leaves a journal. */
enum journal_end {
	/** There is something to go on with. */
	JOURNAL_KEEP,
	/** Everything is done: it goes, and with it what was begun and never taken up. */
	JOURNAL_REMOVE,
};

/** Read what is in a journal, up to the first thing that makes no sense. Returns 0 or -ENOMEM. */
int journal_parse(struct journal_index *index, const struct journal_now *now, const void *data, size_t len);

/**
 * Read what is in a journal likewise, from a file of any size. Memory is needed only for what it says.
 *
 * @param cancelled  When set, reading ends with -EINTR; or NULL.
 * @return 0 or -errno.
 */
int journal_read(struct journal_index *index, const struct journal_now *now, int fd, const atomic_bool *cancelled);

/** Read what the last run of a journal was of, likewise. JOURNAL_UNKNOWN if it does not say. */
int journal_read_top(struct journal_top *top, int fd, const atomic_bool *cancelled);

/** Free it. */
void journal_index_clear(struct journal_index *index);

/** A journal that is of the copy of a source directory, with what it is (links followed). */
struct journal_top journal_top_of(const char *path, struct inode inode);

/** What the journal in a directory says of a copy that the directory may be. */
enum journal_says {
	/** There is none of ours, or it is of what is copied into the directory. */
	JOURNAL_SAYS_INTO,
	/** The directory is an interrupted copy of that source. */
	JOURNAL_SAYS_ITSELF,
	/** It is an interrupted copy of another source. */
	JOURNAL_SAYS_OTHER,
	/** There is one, but it does not say: it is torn, of an earlier version, or cannot be read. */
	JOURNAL_SAYS_NOTHING,
};

/** Look at the journal in a directory, if there is one. Nothing is changed, nor locked. CANCELLED: as of journal_read(). */
enum journal_says journal_look(int dir, const struct journal_top *top, const atomic_bool *cancelled);

/**
 * The directory PATH is about to be made: have a file beside it, under its temporary name, that says what it is going to be a copy
 * of until it has a journal that does.
 *
 * @return To be ended by journal_announced(); NULL if there can be none.
 */
struct journal_notice *journal_announce(const char *path, const struct journal_top *top);

/**
 * Whether a directory was announced as a copy of that source, and nothing has been put into it since.
 *
 * @param dir     The directory.
 * @param path    Its path.
 * @param notice  Set if so, as by journal_announce().
 */
bool journal_was_announced(int dir, const char *path, const struct journal_top *top, const atomic_bool *cancelled,
	struct journal_notice **notice);

/** Take away what journal_announce() made, or only free the memory with JOURNAL_KEEP. NULL is ignored. */
void journal_announced(struct journal_notice *notice, enum journal_end end);

/**
 * Open or make the journal of a directory, and read it.
 *
 * @param options  A number that is another one where finished files would be other ones.
 * @return 0; -EBUSY if another ucp has it; -EEXIST if it is JOURNAL_INTO, and there is one of an interrupted copy that the
 *         directory itself is, which stays; another -errno if there can be none.
 */
int journal_open(struct journal *journal, int dir, uint64_t options);

/**
 * Set no more marks, as the journal is going to be closed. Returns 0, or the -errno with which something that was noted
 * could not be written to the medium: then what was noted since the last mark is not in the journal any more.
 */
int journal_settle(struct journal *journal);

/** What was noted since the last mark is not on the medium, because of ERR (-errno): forget it, and note nothing more. */
void journal_doubt(struct journal *journal, int err);

/** Write what is held back, and close. Does nothing to one that is not open. Returns 0 or the first -errno of writing. */
int journal_close(struct journal *journal, enum journal_end end);

/** Whether there is one. */
static inline bool journal_is_open(const struct journal *journal) {
	return atomic_load(&journal->open);
}

/** Whether there is one that an earlier run has begun. */
static inline bool journal_goes_on(const struct journal *journal) {
	return journal_is_open(journal) && journal->index.valid > 0;
}

/**
 * Whether the next change of a file will be seen by its times: not where the last one was in the same tick of the clock by
 * which the file system sets them, or within the same step in which it keeps them.
 *
 * @param st    The file.
 * @param when  CLOCK_REALTIME_COARSE, by which the kernel sets times, from just before it was looked at.
 */
bool journal_can_tell(const struct stat *st, const struct timespec *when);

/** The source as records have it. */
struct journal_source journal_source_of(const struct stat *st);

/** Whether a file was finished by an earlier run, and neither end has changed. */
bool journal_is_finished(struct journal *journal, const struct stat *src, const struct stat *dst);

/** Note that a file is finished. */
void journal_finish(struct journal *journal, const struct stat *src, const struct stat *dst);

/**
 * Take up a file that is written in parts, or begin one.
 *
 * @param path  Below the journal's directory.
 * @param left  What stands under the temporary name, or NULL. If that is not what was noted, or the source has changed, the
 *              part begins anew, with a record of that.
 * @return Owned by the journal; NULL if nothing can be noted. With something in journal_part::done LEFT has that.
 */
struct journal_part *journal_begin(struct journal *journal, const char *path, const struct stat *src,
	const struct stat *left);

/** A part is not whole, and all that is written is noted: journal_begin() may go on with it in this run. INO: of its file. */
void journal_put_down(struct journal *journal, struct journal_part *part, uint64_t ino);

/** Note that a range is written. The caller sees to it that only one thread does so for a part. */
void journal_wrote(struct journal *journal, struct journal_part *part, uint64_t ino, uint64_t start, uint64_t end);

/** Have all ranges of a part in the journal. */
void journal_flush_part(struct journal *journal, struct journal_part *part, uint64_t ino);

/** Add a range, in whatever order. N of them take O(N log N) in all. Returns 0 or -ENOMEM. */
int journal_ranges_add(struct journal_ranges *ranges, uint64_t start, uint64_t end);

/** Put them in order, and have those become one that touch. */
void journal_ranges_order(struct journal_ranges *ranges);

/** Have none; their memory is kept. */
static inline void journal_ranges_empty(struct journal_ranges *ranges) {
	ranges->count = ranges->ordered = 0;
}

/** The first part of [START, END) that is in none of the ranges, which are in order. Returns whether there is one. */
bool journal_ranges_gap(const struct journal_ranges *ranges, uint64_t start, uint64_t end, struct journal_range *gap);

#endif // UCP_JOURNAL_H
