/**
 * What others put into a destination, and where they may lead us by it.
 *
 * Where others can make links they could have us write wherever we may write. So a link is followed if we or root made
 * it, or if who made it owns what it leads to: they could have written there themselves.
 */

#ifndef UCP_REACH_H
#define UCP_REACH_H

#include <limits.h>
#include <stdbool.h>

struct stat;

/** Returned, in place of -errno, for a link that is not followed. */
#define REACH_FOREIGN (-5000)

/** Which links are not followed, whoever made them. */
struct reach_rule {
	bool (*refuses)(const void *arg, const struct stat *link);
	const void *arg;
};

/** Returned, in place of -errno, for a link that a rule refuses. */
#define REACH_REFUSED (-5002)

/**
 * Open what a symbolic link leads to, once it is known whose that is. Links of others have nothing else opened, not even for a moment.
 *
 * @param name   One component.
 * @param flags  As of open(2), without O_CREAT.
 * @param rule   Asked of the very link that is followed.
 * @return A descriptor, -errno, REACH_FOREIGN, or REACH_REFUSED. -ESTALE if there is no link (any more). OPEN_NO_PROC if others made the
 *         link, and /proc is not there.
 */
int reach_open(int dir, const char *name, int flags, const struct reach_rule *rule);

/** Read where a symbolic link leads, and who made it, both of the very same link. Returns 0 or -errno: -ESTALE if it is none. */
int reach_read(int dir, const char *name, struct stat *link, char target[PATH_MAX]);

/** Whether a link may lead us to what stands there. */
bool reach_may_lead(const struct stat *link, const struct stat *there);

/** Whether something belongs to us or to root. */
bool reach_is_own(const struct stat *st);

/** Whether nobody but us and root can have moved what is ours in a directory that is open. */
bool reach_is_closed(int dir);

#endif // UCP_REACH_H
