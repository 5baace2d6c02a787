// SPDX-License-Identifier: MIT
#include "sys/meta-impl.h"
#include "sys/meta.h"

#include "base/io.h"
#include "base/opts.h"
#include "sys/symlink.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/** Keep the first error; an error replaces a warning. */
static void note(struct error *first, struct error fail) {
	if (fail.text && (!first->text || (first->warning && !fail.warning))) {
		*first = fail;
	}
}

/** With --best-effort, excuse an error which means that an attribute is not possible or not permitted there. */
static struct error excuse(const struct meta *meta, struct error fail) {
	static const int refusals[] = {EPERM, EACCES, EINVAL, EOPNOTSUPP, ENOSYS, ENOTTY, ENODATA, EOVERFLOW};
	for (size_t i = 0; i < countof(refusals) && (meta->opts->flags & OPT_BEST_EFFORT) && fail.text; ++i) {
		fail.excused |= fail.err == refusals[i];
	}
	fail.warning |= fail.excused;
	return fail;
}

static int set_owner(const struct meta *meta, uid_t uid, gid_t gid) {
	return or_errno(fchownat(meta->dst_fd, "", uid, gid, AT_EMPTY_PATH));
}

/** Whether this refusal is expected (an ordinary user may not chown) and not reported. */
static bool refusal_ok(const struct meta *meta, int err) {
	return (err == -EPERM || err == -EINVAL || err == -EACCES) && !(meta->opts->flags & OPT_PRIVILEGED);
}

/** Result of setting the owner. */
enum owner {
	/** The owner and group are the source's, or ownership is not preserved. */
	OWNER_KEPT,
	/** The owner differs, as expected: set no set-id bits and no capabilities. */
	OWNER_OTHER,
	/** The owner differs unexpectedly: also let in only the owner, as cp does. */
	OWNER_REFUSED,
};

/** Judge a refused chown(2) or chmod(2). FAIL is set only if it is an error. */
static enum owner owner_refused(const struct meta *meta, int err, const char *what, struct error *fail) {
	if (refusal_ok(meta, err)) {
		return OWNER_OTHER;
	}
	*fail = error_make(ERROR_PRESERVE, err, what);
	return OWNER_REFUSED;
}

/** Set the owner and group of the destination. */
static enum owner apply_owner(const struct meta *meta, struct error *fail) {
	const struct opts *opts = meta->opts;
	const struct stat *dst = meta->dst;
	const struct meta_owner owner = meta_owner(opts, meta->src);

	if (dst && meta_is_owned(owner, dst)) {
		return OWNER_KEPT;
	}
	if (dst && (opts->preserve & (PRESERVE_MODE | PRESERVE_MODE_CHANGED))) {
		// The old mode may grant too much to the new owner and group
		int ret = meta_set_mode(meta, dst->st_mode & meta_wanted_mode(opts, meta->src, dst) & S_IRWXU);
		if (ret < 0) {
			return owner_refused(meta, ret, "clearing permissions for %d", fail);
		}
	}
	int ret = set_owner(meta, owner.uid, owner.gid);
	if (ret == 0) {
		return OWNER_KEPT;
	}
	int group = ret == -EPERM || ret == -EINVAL ? set_owner(meta, (uid_t)-1, owner.gid) : ret;
	// Who names an owner wants to know that the copy has another one
	if (opts->uid != (uid_t)-1 || (opts->gid != (gid_t)-1 && group < 0)) {
		*fail = error_make(ERROR_PRESERVE, ret, "changing ownership of %d");
		return OWNER_REFUSED;
	}
	return owner_refused(meta, ret, "failed to preserve ownership for %d", fail);
}

/**
 * Whether a file that keeps its owner may have that user's content: with --attributes-only, or because they have it
 * mapped into their memory, and writing there clears neither set-id bits nor capabilities.
 */
static bool is_strangers(const struct meta *meta) {
	const struct stat *src = meta->src;
	const struct stat *dst = meta->dst;
	bool same = dst && dst->st_uid == src->st_uid && dst->st_gid == src->st_gid;
	return (meta->opts->flags & OPT_PRIVILEGED) && dst && S_ISREG(dst->st_mode) && !same
		&& !symlink_owner_is_trusted(dst);
}

