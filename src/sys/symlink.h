// SPDX-License-Identifier: MIT
/**
 * Which symbolic links in a destination are followed.
 *
 * Users who can make links in a destination could have us write wherever we may write. So a link is followed only if we
 * or root made it, or if its maker owns the target, and so could write there anyway. Each link of a path is checked,
 * since one of ours may lead to one of theirs.
 */

#ifndef UCP_SYMLINK_H
#define UCP_SYMLINK_H

#include <limits.h>
#include <stdbool.h>

struct stat;

/** Returned, in place of -errno, for a link that is not followed because of its owner. */
#define SYMLINK_FOREIGN (-5000)

/** Returned, in place of -errno, for a link that symlink_rule::refuses refused. */
#define SYMLINK_REFUSED (-5002)

/** The caller's checks along a path. */
struct symlink_rule {
	/** Whether not to follow a link, whoever made it. Called for every link before it is followed. */
	bool (*refuses)(void *arg, const struct stat *link);
	/** Called for each component that is not a link, and for the end of the path. */
	void (*passes)(void *arg, const struct stat *st);
	void *arg;
};

/** Where links of other users may lead, however deep in the path they are. */
enum symlink_trust {
	/** Anywhere. */
	SYMLINK_ANYWHERE,
	/** To a file of their maker, or to a link or directory through which the path ends at one. */
	SYMLINK_TO_THEIRS,
	/** As SYMLINK_TO_THEIRS, but the maker must own the directory of the path's end, which will be written to. */
	SYMLINK_INTO_THEIRS,
};

/** The end of a path. */
struct symlink_end {
	/** The directory of the end (O_PATH); the caller closes it. */
	int dir;
	/** The file with the name in it (O_PATH), which the caller closes; -1 if there is none. */
	int there;
	char name[NAME_MAX + 1];
	/** How many links were followed, and whether another user made one of them. */
	unsigned links;
	bool foreign;
};

/**
 * Follow all links of a path, component by component.
 *
 * @param rule  NULL: no further checks.
 * @return 0, also if the path ends at a missing name. -errno, SYMLINK_FOREIGN or SYMLINK_REFUSED: then nothing is to be
 *         closed.
 */
int symlink_walk(int dir, const char *path, enum symlink_trust trust, const struct symlink_rule *rule,
	struct symlink_end *end);

/** Close the descriptors of END. */
void symlink_close(struct symlink_end *end);

/**
 * Open the target of a symbolic link after checking the owners. No other file is opened, even for a moment, whatever
 * other users do to the links.
 *
 * @param flags  As for open(2), without O_CREAT.
 * @return A descriptor, -errno, SYMLINK_FOREIGN, or SYMLINK_REFUSED. -ESTALE if NAME is no link (any more).
 *         OPEN_NO_PROC if another user made a link on the path, and /proc is not mounted.
 */
int symlink_open(int dir, const char *name, int flags, const struct symlink_rule *rule);

/** Read the text and the status of one and the same symbolic link. Returns 0 or -errno: -ESTALE if NAME is no link. */
int symlink_read(int dir, const char *name, struct stat *link, char target[PATH_MAX]);

/** Whether a file belongs to us or to root. */
bool symlink_owner_is_trusted(const struct stat *st);

/** Whether only we and root can move or replace our files in an open directory. */
bool symlink_is_closed(int dir);

#endif // UCP_SYMLINK_H
