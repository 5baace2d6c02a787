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
#define SYMLINK_FOREIGN (-5000)

/** Returned, in place of -errno, for a link that a rule refuses. */
#define SYMLINK_REFUSED (-5002)

/** What is asked on the way along links. */
struct symlink_rule {
	/** Whether a link is not followed, whoever made it. Asked of each, and of the very one that is followed. */
	bool (*refuses)(void *arg, const struct stat *link);
	/** Called for each thing on the way that is no link, and for its end. */
	void (*passes)(void *arg, const struct stat *st);
	void *arg;
};

/** What the links of others, however far on the way they are met, may lead to. */
enum symlink_trust {
	/** To anything. */
	SYMLINK_ANYWHERE,
	/** To what its maker owns, or to a way that ends at it. */
	SYMLINK_TO_THEIRS,
	/** The same, but it is the directory of what stands at the end that is to be written into. */
	SYMLINK_INTO_THEIRS,
};

/** Where a way ends. */
struct symlink_end {
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
 * @return 0, also if nothing stands at the end. -errno, SYMLINK_FOREIGN or SYMLINK_REFUSED: then nothing is to be closed.
 */
int symlink_walk(int dir, const char *path, enum symlink_trust trust, const struct symlink_rule *rule, struct symlink_end *end);

/** Close the descriptors. */
void symlink_close(struct symlink_end *end);

/**
 * Open what a symbolic link leads to, once it is known whose that is. Links of others have nothing else opened, not for
 * a moment.
 *
 * @param flags  As of open(2), without O_CREAT.
 * @return A descriptor, -errno, SYMLINK_FOREIGN, or SYMLINK_REFUSED. -ESTALE if there is no link (any more). OPEN_NO_PROC
 *         if others made a link on the way, and /proc is not there.
 */
int symlink_open(int dir, const char *name, int flags, const struct symlink_rule *rule);

/** Read where a symbolic link leads, and who made it, both of the very same link. Returns 0 or -errno: -ESTALE if it is none. */
int symlink_read(int dir, const char *name, struct stat *link, char target[PATH_MAX]);

/** Whether something belongs to us or to root. */
bool symlink_owner_is_trusted(const struct stat *st);

/** Whether nobody but us and root can have moved what is ours in a directory that is open. */
bool symlink_is_closed(int dir);

#endif // UCP_SYMLINK_H
