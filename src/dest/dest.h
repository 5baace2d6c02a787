// SPDX-License-Identifier: MIT
/**
 * cp's rules: the destination of each operand, and whether an existing file there may be replaced.
 */

#ifndef UCP_DEST_H
#define UCP_DEST_H

#include "base/name-set.h"
#include "display/scan.h"
#include "tree/tree.h"

/** Switches of struct dest::flags. */
enum dest_flags {
	/** Operands can share a destination, so they must be copied one after the other. */
	DEST_SERIAL = 1 << 0,
	/** There are several operands. */
	DEST_SEVERAL = 1 << 1,
	/** With OPT_MOVE: a directory is merged with an existing one that is not empty. */
	DEST_MERGE = 1 << 2,
};

/** How many devices' time steps are remembered. */
#define DEST_STEPS 8

/** The step in which a file system stores times. */
struct dest_step {
	dev_t dev;
	/** In nanoseconds; 0 if this place is unused. */
	long step;
};

/** The operands of a run and the records kept about them. */
struct dest {
	const struct opts *opts;
	struct report *report;
	/** enum dest_flags. */
	unsigned flags;
	/** The tree of operands: all of them are in listing::files. */
	struct tree *base;

	pthread_mutex_t lock;
	/**
	 * Operands met, by source inode: files with their source names, entered directories with their destination names.
	 */
	struct inode_set sources;
	/** Copies made of operands, if DEST_SEVERAL. */
	struct inode_set made;
	/** Destination names that operands would get (--dry-run), if DEST_SERIAL. */
	struct name_set simulated;
	/** Time steps of destination devices (-u, --update=differ), and the place to overwrite next. */
	struct dest_step steps[DEST_STEPS];
	unsigned next_step;
	/** The files to be copied; has its own lock. */
	struct sources all;
	/**
	 * With OPT_DELETE, inodes that must stay: the directories above the sources, and what else this run needs.
	 * Const once set.
	 */
	struct inode_set above;
	struct inode_set kept;
	/** With opts::backup_dir, its descriptor (O_PATH) and status once it is open; -1 until then. Set under lock. */
	int backups;
	struct stat backups_stat;
	/** The files moved there under their own names, if DEST_SERIAL. Used under lock. */
	struct inode_set moved;
	/** Memory ran out while a file was recorded in moved. */
	bool moved_unknown;
	/** How many names were removed, or would be. */
	counter removed;
	/** With OPT_MAX_DELETE: how many names are to be removed from the directories entered so far. */
	counter surplus;
	/**
	 * With OPT_MAX_DELETE: the directories with names to remove, each with a reference; none once the limit is passed.
	 */
	struct tree **held;
	size_t held_count;
	/** The notice that stands in for the journal of a destination to be made (--resume); NULL if there is none. */
	struct journal_notice *notice;
	/** Memory ran out while a copy was recorded in made. */
	bool made_unknown;
	/** With OPT_DELETE, whether above and kept could not be found out, so nothing may be removed. Const once set. */
	bool unprotected;
	/** Whether nothing was removed from some directory because of an error in it. */
	atomic_bool withheld;
	/** With OPT_MAX_DELETE: whether all directories have been entered. */
	atomic_bool entered;
};

/** The existing destination, and how dest_judge() dealt with it. */
struct dest_found {
	/** The destination as it was. */
	struct stat st;
	/** In: whether st is known already, links not followed. */
	bool seen;
	/** In and out: whether the user has agreed (-i) and so is not asked. */
	bool agreed;
	/**
	 * The backup's name, to which the destination was moved (with --atomic: linked), or NULL; the caller frees it. With
	 * opts::backup_dir it is relative to the current directory, else to the tree.
	 */
	char *backup;
	/** With --atomic: the existing file stays until the complete copy replaces it. */
	bool replace;
	/**
	 * For DEST_DONE: alike means that only attributes may differ (opts_compare()); same_times means that the times are
	 * equal.
	 */
	bool alike;
	bool same_times;
	/** For DEST_REFUSE: judge again when all directories have been entered (OPT_MAX_DELETE). */
	bool later;
};

/** What to do about an existing destination. */
enum dest_verdict {
	/** Open the file and replace its content. */
	DEST_OVERWRITE,
	/** Create the file: the old one is out of the way, leads nowhere as a link, or has dest_found::replace. */
	DEST_CREATE,
	/** Leave the file, as the user wants. */
	DEST_SKIP,
	/** Leave the file: it is as new as the source, or does not differ. Other names of the source are linked to it. */
	DEST_DONE,
	/** Report the error: the file may not be replaced. */
	DEST_REFUSE,
};

/** Resolve the operands. Errors are reported. Returns 0, or -1 if nothing can be copied. */
int dest_init(struct dest *dest, const struct opts *opts, struct report *report, struct trees *trees);

/**
 * Whether two files, open for reading, have the same content. Also true if the copy is cancelled, and false if one
 * cannot be read.
 */
