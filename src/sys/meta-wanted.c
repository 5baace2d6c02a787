// SPDX-License-Identifier: MIT
#include "sys/meta-impl.h"
#include "sys/meta.h"

#include "base/modes.h"
#include "base/opts.h"

/** Read and write permission for everyone. */
#define MODE_RW 0666

#define SET_ID (S_ISUID | S_ISGID)

struct meta_owner meta_owner(const struct opts *opts, const struct stat *src) {
	bool kept = (opts->preserve & (PRESERVE_OWNERSHIP | PRESERVE_OWNERSHIP_GIVEN)) == PRESERVE_OWNERSHIP;
	return (struct meta_owner) {
		.uid = opts->uid != (uid_t)-1 || !kept ? opts->uid : src->st_uid,
		.gid = opts->gid != (gid_t)-1 || !kept ? opts->gid : src->st_gid,
	};
}

bool meta_is_owned(struct meta_owner owner, const struct stat *st) {
	return (owner.uid == (uid_t)-1 || owner.uid == st->st_uid) && (owner.gid == (gid_t)-1 || owner.gid == st->st_gid);
}

mode_t meta_written_mode(const struct opts *opts, mode_t mode) {
	if (opts->flags & OPT_PRIVILEGED) {
		return mode & MODE_BITS;
	}
	mode &= MODE_BITS & ~(mode_t)S_ISUID;
	return mode & S_IXGRP ? mode & ~(mode_t)S_ISGID : mode;
}

mode_t meta_change_mode(const struct opts *opts, mode_t type, mode_t mode) {
	return modes_apply(opts->modes, (type & S_IFMT) | (mode & MODE_BITS), opts->umask) & MODE_BITS;
}

bool meta_gives_away(const struct opts *opts, const struct stat *src) {
	struct meta_owner owner = meta_owner(opts, src);
	return (opts->uid != (uid_t)-1 || opts->gid != (gid_t)-1) && !meta_is_owned(owner, src);
}

mode_t meta_wanted_mode(const struct opts *opts, const struct stat *src, const struct stat *dst) {
	bool keep = opts->preserve & PRESERVE_MODE;
	mode_t mode = keep ? src->st_mode : meta_written_mode(opts, dst->st_mode);
	bool other = keep ? meta_gives_away(opts, src)
					  : (opts->preserve & PRESERVE_OWNERSHIP) && !meta_is_owned(meta_owner(opts, src), dst);
	// As by chown(2): a program must not run as another user than its author was allowed to choose
	if (other && !S_ISDIR(src->st_mode)) {
		mode &= ~(mode_t)SET_ID;
	}
	return meta_change_mode(opts, src->st_mode, mode);
}

/** Permissions to leave out at first: they are granted once the owner is right or the directory is filled. */
static mode_t omitted(const struct opts *opts, mode_t mode) {
	if (opts->preserve & (PRESERVE_OWNERSHIP | PRESERVE_MODE_CHANGED)) {
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
	int dst_fd) {
	mode_t mode = dst->st_mode & (meta_wanted_mode(opts, src, dst) | ~(mode_t)(S_IRWXG | S_IRWXO));
	gid_t gid = meta_owner(opts, src).gid;
	bool other_group = gid != (gid_t)-1 && dst->st_gid != gid;
	// With an ACL the group's bits are a mask, which lets in the users and groups the ACL names
	if ((mode & S_IRWXG) && (other_group || meta_may_have_acl(src_fd) || meta_may_have_acl(dst_fd))) {
		mode &= ~(mode_t)S_IRWXG;
	}
	return mode;
}

/** The final mode of a new file without --chmod. Returns whether *FINAL must be set. */
static bool final_mode(const struct opts *opts, mode_t mode, mode_t created, mode_t *final) {
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

bool meta_final_mode(const struct opts *opts, mode_t mode, mode_t created, mode_t *final) {
	bool set = final_mode(opts, mode, created, final);
	if (opts->preserve & PRESERVE_MODE_CHANGED) {
		*final = meta_change_mode(opts, mode, *final);
		return true;
	}
	return set;
}

mode_t meta_widest_mode(const struct opts *opts, mode_t mode) {
	mode_t bits = opts->preserve & PRESERVE_MODE_NOT ? 0777 : mode & MODE_BITS;
	bits &= opts->preserve & PRESERVE_MODE ? MODE_BITS : ~opts->umask;
	return meta_change_mode(opts, mode, bits);
}
