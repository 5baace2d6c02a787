// SPDX-License-Identifier: MIT
/**
 * Declarations that the meta files share; only for them.
 */

#ifndef UCP_META_IMPL_H
#define UCP_META_IMPL_H

#include "base/io.h"
#include "sys/meta.h"

#include <sys/types.h>

/** Size of a path by meta_src(): /proc/self/fd/N/NAME, and some file systems have names of 765 bytes. */
#define META_SRC_PATH_SIZE (FD_PATH_SIZE + 1024)

/**
 * Size of a buffer on the stack for names or a value. From Linux 5.12 to 6.1 an ACL read from an idmapped mount names
 * the wrong users unless the buffer, less the 4 bytes of the header, is a multiple of the 8-byte entries
 * (posix_acl_getxattr_idmapped_mnt()).
 */
#define META_SMALL 1020

/** POSIX ACLs, by the kernel's names: acl(5), linux/xattr.h. */
#define META_ACL_ACCESS "system.posix_acl_access"
#define META_ACL_DEFAULT "system.posix_acl_default"

/** Gives a program rights, like the set-id bits. */
#define META_CAPABILITY "security.capability"

/** The file whose attributes are read or set. */
struct meta_ref {
	/** The descriptor; used if path is NULL. */
	int fd;
	const char *path;
	/** Whether a link at the path's end is followed, which is needed for links in /proc. */
	bool follow;
	/** NULL, or the file's name in dir, for use when /proc is not mounted; links are not followed. */
	const char *name;
	int dir;
};

/** The names of a file's attributes. */
struct meta_names {
	char small[META_SMALL];
	/** Memory for the user to free: the names, if they do not fit into small; else NULL. */
	char *big;
	/** Bytes of the names, each of which ends with a NUL; or -errno. */
	ssize_t size;
};

/** The value of an attribute. */
struct meta_value {
	char small[META_SMALL];
	/** Points to small, or to allocated memory. */
	char *data;
	size_t size;
};

/** The ACLs that the source has, or may have if they cannot be listed. */
struct meta_acls {
	bool access;
	bool fallback;
	/** Attributes with META_PERMISSIONS. */
	bool others;
};

/** How an extended attribute is copied. */
enum meta_action {
	/** With the extended attributes. */
	META_COPY,
	/** Not at all. */
	META_SKIP,
	/** With the mode, because it controls access. */
	META_PERMISSIONS,
	/** With the mode, by meta-acl.c, which understands it. */
	META_POSIX_ACL,
};

/** How to copy the attribute NAME, by the user's rules and the built-in ones. */
enum meta_action meta_action(const struct opts *opts, const char *name);

/** The source: by descriptor, or by name in its open directory. */
struct meta_ref meta_src(const struct meta *meta, char path[META_SRC_PATH_SIZE]);

/** The file NAME in an open directory; links are not followed. */
struct meta_ref meta_by_name(int dir, const char *name, char path[META_SRC_PATH_SIZE]);

/** Whether an attribute that only the existing destination has is removed (opts_compare()). */
bool meta_is_removed(const struct opts *opts, const char *name);

/** The destination. */
struct meta_ref meta_dst(const struct meta *meta, char path[FD_PATH_SIZE]);

/** A file that is open in any way, even with O_PATH. */
struct meta_ref meta_by_fd(int fd, char path[FD_PATH_SIZE]);

/** List the names of the attributes; the caller frees meta_names::big. Returns meta_names::size. */
ssize_t meta_list(struct meta_ref ref, struct meta_names *names);

/** The name behind NAME in a list, the first one behind NULL; NULL if there is none, or no list. */
const char *meta_next_name(const struct meta_names *names, const char *name);

/** Whether a name is in a list. */
bool meta_is_listed(const struct meta_names *names, const char *name);

/** Read an attribute. Returns 0, then the caller calls meta_value_free(); or -errno. */
int meta_get(struct meta_ref ref, const char *name, struct meta_value *value);

/** Free the memory that meta_get() allocated. */
void meta_value_free(struct meta_value *value);

/** Whether the file has an attribute. Returns 1, 0 or -errno. */
int meta_has(struct meta_ref ref, const char *name);

/** Set an attribute. Returns 0 or -errno. */
int meta_set(struct meta_ref ref, const char *name, const struct meta_value *value);

/** Remove an attribute. Returns 0 or -errno. */
int meta_remove(struct meta_ref ref, const char *name);

/** Whether a file has the owner and group that a copy is to get. */
bool meta_is_owned(struct meta_owner owner, const struct stat *st);

/** Whether --chown gives the copy of a source another owner or group than the source's: no capabilities, then. */
bool meta_gives_away(const struct opts *opts, const struct stat *src);

/** What --chmod makes of a mode. TYPE: a mode with the type of the file. */
mode_t meta_change_mode(const struct opts *opts, mode_t type, mode_t mode);

/** The bits of MODE that survive writing into the file. */
mode_t meta_written_mode(const struct opts *opts, mode_t mode);

/** Change an ACL as chmod(2) would. VALUE: as the kernel stores it. */
void meta_acl_change_mode(struct meta_value *value, mode_t mode);

/** Set the destination's mode. Returns 0 or -errno. */
int meta_set_mode(const struct meta *meta, mode_t mode);

/**
 * Copy the extended attributes if they are preserved, and set ACLS to the ACLs of the source.
 *
 * @param owned  Whether the destination has its final owner: if not, capabilities are not copied.
 */
struct error meta_copy_xattrs(const struct meta *meta, bool owned, struct meta_acls *acls);

/**
 * Copy the attributes of META_PERMISSIONS if the destination's file system knows them. Call this after setting the
 * mode, which may change them. If it fails, only the owner keeps access. Returns 0 or -errno.
 */
int meta_copy_permissions(const struct meta *meta, mode_t mode);

/**
 * Copy the ACLs of the source.
 *
 * @param mode  The mode that will be set. If an ACL cannot be copied, bits of group and others that the ACL does not
 *              grant are removed: with an ACL the group's bits are only a mask.
 * @return 0 or -errno.
 */
int meta_copy_acls(const struct meta *meta, const struct meta_acls *acls, mode_t *mode);

/**
 * Remove the ACL of the destination, and with FALLBACK a directory's default ACL.
 *
 * @param mode  The mode that will be set; reduced to the owner's bits if an ACL could not be removed.
 * @return 0 or -errno.
 */
int meta_drop_acls(const struct meta *meta, bool fallback, mode_t *mode);

/**
 * Reduce a mode so that it grants, without the ACL, no access that the ACL did not grant.
 *
 * @param acl  The ACL in the kernel's format; an invalid one grants nothing to group and others.
 */
mode_t meta_mode_without(mode_t mode, const void *acl, size_t size);

/**
 * Copy the extended attributes that survive writing to a file. Returns 0 or -errno; refused permissions are no error.
 */
int meta_inherit_xattrs(int old, int fd);

/**
 * Give a new file the ACL of an old one, or none.
 *
 * @param old      The old file, or -1 if it could not be opened.
 * @param allowed  Whether the new file may get the old ACL.
 * @param mode     The old file's mode; reduced if the old ACL is not set on the new file.
 * @param first    The mode that the new file gets at first; the ACL is changed so that it agrees.
 * @return Whether the new file has an ACL now.
 */
bool meta_inherit_acl(int old, int fd, bool allowed, mode_t *mode, mode_t first);

/** All bits that chmod(2) can set. */
#define MODE_BITS 07777

#endif // UCP_META_IMPL_H
