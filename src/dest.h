/**
 * cp's rules: what each operand becomes, and whether what stands at a destination may be replaced.
 */

#ifndef UCP_DEST_H
#define UCP_DEST_H

#include "tree.h"

/** Switches of struct dest::flags. */
enum dest_flags {
	/** Operands meet in the destination: they must be copied one after the other. */
	DEST_SERIAL = 1 << 0,
	/** There are several operands. */
	DEST_SEVERAL = 1 << 1,
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
	/** Operands met, by their source. */
	struct inode_set sources;
	/** What was made of operands, where DEST_SERIAL. */
	struct inode_set made;
};

/** What is to be done where a destination exists already. */
enum dest_verdict {
	/** Open it and replace its content. */
	DEST_OVERWRITE,
	/** It is out of the way (or a link that leads nowhere): create. */
	DEST_CREATE,
	/** Leave it: the user wants it so. */
	DEST_SKIP,
	/** Leave it and forget the source's other names: nothing was done, and that is right. */
	DEST_DONE,
	/** It may not be replaced; the fail says why. */
	DEST_REFUSE,
};

/** Resolve the operands. Problems are reported. Returns 0, or -1 if nothing can be copied. */
int dest_init(struct dest *dest, const struct opts *opts, struct report *report, struct trees *trees);

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

/**
 * Decide about a destination that exists. May remove it, or move it to a backup.
 *
 * @param st      The source, which is no directory.
 * @param found   Set to what was found, for DEST_OVERWRITE.
 * @param fail    Set for DEST_REFUSE.
 */
enum dest_verdict dest_judge(struct dest *dest, struct tree *tree, const struct entry *entry, const struct stat *st,
	struct stat *found, struct fail *fail);

/** Say that an entry's destination is made now, so that no other operand replaces it. */
void dest_made(struct dest *dest, const struct tree *tree, const struct entry *entry);

#endif // UCP_DEST_H
