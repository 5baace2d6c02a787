/**
 * What the parts of dest share; for the dest room only.
 */

#ifndef UCP_DEST_IMPL_H
#define UCP_DEST_IMPL_H

#include "dest/dest.h"

/** A source and a destination that are to be compared. */
struct dest_pair {
	const struct opts *opts;
	const struct tree *tree;
	const struct entry *entry;
	/** The source and the destination as found, links followed as the options say. */
	const struct stat *src;
	const struct stat *dst;
};

/** What comes of comparing. */
enum dest_same {
	/** The destination may be replaced without hurting the source. */
	SAME_OK,
	/** It is what it should be already. */
	SAME_DONE,
	/** Replacing it would destroy the source. */
	SAME_REFUSE,
};

/** Whether replacing the destination would hurt the source. */
enum dest_same dest_same(const struct dest_pair *pair);

/**
 * Why a name in a tree's destination, which is no directory, is neither to be written to nor to be removed: the directory is
 * reached by another way, and the name is, or may be, one of the sources.
 *
 * @param st  What it is.
 */
struct error dest_spare_name(struct dest *dest, const struct tree *tree, const struct stat *st);

/**
 * Whether both ends are one file that another file system shows as well (overlayfs and its upper directory): replacing the
 * one would destroy the other. The times of two files' status are the same by chance only, or in a snapshot. To find out,
 * the destination's time is changed for a moment.
 */
bool dest_is_shown_twice(const struct dest_pair *pair);

/** Whether operand SRC (a path) would be its own backup, so that making one destroys it. */
bool dest_is_backup(const struct dest_pair *pair);

/** As trees::is_source. */
bool dest_is_source_directory(struct dest *dest, struct inode inode);

/** Whether the copy was given up, and so nothing was found out. */
bool dest_is_cancelled(const struct dest *dest);

/** Whether an operand was given before; a warning was printed then. If not, it is remembered. */
bool dest_given_twice(struct dest *dest, struct tree *base, const struct entry *entry, const struct stat *st);

/** Free what is known of sources and of what was made. */
void dest_forget(struct dest *dest);

/** As trees::judge. */
enum tree_verdict dest_judge_directory(struct dest *dest, struct tree *tree, const struct entry *entry,
	struct error *fail);

/** What the next backup of a destination will be called. Returns whether it is numbered, or -errno; *NAME is to be freed. */
int dest_backup_name(const struct opts *opts, int dir, const char *path, char **name);

/** How a backup is made. */
enum dest_backup {
	/** By moving the destination out of the way. */
	DEST_BACKUP_MOVE,
	/** By a second name for it, so that there is no moment without either; moved where there are no hard links. */
	DEST_BACKUP_LINK,
};

/** Make a backup of a destination. Returns 0 or -errno; *NAME is what it is called now, to be freed. */
int dest_backup(const struct dest_pair *pair, enum dest_backup how, char **name);

/** Move a backup back to a name that must be free, or be another one of the same file. Returns 0 or -errno. */
int dest_restore(int dir, const char *backup, const char *path);

/** Whether this run made what stands at an operand's destination, of another operand and under the same name. */
bool dest_was_made(struct dest *dest, const struct stat *st, const struct tree *tree, const struct entry *entry);

/** By what a destination was found. */
struct dest_look {
	int dir;
	const char *name;
	/** AT_SYMLINK_NOFOLLOW or 0. */
	int flags;
};

/** A time as it is kept in steps of so many nanoseconds: a power of ten up to a second, or two seconds. */
struct timespec dest_cut_time(struct timespec time, long step);

/** The coarsest such step that all times of a file are multiples of. */
long dest_time_step(const struct stat *st);

/**
 * Whether a destination is at least as new as its source. Where times are preserved, one that its file system could only keep
 * cut short is. To know how short that is, the time of a destination may be changed and set again, once for each device.
 *
 * @param src  The source's time of last modification.
 * @param dst  The destination as found.
 */
bool dest_is_up_to_date(struct dest *dest, const struct dest_look *look, const struct timespec *src,
	const struct stat *dst);

/**
 * Whether the time of a destination is its source's, or what its file system could keep of that. As dest_is_up_to_date()
 * otherwise.
 */
bool dest_has_same_time(struct dest *dest, const struct dest_look *look, const struct timespec *src,
	const struct stat *dst);

/**
 * Whether a destination does not differ from its source in what is compared (--update=differ, checksum), and does not belong
 * to a stranger.
 *
 * @param pair        The source as found, links followed if they are; the destination by LOOK.
 * @param same_times  Set to dest_has_same_time() if they are alike.
 */
bool dest_is_alike(struct dest *dest, const struct dest_pair *pair, const struct dest_look *look, bool *same_times);

#endif // UCP_DEST_IMPL_H
