/**
 * Files on their way: open both ends, choose how the data is moved, hand out ranges, finish.
 *
 * A file is counted: one reference for each worker that holds it and one while it is shared. With the last one its size
 * and attributes are set, or, where something failed, an unfinished destination is taken away; then it is closed.
 */

#ifndef UCP_FILE_H
#define UCP_FILE_H

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

/** What all files of a run share. */
struct files {
	const struct opts *opts;
	const struct limits *limits;
	struct report *report;
	struct hardlinks *hardlinks;
	struct dest *dest;
	/** What is on the medium, if anybody wants to know, or NULL. */
	struct writeback *writeback;
	/** What limits how fast data is moved. */
	struct throttle throttle;
	/** Set when ucp is to stop: nothing new is begun. */
	atomic_bool cancelled;
	/** Destinations being written that something else could lead to: those that existed, and those of operands. */
	pthread_mutex_t lock;
	pthread_cond_t released;
	struct inode_set overwriting;
	/** Sources being read that may be destinations, too; of struct reader. */
	struct inode_set reading;
	/** Files of which data is being moved, but for those that are copied at once. */
	struct list begun;
	/** How many names found no room. */
	atomic_uint nospace;
	/** Bytes of files begun that were not copied at once, and how many the page cache has to spare; 0: not known yet. */
	_Atomic uint64_t moved;
	_Atomic uint64_t spare;
	/** Whether the copying is so fast that what was read is not worth keeping. */
	atomic_bool fast;
	/** Whether somebody watches which files are being copied; these, the one begun first ahead; guarded by files::lock. */
	bool watched;
	struct list current;
	/** The list of checksums, or NULL. */
	struct checksums *checksums;
	/** With --resume; the tree in the destination of which it is; and its path for messages. */
	struct journal journal;
	const struct tree *journal_root;
	char *journal_path;
};

/** What a worker brings along to work on files. */
struct file_context {
	struct files *files;
	struct counters *counters;
	/** Names whose first copy failed, to be copied after all: struct link_name. */
	struct list retry;
	/** Names that have to be waited for (FILE_DEFERRED), to be copied when nothing else is in flight. */
	struct list deferred;
	/** Names that found no room, to be tried once more when everything else is done. */
	struct list nospace;
	/*
	 * What was refused, and need not be asked for again. Each is what this worker met last, so that it costs no lock, and is
	 * known of a whole file system: what was said of one file counts for that file only.
	 */
	/** On this one, if any is known, there are no files without a name (O_TMPFILE): the file system or the kernel says so. */
	dev_t no_unnamed;
	/**
	 * Nothing of this one, if any is known, can be told to leave the page cache (RWF_DONTCACHE): its type has no way to. If it was
	 * but a file that is memory itself (DAX), what is read of others stays, too, which is what the kernel does anyway.
	 */
	dev_t no_dontcache;
	/** Closing files of this one, if any is known, cannot fail: its type writes nothing then (may_fail_to_close()). */
	dev_t closes;
	/** Whether /proc is mounted, if that was asked. If it goes away later, attributes that need it are said not to be set. */
	bool has_proc;
	bool proc_known;
	/** What is known of the above. */
	bool no_unnamed_known;
	bool no_dontcache_known;
	bool closes_known;
	/** Whether to wait for a destination that is being written by another file. */
	bool may_wait;
	/** Whether the name that is begun with found no room before: it is not tried again. */
	bool last_try;
	/** Whether what is taken away stays open, since it is others that work with it. */
	bool leaves_open;
	/** What its movers keep. */
	struct movers movers;
};

/** Switches of struct source::flags. */
enum source_flags {
	/** It was opened with O_NONBLOCK. */
	SOURCE_NONBLOCK = 1 << 0,
	/** It may change without its times saying so (--resume). */
	SOURCE_UNTOLD = 1 << 1,
	/** It is in files::reading. */
	SOURCE_READING = 1 << 2,
};

/** Where data comes from. */
struct source {
	int fd;
	/** enum source_flags. */
	unsigned flags;
	/** The source before it was read. */
	struct stat st;
};

/** Switches of struct target::flags. */
enum target_flags {
	/** This run made it. */
	TARGET_CREATED = 1 << 0,
	/** It is no regular file: never cut, never removed. */
	TARGET_SPECIAL = 1 << 1,
	/** It was reached through a symbolic link. */
	TARGET_BY_LINK = 1 << 2,
	/** It was opened with O_NONBLOCK. */
	TARGET_NONBLOCK = 1 << 3,
	/** It is in files::overwriting. */
	TARGET_RESERVED = 1 << 4,
	/** It has no name or a hidden one (--atomic), and gets its own when it is whole. */
	TARGET_STAGED = 1 << 5,
	/** It takes the place of what stands there. */
	TARGET_REPLACES = 1 << 6,
	/** What it replaces would have been written into: it is to look like that. */
	TARGET_INHERITS = 1 << 7,
};

/** What data goes to, and how that comes to have its name. */
struct target {
	int fd;
	/** enum target_flags. Settled when its data is moved. */
	unsigned flags;
	/** The destination as found, if it was there, and the name of its backup. */
	struct stat found;
	char *backup;
	/** The temporary name it has while TARGET_STAGED, or NULL. */
	char *tempfile;
	/** With TARGET_BY_LINK, the directory in which it was staged. */
	struct inode led_to;
	/** The mode it gets in the end, if it has to get one. */
	bool has_final_mode;
	mode_t final_mode;
};

