/**
 * Pairs of directories, a source and its copy, open on both sides while they are worked on.
 *
 * A tree is counted: one reference for whoever reads it, for each subdirectory, batch and file under way. With the last
 * one its mode and times are set, it is closed, and its parent loses a reference in turn.
 *
 * Descriptors are budgeted: a tree that nobody has pinned may be closed at any time and is found again through its
 * relatives, each step compared with the inode it was known by.
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
	/** The operands' tree: its directories are those the paths start from. */
	TREE_BASE = 1 << 0,
	/** This run made the destination. */
	TREE_CREATED = 1 << 1,
	/** The destination's mode was widened while it is filled. */
	TREE_WIDENED = 1 << 2,
	/** New files in the destination get an ACL from it, or may do so: others own it, or it could not be asked. */
	TREE_DEFAULT_ACL = 1 << 3,
	/** The source cannot be read (it was reported), or is not to be: nothing is listed. */
	TREE_CLOSED = 1 << 4,
	/** The destination could be opened for searching only (O_PATH). */
	TREE_DST_PATH = 1 << 5,
	/** The source was reached through a symbolic link. */
	TREE_FOLLOWED = 1 << 6,
	/** File sizes here are not to be believed (/proc, /sys). */
	TREE_UNSIZED = 1 << 7,
	/** Files of the source may have ACLs that their file system does not list. */
	TREE_UNLISTED_ACLS = 1 << 18,
	/** Attributes of the source are read by name: it could be opened for searching only. */
	TREE_SRC_BY_NAME = 1 << 11,
	/** The attributes of its destination are left alone. */
	TREE_AS_IS = 1 << 10,
	/** The destination was reached through a symbolic link. */
	TREE_DST_FOLLOWED = 1 << 14,
	/** The destination was there when it was entered, but is in what this run made, or may be: links in it are this run's. */
	TREE_AMONG_MADE = 1 << 15,
	/**
	 * The destination is reached through a symbolic link or a mount below the one that the user named: it, or what is in
	 * it, may be a source under another name.
	 */
	TREE_ELSEWHERE = 1 << 16,
	/** The destination is a source, or in one, that the way to this tree's own source leads through. */
	TREE_IN_SOURCE = 1 << 17,
	/** A symbolic link or a mount below the operand leads to the source: it may be a destination under another name. */
	TREE_LED = 1 << 19,
	/** It is so led to, or is in a directory that is. */
	TREE_LED_AWAY = 1 << 20,
	/** It is to be left alone. */
	TREE_LEFT = 1 << 9,
	/** Its entries are operands: the base, and directories that --parents entered. */
	TREE_OPERANDS = 1 << 8,
	/** With trees::flush: it and what is in it are flushed on their own, not with their whole file system. */
	TREE_FLUSH_EACH = 1 << 12,
	/** The destination is not there: it would be made (--dry-run). Its descriptor is only a placeholder. */
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
	/** The topmost directory on the way here that this run made, perhaps this one; or NULL. */
	struct tree *made_top;
	/** So many source directories in a row, down to this one, have changed since that was made. */
	unsigned changed;
	/** What remains to be done in it. */
	atomic_uint refs;
	/** Who else needs this memory. */
	atomic_uint keeps;

	/** Names in the parent, or the operand's path; for the base's destination its path, or NULL. */
	char *name[2];
	/** Descriptors, or -1 while closed; guarded by trees::lock unless pinned. */
	int fd[2];
	struct inode inode[2];
	/** Who is using the descriptors. */
	unsigned pins;
	/** In trees::idle while open and not pinned. */
	struct list idle;
	/** Scratch of the search for a way back. */
	struct tree *down;

	/** The source before it was read, and the errno if it could not be opened. */
	struct stat src_stat;
	int src_err;
	/** The destination's mode: as found, or as first made. */
	struct stat dst_stat;
	/** For the top of an operand: that it was copied into itself has been reported. */
	atomic_bool circular;
	/** What of its names is copied; NULL: all of it. Used only by who enters and lists it, and by its subdirectories. */
	struct select_dir *select;
	/** The names in the source. */
	struct listing listing;
	/** The next of listing::dirs to be entered; used by work. */
	size_t next_dir;
	/** In work's stack of trees. */
	struct list work_node;
};

/** What to do with something that stands where a directory is to be made. */
enum tree_verdict {
	/** Use it, unless there is an error. */
	TREE_USE,
	/** It was moved out of the way: make the directory. */
	TREE_MAKE,
	/** Leave it alone; all is well. */
	TREE_LEAVE,
};

/** What all trees of a run share. */
struct trees {
	/** Decides by cp's rules about what stands where TREE (tree::src_stat, tree::dst_stat) is to be made. */
	enum tree_verdict (*judge)(struct dest *dest, struct tree *tree, const struct entry *entry, struct error *fail);
	/** Whether a directory is known to be one of those that are to be copied. */
	bool (*is_source)(struct dest *dest, struct inode inode);
	struct dest *dest;
	/** If not NULL, told of each tree that is going to get its attributes, its descriptors open. */
	void (*closing)(struct files *files, const struct tree *tree);
	struct files *files;

