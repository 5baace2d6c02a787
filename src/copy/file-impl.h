/**
 * What the parts of file share; for the file room only.
 */

#ifndef UCP_FILE_IMPL_H
#define UCP_FILE_IMPL_H

#include "base/opts.h"
#include "copy/file.h"
#include "dest/dest.h"
#include "dest/hardlinks.h"

/** What became of a name of a file that may have several. */
enum file_hardlinks {
	/** Copy it. */
	FILE_HARDLINKS_COPY,
	/** It was linked, waits to be, or was left as it was. */
	FILE_HARDLINKS_DONE,
	/** It could not be done; reported. */
	FILE_HARDLINKS_FAILED,
};

/** What dest_judge() said of a destination, if it was asked. */
struct judged {
	/** Whether it was asked and said DEST_OVERWRITE or DEST_CREATE. */
	bool known;
	/** An operand's destination was looked for, and nothing stood there. */
	bool absent;
	enum dest_verdict verdict;
	struct dest_found found;
};

/** What stands at a destination. */
struct target_found {
	/** It, links followed. */
	struct stat st;
	/** Whether it was reached through a symbolic link, or something is mounted there. */
	bool link;
	bool mount;
};

/** What may be done with what stands at a destination. */
enum target_admit {
	/** It may be written to, or replaced. */
	TARGET_ADMIT,
	/** It belongs to somebody who is not to own the copy: something new takes its place. */
	TARGET_DISPLACE,
	/** It must stay as it is; the error says why. */
	TARGET_REFUSE,
};

/**
 * The list of checks for what stands at a destination and is no directory, whichever way the copy is made: in place, staged
 * or only simulated.
 *
 * @param src   The source.
 * @param fail  Set for TARGET_REFUSE.
 */
enum target_admit file_admit(const struct files *files, const struct tree *tree, const struct stat *src,
	const struct target_found *there, struct error *fail);

/** The device that a destination is on, as far as that is known without a system call, or 0. */
dev_t target_device(const struct file *file);

/**
 * file_admit() for a destination that was opened, and whether it is still what was found. Unless it is refused,
 * target::found is set to what it is now.
 */
enum target_admit target_admit(const struct file_context *ctx, struct file *file, int fd, struct error *fail);

/** What is said of something of a stranger with --attributes-only. */
struct error file_not_giving(void);

/** What is said of a symbolic link that is not followed: SYMLINK_FOREIGN or OPEN_NO_PROC. */
struct error file_not_through(int ret);

/** Why a regular file could not be made, by what tree_symlink_walk() or a call to the system returned. */
struct error file_cannot_create(int ret);

/**
 * Open what cannot be opened at once: a file under a lease, or a fifo that nobody has open yet. The kernel waits for up to
 * 45 s for whoever has a lease to give it up. Cancelling ends it.
 *
 * @param seen, dir, path, flags  As of open_again().
 * @return What open_again() returns: -EINTR if it was cancelled.
 */
int file_open_waiting(const struct file_context *ctx, int seen, int dir, const char *path, int flags);

/**
 * Whether a destination that was looked at twice is one file still. Some file systems change inode numbers, when a file is
 * opened for writing (overlayfs) or at each look (some of FUSE). What looks alike is taken for the same then, unless others
 * may write in the directory: they could have exchanged it.
 *
 * @param tree  Pinned; the destination is in its directory, or named whole.
 */
bool file_is_still(const struct tree *tree, const struct stat *found, const struct stat *now);

/** Whether what was found in a directory of the destination was put there by us, and could be moved there by no other. */
bool file_is_own(const struct files *files, int dir, const struct stat *found);

/**
 * Whether what stands at a destination, and is as new as the source, may be what further names are linked to.
 *
 * @param dir    The directory it is in.
 * @param found  Links followed, if they are.
 * @param there  The name itself.
 */
bool file_may_stand_for(const struct files *files, int dir, const struct stat *src, const struct stat *found,
	const struct stat *there);

