// SPDX-License-Identifier: MIT
/**
 * Pairs of directories, a source and its copy, both open while they are worked on.
 *
 * A tree is reference-counted: its reader, each subdirectory, each batch and each file under way hold one reference.
 * When the last reference goes, the mode and times of the copy are set, the tree is closed, and its parent loses a
 * reference.
 *
 * Descriptors are limited: a tree that is not pinned may be closed at any time. It is reopened through its ancestors or
 * a child, and each step compares the directory with its known inode.
 */

#ifndef UCP_TREE_H
#define UCP_TREE_H

#include "base/error.h"
#include "base/inode.h"
#include "base/list.h"
#include "base/thread.h"
#include "report/event.h"
#include "sys/tempfile.h"
#include "tree/listing.h"

struct dest;
struct files;
struct flush;
struct limits;
struct opts;
struct symlink_end;
struct report;
struct select_dir;

/** The two ends of a copy. */
enum side {
	SRC,
	DST,
};

/** Switches of struct tree::flags. */
enum tree_flags {
	/** The operands' tree: relative paths start at its directories. */
	TREE_BASE = 1 << 0,
	/** This run made the destination. */
	TREE_CREATED = 1 << 1,
	/** The destination's mode is widened until it is filled. */
	TREE_WIDENED = 1 << 2,
	/** New files in the destination get an ACL from it, or may: another user owns it, or it could not be asked. */
	TREE_DEFAULT_ACL = 1 << 3,
	/** Nothing is listed: the source cannot be read (this was reported), or must not be. */
	TREE_CLOSED = 1 << 4,
	/** The destination could only be opened for searching (O_PATH). */
	TREE_DST_PATH = 1 << 5,
	/** The source was reached through a symbolic link. */
	TREE_FOLLOWED = 1 << 6,
	/** File sizes here are unreliable (/proc, /sys). */
	TREE_UNSIZED = 1 << 7,
	/** Files of the source may have ACLs that their file system does not list. */
	TREE_UNLISTED_ACLS = 1 << 18,
	/** Attributes of the source are read by name, because it could only be opened for searching. */
	TREE_SRC_BY_NAME = 1 << 11,
	/** The destination keeps its attributes. */
	TREE_AS_IS = 1 << 10,
	/** The destination was reached through a symbolic link. */
	TREE_DST_FOLLOWED = 1 << 14,
	/**
	 * The destination existed when it was entered, but is or may be inside a directory that this run made: links in it
	 * are this run's.
	 */
	TREE_AMONG_MADE = 1 << 15,
	/**
	 * A symbolic link or a mount below the directory that the user named leads to the destination: the destination, or
	 * an entry of it, may be a source under another name.
	 */
	TREE_ELSEWHERE = 1 << 16,
	/** The destination is, or is inside, one of the source directories above this tree's own source. */
	TREE_IN_SOURCE = 1 << 17,
	/**
	 * A symbolic link or a mount below the operand leads to the source: the source may be a destination under another
	 * name.
	 */
	TREE_LED = 1 << 19,
	/** The source has TREE_LED, or is inside a directory that has it. */
	TREE_LED_AWAY = 1 << 20,
	/** The destination is left alone. */
	TREE_LEFT = 1 << 9,
	/** The entries are operands: set for the base and for directories that --parents entered. */
	TREE_OPERANDS = 1 << 8,
	/** With trees::flush: the directory and its entries are flushed one by one, not with their whole file system. */
	TREE_FLUSH_EACH = 1 << 12,
	/** The source is empty, except for names that file systems create. */
	TREE_EMPTY = 1 << 21,
	/** The destination does not exist and would be made (--dry-run). Its descriptor is only a placeholder. */
	TREE_ABSENT = 1 << 13,
};

/** A directory pair. */
struct tree {
	struct trees *trees;
	struct tree *parent;
	/** enum tree_flags; const once the tree is shared. */
	unsigned flags;
	/** Directories above this one, below the base. */
	unsigned depth;
	/** The topmost directory on the way here that this run made, possibly this one; or NULL. */
	struct tree *made_top;
	/** How many source directories in a row, ending with this one, have changed since made_top was made. */
	unsigned changed;
	/** References: pieces of work that remain in this directory. */
	atomic_uint refs;
	/** Holders of this memory: the references together count as one. */
	atomic_uint keeps;

	/** Names in the parent, or the operand's path; for the base's destination its path or NULL. */
	char *name[2];
	/** Descriptors, or -1 while closed; guarded by trees::lock unless pinned. */
	int fd[2];
	struct inode inode[2];
	/** How many users the descriptors have. */
	unsigned pins;
	/** Link in trees::idle while the tree is open and not pinned. */
	struct list idle;
	/** Next tree on the way down; used only while a closed tree is reopened. */
	struct tree *down;

