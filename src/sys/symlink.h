/**
 * What others put into a destination, and where they may lead us by it.
 *
 * Where others can make links they could have us write wherever we may write. So a link is followed if we or root made
 * it, or if who made it owns what it leads to: they could have written there themselves. Each link on a way is asked, since
 * ours may lead to another one of theirs.
 */

#ifndef UCP_SYMLINK_H
#define UCP_SYMLINK_H

#include <limits.h>
#include <stdbool.h>

struct stat;

/** Returned, in place of -errno, for a link that is not followed. */
#define REACH_FOREIGN (-5000)

/** Returned, in place of -errno, for a link that a rule refuses. */
#define REACH_REFUSED (-5002)

/** What is asked on the way along links. */
struct reach_rule {
	/** Whether a link is not followed, whoever made it. Asked of each, and of the very one that is followed. */
	bool (*refuses)(void *arg, const struct stat *link);
	/** Called for each thing on the way that is no link, and for its end. */
	void (*passes)(void *arg, const struct stat *st);
	void *arg;
};

/** What the links of others, however far on the way they are met, may lead to. */
enum reach_trust {
	/** To anything. */
	REACH_ANYWHERE,
	/** To what its maker owns, or to a way that ends at it. */
	REACH_TO_THEIRS,
	/** The same, but it is the directory of what stands at the end that is to be written into. */
	REACH_INTO_THEIRS,
};

/** Where a way ends. */
struct reach_end {
	/** A descriptor (O_PATH) of the directory there; to be closed. */
	int dir;
	/** A descriptor (O_PATH) of what has the name in it; to be closed. -1 if nothing has. */
	int there;
	char name[NAME_MAX + 1];
	/** How many links were followed, and whether others made one of them. */
	unsigned links;
	bool foreign;
};

/**
 * Follow all links that a path leads along, one component after the other.
 *
 * @return 0, also if nothing stands at the end. -errno, REACH_FOREIGN or REACH_REFUSED: then nothing is to be closed.
 */
int reach_walk(int dir, const char *path, enum reach_trust trust, const struct reach_rule *rule, struct reach_end *end);

/** Close the descriptors. */
void reach_close(struct reach_end *end);

/**
 * Open what a symbolic link leads to, once it is known whose that is. Links of others have nothing else opened, not for
 * a moment.
 *
 * @param flags  As of open(2), without O_CREAT.
 * @return A descriptor, -errno, REACH_FOREIGN, or REACH_REFUSED. -ESTALE if there is no link (any more). OPEN_NO_PROC
 *         if others made a link on the way, and /proc is not there.
 */
int reach_open(int dir, const char *name, int flags, const struct reach_rule *rule);

/** Read where a symbolic link leads, and who made it, both of the very same link. Returns 0 or -errno: -ESTALE if it is none. */
int reach_read(int dir, const char *name, struct stat *link, char target[PATH_MAX]);

/** Whether something belongs to us or to root. */
bool reach_is_own(const struct stat *st);

/** Whether nobody but us and root can have moved what is ours in a directory that is open. */
bool reach_is_closed(int dir);

#endif // UCP_SYMLINK_H