/** Whether an entry is to appear only when it is whole (--atomic). */
bool file_is_atomic(const struct file_context *ctx, const struct entry *entry);

/**
 * A temporary name is taken that was going to be used: clear it, or choose another one.
 *
 * @param path  In the destination of TREE, or in DIR; replaced.
 * @return 0 or -errno.
 */
int file_hide_again(const struct tree *tree, int dir, char **path);

/**
 * Take away the temporary name of something if it still is that, as it has another name now or comes to nothing. What cannot be
 * taken away is reported.
 *
 * @param path  In DIR, which is the destination of TREE or where a link in there leads.
 */
void file_drop_tempfile(const struct tree *tree, int dir, const char *path, struct inode inode);

/** Begin a file where nothing stands yet. Returns 0, -EEXIST if something does, or another -errno. */
int file_stage_new(struct file_context *ctx, struct file *file);

/** Begin a file where dest_judge() said DEST_CREATE; REPLACE is dest_found::replace. */
struct error file_stage_again(struct file_context *ctx, struct file *file, bool replace);

/** Begin a file that takes the place of an old one which cannot be written into, or is a stranger's. */
struct error file_stage_instead(struct file_context *ctx, struct file *file);

/** Begin a file where dest_judge() said DEST_OVERWRITE, and a regular file stands. */
struct error file_stage_over(struct file_context *ctx, struct file *file);

/** Give a file that is whole the attributes of the one it is going to replace. */
struct error file_inherit(struct file_context *ctx, struct file *file);

/**
 * Have a file that is whole appear under its name. Where that fails it is FILE_INCOMPLETE. If target::tempfile is still set it has
 * that name, too, and file_unhide() has to take that away when the file is closed.
 */
struct error file_publish(struct file_context *ctx, struct file *file);

/** Take away the temporary name that a file has besides its own, if it still is that of an inode. What fails is reported. */
void file_unhide(struct file *file, struct inode inode);

/** Take away a file that did not get its name. */
void file_unstage(struct file_context *ctx, struct file *file);

/** Whether this run may make something of that very name in a tree, which then is no temporary one. */
bool file_expects(const struct tree *tree, const char *name);

/** A name needs no temporary one: take away what a run that was killed may have left for it (--resume). */
void file_clear_left(struct file_context *ctx, const struct tree *tree, const struct entry *entry);

/** dest_judge(), but what an earlier run has finished is DEST_DONE (--resume). */
enum dest_verdict file_verdict(struct file_context *ctx, struct tree *tree, const struct entry *entry,
	const struct stat *st, struct dest_found *found, struct error *fail);

/** Whether an entry would be where --resume keeps its journal. */
bool file_is_journal(const struct file_context *ctx, const struct tree *tree, const struct entry *entry);

/**
 * With --resume and a big file, set file::part, and open what an earlier run has left of it.
 *
 * @param dir   Where it gets its name.
 * @return A descriptor, with target::tempfile set; -1 if it is to be made.
 */
int file_open_part(struct file_context *ctx, struct file *file, int dir, const char *name, mode_t mode);

/** The destination of a file is open now: remember what file::part is about. */
void file_know_part(struct file *file);

/** Choose the part of a range claimed that is not there yet; the file's lock is held. Returns false if all of it is. */
bool file_skip_written(struct file *file, struct extent *range);

/** Keep what is there of a file that is not whole, for the next run. Returns whether that is so. */
bool file_keep_part(struct file_context *ctx, struct file *file);

/** Note that a file is whole, and has its name. */
void file_note_finished(struct file_context *ctx, const struct file *file);

/** Say what would be done with an entry (--dry-run), and count it. Nothing is changed, and no file opened. */
void file_simulate(struct file_context *ctx, struct tree *tree, const struct entry *entry, const struct stat *st);

/** What is said of a relative link (-s) that is to be made in another directory than the current one. */
extern const char file_leads_elsewhere[];

