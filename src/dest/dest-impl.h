// SPDX-License-Identifier: MIT
/**
 * Declarations that the files of the dest room share.
 */

#ifndef UCP_DEST_IMPL_H
#define UCP_DEST_IMPL_H

#include "dest/dest.h"

/** A source and a destination to compare. */
struct dest_pair {
	const struct opts *opts;
	const struct tree *tree;
	const struct entry *entry;
	/** Status of source and destination as found; links are followed if the options say so. */
	const struct stat *src;
	const struct stat *dst;
};

/** Result of dest_same(). */
enum dest_same {
	/** The destination may be replaced without hurting the source. */
	SAME_OK,
	/** Source and destination are one file already; nothing is to be done. */
	SAME_DONE,
	/** Replacing it would destroy the source. */
	SAME_REFUSE,
};

/** Whether replacing the destination would destroy the source, by cp's rules. */
enum dest_same dest_same(const struct dest_pair *pair);

/**
 * The error if an existing name in a tree's destination must be neither overwritten nor removed: the tree has
 * TREE_ELSEWHERE or TREE_IN_SOURCE, and the name is, or may be, a source. The name is no directory.
 *
 * @param st  The status of the name.
 */
struct error dest_spare_name(struct dest *dest, const struct tree *tree, const struct stat *st);

/**
 * Whether source and destination are one file that a second file system shows, too (overlayfs and its upper directory):
 * replacing one would destroy the other. Files with equal ctime, mtime and size on two devices are suspected, and then
 * the destination's time is changed for a moment to be sure. With --dry-run equal inode numbers decide instead.
 */
bool dest_is_shown_twice(const struct dest_pair *pair);

/** Whether the source is the file that a simple backup of the destination would replace. */
bool dest_is_backup(const struct dest_pair *pair);

/** As trees::is_source. */
bool dest_is_source_directory(struct dest *dest, struct inode inode);

/** Whether the copy is being cancelled; then a search of the sources gives no answer. */
bool dest_is_cancelled(const struct dest *dest);

/** Whether an operand was given before; then a warning is printed. If not, a file is remembered. */
bool dest_given_twice(struct dest *dest, struct tree *base, const struct entry *entry, const struct stat *st);

/** Free the records of sources and of copies made. */
void dest_forget(struct dest *dest);

/** As trees::judge. */
enum tree_verdict dest_judge_directory(struct dest *dest, struct tree *tree, const struct entry *entry,
	struct error *fail);

/**
 * Choose the name of the next backup of PATH. Returns 1 if the backup is numbered, 0 if not, or -errno; the caller
 * frees *NAME.
 */
int dest_backup_name(const struct opts *opts, int dir, const char *path, char **name);

/** How to make a backup. */
enum dest_backup {
	/** Move the destination out of the way. */
	DEST_BACKUP_MOVE,
	/** Give the destination a second name, so that the file is never missing; move it if hard links are refused. */
	DEST_BACKUP_LINK,
};

/** A file to back up. */
struct dest_old {
	/** Its directory and its path from there. */
	int dir;
	const char *path;
	/** Its tree, and its path from there. */
	const struct tree *tree;
	const char *tree_path;
	/** The source that will replace it, or NULL. */
	const struct stat *src;
	/** Whether it is a copy of that, made by an earlier move: an older backup is worth more. */
	bool copied;
};

/**
 * Make a backup of a file. Sets *NAME to dest_found::backup, or leaves it as it is if an older backup is kept.
 *
 * @return 0 or -errno. -ENOENT: there is no such file. -EEXIST, with opts::backup_dir: the backup would replace a
 *         source.
 */
int dest_backup(struct dest *dest, const struct dest_old *old, enum dest_backup how, char **name);

/** Make a backup of a destination. Sets *NAME to dest_found::backup, which the caller frees; or returns an error. */
struct error dest_make_backup(struct dest *dest, const struct dest_pair *pair, enum dest_backup how, char **name);

/** Whether a name may be a backup's: it ends in the suffix, or has a backup's number. */
bool dest_is_backup_name(const struct opts *opts, const char *name);

/** Move a backup back to its file, whose name must be free or another name of the backup. Returns 0 or -errno. */
int dest_restore(struct dest *dest, const struct dest_old *old, const char *backup);

/** Where backups go: an open directory, and the name of the file. */
struct dest_place {
	/** -1: there is none, as nothing is made. */
	int dir;
	char *name;
	/** The path of the directory below opts::backup_dir; ends in a slash unless it is empty. */
	char *above;
};

/**
 * With opts::backup_dir, open the directory for the backup of a file. Only directories are entered that belong to us,
 * to root or to the owner of opts::backup_dir, and no links are followed.
 *
 * @param path   The path of the file in the tree's destination.
 * @param make   Whether to make the directory if it is missing.
 * @param place  Freed by dest_place_free().
 * @return 0 or -errno.
 */
int dest_backup_place(struct dest *dest, const struct tree *tree, const char *path, bool make,
	struct dest_place *place);

/** Close and free what dest_backup_place() set. */
void dest_place_free(struct dest_place *place);

/** Open opts::backup_dir, or make it. Returns a descriptor, which stays the dest's, or -errno. */
int dest_open_backups(struct dest *dest, bool make);

/** Whether a file, by its status, is opts::backup_dir. */
bool dest_is_backups(struct dest *dest, const struct stat *st);

/** Whether this run made the file at an operand's destination, from another operand and under the same name. */
bool dest_was_made(struct dest *dest, const struct stat *st, const struct tree *tree, const struct entry *entry);

/** Where a destination was found. */
struct dest_look {
	int dir;
	const char *name;
	/** AT_SYMLINK_NOFOLLOW or 0. */
	int flags;
};

/** Cut a time to a multiple of STEP nanoseconds: a power of ten up to one second, or two seconds. */
struct timespec dest_cut_time(struct timespec time, long step);

/** The coarsest step of dest_cut_time() of which all times of a file are multiples. */
long dest_time_step(const struct stat *st);

/**
 * Whether a destination is at least as new as its source. If times are preserved, a time that the destination's file
 * system cut to its step counts as equal. To find that step, the time of one destination on each device may be changed
 * and set back.
 *
 * @param src  The source's time of last modification.
 * @param dst  The destination as found.
 */
bool dest_is_up_to_date(struct dest *dest, const struct dest_look *look, const struct timespec *src,
	const struct stat *dst);

/** Whether a destination has its source's time, exactly or cut to its file system's step. See dest_is_up_to_date(). */
bool dest_has_same_time(struct dest *dest, const struct dest_look *look, const struct timespec *src,
	const struct stat *dst);

/**
 * Whether a destination equals its source by the rules of --update=differ or checksum, and does not belong to a
 * stranger (dest_is_strangers()).
 *
 * @param pair        The source as found, links followed if they are copied so; the destination as found by LOOK.
 * @param same_times  Set to dest_has_same_time(), unless types differ or the destination belongs to a stranger.
 */
bool dest_is_alike(struct dest *dest, const struct dest_pair *pair, const struct dest_look *look, bool *same_times);

/** Whether a destination is like a copy that --move made of the source, contents included. */
bool dest_is_copied(struct dest *dest, const struct dest_pair *pair);

#endif // UCP_DEST_IMPL_H
