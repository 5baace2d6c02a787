// SPDX-License-Identifier: MIT
#include "sys/meta-impl.h"

#include "base/io.h"
#include "base/opts.h"
#include "sys/fstype.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/posix_acl_xattr.h>
#include <string.h>

/** Tags of ACL entries: linux/posix_acl.h. */
enum acl_tag {
	TAG_USER_OBJ = 0x01,
	TAG_USER = 0x02,
	TAG_GROUP_OBJ = 0x04,
	TAG_GROUP = 0x08,
	TAG_MASK = 0x10,
	TAG_OTHER = 0x20,
};

/** Removes the bits of group and others, and keeps the special bits. */
#define OWNER_ONLY (~(mode_t)(S_IRWXG | S_IRWXO))

/** Whether an error means that there is no ACL or no support for ACLs, as in cp (gnulib, acl_errno_valid()). */
static bool is_none(int err) {
	return err == -ENODATA || err == -EOPNOTSUPP || err == -ENOSYS || err == -EINVAL || err == -EBUSY;
}

/** Whether a file has an ACL; also true if that cannot be found out. */
static bool may_have(int fd, const char *name) {
	int ret = meta_has((struct meta_ref) {.fd = fd}, name);
	return ret > 0 || (ret < 0 && !is_none(ret));
}

bool meta_lists_acls(int fd) {
	return fstype_is(fd, FSTYPE_LISTS_ACLS);
}

bool meta_may_have_acl(int fd) {
	return may_have(fd, META_ACL_ACCESS);
}

bool meta_may_have_default_acl(int dir) {
	return may_have(dir, META_ACL_DEFAULT);
}

mode_t meta_mode_without(mode_t mode, const void *acl, size_t size) {
	const struct posix_acl_xattr_header *head = acl;
	const struct posix_acl_xattr_entry *entries = (const void *)(head + 1);
	size_t count = size < sizeof(*head) ? 0 : (size - sizeof(*head)) / sizeof(*entries);
	mode_t mask = 07;
	mode_t group = 0;
	mode_t other = 0;

	for (size_t i = 0; i < count; ++i) {
		mode_t perm = le16toh(entries[i].e_perm) & 07;
		switch (le16toh(entries[i].e_tag)) {
		case TAG_MASK:
			mask = perm;
			break;
		case TAG_GROUP_OBJ:
			group = perm;
			break;
		case TAG_OTHER:
			other = perm;
			break;
		}
	}
	group &= mask;
	// Without the ACL a named user falls under group or others, and a named group's members under others
	for (size_t i = 0; i < count; ++i) {
		mode_t perm = le16toh(entries[i].e_perm) & mask;
		mode_t tag = le16toh(entries[i].e_tag);
		group &= tag == TAG_USER ? perm : 07;
		other &= tag == TAG_USER || tag == TAG_GROUP ? perm : 07;
	}
	return mode & (OWNER_ONLY | group << 3 | other);
}

void meta_acl_change_mode(struct meta_value *value, mode_t mode) {
	struct posix_acl_xattr_entry *entries = (void *)(value->data + sizeof(struct posix_acl_xattr_header));
	size_t head = sizeof(struct posix_acl_xattr_header);
	size_t count = value->size < head ? 0 : (value->size - head) / sizeof(*entries);
	struct posix_acl_xattr_entry *group = NULL;

	for (size_t i = 0; i < count; ++i) {
		struct posix_acl_xattr_entry *entry = &entries[i];
		switch (le16toh(entry->e_tag)) {
		case TAG_USER_OBJ:
			entry->e_perm = htole16(mode >> 6 & 07);
			break;
		case TAG_GROUP_OBJ:
			group = group ? group : entry;
			break;
		case TAG_MASK:
			group = entry;
			break;
		case TAG_OTHER:
			entry->e_perm = htole16(mode & 07);
			break;
		}
	}
	if (group) {
		group->e_perm = htole16(mode >> 3 & 07);
	}
}

/**
 * Copy one ACL.
 *
 * @param mode     Reduced on failure, if not NULL.
 * @param changed  Whether to change the ACL so that it agrees with *MODE.
 * @return 0 or -errno.
 */
static int copy(struct meta_ref src, struct meta_ref dst, const char *name, mode_t *mode, bool changed) {
	struct meta_value value;
	int ret = meta_get(src, name, &value);
	if (ret < 0) {
		if (mode && !is_none(ret)) {
			*mode &= OWNER_ONLY;
		}
		return is_none(ret) ? 0 : ret;
	}
	if (mode && changed) {
		meta_acl_change_mode(&value, *mode);
	}
	ret = meta_set(dst, name, &value);
	if (ret < 0 && mode) {
		*mode = meta_mode_without(*mode, value.data, value.size);
	}
	meta_value_free(&value);
	return ret;
}

int meta_copy_acls(const struct meta *meta, const struct meta_acls *acls, mode_t *mode) {
	char src_path[META_SRC_PATH_SIZE];
	char dst_path[FD_PATH_SIZE];
	struct meta_ref src = meta_src(meta, src_path);
	struct meta_ref dst = meta_dst(meta, dst_path);

	bool changed = meta->opts->preserve & PRESERVE_MODE_CHANGED;

	int ret = acls->access ? copy(src, dst, META_ACL_ACCESS, mode, changed) : 0;
	if (ret == 0 && acls->fallback) {
		ret = copy(src, dst, META_ACL_DEFAULT, NULL, false);
	}
	return ret;
}

/** Remove an ACL. Most files have none, so ask first, which is faster. Returns 0 or -errno. */
static int drop(struct meta_ref ref, const char *name) {
	int ret = meta_has(ref, name);
	if (ret == 0 || (ret < 0 && is_none(ret))) {
		return 0;
	}
	ret = meta_remove(ref, name);
	return ret == -ENODATA ? 0 : ret;
}

int meta_drop_acls(const struct meta *meta, bool fallback, mode_t *mode) {
	char path[FD_PATH_SIZE];
	struct meta_ref dst = meta_dst(meta, path);

	int ret = drop(dst, META_ACL_ACCESS);
	if (fallback && S_ISDIR(meta->src->st_mode)) {
		int err = drop(dst, META_ACL_DEFAULT);
		ret = ret < 0 ? ret : err;
	}
	if (ret < 0) {
		*mode &= OWNER_ONLY;
	}
	return ret;
}

bool meta_inherit_acl(int old, int fd, bool allowed, mode_t *mode, mode_t first) {
	struct meta_ref to = {.fd = fd};
	struct meta_value value;
	char path[FD_PATH_SIZE];
	bool there = false;

	int ret = old >= 0 ? meta_get(meta_by_fd(old, path), META_ACL_ACCESS, &value) : -EBADF;
	if (ret == 0) {
		if (first != *mode) {
			meta_acl_change_mode(&value, first);
		}
		there = allowed && meta_set(to, META_ACL_ACCESS, &value) == 0;
		*mode = there ? *mode : meta_mode_without(*mode, value.data, value.size);
		meta_value_free(&value);
	} else if (!is_none(ret)) {
		// The group's bits may be the mask of an ACL
		*mode &= ~(mode_t)S_IRWXG | (*mode & S_IRWXO) << 3;
	}
	if (!there) {
		drop(to, META_ACL_ACCESS);
	}
	return there;
}