/** Whether a link to a source (-s) would be such a link. */
bool file_link_leads_elsewhere(const struct tree *tree, const struct entry *entry);

/** Whether other names of a file are to become links to its copy. */
bool file_has_links(const struct file_context *ctx, const struct tree *tree, const struct stat *st);

/**
 * Meet a name of a file that file_has_links().
 *
 * @param link    Set for FILE_HARDLINKS_COPY: for file_hardlinks_end().
 * @param judged  Set for FILE_HARDLINKS_COPY.
 */
enum file_hardlinks file_hardlinks_enter(struct file_context *ctx, struct tree *tree, const struct entry *entry,
	const struct stat *st, struct link **link, struct judged *judged);

/** The first name is copied, to COPY, or not (NULL): link those that wait, or have them copied. LINK may be NULL. */
void file_hardlinks_end(struct file_context *ctx, struct link *link, struct tree *tree, const struct inode *copy);

/** Make a link (-l, -s) in place of a copy. */
void file_make_link(struct file_context *ctx, struct tree *tree, const struct entry *entry, const struct stat *st);

/** Choose file::cache for a file that is copied in ranges. */
void file_cache_choose(struct file_context *ctx, struct file *file);

/** How much of the file was to be copied in ranges. */
uint64_t file_cache_planned(const struct file *file);

/** Have the file's descriptors use the page cache from now on. */
void file_cache_use(struct file *file);

/** Copy a symbolic link. */
void file_copy_symlink(struct file_context *ctx, struct tree *tree, const struct entry *entry, const struct stat *st);

/** Copy a fifo, a socket or a device node. */
void file_copy_special(struct file_context *ctx, struct tree *tree, const struct entry *entry, const struct stat *st);

/**
 * Ask for a destination's verdict before the source is opened, as cp does. What is refused is reported.
 *
 * @return Whether to go on.
 */
bool file_judge(struct file_context *ctx, struct tree *tree, const struct entry *entry, const struct stat *st,
	struct judged *judged);

/** Whether a source that may be a copy is just being written by another file, and so is to be read later. */
bool file_is_being_made(struct file_context *ctx, const struct tree *tree, const struct stat *st);

/** What destinations are opened for: those to be verified are read, too. */
int file_access_mode(const struct opts *opts);

/** Data of a file is going to be moved, which may take long: files_take_away() finds it. */
void file_note_begun(struct file_context *ctx, struct file *file);

/**
 * The same for a file of which nothing is left that passes for whole, if it may be begun again. ERR: why it failed. Returns
 * whether that is so; else it is to be reported.
 */
bool file_copy_later(struct file_context *ctx, struct file *file, int err);

/**
 * Whether a part that would be kept is taken away all the same, as its file will be tried once more: all others come first,
 * and find its room free. What an earlier run has left of it stays.
 */
bool file_yields_part(const struct file_context *ctx, const struct file *file);

/** Claim an existing destination, file::found, for one file. Returns false if another one is writing it. */
bool file_reserve(struct file_context *ctx, struct file *file);

/**
 * If a source may be what this run writes under another name, see that nothing writes to it while it is read. Returns false
 * if another file is writing it.
 */
bool file_reserve_source(struct file_context *ctx, struct file *file);

/** A file does not write to its destination after all: let others have that. */
void file_release_destination(struct file_context *ctx, struct file *file);

/** A file is finished: let others have its destination, and write to its source. */
void file_release(struct file_context *ctx, struct file *file);

/**
 * Open the destination, by cp's rules if there is one. Returns false if the file is not to be copied, or (with
 * FILE_DEFERRED set) not yet.
 */
bool file_open_destination(struct file_context *ctx, struct file *file, const struct judged *judged);

/** META_UNLISTED_ACLS if a source may have ACLs that are not listed, else 0. SRC_FD: -1 if it is not open. */
unsigned file_unlisted_acls(const struct tree *tree, int src_fd);

