// SPDX-License-Identifier: MIT
/**
 * What the files of copy/ share; for this folder only.
 */

#ifndef UCP_FILE_IMPL_H
#define UCP_FILE_IMPL_H

#include "base/opts.h"
#include "copy/file.h"
#include "dest/dest.h"
#include "dest/hardlinks.h"

/** What became of a name of a file that may have several names. */
enum file_hardlinks {
	/** Copy the file. */
	FILE_HARDLINKS_COPY,
	/** The name was linked, waits to be linked, or was left as it was. */
	FILE_HARDLINKS_DONE,
	/** The name could not be linked; this was reported. */
	FILE_HARDLINKS_FAILED,
};

/** The answer of dest_judge() for a destination, if it was asked. */
struct judged {
	/** Whether dest_judge() was asked and returned DEST_OVERWRITE or DEST_CREATE. */
	bool known;
	/** Whether an operand's destination was looked up and does not exist. */
	bool absent;
	enum dest_verdict verdict;
	struct dest_found found;
};

/** What stands at a destination. */
struct target_found {
	/** Its stat, links followed. */
	struct stat st;
	/** Whether it was reached through a symbolic link, and whether something is mounted there. */
	bool link;
	bool mount;
};

/** What may be done with what stands at a destination. */
enum target_admit {
	/** Write to it, or replace it. */
	TARGET_ADMIT,
	/** Let something new take its place: it belongs to a user who will not own the copy. */
	TARGET_DISPLACE,
	/** Leave it as it is; the error says why. */
	TARGET_REFUSE,
};

/**
 * Check what stands at a destination and is no directory. All ways to copy use this list of checks: in place, staged
 * and dry runs.
 *
 * @param src   The source.
 * @param fail  Set for TARGET_REFUSE.
 */
enum target_admit file_admit(const struct files *files, const struct tree *tree, const struct stat *src,
	const struct target_found *there, struct error *fail);

/**
 * Whether a regular file that is going to be written in place is a source, too, under another name: then a new file
 * takes its place. A file that only gets attributes keeps its content, which a new one would not have.
 */
bool file_is_also_source(const struct files *files, const struct target_found *there);

/** The device of a destination if it is known without a system call, else 0. */
dev_t target_device(const struct file *file);

/**
 * Call file_admit() for a destination that was opened as FD, and check that it is still what was found. Set
 * target::found to what it is now, unless it is refused.
 */
enum target_admit target_admit(const struct file_context *ctx, struct file *file, int fd, struct error *fail);

/** The error for --attributes-only on something that belongs to another user. */
struct error file_not_giving(void);

/** The error for a symbolic link that is not followed. RET: SYMLINK_FOREIGN, SYMLINK_REFUSED or OPEN_NO_PROC. */
struct error file_not_through(int ret);

/** The error for a regular file that could not be made. RET: -errno, or another result of tree_symlink_walk(). */
struct error file_cannot_create(int ret);

/**
 * Open a file under a lease, or a fifo that no process has open yet, and wait for it. The kernel gives the holder of a
 * lease up to 45 s to release it. Cancelling the copy ends the wait.
 *
 * @param seen, dir, path, flags  As for open_again().
 * @return What open_again() returns: -EINTR if it was cancelled.
 */
int file_open_waiting(const struct file_context *ctx, int seen, int dir, const char *path, int flags);

/**
 * Whether two looks at a destination found the same file. Some file systems change inode numbers when a file is opened
 * for writing (overlayfs) or at each look (some FUSE file systems). A file that looks alike then counts as the same,
 * unless others may write to the directory: they could have exchanged it.
 *
 * @param tree  Pinned. The destination is in its directory, or named whole.
 */
bool file_is_still(const struct tree *tree, const struct stat *found, const struct stat *now);

/** Whether we or root own FOUND and, if we are privileged, nobody else can have moved it into DIR. */
bool file_is_own(const struct files *files, int dir, const struct stat *found);

