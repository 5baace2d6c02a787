// SPDX-License-Identifier: MIT
#include "sys/meta-impl.h"
#include "sys/meta.h"

#include "base/io.h"
#include "base/opts.h"
#include "sys/symlink.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/** Read and write permission for everyone. */
#define MODE_RW 0666

/** Keep the first error; an error replaces a warning. */
static void note(struct error *first, struct error fail) {
	if (fail.text && (!first->text || (first->warning && !fail.warning))) {
		*first = fail;
	}
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
	const struct stat *src = meta->src;
	const struct stat *dst = meta->dst;

	if (dst && dst->st_uid == src->st_uid && dst->st_gid == src->st_gid) {
		return OWNER_KEPT;
	}
	if (dst && (meta->opts->preserve & PRESERVE_MODE)) {
		// The old mode may grant too much to the new owner and group
		int ret = meta_set_mode(meta, dst->st_mode & src->st_mode & S_IRWXU);
		if (ret < 0) {
			return owner_refused(meta, ret, "clearing permissions for %d", fail);
		}
	}
	int ret = set_owner(meta, src->st_uid, src->st_gid);
	if (ret == 0) {
		return OWNER_KEPT;
	}
	if (ret == -EPERM || ret == -EINVAL) {
		set_owner(meta, (uid_t)-1, src->st_gid);
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

static struct error apply_mode(const struct meta *meta, enum owner owner, const struct meta_acls *acls) {
	const unsigned preserve = meta->opts->preserve;
	const bool keep = preserve & PRESERVE_MODE;
	mode_t mode = keep ? meta->src->st_mode : meta->final_mode;
	int ret = 0;

	if (!keep && !(meta->flags & META_FINAL_MODE)) {
		return NO_ERROR;
	}
	if (keep && owner != OWNER_KEPT) {
		mode &= ~(mode_t)(S_ISUID | S_ISGID | S_ISVTX);
	}
	if (owner == OWNER_REFUSED) {
		mode &= ~(mode_t)(S_IRWXG | S_IRWXO);
	}
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
	if (err == 0 && keep && acls->others && owner != OWNER_REFUSED) {
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
	} else if (is_strangers(meta)) {
		owner = OWNER_OTHER;
	}
	if (preserve & (symlink ? PRESERVE_XATTR : PRESERVE_XATTR | PRESERVE_MODE)) {
		note(&first, meta_copy_xattrs(meta, owner == OWNER_KEPT, &acls));
	}
	if (!symlink) {
		note(&first, apply_mode(meta, owner, &acls));
	}
	if (preserve & PRESERVE_TIMESTAMPS) {
		struct error times = apply_times(meta);
		// cp reports this error before others
		first = times.text ? times : first;
	}
	return first;
}

/** Permissions to leave out at first: they are granted once the owner is right or the directory is filled. */
static mode_t omitted(const struct opts *opts, mode_t mode) {
	if (opts->preserve & PRESERVE_OWNERSHIP) {
		return mode & (S_IRWXG | S_IRWXO);
	}
	return S_ISDIR(mode) ? mode & (S_IWGRP | S_IWOTH) : 0;
}

mode_t meta_create_mode(const struct opts *opts, mode_t mode) {
	mode_t bits = mode & (S_ISREG(mode) ? 0777 : MODE_BITS) & ~omitted(opts, mode);
	// Only root may set attributes of a file without write permission
	bool xattr = S_ISREG(mode) && (opts->preserve & PRESERVE_XATTR) && !(opts->flags & OPT_PRIVILEGED);
	return xattr ? bits | S_IWUSR : bits;
}

mode_t meta_interim_mode(const struct opts *opts, const struct stat *src, int src_fd, const struct stat *dst,
	int dst_fd)
{
	mode_t mode = dst->st_mode & (src->st_mode | ~(mode_t)(S_IRWXG | S_IRWXO));
	bool other_group = (opts->preserve & PRESERVE_OWNERSHIP) && dst->st_gid != src->st_gid;
	// With an ACL the group's bits are a mask, which lets in the users and groups the ACL names
	if ((mode & S_IRWXG) && (other_group || meta_may_have_acl(src_fd) || meta_may_have_acl(dst_fd))) {
		mode &= ~(mode_t)S_IRWXG;
	}
	return mode;
}

bool meta_final_mode(const struct opts *opts, mode_t mode, mode_t created, mode_t *final) {
	if ((opts->preserve & PRESERVE_OWNERSHIP) && !S_ISDIR(mode)) {
		// chown(2) has cleared it, but created is set once more
		created &= ~(mode_t)S_ISUID;
	}
	if (opts->preserve & PRESERVE_MODE_NOT) {
		bool full = S_ISDIR(mode) || S_ISSOCK(mode);
		mode_t special = created & (S_ISDIR(mode) && (created & S_ISGID) ? S_ISGID : MODE_BITS & ~(mode_t)0777);
		*final = ((full ? 0777 : MODE_RW) & ~opts->umask) | special;
		return true;
	}
	if (S_ISREG(mode)) {
		*final = mode & 0777 & ~opts->umask;
		return meta_create_mode(opts, mode) != (mode & 0777);
	}
	*final = created | (omitted(opts, mode) & ~opts->umask);
	return *final != created;
}