	const struct opts *opts;
	const struct limits *limits;
	struct report *report;
	/** With --fsync or --progress=synced, else NULL. */
	struct flush *flush;
	/** Set when ucp is to stop; may be NULL. */
	const atomic_bool *cancelled;
	pthread_mutex_t lock;
	/** Open trees nobody has pinned, least recently used first. */
	struct list idle;
	/** How many are open, and how many may be. */
	unsigned open;
	unsigned max;
	/** Whether something is mounted in a source: what is there may be a destination, too. */
	atomic_bool mounted;
	/** How many directories this run made, or would make. */
	counter created;
	struct tempfile_patience patience;
	/**
	 * The topmost directories this run made: a source directory among them is a copy of itself. With --dry-run those
	 * that they would be made in.
	 */
	struct inode_set made;
	/** The symbolic links this run made in directories that were there before; see tree_begin_link(). */
	struct inode_set links;
	/** It is not known which link one of them is. */
	bool links_unknown;
	pthread_mutex_t links_lock;
	/** Read while a link is made and noted, so that who takes it alone knows of all that could be met before. */
	pthread_rwlock_t linking;
};

/** Set up what trees share. */
void trees_init(struct trees *trees, const struct opts *opts, const struct limits *limits, struct report *report);

/** Free it. No tree may be left. */
void trees_destroy(struct trees *trees);

/**
 * The tree of the operands, with one reference. Takes over the destination's descriptor (AT_FDCWD is one).
 *
 * @param path  The destination directory for messages, or NULL where operands name their destination whole.
 */
struct tree *tree_base(struct trees *trees, int dst_fd, const char *path);

/** Switches of tree_enter(). */
enum tree_enter_flags {
	/** A directory that an operand is in (--parents): symbolic links are followed on both sides. */
	TREE_ENTER_PREFIX = 1 << 0,
	/** Its attributes are left alone. */
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

/** The same, but what prevents it is not reported: FAIL is set to it, or to nothing. */
struct tree *tree_try_enter(struct tree *parent, const struct entry *entry, enum tree_enter_flags flags, struct error *fail);

/** Read the names of the source into tree::listing. The tree is pinned. Returns 0 or -errno. */
int tree_list(struct tree *tree);

/** Take a reference. */
void tree_ref(struct tree *tree);

/** Give a reference back; the last one finishes the tree, and perhaps its parents. */
void tree_unref(struct tree *tree);

/** Keep the memory, and with it the names and the way to the directory, beyond the last reference. */
void tree_keep(struct tree *tree);

/** Undo tree_keep(). */
void tree_drop(struct tree *tree);

/** Have both descriptors open until tree_unpin(). Returns 0 or -errno: -ESTALE if another directory stands there. */
int tree_pin(struct tree *tree);

/** Undo tree_pin(). */
void tree_unpin(struct tree *tree);

/** Something was made under an operand's name: flush that name, if that is to be done on its own. */
void tree_flush_name(const struct tree *tree, const struct entry *entry);

/** The path of a name in a tree (or of the tree itself if NULL) for messages; to be freed. NULL without memory. */
char *tree_path(const struct tree *tree, enum side side, const char *name);

/**
 * Why a destination could not be made, in cp's words, who looks at it first.
 *
 * @param error  What to report if looking at it shows nothing.
 */
struct error tree_explain(const struct tree *tree, const struct entry *entry, struct error error);

/** Report an error about an entry of a tree. */
void tree_report(const struct tree *tree, const struct entry *entry, struct error fail);

/** Whether the user named what becomes of a tree's entries whole (the base of one source and one destination). */
bool tree_is_named_whole(const struct tree *tree);

/** Whether symbolic links among a tree's entries are followed (-L; for operands also -H). */
bool tree_follows(const struct tree *tree);

/** Whether a name could be made in a tree's destination, as far as one can see. Returns 0 or -errno. */
int tree_may_make(const struct tree *tree, const char *name);

/**
 * A symbolic link, or a further name of one, is going to be made in a tree.
 *
 * @param owner  Whose the link will be if owners are kept: a link that nobody but OWNER and us can move is not noted.
 * @return whether it is to be noted: then call tree_end_link() afterwards.
 */
bool tree_begin_link(const struct tree *tree, uid_t owner);

/**
 * Note a link that was made, so that it is neither followed nor entered by this run.
 *
 * @param name    NULL if it was not made.
 * @param target  What it holds; or NULL for a further name of the link SAME.
 */
void tree_end_link(const struct tree *tree, const char *name, const char *target, struct inode same);

/**
 * Whether a link that this run made is met on the way to a name in a tree's destination, if all links are followed. Ask
 * after what was found there was looked at or opened: a link that is made later has not led there.
 *
 * @param among  Set to whether the way leads through a directory that this run made.
 */
bool tree_leads_through_made(const struct tree *tree, const char *name, bool *among);

/** As symlink_open() in a tree's destination: a link that this run made is refused, wherever on the way. */
int tree_symlink_open(const struct tree *tree, const char *name, int flags);

/**
 * As symlink_walk() in a tree's destination, to where something is going to be made: links that this run made are refused,
 * and those of others that lead into no directory of theirs, unless the user named the whole way.
 */
int tree_symlink_walk(const struct tree *tree, const char *name, struct symlink_end *end);

/** Said of a link that this run made. */
extern const char tree_made_link[];

/** Print a line about an entry of a tree (-v). */
void tree_say(const struct tree *tree, const struct entry *entry, enum say say, const char *what);

#endif // UCP_TREE_H