/**
 * Whether a destination that is as new as the source may be what further names are linked to.
 *
 * @param dir    The directory it is in.
 * @param found  Its stat as set by dest_judge().
 * @param there  The stat of the name itself.
 */
bool file_may_stand_for(const struct files *files, int dir, const struct stat *src, const struct stat *found,
	const struct stat *there);

/** Whether an entry is to appear only when it is whole (--atomic). */
bool file_is_atomic(const struct file_context *ctx, const struct entry *entry);

/** Returned by what file_try_tempfile() calls if another ucp removed the file as a leftover: the name is used again. */
#define TEMPFILE_LOST 2

/**
 * Make something under a temporary name: under the one that is known, which is cleared if it is taken, or under others.
 *
 * @param dir       The destination of TREE, or where a link in TREE leads.
 * @param name      The final name, relative to DIR.
 * @param make      Makes it. Returns -EEXIST to be called with another name, TEMPFILE_LOST, or what is returned then.
 * @param tempfile  Set to the temporary name, relative to DIR, or NULL; the caller frees it.
 * @return What MAKE does, or -errno: -EPERM if DIR is append-only.
 */
int file_try_tempfile(const struct tree *tree, int dir, const char *name, int (*make)(void *arg, const char *tempfile),
	void *arg, char **tempfile);

/**
 * Remove a temporary name if it still leads to INODE. A failure is reported.
 *
 * @param path  Relative to DIR, which is the destination of TREE or where a link in TREE leads.
 */
void file_drop_tempfile(const struct tree *tree, int dir, const char *path, struct inode inode);

/** Where a file gets its name: a directory, and a name without slashes. */
struct location {
	int dir;
	/** The directory's descriptor if location_close() has to close it, else -1. */
	int own;
	char *name;
};

/**
 * Find where a file gets its name. Its tree is pinned. Returns 0, SYMLINK_FOREIGN, SYMLINK_REFUSED or -errno: -ESTALE
 * if that is in another directory now.
 */
int location_open(struct location *location, const struct file *file);

/** Close a location that was opened. */
void location_close(struct location *location);

/**
 * The kinds of targets. A target in place is written to under its own name. A staged one (--atomic, --resume) has no
 * name or a temporary one until it is whole. A dry run has no target, as it opens nothing: see file_simulate().
 */
struct target_ops {
	/** Create a file where nothing stands yet. Returns 0, -EEXIST if something does, or another -errno. */
	int (*create)(struct file_context *ctx, struct file *file);
	/** Create a file for which dest_judge() returned DEST_CREATE. REPLACE: dest_found::replace. */
	struct error (*create_again)(struct file_context *ctx, struct file *file, bool replace);
	/** Open or create what a file is written to for which dest_judge() returned DEST_OVERWRITE. */
	struct error (*overwrite)(struct file_context *ctx, struct file *file);
	/** Create a file in the place of one that cannot be written into, or that belongs to another user. */
	struct error (*displace)(struct file_context *ctx, struct file *file);
	/**
	 * Give a complete file its name. If this fails, the file becomes FILE_INCOMPLETE. If target::tempfile is still set
	 * afterwards, the file has that name, too, and file_unhide() has to remove it when the file is closed.
	 */
	struct error (*commit)(struct file_context *ctx, struct file *file);
	/** Remove an incomplete file, or keep it for --resume (file_keep_part()); truncate one that was there before. */
	void (*rollback)(struct file_context *ctx, struct file *file);
};

/** Targets that are written to under their own names. */
extern const struct target_ops target_in_place;

/** Targets that get their names when they are whole. */
extern const struct target_ops target_staged;

/** Whether a target does not have its name yet. */
static inline bool target_is_staged(const struct target *target) {
	return target->ops == &target_staged;
}

/**
 * With --link-dest, make NAME in DIR a hard link to the file of an earlier copy that is the same as the source, and set
 * target::fd and TARGET_LINKED.
 *
 * @return 0; -EEXIST if something has that name; 1 if there is no such file, or no link can be made.
 */
int file_link_earlier(struct file_context *ctx, struct file *file, int dir, const char *name);

