// SPDX-License-Identifier: MIT
/**
 * Files being copied: open both ends, choose how the data is moved, hand out ranges, finish.
 *
 * A file has one reference for each worker that holds it and one while it is shared. Dropping the last one sets its
 * size and attributes (or removes an unfinished destination, if something failed) and closes it.
 */

#ifndef UCP_FILE_H
#define UCP_FILE_H

#include "base/opts.h"
#include "copy/mover.h"
#include "copy/plan.h"
#include "dest/hardlinks.h"
#include "engine/throttle.h"
#include "journal/journal.h"
#include "sys/extent.h"
#include "tree/tree.h"

struct counters;
struct dest;
struct link;
struct limits;
struct link_name;
struct hardlinks;
struct checksums;
struct writeback;

/** A directory with an earlier copy (--link-dest, --reflink-dest). */
struct earlier {
	/** Opened with O_PATH. */
	int fd;
	/** As the user named it. */
	const char *path;
	/** Whether it was reported that its files cannot be used. */
	atomic_bool refused;
};

/** The directories of one of these options. */
struct earlier_copies {
	struct earlier dirs[OPTS_EARLIER];
	unsigned count;
};

/** Sources that were copied and are to be removed (OPT_MOVE). */
struct removals {
	/** Guards what follows. */
	pthread_mutex_t lock;
	/** Sources whose copies are complete, struct moved, and how many. */
	struct list copied;
	size_t count;
	/** Those with several names: they are removed when everything else is done. */
	struct list late;
	/** Of these, the files that have lost a name: struct unlinked. Used only when everything else is done. */
	struct inode_set unlinked;
	/** Whether anything was made since the last flush. */
	bool made;
	/** Whether a worker is removing sources. */
	bool busy;
	/** The number of the last flush. */
	unsigned batch;
	/** Whether a flush failed: nothing more is removed. */
	atomic_bool doubtful;
};

/** What all files of a run share. */
struct files {
	const struct opts *opts;
	const struct limits *limits;
	struct report *report;
	struct hardlinks *hardlinks;
	struct dest *dest;
	/** Brings data to the medium and counts how much is there (--progress=synced), or NULL. */
	struct writeback *writeback;
	/** Limits how fast data is moved. */
	struct throttle throttle;
	/** Set when ucp is to stop: no new file is begun. */
	atomic_bool cancelled;
	/**
	 * Guards overwriting, reading, begun and current. RELEASED is signalled when an inode leaves OVERWRITING or
	 * READING. OVERWRITING: destinations being written that another name may lead to (file_reserve()).
	 */
	pthread_mutex_t lock;
	pthread_cond_t released;
	struct inode_set overwriting;
	/** Sources being read that may be destinations, too: struct reader. */
	struct inode_set reading;
	/** Files whose data is being moved, except those that are copied at once; the one begun first is at the head. */
	struct list begun;
	/** How many names were put aside by file_try_later() and file_copy_later(). */
	atomic_uint nospace;
	/**
	 * Bytes of the files begun so far, without those copied at once; bytes the page cache can take (0: not known yet).
	 */
	_Atomic uint64_t moved;
	_Atomic uint64_t spare;
	/** Whether copying is so fast that data read need not stay in the page cache. */
	atomic_bool fast;
	/** The list of checksums, or NULL. */
	struct checksums *checksums;
	/** The earlier copies that could be opened. */
	struct earlier_copies linked;
	struct earlier_copies cloned;
	struct removals removals;
	/** With --resume: the journal, the tree whose destination it is in, and its path for messages. */
	struct journal journal;
	const struct tree *journal_root;
	char *journal_path;
};

/** What a worker needs to work on files. */
struct file_context {
	struct files *files;
	struct counters *counters;
	/** Names whose first copy failed, to be copied after all: struct link_name. */
	struct list retry;
	/** Names that have to wait (FILE_DEFERRED), to be copied when nothing else is in flight. */
	struct list deferred;
	/** Names for which there was no space or which dest_judge() put off, to be tried when everything else is done. */
	struct list nospace;
	/*
	 * What was refused, so that it is not asked for again. Each field has the file system where this worker was refused
	 * last, so it costs no lock. A refusal that concerns a single file is not remembered.
	 */
	/** The device that supports no files without a name (O_TMPFILE), if no_unnamed_known. */
	dev_t no_unnamed;
	/**
	 * The device whose file system type does not support RWF_DONTCACHE, if no_dontcache_known. A single DAX file sets
	 * it, too: then data read from other files stays in the page cache, as it does by default.
	 */
	dev_t no_dontcache;
	/** The device of which it is known whether closing a file may fail (may_fail_to_close()), if closing_known. */
	dev_t closing_on;
	/** Whether /proc is mounted, if proc_known. If it is unmounted later, attributes that need it are reported. */
	bool has_proc;
	bool proc_known;
	/** Which of the devices above are known. */
	bool no_unnamed_known;
	bool no_dontcache_known;
	bool closing_known;
	bool closing_may_fail;
	/** Whether to wait for a destination that another file is writing. */
	bool may_wait;
	/** Whether the user has agreed to replacing the destination of the name being begun (-i). */
	bool agreed;
	/** Whether the line of --verbose was printed for the name being begun. */
	bool said;
	/** Whether the name being begun is tried for the last time, as there was no space for it before. */
	bool last_try;
	/** Whether rollbacks leave descriptors open, since other threads work with them (files_take_away()). */
	bool leaves_open;
	/** What the worker's movers keep. */
	struct movers movers;
};