	/** Status of the source before it was read, and the errno if it could not be opened. */
	struct stat src_stat;
	int src_err;
	/** Status of the destination: as found, or just after it was made. */
	struct stat dst_stat;
	/** With OPT_MAX_DELETE: whether the destination has names to remove. */
	bool surplus;
	/** With OPT_DELETE or OPT_MOVE: whether an error in the directory or below was reported. */
	atomic_bool failed;
	/** With OPT_MOVE: the number of the last batch for which the way to the destination was flushed. */
	unsigned flushed;
	/** With OPT_MOVE, if the destination existed: what this run moved into it; guarded by dest::lock. */
	struct inode_set moved;
	/** For the top of an operand: its being copied into itself has been reported. */
	atomic_bool circular;
	/**
	 * Selects the names to copy; NULL for all. Used only by the thread that enters and lists the tree, and by
	 * subdirectories.
	 */
	struct select_dir *select;
	/** The names in the source. */
	struct listing listing;
	/** Index in listing::dirs of the next directory to enter; used by work. */
	size_t next_dir;
	/** Link in work's stack of trees. */
	struct list work_node;
};

/** Answer to an existing file where a directory is to be made. */
enum tree_verdict {
	/** Use it, unless there is an error. */
	TREE_USE,
	/** The existing file was moved out of the way: make the directory. */
	TREE_MAKE,
	/** Leave the existing file alone; this is no error. */
	TREE_LEAVE,
};

/** State that all trees of a run share. */
struct trees {
	/**
	 * Decides by cp's rules about the file (tree::dst_stat) that stands where the copy of tree::src_stat is to be made.
	 */
	enum tree_verdict (*judge)(struct dest *dest, struct tree *tree, const struct entry *entry, struct error *fail);
	/** Whether INODE is known to be one of the directories to be copied. */
	bool (*is_source)(struct dest *dest, struct inode inode);
	struct dest *dest;
	/**
	 * If not NULL (OPT_DELETE), called for each tree when all work in it is done, before its attributes are set. The
	 * tree is pinned.
	 */
	void (*surplus)(struct dest *dest, struct tree *tree);
	/** If not NULL, called for each tree whose attributes are about to be set, while its descriptors are open. */
	void (*closing)(struct files *files, const struct tree *tree);
	/** If not NULL (OPT_MOVE), called for each tree that is complete and has its attributes. */
	void (*moved)(struct files *files, struct tree *tree);
	struct files *files;

	const struct opts *opts;
	const struct limits *limits;
	struct report *report;
	/** Set with --fsync or --progress=synced, else NULL. */
	struct flush *flush;
	/** Set when ucp is to stop; may be NULL. */
	const atomic_bool *cancelled;
	pthread_mutex_t lock;
	/** Open trees that are not pinned, least recently used first. */
	struct list idle;
	/** How many trees are open, and the limit. */
	unsigned open;
	unsigned max;
	/** Whether something is mounted in a source: the mounted files may be in a destination, too. */
	atomic_bool mounted;
	/** How many directories this run made, or would make. */
	counter created;
	struct tempfile_patience patience;
	/**
	 * The topmost directories this run made: a source directory among them is a copy of itself. With --dry-run, the
	 * directories in which they would be made.
	 */
	struct inode_set made;
	/** The symbolic links this run made in directories that existed before; see tree_begin_link(). */
	struct inode_set links;
	/** At least one link of this run could not be identified, so any link may be one. */
	bool links_unknown;
	pthread_mutex_t links_lock;
	/** Held for reading while a link is made and noted: whoever holds it for writing knows all links made so far. */
	pthread_rwlock_t linking;
};

/** Set up the state that trees share. */
void trees_init(struct trees *trees, const struct opts *opts, const struct limits *limits, struct report *report);

/** Free TREES. No tree may be left. */
void trees_destroy(struct trees *trees);

/**
 * Make the tree of the operands, with one reference. Takes over DST_FD, which may be AT_FDCWD. NULL without memory.
 *
 * @param path  The destination directory for messages, or NULL if operands name their destination whole.
 */
struct tree *tree_base(struct trees *trees, int dst_fd, const char *path);

/** Switches of tree_enter(). */
enum tree_enter_flags {
	/** A directory that an operand is in (--parents): symbolic links are followed on both sides. */
	TREE_ENTER_PREFIX = 1 << 0,
	/** The destination keeps its attributes. */
	TREE_ENTER_AS_IS = 1 << 1,
};

/**
 * Enter a subdirectory: open its source, make or open its copy. Problems are reported.
 *
 * @param parent  Pinned by the caller.
 * @param entry   A directory, or an operand that leads to one.
 * @return The new tree, pinned and with one reference, holding one to PARENT; NULL if nothing is to be done in it.
 */
struct tree *tree_enter(struct tree *parent, const struct entry *entry, enum tree_enter_flags flags);

/** As tree_enter(), but sets FAIL to the error, or to NO_ERROR, instead of reporting it. */
struct tree *tree_try_enter(struct tree *parent, const struct entry *entry, enum tree_enter_flags flags,
	struct error *fail);

/** Read the names of the source into tree::listing. TREE must be pinned. Returns 0 or -errno. */
int tree_list(struct tree *tree);

/** Take a reference. */
void tree_ref(struct tree *tree);