/** Whether file_link_earlier() would find a file for this source, which is not opened: its data is not compared. */
bool file_would_link_earlier(struct files *files, struct tree *tree, const struct entry *entry, const struct stat *st);

/**
 * With --reflink-dest, open the file of an earlier copy that has the size and the time of the source. Returns a
 * descriptor for reading, and sets EARLIER to the copy it is in; -1 if there is none.
 */
int file_open_earlier(const struct file_context *ctx, const struct file *file, struct earlier **earlier);

/** Report that a file of an earlier copy could not be cloned because of ERR, once for each of these copies. */
void file_not_cloned(const struct files *files, struct earlier *earlier, int err);

/** Give a complete file the attributes of the file it is going to replace. */
struct error file_inherit(struct file_context *ctx, struct file *file);

/** Remove the temporary name that a file has besides its own, if it still leads to INODE. A failure is reported. */
void file_unhide(struct file *file, struct inode inode);

/** Whether this run may make NAME in TREE. If so, NAME is no temporary name there. */
bool file_expects(const struct tree *tree, const char *name);

/** Remove what a killed run may have left under the temporary name of an entry that needs none (--resume). */
void file_clear_left(struct file_context *ctx, const struct tree *tree, const struct entry *entry);

/** Call dest_judge(), except that a file which an earlier run has finished is DEST_DONE (--resume). */
enum dest_verdict file_verdict(struct file_context *ctx, struct tree *tree, const struct entry *entry,
	const struct stat *st, struct dest_found *found, struct error *fail);

/** Whether an entry would be copied to the place of --resume's journal. */
bool file_is_journal(const struct file_context *ctx, const struct tree *tree, const struct entry *entry);

/**
 * With --resume, set file::part for a big file, and open what an earlier run has left of it.
 *
 * @param dir   The directory in which the file gets its name.
 * @return A descriptor, with target::tempfile set; -1 if the file has to be made.
 */
int file_open_part(struct file_context *ctx, struct file *file, int dir, const char *name, mode_t mode);

/** Set file::part_ino from the destination, which is open now. Clears file::part if that fails. */
void file_know_part(struct file *file);

/** Cut a claimed range down to its first unwritten part. The file's lock is held. Returns false if there is none. */
bool file_skip_written(struct file *file, struct extent *range);

/** Keep the written part of an incomplete file for the next run. Returns whether it is kept. */
bool file_keep_part(struct file_context *ctx, struct file *file);

/** Note in the journal that a file is complete and has its name. */
void file_note_finished(struct file_context *ctx, const struct file *file);

/** Simulate the copy of an entry (--dry-run): print it and count it. Changes nothing, and opens no file. */
void file_simulate(struct file_context *ctx, struct tree *tree, const struct entry *entry, const struct stat *st);

/** The message about a relative link (-s) that would be made in another directory than the current one. */
extern const char file_leads_elsewhere[];

/** Whether a link to a source (-s) would get that message. */
bool file_link_leads_elsewhere(const struct tree *tree, const struct entry *entry);

/** Whether other names of a file are to become links to its copy. */
bool file_has_links(const struct file_context *ctx, const struct tree *tree, const struct stat *st);

/**
 * Handle a name of a file for which file_has_links() is true.
 *
 * @param link    Set for FILE_HARDLINKS_COPY, to be passed to file_hardlinks_end().
 * @param judged  Set for FILE_HARDLINKS_COPY.
 */
enum file_hardlinks file_hardlinks_enter(struct file_context *ctx, struct tree *tree, const struct entry *entry,
	const struct stat *st, struct link **link, struct judged *judged);

/** Finish the first name: link the names that wait to COPY or, if COPY is NULL, have them copied. LINK may be NULL. */
void file_hardlinks_end(struct file_context *ctx, struct link *link, struct tree *tree, const struct inode *copy);

/** Make a link (-l, -s) in place of a copy. */
void file_make_link(struct file_context *ctx, struct tree *tree, const struct entry *entry, const struct stat *st);