/** Switches of struct file::flags. */
enum file_flags {
	/** Its destination is being written by another file, or its source is under a lease: it has to be begun again later. */
	FILE_DEFERRED = 1 << 0,
	/** Several workers may hold it. */
	FILE_SHARED = 1 << 1,
	/** Everything was done by a clone, or no data was asked for. */
	FILE_NO_DATA = 1 << 2,
	/** The data was cloned. */
	FILE_CLONED = 1 << 3,
	/** The size must be set in the end. */
	FILE_SET_SIZE = 1 << 4,
	/** Data is missing, or not known to be there. */
	FILE_INCOMPLETE = 1 << 5,
};

/** A file on its way. */
struct file {
	struct tree *tree;
	struct entry entry;
	/** enum file_flags; guarded by the lock once shared. */
	unsigned flags;
	struct source source;
	struct target target;
	struct plan plan;
	/** What has moved the data, or is moving it; and how that was read back (--verify). */
	const struct mover *mover;
	enum move_back read_back;
	/** With --resume, if it is a big one: what is noted of it, and the inode of the destination. */
	struct journal_part *part;
	uint64_t part_ino;
	/** The hash of what was read, of a file that was copied in order. */
	char sum[HASH_TEXT];
	/** If others wait to be linked to it. */
	struct link *link;
	/** If this is one that waited in vain: owns the names. */
	struct link_name *retry;
	/** In files::current, or zero. */
	struct list current;

	atomic_uint refs;
	/** Guards what follows. */
	pthread_mutex_t lock;
	/** Where the next range begins, and where the last ends. */
	uint64_t cursor;
	uint64_t size;
	/** Bytes of holes that were passed over. */
	uint64_t holes;
	/** Bytes that an earlier run has written. */
	uint64_t resumed;
	/** Where data is first missing, after an error. */
	uint64_t keep;
	/** The first error. */
	struct error fail;
	/** Bytes of data that were moved for it, and bytes that were left out for being zeros. */
	counter moved;
	counter zeros;
	/** In files::begun, if file::begun says so; that is set before others know the file. */
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

/** Write into a buffer the name, in its directory, of the file that is being copied longest; "" if none is, or is watched. */
void files_current(struct files *files, char *name, size_t size);

/**
 * Take away all destinations that are not whole, or cut them, while their workers may still hang in the kernel. To be
 * called only if the process ends then, whether this comes to an end or not.
 */
void files_take_away(struct files *files);

/** So many bytes of a file's data were moved. */
void file_moved(struct file_context *ctx, struct file *file, uint64_t bytes);

/**
 * With --resume, open the journal in a directory of the destination, unless there is one. What fails is a warning.
 *
 * @param tree    Whose destination that is, or, if it is the base, that of an operand.
 * @param beside  The path of something in the directory, for messages; NULL: it is the tree's.
 */
void files_resume_in(struct files *files, const struct tree *tree, int dir, const char *beside);

/** The same in a directory that was just entered, if it is the copy of an operand whose destination was named whole. */
void files_resume_below(struct files *files, const struct tree *tree);

/** All workers are done: close the journal. If nothing went wrong it is removed. */
void files_resume_end(struct files *files);

/** A tree is going to get its attributes: if the journal is in there, and nothing is left to do, it goes before. */
void files_tree_closing(struct files *files, const struct tree *tree);

/** Note that a range of a file was written (--resume). */
void file_wrote(struct file_context *ctx, struct file *file, uint64_t start, uint64_t end);

/** Set up what a worker brings along. */
void file_context_init(struct file_context *ctx, struct files *files, struct counters *counters);

/** Free it. */
void file_context_destroy(struct file_context *ctx);

/**
 * Copy whatever an entry is, except for the data of regular files.
 *
 * @param tree   Pinned by the caller.
 * @param entry  No directory. Lives as long as the tree has references, or is REDO's.
 * @param st     An operand as stat'ed, links followed as the options say; else NULL.
 * @param retry  The name if it waited for another one in vain, which is taken over; else NULL.
 * @return A file whose data is to be moved, with one reference; NULL if everything is done or reported.
 */
struct file *file_begin(struct file_context *ctx, struct tree *tree, const struct entry *entry, const struct stat *st,
	struct link_name *retry);

/** Claim the next range of at most WANT bytes. Returns false when there is none (left). */
bool file_claim(struct file *file, uint64_t want, struct extent *range);

/** Give up a part that was claimed: from OFF on something is missing. */
void file_abandon(struct file *file, uint64_t off);

/** Remember that something went wrong with the data at OFF. */
void file_fail(struct file *file, uint64_t off, struct error fail);

/**
 * A request for the file's data failed with ERR. Returns whether that may be because it does not use the page cache; from
 * now on it does, and the request can be made again.
 */
bool file_cache_refused(struct file_context *ctx, struct file *file, int err);

/** As mover_end_at() for the destination of a file, if that is a regular one which nobody else writes to. */
bool file_move_end(const struct file *file, int err, uint64_t off);

/** The source turned out to end at OFF. */
void file_ended(struct file *file, uint64_t off);

/**
 * Something could not be made for want of room (ENOSPC; a quota is never given back by others): put its name aside, to be
 * tried once more when everything else is done, and has given back what it had set aside or replaced.
 *
 * @param err  Why it failed.
 * @return Whether that is so; else it is to be reported.
 */
bool file_try_later(struct file_context *ctx, struct tree *tree, const struct entry *entry, int err, enum try_what what);

/** Take a reference. */
void file_ref(struct file *file);

/** Give a reference back; the last one finishes the file. */
void file_unref(struct file_context *ctx, struct file *file);

#endif // UCP_FILE_H
