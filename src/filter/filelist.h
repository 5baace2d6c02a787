// SPDX-License-Identifier: MIT
/**
 * A list of paths (--files-from) as a tree of names. Pure: does not access files.
 */

#ifndef UCP_FILELIST_H
#define UCP_FILELIST_H

#include <sys/types.h>

/** A name in the tree. */
struct filelist {
	/** The last component of the path; "" for the top. */
	const char *name;
	/** Whether the list contains this path, and not only paths below it. */
	bool listed;
	/** Whether everything below belongs to the list: then below is empty. */
	bool whole;
	/** The names below, sorted by strcmp(3), without duplicates. Allocated for the next power of two. */
	struct filelist *below;
	size_t count;
	/** The name above; set only while the tree is being freed. */
	struct filelist *up;
};

/**
 * Parse a list. Leading and repeated slashes and "." components are ignored; an empty rest means the top.
 *
 * If lines end with a newline, and every line has a carriage return before it, the list comes from Windows: then these
 * carriage returns and a leading byte order mark are ignored.
 *
 * @param text       From malloc(3), with room for a NUL after LEN bytes; owned by the tree, freed on failure.
 * @param end        The byte that ends a path: '\n' or '\0'. Empty paths are ignored.
 * @param recursive  Whether a path in the list includes everything below it.
 * @param bad        Set to the first path with a ".." component, for the caller to free; else NULL.
 * @return The tree, or NULL if memory ran out or a path is bad.
 */
struct filelist *filelist_parse(char *text, size_t len, char end, bool recursive, char **bad);

/**
 * Upper limit of the memory, in bytes, that filelist_parse() needs for a part of a list, including the text. Paths with
 * common components need less.
 */
size_t filelist_memory(const char *text, size_t len, char end);

/** Free a tree; NULL is ignored. */
void filelist_free(struct filelist *names);

/** The name NAME directly below NAMES, or NULL. */
const struct filelist *filelist_find(const struct filelist *names, const char *name);

#endif // UCP_FILELIST_H
