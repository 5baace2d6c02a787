/**
 * Owner, extended attributes, ACLs, mode and times, and the one order they are applied in.
 *
 * Owner first, since changing it clears set-id bits and capabilities; then attributes, among them capabilities; then
 * the mode with its ACL; the times last, since all else may touch them.
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
	/** The destination may carry an ACL that the source does not have. */
	META_STRAY_ACL = 1 << 1,
	/** Unless modes are kept, the mode is to become meta::final_mode. */
	META_FINAL_MODE = 1 << 2,
	/** The extended attributes are there already: a clone of the inode brought them. */
	META_NO_XATTR = 1 << 3,
	/** meta::dst_fd only says which file is meant (O_PATH). */
	META_DST_PATH = 1 << 4,
	/** The source may have ACLs that are not listed among its attributes (meta_lists_acls()). */
	META_UNLISTED_ACLS = 1 << 5,
	/** For meta_differs(): the time of last modification is what the destination's file system can keep of the source's. */
	META_SAME_TIMES = 1 << 6,
};

/** One file's attributes on their way. */
struct meta {
	const struct opts *opts;
	/** Switches, enum meta_flags. */
	unsigned flags;
	/** The source as it was before its data was read. */
	const struct stat *src;
	/** An existing destination as it was found, or NULL if it is new. */
	const struct stat *dst;
	/** The mode for META_FINAL_MODE. */
	mode_t final_mode;

	/** The source's descriptor, or -1: then by directory and name, never following links. */
	int src_fd;
	int src_dir;
	const char *src_name;
	/** The destination's descriptor: a name may have come to mean something else. */
	int dst_fd;
	/**
	 * With META_DST_PATH, for when /proc is not mounted: the destination by directory and name, never following links. NULL
	 * unless nobody else can put something else there.
	 */
	int dst_dir;
	const char *dst_name;
};

/** Apply what the options ask for. Goes on after a failure and returns the first. */
struct error meta_apply(const struct meta *meta);

/**
 * Whether an existing destination lacks anything that meta_apply() would give it or take from it. The time of last access
 * alone does not count, as reading the source changes it.
 *
 * @param meta  If its dst_fd is -1, the destination is meant by dst_dir and dst_name, no link being followed.
 */
bool meta_differs(const struct meta *meta);

/**
 * Give a new file what an old one has that it is going to replace, as far as that is permitted, and what writing into
 * the old one would have left of it: owner, extended attributes, ACL and mode. What the options ask to keep of the
 * source comes after, with meta_apply().
 *
 * @param old  The old file, open for anything, or -1 where that cannot be.
 * @param st   The old file; set to what the new one has now.
 * @param fd   The new file, which is open to nobody else yet.
 * @return Only what is no matter of permission.
 */
struct error meta_inherit(const struct opts *opts, int old, struct stat *st, int fd);

/** Set the mode of what a descriptor made with O_PATH is about, no symbolic link. Returns 0 or -errno. */
int meta_chmod_path(int fd, mode_t mode);

/**
 * Whether a file's file system is known to list the ACLs that it has among the extended attributes. Others, FUSE above all, may
 * give them only if they are asked for by name, as cp asks.
 */
bool meta_lists_acls(int fd);

/** Whether a file has an ACL beyond its mode, or may have one since that cannot be found out. */
bool meta_may_have_acl(int fd);

/** Whether new files in a directory get an ACL from it, or may get one since that cannot be found out. */
bool meta_may_have_default_acl(int dir);

/**
 * What is left of an existing destination's mode until its content and attributes are there, where the mode is to be kept:
 * nobody but its owner is let in whom the source does not let in, be it by the old mode, group or ACL.
 *
 * @param src_fd  The source, or -1 if it could not be opened.
 */
mode_t meta_interim_mode(const struct opts *opts, const struct stat *src, int src_fd, const struct stat *dst, int dst_fd);

/**
 * The mode to create something with, such that nobody gets in before its owner is set.
 *
 * @param mode  The source's mode, type included.
 */
mode_t meta_create_mode(const struct opts *opts, mode_t mode);

/**
 * The mode a new file or directory is to have in the end where modes are not kept, if it has to be set.
 *
 * @param mode     The source's mode, type included.
 * @param created  The mode it has now.
 * @return Whether *FINAL must be set.
 */
bool meta_final_mode(const struct opts *opts, mode_t mode, mode_t created, mode_t *final);

/** The file that says which extended attributes are not copied, or with the mode: xattr.conf(5), as libattr reads it for cp. */
#define META_RULES "/etc/xattr.conf"

/**
 * Read the rules about extended attributes. Without them all are copied, but for ACLs, which go with the mode.
 *
 * @param rules  Set to what was read, to be freed; to NULL if there is no such file, or on failure.
 * @return 0 or -errno: -EINVAL if a line makes no sense.
 */
int meta_rules_read(const char *path, struct meta_rules **rules);

/** Free rules, or NULL. */
void meta_rules_free(struct meta_rules *rules);

#endif // UCP_META_H
