// SPDX-License-Identifier: MIT
/**
 * Owner, extended attributes, ACLs, mode and times, applied in a fixed order.
 *
 * Owner first, because chown(2) clears set-id bits and capabilities; then attributes, including capabilities; then the
 * mode with its ACL; the times last, because all other steps may change them.
 */

#ifndef UCP_META_H
#define UCP_META_H

#include "base/error.h"

#include <sys/stat.h>

struct meta_rules;
struct opts;

/** Switches of struct meta::flags. */
enum meta_flags {
	/** The destination is new. */
	META_NEW = 1 << 0,
	/** The destination may have an ACL that the source lacks. */
	META_STRAY_ACL = 1 << 1,
	/** Set the mode to meta::final_mode, unless modes are preserved. */
	META_FINAL_MODE = 1 << 2,
	/** Do not copy extended attributes: cp sets none on directories that --parents makes. */
	META_NO_XATTR = 1 << 3,
	/** meta::dst_fd was opened with O_PATH. */
	META_DST_PATH = 1 << 4,
	/** The source may have ACLs that listxattr(2) does not list (meta_lists_acls()). */
	META_UNLISTED_ACLS = 1 << 5,
	/** For meta_differs(): the destination's mtime equals the source's, as far as its file system can store that. */
	META_SAME_TIMES = 1 << 6,
	/** meta::src_fd was opened with O_PATH. */
	META_SRC_PATH = 1 << 7,
};

/** The arguments of meta_apply() and meta_differs() for one file. */
struct meta {
	const struct opts *opts;
	/** Switches, enum meta_flags. */
	unsigned flags;
	/** The source's status before its data was read. */
	const struct stat *src;
	/** The status of an existing destination as found, or NULL if it is new. */
	const struct stat *dst;
	/** The mode for META_FINAL_MODE. */
	mode_t final_mode;

	/** The source's descriptor, or -1: then use src_dir and src_name, without following links. */
	int src_fd;
	int src_dir;
	const char *src_name;
	/** The destination's descriptor: a name could lead to another file by now. */
	int dst_fd;
	/**
	 * With META_DST_PATH, for use when /proc is not mounted: the destination by directory and name, without following
	 * links. dst_name is NULL if another user could replace the file.
	 */
	int dst_dir;
	const char *dst_name;
};

/**
 * Apply the attributes that the options ask for. Continues after a failure. Returns the first error, but one about
 * times before any other.
 */
struct error meta_apply(const struct meta *meta);

/**
 * Whether meta_apply() would change an existing destination. The atime alone does not count, because reading the source
 * changes it.
 *
 * @param meta  If dst_fd is -1, the destination is dst_name in dst_dir, and links are not followed.
 */
bool meta_differs(const struct meta *meta);

/**
 * Give a new file the owner, extended attributes, ACL and mode of the old file that it will replace, as far as
 * permitted, and as far as writing into the old file would have kept them. Attributes preserved from the source come
 * later, with meta_apply().
 *
 * @param old  The old file, open in any way, or -1 if it could not be opened.
 * @param st   The status of the old file; set to the new file's.
 * @param fd   The new file, which no other user can open yet.
 * @return An error, except refused permissions.
 */
struct error meta_inherit(const struct opts *opts, int old, struct stat *st, int fd);

/** Set the mode of a file opened with O_PATH, but not of a symbolic link. Returns 0 or -errno. */
int meta_chmod_path(int fd, mode_t mode);

/**
 * Whether a file's file system is known to list all ACLs with listxattr(2). Others, FUSE above all, may return an ACL
 * only if asked for it by name, as cp asks.
 */
bool meta_lists_acls(int fd);

/** Whether a file has, or may have, an ACL beyond its mode. */
bool meta_may_have_acl(int fd);

/** Whether new files in a directory get, or may get, an ACL from it. */
bool meta_may_have_default_acl(int dir);

/** The owner and the group of a copy. */
struct meta_owner {
	/** -1 if it is left as it is. */
	uid_t uid;
	gid_t gid;
};

/** The owner and group that a copy is to get: the source's, if they are preserved, or those of --chown. */
struct meta_owner meta_owner(const struct opts *opts, const struct stat *src);

/**
 * The mode that the copy of a source is to get if modes are preserved or --chmod changes them, and its owner can be
 * set.
 *
 * @param dst  The existing destination as found, whose mode is changed if modes are not preserved; NULL if they are.
 */
mode_t meta_wanted_mode(const struct opts *opts, const struct stat *src, const struct stat *dst);

/**
 * The mode of a new copy, special bits aside, if its directory gives it no ACL.
 *
 * @param mode  The source's mode with its type.
 */
mode_t meta_widest_mode(const struct opts *opts, mode_t mode);

/**
 * The mode for an existing destination until its content and attributes are complete, if modes are preserved or
 * changed. Removes access that the copy will not grant, by mode, group or ACL, to all users but the owner.
 *
 * @param src_fd  The source, or -1 if it could not be opened.
 */
mode_t meta_interim_mode(const struct opts *opts, const struct stat *src, int src_fd, const struct stat *dst,
	int dst_fd);

/**
 * The mode to create a file with, so that no user gets access before the owner is set.
 *
 * @param mode  The source's mode with its type.
 */
mode_t meta_create_mode(const struct opts *opts, mode_t mode);

/**
 * The final mode of a new file or directory if modes are not preserved, with the changes of --chmod.
 *
 * @param mode     The source's mode with its type.
 * @param created  The destination's current mode.
 * @return Whether *FINAL must be set.
 */
bool meta_final_mode(const struct opts *opts, mode_t mode, mode_t created, mode_t *final);

/**
 * The file that lists extended attributes to skip, or to copy with the mode: xattr.conf(5), as libattr reads it for cp.
 */
#define META_RULES "/etc/xattr.conf"

/**
 * Read the rules for extended attributes. Without rules all are copied, except ACLs, which go with the mode.
 *
 * @param rules  NULL, or what meta_rules_choose() made. The rules are added, for the caller to free; none on failure.
 * @return 0 or -errno: -EINVAL if a line is invalid.
 */
int meta_rules_read(const char *path, struct meta_rules **rules);

/**
 * Choose which of the attributes that META_RULES leaves are copied, in addition to what was chosen before.
 *
 * @param patterns  Separated by commas, for fnmatch(3). The last one that matches counts; with "-" before it, the
 *                  attribute is not copied. If none matches, it is copied only if the very first one has a "-".
 * @return 0, -EINVAL if a pattern is empty, or -ENOMEM.
 */
int meta_rules_choose(struct meta_rules **rules, const char *patterns);

/** Free rules, or NULL. */
void meta_rules_free(struct meta_rules *rules);

#endif // UCP_META_H
