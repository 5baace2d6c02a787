// SPDX-License-Identifier: MIT
/**
 * Declarations that the files of scan share; only for them.
 */

#ifndef UCP_SCAN_IMPL_H
#define UCP_SCAN_IMPL_H

#include "display/scan.h"

#include <sys/stat.h>

/** A file that will be copied; directories only with WALK_DIRECTORIES. */
struct walk_found {
	/**
	 * The file's directory, open (AT_FDCWD for an operand), and its name there; a directory is given as itself and ".".
	 */
	int dir;
	const char *name;
	/** The file's status, links followed as the options say. For a symbolic link only the type may be set. */
	const struct stat *st;
};

/** Switches of struct walk::flags. */
enum walk_flags {
	/**
	 * The walk meets every file that may be copied, or fails: it stops at the first error, counts a directory that
	 * changes while being read as an error, and ignores .gitignore, which may have changed when the copy reads it.
	 */
	WALK_ALL = 1 << 0,
	/** The walk also meets each directory that it enters. */
	WALK_DIRECTORIES = 1 << 1,
};

/** Arguments of a walk, set by the caller. */
struct walk {
	const struct opts *opts;
	const struct limits *limits;
	/** enum walk_flags. */
	unsigned flags;
	/** Called for each file found; the walk ends if it returns false. */
	bool (*meet)(void *arg, const struct walk_found *found);
	void *arg;
	/** Ends the walk with -EINTR once set; or NULL. */
	const atomic_bool *stop;
};

/**
 * Walk an operand as it will be copied. Below the operand's own path the walk uses descriptors, so exchanged
 * directories mislead it nowhere and long paths do not fail. It uses no stack for depth and few descriptors; if there
 * are no more, three are enough.
 *
 * @return 0, also if meet() ended the walk. -errno: -EINTR if it was stopped, else the first error, after which only a
 *         walk without WALK_ALL continued.
 */
int walk_operand(const struct walk *walk, const char *operand);

#endif // UCP_SCAN_IMPL_H
