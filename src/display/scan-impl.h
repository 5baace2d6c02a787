/**
 * What the parts of scan share; for the scan room only.
 */

#ifndef UCP_SCAN_IMPL_H
#define UCP_SCAN_IMPL_H

#include "display/scan.h"

#include <sys/stat.h>

/** Something that is copied, as a walk meets it: no directory, but with WALK_DIRECTORIES. */
struct walk_found {
	/** The directory it is in, open (AT_FDCWD for an operand), and its name there; for a directory that is itself, and ".". */
	int dir;
	const char *name;
	/** What it is, links followed as the options say. Of a symbolic link there may be nothing but the type in it. */
	const struct stat *st;
};

/** Switches of struct walk::flags. */
enum walk_flags {
	/**
	 * All that may be copied is met, or the walk fails: it ends with the first error, a directory that changes while it is
	 * read is one, and what git ignores counts, as .gitignore may be another one when the copy reads it.
	 */
	WALK_ALL = 1 << 0,
	/** Directories are met, too, when they are entered. */
	WALK_DIRECTORIES = 1 << 1,
};

/** How a source is walked, and who is told what is in it. The caller sets these. */
struct walk {
	const struct opts *opts;
	const struct limits *limits;
	/** enum walk_flags. */
	unsigned flags;
	/** Called for each thing found; the walk ends when it returns false. */
	bool (*meet)(void *arg, const struct walk_found *found);
	void *arg;
	/** The walk ends when it is set, with -EINTR; or NULL. */
	const atomic_bool *stop;
};

/**
 * Walk an operand as it is going to be copied, by descriptors: no path that can be exchanged, or be too long, leads anywhere
 * but for the operand's own. Takes no stack for depth and few descriptors; when there are no more it makes do with three.
 *
 * @return 0, also when it was ended; -errno: the first error, after which it went on unless WALK_ALL.
 */
int walk_operand(const struct walk *walk, const char *operand);

#endif // UCP_SCAN_IMPL_H