/**
 * Whether the open destination of a file cannot hold it. This is found out only if writing in vain would take time. For
 * destinations that will be written to at once: sets their position to 0.
 */
bool file_is_too_large(const struct file *file);

/** Choose plan::cache for a file that is copied in ranges. */
void file_cache_choose(struct file_context *ctx, struct file *file);

/** How many bytes of the file were to be copied in ranges. */
uint64_t file_cache_planned(const struct file *file);

/** Make the file's descriptors use the page cache from now on. */
void file_cache_use(struct file *file);

/** Copy a symbolic link. */
void file_copy_symlink(struct file_context *ctx, struct tree *tree, const struct entry *entry, const struct stat *st);

/** Copy a fifo, a socket or a device node. */
void file_copy_special(struct file_context *ctx, struct tree *tree, const struct entry *entry, const struct stat *st);

/**
 * Judge a destination before the source is opened, as cp does. Refusals are reported.
 *
 * @return Whether to go on.
 */
bool file_judge(struct file_context *ctx, struct tree *tree, const struct entry *entry, const struct stat *st,
	struct judged *judged);

/** The open(2) access mode for destinations: read and write if they are verified, else write only. */
int file_access_mode(const struct opts *opts);

/** Add a file to files::begun, for files_take_away(): moving its data may take long. */
void file_note_begun(struct file_context *ctx, struct file *file);

/**
 * Call file_try_later() for a file that failed with ERR, if it may be begun again and nothing of it passes for whole.
 * Returns whether the file was put aside; if not, report the error.
 */
bool file_copy_later(struct file_context *ctx, struct file *file, int err);

/**
 * Whether to remove a part that would otherwise be kept, because its file will be tried once more: other files can use
 * the space until then. What an earlier run has left is never removed.
 */
bool file_yields_part(const struct file_context *ctx, const struct file *file);

/** Reserve target::found, an existing destination, for this file. Returns false if another file reads or writes it. */
bool file_reserve(struct file_context *ctx, struct file *file);

/**
 * Reserve a source that this run may also write under another name, so that no file writes to it while it is read.
 * Returns false if a file is writing it already.
 */
bool file_reserve_source(struct file_context *ctx, struct file *file, const struct stat *st);

/** Release the reservation of the destination. */
void file_release_destination(struct file_context *ctx, struct file *file);

/** Release the reservations of destination and source. */
void file_release(struct file_context *ctx, struct file *file);

/**
 * Open the destination, by cp's rules if it exists. Returns false if the file is not to be copied, or not yet
 * (FILE_DEFERRED).
 */
bool file_open_destination(struct file_context *ctx, struct file *file, const struct judged *judged);

/** Returns META_UNLISTED_ACLS if a source may have ACLs that are not listed, else 0. SRC_FD: -1 if it is not open. */
unsigned file_unlisted_acls(const struct tree *tree, int src_fd);

/** Add a copied file to the list of checksums, if there is one. */
void file_note_sum(struct file_context *ctx, struct file *file);

/** Close a file, free it and drop its reference to its tree. Reports nothing. */
void file_free(struct file *file);

/** Print that an entry is being copied (-v), with the name of its backup if there is one. */
void file_say(struct file_context *ctx, const struct tree *tree, const struct entry *entry, const char *backup);

/** The same for an entry that was renamed. */
void file_say_renamed(struct file_context *ctx, const struct tree *tree, const struct entry *entry, const char *backup);

/** Set up removals. */
void removals_init(struct removals *removals);

/** Free removals. No source may be left in them. */
void removals_destroy(struct removals *removals);

/**
 * With OPT_MOVE: a source that is no directory is copied, without any error. It is removed when its copy is on the
 * medium.
 *
 * @param st      The source as it was before it was read.
 * @param copy    The inode of the copy.
 * @param untold  Whether a change of the source may not show in its times.
 */
void file_moved_away(struct file_context *ctx, struct tree *tree, const struct entry *entry, const struct stat *st,
	struct inode copy, bool untold);

/** Count an entry that is not copied because the user asked for that. ST: the source if it is known. */
void file_skipped(struct file_context *ctx, const struct stat *st);