/** The part of a mode that a copy may get with its owner. SPECIAL: whether it has special bits for its wanted owner. */
static mode_t allowed_mode(mode_t mode, enum owner owner, bool special) {
	if (special && owner != OWNER_KEPT) {
		mode &= ~(mode_t)(S_ISUID | S_ISGID | S_ISVTX);
	}
	return owner == OWNER_REFUSED ? mode & ~(mode_t)(S_IRWXG | S_IRWXO) : mode;
}

static struct error apply_mode(const struct meta *meta, enum owner owner, const struct meta_acls *acls) {
	const unsigned preserve = meta->opts->preserve;
	const bool keep = preserve & PRESERVE_MODE;
	const bool changed = preserve & PRESERVE_MODE_CHANGED;
	const bool final = !keep && (meta->flags & META_FINAL_MODE);
	int ret = 0;

	if (!keep && !final && !(changed && meta->dst)) {
		return NO_ERROR;
	}
	mode_t mode = final ? meta->final_mode : meta_wanted_mode(meta->opts, meta->src, meta->dst);
	mode = allowed_mode(mode, owner, keep || changed);
	if ((meta->flags & META_STRAY_ACL) && (preserve & (PRESERVE_MODE | PRESERVE_MODE_NOT))) {
		ret = meta_drop_acls(meta, keep, &mode);
	}
	// With an ACL the group's bits are its mask: setting the mode first would give these to the group for a moment
	if (keep && owner != OWNER_REFUSED) {
		int err = meta_copy_acls(meta, acls, &mode);
		ret = ret < 0 ? ret : err;
	}
	// An ACL has no special bits, and the destination may have inherited some
	int err = meta_set_mode(meta, mode);
	if (err == 0 && keep && !changed && acls->others && owner != OWNER_REFUSED) {
		err = meta_copy_permissions(meta, mode);
	}
	ret = ret < 0 ? ret : err;
	return ret < 0 ? error_make(ERROR_PRESERVE, ret, "preserving permissions for %d") : NO_ERROR;
}

static struct error apply_times(const struct meta *meta) {
	const struct timespec times[2] = {meta->src->st_atim, meta->src->st_mtim};
	bool path = meta->flags & META_DST_PATH;
	int ret = path ? set_times(meta->dst_fd, times) : or_errno(futimens(meta->dst_fd, times));
	if (ret == -ENOENT && path && meta->dst_name) {
		ret = or_errno(utimensat(meta->dst_dir, meta->dst_name, times, AT_SYMLINK_NOFOLLOW));
	}
	return ret == 0 ? NO_ERROR : error_make(ERROR_PRESERVE, ret, "preserving times for %d");
}

struct error meta_apply(const struct meta *meta) {
	unsigned preserve = meta->opts->preserve;
	bool symlink = S_ISLNK(meta->src->st_mode);
	enum owner owner = OWNER_KEPT;
	struct meta_acls acls = {0};
	struct error first = NO_ERROR;

	if (preserve & PRESERVE_OWNERSHIP) {
		owner = apply_owner(meta, &first);
		first = excuse(meta, first);
	}
	if (owner == OWNER_KEPT && meta_owner(meta->opts, meta->src).uid == (uid_t)-1 && is_strangers(meta)) {
		owner = OWNER_OTHER;
	}
	if (preserve & (symlink ? PRESERVE_XATTR : PRESERVE_XATTR | PRESERVE_MODE)) {
		note(&first, excuse(meta, meta_copy_xattrs(meta, owner == OWNER_KEPT, &acls)));
	}
	if (!symlink) {
		note(&first, excuse(meta, apply_mode(meta, owner, &acls)));
	}
	if (preserve & PRESERVE_TIMESTAMPS) {
		struct error times = excuse(meta, apply_times(meta));
		// cp reports this error before others
		first = times.text && (!times.excused || !first.text || first.warning) ? times : first;
	}
	return first;
}