/** Switches of struct source::flags. */
enum source_flags {
	/** The source was opened with O_NONBLOCK. */
	SOURCE_NONBLOCK = 1 << 0,
	/** The source may change without a change of its times (--resume). */
	SOURCE_UNTOLD = 1 << 1,
	/** The source is in files::reading. */
	SOURCE_READING = 1 << 2,
	/** The source is where something is mounted: it may be a destination, too. */
	SOURCE_MOUNTED = 1 << 3,
};

/** Where data comes from. */
struct source {
	int fd;
	/** enum source_flags. */
	unsigned flags;
	/** The source before it was read. */
	struct stat st;
	/** With SOURCE_READING, which of files::reading it is. */
	struct inode reading;
};

/** Switches of struct target::flags. */
enum target_flags {
	/** This run created the target. */
	TARGET_CREATED = 1 << 0,
	/** The target is no regular file: never truncate or remove it. */
	TARGET_SPECIAL = 1 << 1,
	/** The target was reached through a symbolic link. */
	TARGET_BY_LINK = 1 << 2,
	/** The target was opened with O_NONBLOCK. */
	TARGET_NONBLOCK = 1 << 3,
	/** The target is in files::overwriting. */
	TARGET_RESERVED = 1 << 4,
	/** The target replaces what stands under its name. */
	TARGET_REPLACES = 1 << 5,
	/** The target replaces a file that cp would write into, so it inherits that file's attributes. */
	TARGET_INHERITS = 1 << 6,
	/** The target is a hard link to a file of an earlier copy: never write to it or set its attributes. */
	TARGET_LINKED = 1 << 7,
};

struct target_ops;

/** Where data goes to, and how it gets its name. */
struct target {
	/** What is done with it: &target_staged until a staged target has its name, else &target_in_place. */
	const struct target_ops *ops;
	/** The kind of target that it gets unless it is written through something special. */
	const struct target_ops *wanted;
	int fd;
	/** enum target_flags. They do not change while data is moved. */
	unsigned flags;
	/** The destination as it was found, if it existed, and the name of its backup. */
	struct stat found;
	char *backup;
	/** The temporary name while it is staged, or NULL. */
	char *tempfile;
	/** With TARGET_BY_LINK, the directory in which the target was staged. */
	struct inode led_to;
	/** The mode the target gets in the end, if has_final_mode. */
	bool has_final_mode;
	mode_t final_mode;
};

/** Switches of struct file::flags. */
enum file_flags {
	/** Another file is writing the destination, or the source is under a lease: begin the file again later. */
	FILE_DEFERRED = 1 << 0,
	/** Several workers may hold the file. */
	FILE_SHARED = 1 << 1,
	/** No data was asked for. */
	FILE_NO_DATA = 1 << 2,
	/** The data was cloned. */
	FILE_CLONED = 1 << 3,
	/** The size must be set in the end. */
	FILE_SET_SIZE = 1 << 4,
	/** Data is missing, or not known to be there. */
	FILE_INCOMPLETE = 1 << 5,
	/** No part of it is kept, to leave its room to others. */
	FILE_YIELDED = 1 << 6,
	/** Something stood at the destination before. */
	FILE_EXISTED = 1 << 7,
};

/** A file that is being copied. */
struct file {
	struct tree *tree;
	struct entry entry;
	/** enum file_flags; guarded by the lock once shared. */
	unsigned flags;
	struct source source;
	struct target target;
	struct plan plan;
	/** The mover that has moved the data or is moving it, and how the destination was read back (--verify). */
	const struct mover *mover;
	enum move_back read_back;
	/** With --resume, for a big file: what the journal notes of it, and the inode number of the destination. */
	struct journal_part *part;
	uint64_t part_ino;
	/** The hash of the data read, if the file was copied in order. */
	char sum[HASH_TEXT];
	/** The file's entry in hardlinks, if other names may become links to its copy. */
	struct link *link;
	/** The name if it had to wait before; owns the entry's names. */
	struct link_name *retry;

	atomic_uint refs;
	/** Guards what follows. */
	pthread_mutex_t lock;
	/** The offset at which the next range begins, and the one at which the last range ends. */
	uint64_t cursor;
	uint64_t size;
	/** Bytes of holes that were passed over. */
	uint64_t holes;
	/** Bytes that an earlier run has written. */
	uint64_t resumed;
	/** After an error, the offset of the first byte that is missing; else UINT64_MAX. */
	uint64_t keep;
	/** The first error. */
	struct error fail;
	/** Bytes of data that were moved, and bytes that were left out as zeros. */
	counter moved;
	counter zeros;
	/** In files::begun, if BEGUN is set. BEGUN does not change once the file is shared. */
	struct list begun_node;
	bool begun;
	/** In work's list of shared files. */
	struct list work_node;
};