/**
 * Count an entry as skipped (DEST_SKIP, DEST_DONE). If its destination differs from the source only in attributes
 * (dest_found::alike), set these. A failure is reported.
 */
void file_leave(struct file_context *ctx, const struct tree *tree, const struct entry *entry, const struct stat *st,
	const struct dest_found *found);

/** Whether file_leave() would change, or might change, the attributes of what it leaves. */
bool file_sets_attributes(const struct file_context *ctx, const struct tree *tree, const struct entry *entry,
	const struct stat *st, const struct dest_found *found);

/**
 * Whether file_sets_attributes() is true for a file that may be a hard link to one of an earlier copy (--link-dest):
 * the file must be replaced.
 */
bool file_shares_attributes(const struct file_context *ctx, const struct tree *tree, const struct entry *entry,
	const struct stat *st, const struct dest_found *found);

/** Whether NAME in DIR is INODE, and nobody else can exchange it. */
bool file_is_safe_by_name(int dir, const char *name, struct inode inode);

/**
 * Put a name aside that dest_judge() refused only for now (dest_found::later): it is begun again when everything else
 * is done. Returns whether the name was put aside; if not, report the error.
 */
bool file_put_off(struct file_context *ctx, struct tree *tree, const struct entry *entry,
	const struct dest_found *found);

/** Count an entry that could not be copied. ST: the source if it is known. */
void file_failed(struct file_context *ctx, const struct stat *st);

/** Count a finished entry that is no regular file, as one of its KIND, and protect it from other operands. */
void file_done(struct file_context *ctx, const struct tree *tree, const struct entry *entry, counter *kind);

/** Close a destination that is about to be removed: NFS renames a file that is removed while open. */
void file_let_go(const struct file_context *ctx, struct file *file);

/** Remove, or at least truncate, an incomplete destination. */
void file_rollback(struct file_context *ctx, struct file *file);

/**
 * Roll back a file whose descriptor is gone, because closing it failed, and perhaps writing with it (NFS, quotas).
 *
 * @param made  The stat of what this run made, to recognise it; NULL if it is not known.
 */
void file_rollback_closed(struct file_context *ctx, struct file *file, const struct stat *made);

/**
 * Reserve a new destination, so that no other operand reads it half-written and, if someone renames it over another
 * destination, no file writes into the inode that further names will be linked to.
 */
void file_protect(struct file_context *ctx, struct file *file);

/**
 * Make a file with one reference for an entry. It takes a reference to TREE. Returns NULL without memory.
 *
 * @param retry As for file_begin(); taken over.
 */
struct file *file_new(struct tree *tree, const struct entry *entry, struct link_name *retry);

/**
 * Open the source and check that it is what was listed. If it is under a lease, wait for it or set FILE_DEFERRED.
 *
 * @param wait  Whether to wait for the lease.
 */
struct error file_open_source(struct file_context *ctx, struct file *file, const struct stat *st, bool wait);

/** Print how a file was copied (--debug). */
void file_explain(struct file_context *ctx, const struct file *file);

/** Record the copy of an operand, so that no other operand replaces it. */
void file_note_made(struct file_context *ctx, struct file *file);

/** Count a complete file, and how it was copied. */
void file_count_copied(struct file_context *ctx, const struct file *file);

/** Count a file that could not be copied because of ERR. */
void file_count_failed(struct file_context *ctx, const struct file *file, int err);

/**
 * Complete a file when all workers are done with it: move the rest of its data, set its size and attributes, name it.
 *
 * @return The first error, now or before. If FILE_INCOMPLETE is set, call file_rollback().
 */
struct error file_commit(struct file_context *ctx, struct file *file);

/** Move the data of a file whose ends are both open. Returns whether workers have to move it in ranges. */
bool file_move(struct file_context *ctx, struct file *file);

/** Move the data that the source has gained since file_move(), if the file was moved in ranges. */
void file_copy_tail(struct file_context *ctx, struct file *file);

#endif // UCP_FILE_IMPL_H