bool dest_has_same_data(const struct dest *dest, const int fd[2]);

/**
 * Handle cp's special case: with -f and a backup, a regular file copied onto itself becomes its own backup.
 *
 * @return The backup's name, which the caller frees; NULL if this is not the case.
 */
char *dest_onto_itself(const struct opts *opts);

/**
 * Enter the directories above an operand (--parents), and make them in the destination. Errors are reported.
 *
 * @param last  Set to the operand's last component; lives as long as ENTRY.
 * @return The last directory, pinned and with a reference; NULL if one could not be entered.
 */
struct tree *dest_enter_parents(struct tree *base, const struct entry *entry, struct entry *last);

/** Remove the notice of the destination: it now has a journal, or will have none. */
void dest_journal_begun(struct dest *dest);

/** Free what dest_init() made, except the base's reference. */
void dest_destroy(struct dest *dest);

/**
 * Check an operand when its turn comes.
 *
 * @param entry  Its type and inode number are filled in.
 * @param st     Set to the source's status, links followed as the options say.
 * @return Whether to copy the operand; if not, an error or warning was reported if one is due.
 */
bool dest_operand(struct dest *dest, struct tree *base, struct entry *entry, struct stat *st);

/** Remember that a directory operand was entered, so that giving it twice is noticed. */
void dest_entered(struct dest *dest, const struct entry *entry, const struct stat *st);

/**
 * Decide about a destination that may exist. May remove it, or move it to a backup.
 *
 * @param st     The status of the source, which is no directory.
 * @param found  Set to what was found; dest_found::seen and st may be set before.
 * @param fail   Set for DEST_REFUSE.
 */
enum dest_verdict dest_judge(struct dest *dest, struct tree *tree, const struct entry *entry, const struct stat *st,
	struct dest_found *found, struct error *fail);

/**
 * Decide about a destination with --dry-run: another operand may already have been made there in a real run.
 *
 * @param verdict  The answer if no operand was.
 * @param fail     Set for DEST_REFUSE.
 */
enum dest_verdict dest_simulate(struct dest *dest, const struct tree *tree, const struct entry *entry,
	enum dest_verdict verdict, struct error *fail);

/**
 * Whether two paths name one entry of one directory. Answers yes if this cannot be found out, which is the careful
 * answer.
 *
 * @param flags  AT_SYMLINK_NOFOLLOW: a symbolic link among the parents' names stands for itself.
 */
bool dest_same_entry(int dir_a, const char *path_a, int dir_b, const char *path_b, int flags);

/** The path of a backup, dest_found::backup, for messages; the caller frees it. */
char *dest_backup_path(const struct opts *opts, const struct tree *tree, const char *backup);

/** Move a backup back, because no copy took its place. Errors are reported. */
void dest_undo_backup(struct dest *dest, const struct tree *tree, const struct entry *entry, const char *backup);

/**
 * Whether an existing file belongs to a user who may own its copy: us, root or, if owners are kept, the source's owner.
 */
bool dest_is_owners(const struct opts *opts, const struct stat *src, const struct stat *there);

/**
 * Whether an existing file below the destination belongs to a user who will not own the copy. Directories do not count.
 * Ask this before a file of any type, or the target of a link, is overwritten, replaced or given attributes: its owner
 * may have it open, and could read and write the copy despite its permissions. Only the superuser who keeps ownership
 * has to ask.
 *
 * @param src    The source.
 * @param there  The existing file, links followed if the copy follows them.
 */
bool dest_is_strangers(const struct opts *opts, const struct tree *tree, const struct stat *src,
	const struct stat *there);

/** dest_bytes_over() cannot count the bytes. */
#define DEST_OVER_UNKNOWN UINT64_MAX

/**
 * How many bytes of existing files at the operands' destinations will be overwritten. Call this before anything is
 * copied. DEST_OVER_UNKNOWN if there are directories that are not empty, or too many operands.
 */
uint64_t dest_bytes_over(const struct dest *dest);

/** Whether a regular file is, or may be, one to be copied. The first call searches all sources. */
bool dest_is_source(struct dest *dest, const struct stat *st);

/** The error if a regular file that a symbolic link leads to must not be overwritten: it is, or may be, a source. */
struct error dest_spare_source(struct dest *dest, const struct stat *st);

/**
 * Record that an entry's destination was made, so that no other operand replaces it.
 *
 * @param made  The inode, or NULL to look at the destination.
 */
void dest_made(struct dest *dest, const struct tree *tree, const struct entry *entry, const struct inode *made);

/** Note that this run moved something to a name in an existing directory, so that no other name replaces it. */
void dest_note_moved(struct dest *dest, struct tree *tree, struct inode inode);

/** Whether this run moved INODE to a name in TREE. */
bool dest_was_moved(struct dest *dest, const struct tree *tree, struct inode inode);

#endif // UCP_DEST_H
