/**
 * Files with several names: which of them was copied first, so that the others become links to it.
 *
 * While the first name is being copied others wait: nobody is linked to a file that may yet fail and be removed.
 */

#ifndef UCP_HARDLINKS_H
#define UCP_HARDLINKS_H

#include "base/inode.h"
#include "base/list.h"
#include "base/thread.h"

struct entry;
struct tree;

/** What is tried for the last time. */
enum try_what {
	TRY_FILE,
	TRY_DIRECTORY,
	/** A file of which a part is kept: after all others, since it would take the room there is. */
	TRY_PART,
};

/** A name at which a file is met. */
struct link_name {
	/** In link::waiting. */
	struct list node;
	/** Kept (tree_keep) once copied; referenced (tree_ref) while it waits. */
	struct tree *tree;
	/** Its names in the source and in the destination. */
	char *src_name;
	char *dst_name;
	/** It found no room once, and is tried for the last time; and enum try_what. */
	bool last_try;
	unsigned char what;
	/** Once copied: the copy, to be known again by. */
	struct inode copy;
};

/** A file with several names. */
struct link {
	struct inode inode;
	/** Where it has been copied to; tree is NULL while the copying goes on. */
	struct link_name first;
	/** Names met meanwhile. */
	struct list waiting;
};

/** All of them. */
struct hardlinks {
	pthread_mutex_t lock;
	/** Of struct link. */
	struct inode_set set;
	/** The copies that further names are linked to, of struct inode. */
	struct inode_set copies;
	/** There was no memory to note one. */
	bool copies_unknown;
};

/** What to do with a name. */
enum link_verdict {
	/** Copy the file, then say hardlinks_done() or hardlinks_failed(). */
	LINK_COPY,
	/** Link to the place that was stored. */
	LINK_TO,
	/** Nothing: the name waits and comes back from hardlinks_done() or hardlinks_failed(). */
	LINK_WAIT,
	/** No memory. */
	LINK_NO_MEMORY,
};

/** Set up. */
void hardlinks_init(struct hardlinks *hardlinks);

/** Free everything. */
void hardlinks_destroy(struct hardlinks *hardlinks);

/**
 * Meet a name of a file.
 *
 * @param link   Set for LINK_COPY: to be given to hardlinks_done() or hardlinks_failed().
 * @param to     Set for LINK_TO: where the first copy is; valid until hardlinks_destroy().
 */
enum link_verdict hardlinks_enter(struct hardlinks *hardlinks, struct inode inode, struct tree *tree, const struct entry *entry,
	struct link **link, const struct link_name **to);

/**
 * The first name has been copied, as it was met.
 *
 * @param copy     What was made of it.
 * @param waiting  An empty list, filled with the struct link_name that waited: link them, then link_name_free().
 * @return Where to link them to.
 */
const struct link_name *hardlinks_done(struct hardlinks *hardlinks, struct link *link, struct tree *tree, struct inode copy,
	struct list *waiting);

/** Whether a file is a copy that other names are, or will be, linked to: nothing else is to be written into it. */
bool hardlinks_is_copy(struct hardlinks *hardlinks, struct inode inode);

/** The first name could not be copied: those that waited have to be met anew. */
void hardlinks_failed(struct hardlinks *hardlinks, struct link *link, struct list *waiting);

/** A name of a tree, which it takes a reference to; NULL without memory. */
struct link_name *link_name_new(struct tree *tree, const struct entry *entry);

/** Free a name that waited, and its reference to its tree. */
void link_name_free(struct link_name *name);

#endif // UCP_HARDLINKS_H
