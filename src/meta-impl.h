/**
 * The extended attributes' half of meta; for the meta room only.
 */

#ifndef UCP_META_IMPL_H
#define UCP_META_IMPL_H

#include "meta.h"

/** Which ACLs the source has. */
struct meta_acls {
	bool access;
	bool fallback;
};

/** Bytes of a path by meta_path_of(). */
#define META_PATH_SIZE 32

/** The path of what a descriptor is about, for calls that take no descriptor made with O_PATH. Returns PATH. */
char *meta_path_of(int fd, char path[META_PATH_SIZE]);

/**
 * Copy the extended attributes if they are to be kept, and say which ACLs there are.
 *
 * @param owned  Whether the owner is what it is to be: if not, no capabilities are given.
 */
struct fail meta_copy_xattrs(const struct meta *meta, bool owned, struct meta_acls *acls);

/** Copy the ACLs the source has. Returns 0 or -errno. */
int meta_copy_acls(const struct meta *meta, const struct meta_acls *acls);

/**
 * Copy the extended attributes that stay when a file is written to. Returns 0 or -errno of what is no matter of
 * permission.
 */
int meta_inherit_xattrs(int old, int fd);

/** Copy the ACL of one file to another one. Returns whether there is one now. */
bool meta_inherit_acl(int old, int fd);

/** Take away the ACL of a file that has got it from its directory. */
void meta_disinherit_acl(int fd);

/** Take away the ACL the destination has, and with FALLBACK the one it gives to what is made in it. */
void meta_drop_acls(const struct meta *meta, bool fallback);

#endif // UCP_META_IMPL_H
