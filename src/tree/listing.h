// SPDX-License-Identifier: MIT
/**
 * Names of a directory, or of operands, and the memory they are kept in.
 */

#ifndef UCP_LISTING_H
#define UCP_LISTING_H

/** A name in a directory. */
struct entry {
	/** The name in the source; for an operand its path. Lives as long as the listing. */
	const char *name;
	/** The name in the destination. */
	const char *dst_name;
	/** The inode number as listed, or 0 if not known. */
	uint64_t ino;
	/** DT_* of <dirent.h>. */
	unsigned char type;
};

/** A name of a listing, in little memory, as some directories have millions of names. */
struct listed {
	/** The name in the source. Its type, and its name in the destination if that differs, are stored beside it. */
	const char *name;
	uint64_t ino;
};

/** Names and the memory that holds them. */
struct listing {
	/** Everything but directories, in inode order. */
	struct listed *files;
	size_t file_count;
	size_t file_size;
	/** Subdirectories, in inode order. */
	struct listed *dirs;
	size_t dir_count;
	size_t dir_size;
	/** Blocks of names, each pointing to the next. */
	struct name_block *blocks;
};

/** Append a copy of NAME and DST_NAME to dirs if TYPE is DT_DIR, else to files. Returns 0 or -ENOMEM. */
int listing_add(struct listing *listing, const char *name, const char *dst_name, uint64_t ino, unsigned char type);

/** The entry of a name. Its names live as long as the listing. */
struct entry listing_entry(const struct listed *listed);

/**
 * Sort by inode: from a medium that is not cached files are read much faster in this order. Names of one inode keep the
 * order of the directory, as with cp, unless they are very many. Drop names listed twice, as some directories do if
 * they change meanwhile.
 */
void listing_sort(struct listing *listing);

/** Append all names in a directory, whose descriptor DIR is at its beginning. Returns 0 or -errno. */
int listing_read(struct listing *listing, int dir);

/** Free the names of a listing. */
void listing_free(struct listing *listing);

#endif // UCP_LISTING_H