/** A file is copied: add it to the list of checksums, where there is one. */
void file_note_sum(struct file_context *ctx, struct file *file);

/** A file is not being copied any more, well or not. */
void file_end_current(struct files *files, struct file *file);

/** Close a file and free it, without a word. Gives back its reference to its tree. */
void file_free(struct file *file);

/** Say that an entry is being copied (-v), and the name of its backup if there is one. */
void file_say(struct file_context *ctx, const struct tree *tree, const struct entry *entry, const char *backup);

/** Note that an entry is not copied, as the user asked for. ST: the source if it is known. */
void file_skipped(struct file_context *ctx, const struct stat *st);

/**
 * The same, for DEST_SKIP or DEST_DONE; and give a destination that does not differ from its source (dest_found::alike) the
 * attributes that it lacks. What fails is reported.
 */
void file_leave(struct file_context *ctx, const struct tree *tree, const struct entry *entry, const struct stat *st,
	const struct dest_found *found);

/** Whether an inode has that name in a directory, and nobody else can put something else there. */
bool file_is_safe_by_name(int dir, const char *name, struct inode inode);

/** Note that an entry could not be copied. ST: the source if it is known. */
void file_failed(struct file_context *ctx, const struct stat *st);

/** Note that an entry that is no regular file is done: counted as one of its KIND, and protected from other operands. */
void file_done(struct file_context *ctx, const struct tree *tree, const struct entry *entry, counter *kind);

/** Close a destination that is about to be taken away: NFS keeps what is removed while it is open, under another name. */
void file_let_go(const struct file_context *ctx, struct file *file);

/** Take away, or at least cut, a destination that is not what it should be. */
void file_rollback(struct file_context *ctx, struct file *file);

/**
 * Closing failed, and with it perhaps writing (NFS, quotas): the same for a descriptor that is gone.
 *
 * @param made  What this run made, to be known again by; NULL if that is not known.
 */
void file_rollback_closed(struct file_context *ctx, struct file *file, const struct stat *made);

/**
 * Let no other operand read what is only being made of this one, nor, should somebody move it to the place of another
 * destination, write into what further names will be linked to.
 */
void file_protect(struct file_context *ctx, struct file *file);

/** A file is being copied from now on. */
void file_begin_current(struct files *files, struct file *file);

/**
 * Make a file of an entry, with one reference, which takes one to its tree. NULL without memory.
 *
 * @param retry As of file_begin(); taken over.
 */
struct file *file_new(struct tree *tree, const struct entry *entry, struct link_name *retry);

/**
 * Open the source and see that it is what we were told of. If it is under a lease, it is waited for, or with FILE_DEFERRED
 * set it has to be opened again later.
 *
 * @param wait  Whether it has to be waited for at once.
 */
struct error file_open_source(struct file_context *ctx, struct file *file, const struct stat *st, bool wait);

/** Say how a file was copied (--debug). */
void file_explain(struct file_context *ctx, const struct file *file);

/** Have no other operand replace what was made of this one. */
void file_note_made(struct file_context *ctx, struct file *file);

/** Count a file that is whole, and how it was copied. */
void file_count_copied(struct file_context *ctx, const struct file *file);

/** Count a file that could not be copied for ERR. */
void file_count_failed(struct file_context *ctx, const struct file *file, int err);

/**
 * All workers are done with a file: give it the rest of its data, its size, its attributes and its name.
 *
 * @return What went wrong, now or before: if FILE_INCOMPLETE is set, file_rollback() is to follow.
 */
struct error file_commit(struct file_context *ctx, struct file *file);

/** Move the data of a file of which both ends are open. Returns whether workers are to move it in ranges. */
bool file_move(struct file_context *ctx, struct file *file);

/** Move what the source of a file that was moved in ranges has gained meanwhile. */
void file_copy_tail(struct file_context *ctx, struct file *file);

#endif // UCP_FILE_IMPL_H