/** Set up what all files share. */
void files_init(struct files *files, const struct opts *opts, const struct limits *limits, struct report *report,
	struct hardlinks *hardlinks, struct dest *dest);

/** Free it. */
void files_destroy(struct files *files);

/** Open the directories of --link-dest and --reflink-dest. One that cannot be opened is a warning. */
void files_open_earlier(struct files *files);

/** Close them. */
void files_close_earlier(struct files *files);

/** Write the name, without its directory, of the file that is being copied longest into NAME; "" if there is none. */
void files_current(struct files *files, char *name, size_t size);

/**
 * Remove all destinations that are not whole, or truncate them, even while workers hang in the kernel. Call this only
 * if the process ends right after it, whether this function returns or not.
 */
void files_take_away(struct files *files);

/** Count BYTES of the file's data as moved. */
void file_moved(struct file_context *ctx, struct file *file, uint64_t bytes);

/**
 * With --resume, open the journal in DIR, a directory of the destination, unless one is open. Problems are warnings.
 *
 * @param tree    The tree whose destination DIR is; the base if DIR is the directory of an operand's destination.
 * @param beside  The path of something in DIR, for messages; NULL: use the path of TREE.
 */
void files_resume_in(struct files *files, const struct tree *tree, int dir, const char *beside);

/** Open the journal likewise in a directory just entered, if it is an operand's copy that was named whole. */
void files_resume_below(struct files *files, const struct tree *tree);

/**
 * Close the journal after all workers are done. It is removed if nothing went wrong, or if a move has not even BEGUN.
 */
void files_resume_end(struct files *files, bool begun);

/** Close the journal before TREE gets its attributes, if the journal is in TREE and nothing is left to do. */
void files_tree_closing(struct files *files, const struct tree *tree);

/** As trees::moved: the source of a complete directory may be removed when it is empty. */
void files_tree_moved(struct files *files, struct tree *tree);

/** After all other work: flush, and remove all sources that were copied (OPT_MOVE). */
void files_remove_sources(struct files *files);

/**
 * With OPT_MOVE, try to move an entry by renaming it. Errors are reported. Returns false if it has to be copied.
 *
 * @param tree       Pinned by the caller.
 * @param directory  Whether the entry is a directory.
 */
bool file_rename(struct file_context *ctx, struct tree *tree, const struct entry *entry, bool directory);

/** Note that a range of a file was written (--resume). */
void file_wrote(struct file_context *ctx, struct file *file, uint64_t start, uint64_t end);

/** Set up what a worker needs. */
void file_context_init(struct file_context *ctx, struct files *files, struct counters *counters);

/** Free it. */
void file_context_destroy(struct file_context *ctx);

/**
 * Copy an entry of any type, except for the data of regular files.
 *
 * @param tree   Pinned by the caller.
 * @param entry  Not a directory. Lives as long as the tree has references, or is owned by RETRY.
 * @param st     The stat of an operand, links followed as the options say; else NULL.
 * @param retry  The name if it had to wait before; the function takes it over. Else NULL.
 * @return A file whose data is to be moved, with one reference; NULL if everything is done or reported.
 */
struct file *file_begin(struct file_context *ctx, struct tree *tree, const struct entry *entry, const struct stat *st,
	struct link_name *retry);

/** Claim the next range of at most WANT bytes. Returns false when no range is left. */
bool file_claim(struct file *file, uint64_t want, struct extent *range);

/** Give up a claimed part: data is missing from OFF on. */
void file_abandon(struct file *file, uint64_t off);

/** Record FAIL as an error of the data at OFF. */
void file_fail(struct file *file, uint64_t off, struct error fail);

/**
 * Handle the error ERR of a request for the file's data. Returns whether bypassing the page cache may have caused it:
 * then the file uses the page cache from now on, and the request can be repeated.
 */
bool file_cache_refused(struct file_context *ctx, struct file *file, int err);

/** Call mover_end_at() for the destination, if it is a regular file that no other worker writes to. */
bool file_move_end(const struct file *file, int err, uint64_t off);

/** Record that the source ends at OFF. */
void file_ended(struct file *file, uint64_t off);

/**
 * Put a name aside if there was no space for it (ENOSPC, but not EDQUOT: no other file gives a quota back). It is tried
 * once more when everything else is done and has released reserved or replaced space.
 *
 * @param err  Why it failed.
 * @return Whether the name was put aside; if not, report the error.
 */
bool file_try_later(struct file_context *ctx, struct tree *tree, const struct entry *entry, int err,
	enum try_what what);

/** Take a reference. */
void file_ref(struct file *file);

/** Drop a reference. Dropping the last one finishes the file. */
void file_unref(struct file_context *ctx, struct file *file);

#endif // UCP_FILE_H
