/**
 * A list of paths (--files-from) as the tree that they make up. Pure: knows no file.
 */

#ifndef UCP_FILELIST_H
#define UCP_FILELIST_H

#include <sys/types.h>

/** A name in the tree. */
struct filelist {
	/** Its last component; "" for the top. */
	const char *name;
	/** Whether its path was in the list, and not only one below it. */
	bool listed;
	/** Whether all that is in it belongs to it: then nothing is below. */
	bool whole;
	/** What is below it, in the order of strcmp(3), each once. There is room for the next power of two. */
	struct filelist *below;
	size_t count;
	/** The name that it is below; only while the tree is being freed. */
	struct filelist *up;
};

/**
 * Read a list. Slashes in front of a path and those that are too many, and components that are ".", mean nothing; what is
 * left empty means the top.
 *
 * If lines end with a newline, and each of them with a carriage return before it, the list comes from Windows: then that
 * belongs to the end of the line, and a byte order mark at the beginning to nothing.
 *
 * @param text       From malloc(3), with room for a NUL behind LEN bytes; owned by the tree, freed if there is none.
 * @param end        What ends a path: '\n' or '\0'. Empty ones are passed over.
 * @param recursive  Whether a path in the list stands for all that is below it.
 * @param bad        Set to the first path that has ".." in it, to be freed; else NULL.
 * @return The tree, or NULL if memory is lacking or there is a bad path.
 */
struct filelist *filelist_parse(char *text, size_t len, char end, bool recursive, char **bad);

/**
 * Bytes of memory that filelist_parse() takes at most for a part of a list, that text included. Paths that have components
 * in common take less.
 */
size_t filelist_memory(const char *text, size_t len, char end);

/** Free a tree; NULL is fine. */
void filelist_free(struct filelist *names);

/** What is below a name, or NULL. */
const struct filelist *filelist_find(const struct filelist *names, const char *name);

#endif // UCP_FILELIST_H
