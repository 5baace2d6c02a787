/**
 * cp's rules: what each operand becomes, and whether what stands at a destination may be replaced.
 */

#ifndef UCP_DEST_H
#define UCP_DEST_H

#include "display/scan.h"
#include "tree/tree.h"

/** Switches of struct dest::flags. */
enum dest_flags {
	/** Operands meet in the destination: they must be copied one after the other. */
	DEST_SERIAL = 1 << 0,
	/** There are several operands. */
	DEST_SEVERAL = 1 << 1,
};

/** Devices whose steps of time are remembered. */
#define DEST_STEPS 8

/** In what steps a file system keeps times. */
struct dest_step {
	dev_t dev;
	/** In nanoseconds; 0: nothing is known here. */
	long step;
};

/** What the operands come to. */
struct dest {
	const struct opts *opts;
	struct report *report;
	/** enum dest_flags. */
	unsigned flags;
	/** The operands, all as files of its listing. */
	struct tree *base;

	pthread_mutex_t lock;
	/** Operands met, by their source: files with the names they were given by, directories entered with their copies'. */
	struct inode_set sources;
	/** What was made of operands, where DEST_SEVERAL. */
	struct inode_set made;
	/** Names of files that operands would get (--dry-run), where DEST_SERIAL. */
	char **simulated;
	size_t simulated_count;
	/** There was no memory to note one. */
	bool made_unknown;
	/** What was found out about file systems of destinations (-u), and which place is used next. */
	struct dest_step steps[DEST_STEPS];
	unsigned next_step;
	/** Which files are to be copied; has a lock of its own. */
	struct sources all;
	/** Says what the destination is going to be until its journal does (--resume); NULL: nothing does. */
	struct journal_notice *notice;
};

/** What was found at a destination, and what became of it. */
struct dest_found {
	/** The destination as it was. */
	struct stat st;
	/** Whether that is known already, links not followed: an argument of dest_judge(). */
	bool seen;
	/** The name it was moved to as a backup (with --atomic: linked to), or NULL; to be freed. */
	char *backup;
	/** With --atomic: what stands there is neither removed nor moved, but to be replaced by what is whole. */
	bool replace;
	/** For DEST_DONE: it does not differ from its source (opts_compare()), but for attributes; and whether its time is the same. */
	bool alike;
	bool same_times;
};

/** What is to be done where a destination exists already. */
enum dest_verdict {
	/** Open it and replace its content. */
	DEST_OVERWRITE,
	/** It is out of the way (or a link that leads nowhere, or dest_found::replace): create. */
	DEST_CREATE,
	/** Leave it: the user wants it so. */
	DEST_SKIP,
	/** Leave it: it is as new as the source, or does not differ, and stands for it where other names are to be linked. */
	DEST_DONE,
	/** It may not be replaced; the error says why. */
	DEST_REFUSE,
};

/** Resolve the operands. Problems are reported. Returns 0, or -1 if nothing can be copied. */
int dest_init(struct dest *dest, const struct opts *opts, struct report *report, struct trees *trees);

/**
 * With -f and a backup, a regular file copied onto itself becomes its backup.
 *
 * @return The name of that backup, to be freed; NULL if the operands are no such case.
 */
char *dest_onto_itself(const struct opts *opts);

/**
 * With --parents, enter the directories an operand is in, making them in the destination. What fails is reported.
 *
 * @param last  Set to the operand's last component; lives as long as ENTRY.
 * @return The last directory, pinned and with a reference; NULL if that failed.
 */
struct tree *dest_enter_parents(struct tree *base, const struct entry *entry, struct entry *last);

/** The destination has a journal now, or is to have none: it needs no notice any more. */
void dest_journal_begun(struct dest *dest);

/** Free what dest_init() made, the base's reference excepted. */
void dest_destroy(struct dest *dest);

/**
 * Look at an operand when its turn comes.
 *
 * @param entry  Its type is filled in.
 * @param st     The source, links followed as the options say.
 * @return Whether it is to be copied; if not, that was reported where it has to be.
 */
bool dest_operand(struct dest *dest, struct tree *base, struct entry *entry, struct stat *st);

/** Say that an operand that is a directory has been entered, so that giving it twice is noticed. */
void dest_entered(struct dest *dest, const struct entry *entry, const struct stat *st);

/**
 * Decide about a destination that exists. May remove it, or move it to a backup.
 *
 * @param st      The source, which is no directory.
 * @param found   Set to what was found. Its st need not be known before.
 * @param fail    Set for DEST_REFUSE.
 */
enum dest_verdict dest_judge(struct dest *dest, struct tree *tree, const struct entry *entry, const struct stat *st,
	struct dest_found *found, struct error *fail);

/**
 * Decide about a destination that would be made, as another operand would have been made there by then (--dry-run).
 *
 * @param verdict  What it was without that.
 * @param fail     Set for DEST_REFUSE.
 */
enum dest_verdict dest_simulate(struct dest *dest, const struct tree *tree, const struct entry *entry,
	enum dest_verdict verdict, struct error *fail);

/**
 * Whether two paths are one entry of one directory. Unknown counts as yes, which is the careful answer.
 *
 * @param flags  AT_SYMLINK_NOFOLLOW: a directory's name that is a symbolic link stands for itself.
 */
bool dest_same_entry(int dir_a, const char *path_a, int dir_b, const char *path_b, int flags);

/** Move a backup back to where it was, since nothing took its place. What fails is reported. */
void dest_undo_backup(struct dest *dest, const struct tree *tree, const struct entry *entry, const char *backup);

/** Whether what stands at a destination belongs to whom its copy may belong to: us, root, or, if owners are kept, the source's. */
bool dest_is_owners(const struct opts *opts, const struct stat *src, const struct stat *there);

/**
 * Whether what stands below the destination, and is no directory, belongs to somebody who is not to own the copy: asked for
 * all that is overwritten, replaced or given attributes, whatever its type, and for what a link leads to. Its owner may have
 * it open, and could read and write the copy whatever its attributes. Only the superuser who keeps ownership has to ask.
 *
 * @param src    The source.
 * @param there  What stands at the destination, links followed if they will be.
 */
bool dest_is_strangers(const struct opts *opts, const struct tree *tree, const struct stat *src, const struct stat *there);

/** Nobody knows. */
#define DEST_OVER_UNKNOWN UINT64_MAX

/**
 * How many bytes of what stands at the operands' destinations are going to be overwritten, before anything is copied;
 * DEST_OVER_UNKNOWN where there are directories with something in them, or too many operands.
 */
uint64_t dest_bytes_over(const struct dest *dest);

/**
 * Whether a regular file is one of those that are to be copied. Not to know counts as yes. The first call looks at all of
 * them.
 */
bool dest_is_source(struct dest *dest, const struct stat *st);

/** Why a regular file that a symbolic link leads to is not to be written into: it is, or may be, one of the sources. */
struct error dest_spare_source(struct dest *dest, const struct stat *st);

/**
 * Say that an entry's destination is made now, so that no other operand replaces it.
 *
 * @param made  What it is, if that is known; else it is looked at.
 */
void dest_made(struct dest *dest, const struct tree *tree, const struct entry *entry, const struct inode *made);

#endif // UCP_DEST_H
