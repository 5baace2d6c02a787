/**
 * What the parts of meta share; for the meta room only.
 */

#ifndef UCP_META_IMPL_H
#define UCP_META_IMPL_H

#include "base/io.h"
#include "sys/meta.h"

#include <sys/types.h>

/** Bytes of a path by meta_src(): of the form /proc/self/fd/N/NAME, where some file systems have names of 765 bytes. */
#define META_SRC_PATH_SIZE (FD_PATH_SIZE + 1024)

/**
 * Bytes of names and of a value that need no allocation. From Linux 5.12 to 6.1 an ACL that is read from an idmapped mount
 * names the wrong users unless the buffer, less the 4 bytes of its head, holds a whole number of its 8-byte entries
 * (posix_acl_getxattr_idmapped_mnt()).
 */
#define META_SMALL 1020

/** POSIX ACLs, as the kernel shows them: acl(5), linux/xattr.h. */
#define META_ACL_ACCESS "system.posix_acl_access"
#define META_ACL_DEFAULT "system.posix_acl_default"

/** What gives a program rights, like the set-id bits. */
#define META_CAPABILITY "security.capability"

/** Whose attributes are meant. */
struct meta_ref {
	/** The descriptor, if there is no path. */
	int fd;
	const char *path;
	/** Whether a link at the path's end is followed, as those of /proc must be. */
	bool follow;
	/** If there is a name: the same by it in a directory, no link being followed, for when /proc is not mounted. */
	const char *name;
	int dir;
};

/** The value of an attribute. */
struct meta_value {
	char small[META_SMALL];
	/** The value: `small`, or allocated. */
	char *data;
	size_t size;
};

/** Which ACLs the source has, or may have if nobody knows. */
struct meta_acls {
	bool access;
	bool fallback;
	/** Attributes of META_PERMISSIONS. */
	bool others;
};

/** What becomes of an extended attribute. */
enum meta_action {
	/** It is copied with the extended attributes. */
	META_COPY,
	/** It is not copied. */
	META_SKIP,
	/** It goes with the mode, as it says who gets in. */
	META_PERMISSIONS,
	/** It goes with the mode, and this program knows what it says. */
	META_POSIX_ACL,
};

/** What becomes of an attribute of that name, by the rules and by what is known of it. */
enum meta_action meta_action(const struct opts *opts, const char *name);

/** The source: by its descriptor, or by name without leaving the directory that is open. */
struct meta_ref meta_src(const struct meta *meta, char path[META_SRC_PATH_SIZE]);

/** What a name in a directory that is open is about, no link being followed. */
struct meta_ref meta_by_name(int dir, const char *name, char path[META_SRC_PATH_SIZE]);

/** Whether an attribute that only an existing destination has is removed from it (opts_compare()). */
bool meta_is_removed(const struct opts *opts, const char *name);

/** The destination. */
struct meta_ref meta_dst(const struct meta *meta, char path[FD_PATH_SIZE]);

/** A file that is open for anything, O_PATH too. */
struct meta_ref meta_by_fd(int fd, char path[FD_PATH_SIZE]);

/**
 * List the names of the attributes.
 *
 * @param big  Set to what the caller has to free: the names, if they are not in SMALL, else NULL.
 * @return Bytes of the names, each of which ends with a NUL; or -errno.
 */
ssize_t meta_list(struct meta_ref ref, char small[META_SMALL], char **big);

/** Read an attribute. Returns 0, and the value is to be freed by meta_value_free(); or -errno. */
int meta_get(struct meta_ref ref, const char *name, struct meta_value *value);

/** Free what meta_get() has allocated. */
void meta_value_free(struct meta_value *value);

/** Whether there is an attribute. Returns 1, 0 or -errno. */
int meta_has(struct meta_ref ref, const char *name);

/** Set an attribute. Returns 0 or -errno. */
int meta_set(struct meta_ref ref, const char *name, const struct meta_value *value);

/** Remove an attribute. Returns 0 or -errno. */
int meta_remove(struct meta_ref ref, const char *name);

/** Set the destination's mode. Returns 0 or -errno. */
int meta_set_mode(const struct meta *meta, mode_t mode);

/**
 * Copy the extended attributes if they are to be kept, and find out which ACLs there are.
 *
 * @param owned  Whether the owner is what it is to be: if not, no capabilities are given.
 */
struct error meta_copy_xattrs(const struct meta *meta, bool owned, struct meta_acls *acls);

/**
 * Copy the attributes of META_PERMISSIONS if the destination's file system knows them, after the mode, which they may be changed by.
 * Nobody but its owner gets at the destination if that fails. Returns 0 or -errno.
 */
int meta_copy_permissions(const struct meta *meta, mode_t mode);

/**
 * Copy the ACLs the source has.
 *
 * @param mode  The mode that is going to be set. Where the ACL cannot be copied the bits of the group and of others are
 *              left out of it which the ACL does not give them: the group's are only a mask.
 * @return 0 or -errno.
 */
int meta_copy_acls(const struct meta *meta, const struct meta_acls *acls, mode_t *mode);

/**
 * Take away the ACL the destination has, and with FALLBACK the one it gives to what is made in it.
 *
 * @param mode  The mode that is going to be set: for the owner only if an ACL stays, which it would let in.
 * @return 0 or -errno.
 */
int meta_drop_acls(const struct meta *meta, bool fallback, mode_t *mode);

/**
 * What is left of a mode without its ACL such that nobody gets in who did not before.
 *
 * @param acl  As the kernel shows it; of one that makes no sense nothing is left to the group and to others.
 */
mode_t meta_mode_without(mode_t mode, const void *acl, size_t size);

/**
 * Copy the extended attributes that stay when a file is written to. Returns 0 or -errno of what is no matter of
 * permission.
 */
int meta_inherit_xattrs(int old, int fd);

/**
 * Give a new file the ACL of an old one, or none.
 *
 * @param old      The old file, or -1 where that cannot be asked.
 * @param allowed  Whether it may have the old one's.
 * @param mode     The old file's mode; narrowed if it was to be seen with an ACL that cannot be there.
 * @return Whether there is an ACL now.
 */
bool meta_inherit_acl(int old, int fd, bool allowed, mode_t *mode);

/** All that chmod(2) can set. */
#define MODE_BITS 07777

#endif // UCP_META_IMPL_H