/** Give a reference back; the last one finishes the tree, and then possibly its parents. */
void tree_unref(struct tree *tree);

/** Keep the memory, with the names and the path of the directory, beyond the last reference. */
void tree_keep(struct tree *tree);

/** Undo tree_keep(). */
void tree_drop(struct tree *tree);

/** Keep both descriptors open until tree_unpin(). Returns 0 or -errno: -ESTALE if another directory stands there. */
int tree_pin(struct tree *tree);

/** Undo tree_pin(). */
void tree_unpin(struct tree *tree);

/**
 * Flush the directory of an operand's new name, if TREE is the base and TREE_FLUSH_EACH is set. Errors are reported.
 */
void tree_flush_name(const struct tree *tree, const struct entry *entry);

/** The path of NAME in TREE (of TREE itself if NULL) for messages; the caller frees it. NULL without memory. */
char *tree_path(const struct tree *tree, enum side side, const char *name);

/**
 * The directory that a tree's copies are named in by the user: the copy of an operand that was named whole, or else the
 * directory of the operands.
 */
const struct tree *tree_copy_root(const struct tree *tree);

/**
 * The path of NAME in the destination of TREE, relative to the destination of ROOT. Written to the end of BUF, which
 * has SIZE bytes. NULL if it does not fit, or if TREE is not below ROOT.
 */
const char *tree_path_below(const struct tree *tree, const struct tree *root, const char *name, char *buf, size_t size);

/**
 * The path of a name in a tree's destination, relative to the directory that is copied into or to; to be freed. For the
 * copy of a file under a given name that is the name. NULL if memory runs out.
 */
char *tree_path_in_copy(const struct tree *tree, const char *name);

/**
 * The error for a destination that could not be made: cp looks at the destination first, and reports if stat(2) fails.
 *
 * @param error  The error to return if stat(2) finds a file, or none.
 */
struct error tree_explain(const struct tree *tree, const struct entry *entry, struct error error);

/** Report an error about an entry of a tree. */
void tree_report(const struct tree *tree, const struct entry *entry, struct error fail);

/** Report an error about a tree, which is not a base. */
void tree_report_itself(const struct tree *tree, struct error fail);

/**
 * With OPT_DELETE or OPT_MOVE, note a reported error in a tree: then nothing is removed from its destination, and its
 * source directory stays. The same holds for its parents.
 */
void tree_note_failure(struct tree *tree);

/** Whether the user named the destinations of a tree's entries whole (the base of one source and one destination). */
bool tree_is_named_whole(const struct tree *tree);

/** Whether symbolic links among a tree's entries are followed (-L; for operands also -H). */
bool tree_follows(const struct tree *tree);

/** Whether NAME could be made in the destination of TREE, as far as permissions show. Returns 0 or -errno. */
int tree_may_make(const struct tree *tree, const char *name);

/**
 * Announce that a symbolic link, or another hard link to one, is going to be made in TREE.
 *
 * @param owner  Owner of the link if owners are kept: a link that only OWNER and we can move is not noted.
 * @return whether the link must be noted: then call tree_end_link() afterwards.
 */
bool tree_begin_link(const struct tree *tree, uid_t owner);

/**
 * Note a new symbolic link, so that this run neither follows nor enters it.
 *
 * @param name    NULL if the link was not made.
 * @param target  The text of the link; NULL for another hard link to SAME.
 */
void tree_end_link(const struct tree *tree, const char *name, const char *target, struct inode same);

/** Whether INODE is in trees::made; always false with --dry-run. */
bool tree_is_made(struct trees *trees, struct inode inode);

/** Whether this run made the symbolic link INODE in a directory that existed before, or may have made it. */
bool tree_is_made_link(struct trees *trees, struct inode inode);

/**
 * Whether the path of NAME in the destination leads through a link that this run made, if all links are followed. Call
 * this after stat or open of NAME: a link made later did not affect that.
 *
 * @param among  Set to whether the path leads through a directory that this run made.
 */
bool tree_leads_through_made(const struct tree *tree, const char *name, bool *among);

/** As symlink_open() in the destination of TREE, but refuses links that this run made, anywhere on the path. */
int tree_symlink_open(const struct tree *tree, const char *name, int flags);

/**
 * As symlink_walk() in the destination of TREE, to a place where a file is going to be made. Refuses links that this
 * run made and, unless the user named the whole path, links of other users into directories that those users do not
 * own.
 */
int tree_symlink_walk(const struct tree *tree, const char *name, struct symlink_end *end);

/** Message for a link that this run made. */
extern const char tree_made_link[];

/**
 * Print a change of an entry's destination, if the user wants that (--itemize).
 *
 * @param mode  The type of what was changed, as in st_mode; 0: a further hard link.
 */
void tree_change(const struct tree *tree, const struct entry *entry, enum change change, mode_t mode);

/** Print a line about an entry of a tree (-v). */
void tree_say(const struct tree *tree, const struct entry *entry, enum say say, const char *what);

#endif // UCP_TREE_H
