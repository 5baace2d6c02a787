// SPDX-License-Identifier: MIT
#include "sys/meta-impl.h"

#include "base/io.h"
#include "base/opts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/** Copy one attribute. Returns 0 or -errno; sets *GETTING to whether reading the source failed. */
static int copy_attr(struct meta_ref src, struct meta_ref dst, const char *name, bool *getting) {
	struct meta_value value;
	int ret = meta_get(src, name, &value);
	*getting = ret < 0;
	if (ret == 0) {
		ret = meta_set(dst, name, &value);
		meta_value_free(&value);
	}
	return ret;
}

/**
 * The error for attributes that could not be copied: as in cp, -a ignores it, --preserve=all warns, and
 * --preserve=xattr fails.
 */
static struct error refused(const struct meta *meta, int err, const char *what) {
	unsigned preserve = meta->opts->preserve;
	bool unsupported = err == -EOPNOTSUPP || err == -ENODATA;
	// -a silences unsupported attributes, but neither a full disk nor a missing /proc
	bool quiet = err != -ENOSPC && err != -EDQUOT && err != -ENOMEM && err != -ENOENT && err != -EINTR;
	// With --attributes-only the attributes are all there is: report
	bool only = meta->opts->flags & OPT_ATTRIBUTES_ONLY;
	struct error fail = error_make(ERROR_PRESERVE, err, what);
	if (preserve & PRESERVE_XATTR_REQUIRED) {
		return fail;
	}
	if (quiet && !only && (unsupported || (preserve & PRESERVE_XATTR_QUIET))) {
		return NO_ERROR;
	}
	fail.warning = quiet;
	return fail;
}

/** The destination's mode if its owner may not write to it, since then even the owner cannot set attributes; else 0. */
static mode_t unwritable_mode(const struct meta *meta) {
	struct stat st;
	return fstat(meta->dst_fd, &st) == 0 && !(st.st_mode & S_IWUSR) ? st.st_mode : 0;
}

/** Copy the listed attributes that have META_COPY. */
static struct error copy_listed(const struct meta *meta, bool owned, const struct meta_names *names) {
	char src_path[META_SRC_PATH_SIZE];
	char dst_path[FD_PATH_SIZE];
	struct meta_ref src = meta_src(meta, src_path);
	struct meta_ref dst = meta_dst(meta, dst_path);
	struct error first = NO_ERROR;
	mode_t closed = 0;

	for (const char *name = NULL; (name = meta_next_name(names, name));) {
		bool rights = strcmp(name, META_CAPABILITY) == 0;
		if (meta_action(meta->opts, name) != META_COPY || (rights && meta_gives_away(meta->opts, meta->src))) {
			continue;
		}
		bool getting = false;
		int ret = owned || !rights ? copy_attr(src, dst, name, &getting) : -EPERM;
		if (ret == -EACCES && !getting && closed == 0 && (closed = unwritable_mode(meta)) != 0
			&& meta_set_mode(meta, closed | S_IWUSR) == 0)
		{
			ret = copy_attr(src, dst, name, &getting);
		}
		if (ret < 0 && !first.text) {
			first = refused(meta, ret, getting ? "getting attributes of %s" : "setting attributes for %d");
		}
	}
	if (closed != 0) {
		// Restore the mode, in case it is not set later
		meta_set_mode(meta, closed);
	}
	return first;
}

/** Remove attributes of an existing destination that are not in NAMES, the list of the source's. */
static void remove_others(const struct meta *meta, const struct meta_names *names) {
	char path[FD_PATH_SIZE];
	struct meta_ref dst = meta_dst(meta, path);
	struct meta_names theirs;
	meta_list(dst, &theirs);
	for (const char *name = NULL; (name = meta_next_name(&theirs, name));) {
		if (meta_is_removed(meta->opts, name) && !meta_is_listed(names, name)) {
			meta_remove(dst, name);
		}
	}
	free(theirs.big);
}

struct error meta_copy_xattrs(const struct meta *meta, bool owned, struct meta_acls *acls) {
	bool copy = (meta->opts->preserve & PRESERVE_XATTR) && !(meta->flags & META_NO_XATTR);
	char path[META_SRC_PATH_SIZE];
	struct meta_names names;
	ssize_t n = meta_list(meta_src(meta, path), &names);
	struct error fail = NO_ERROR;
	if (n >= 0) {
		for (const char *name = NULL; (name = meta_next_name(&names, name));) {
			acls->access |= strcmp(name, META_ACL_ACCESS) == 0;
			acls->fallback |= strcmp(name, META_ACL_DEFAULT) == 0;
			acls->others |= meta_action(meta->opts, name) == META_PERMISSIONS;
		}
		fail = copy ? copy_listed(meta, owned, &names) : NO_ERROR;
		if (copy && opts_compare(meta->opts) && !(meta->flags & META_NEW)) {
			remove_others(meta, &names);
		}
	} else if (n != -EOPNOTSUPP) {
		// Attributes that cannot be listed may still be readable by name
		acls->access = true;
		acls->fallback = S_ISDIR(meta->src->st_mode);
		// ENOSYS: the kernel has no attributes that could be lost
		fail = copy && n != -ENOSYS ? refused(meta, (int)n, "listing attributes of %s") : NO_ERROR;
	}
	if (meta->flags & META_UNLISTED_ACLS) {
		acls->access = true;
		acls->fallback = S_ISDIR(meta->src->st_mode);
	}
	free(names.big);
	return fail;
}

int meta_copy_permissions(const struct meta *meta, mode_t mode) {
	char src_path[META_SRC_PATH_SIZE];
	char dst_path[FD_PATH_SIZE];
	struct meta_ref src = meta_src(meta, src_path);
	struct meta_ref dst = meta_dst(meta, dst_path);
	struct meta_names names;
	ssize_t n = meta_list(src, &names);
	int first = n < 0 ? (int)n : 0;
	for (const char *name = NULL; (name = meta_next_name(&names, name));) {
		bool getting = false;
		int ret = meta_action(meta->opts, name) == META_PERMISSIONS ? copy_attr(src, dst, name, &getting) : 0;
		bool none = ret == -EOPNOTSUPP || (getting && ret == -ENODATA);
		first = first == 0 && !none ? ret : first;
	}
	free(names.big);
	if (first < 0) {
		meta_set_mode(meta, mode & ~(mode_t)(S_IRWXG | S_IRWXO));
	}
	return first;
}

/**
 * Whether a new file inherits an attribute: not ACLs, nor those that the kernel removes on writing or that describe the
 * content.
 */
static bool is_inherited(const char *name) {
	static const char *const not [] = {"security.capability", "security.evm", "security.ima", "system."};
	for (size_t i = 0; i < countof(not ); ++i) {
		if (strncmp(name, not [i], strlen(not [i])) == 0) {
			return false;
		}
	}
	return true;
}

/** Whether an error means that an attribute is not permitted, not supported or not there. */
static bool is_permission(int err) {
	return err == -EPERM || err == -EACCES || err == -EOPNOTSUPP || err == -ENOSYS || err == -EINVAL || err == -ENODATA;
}

int meta_inherit_xattrs(int old, int fd) {
	char path[FD_PATH_SIZE];
	struct meta_ref from = meta_by_fd(old, path);
	struct meta_ref to = {.fd = fd};
	struct meta_names names;
	ssize_t n = meta_list(from, &names);
	int first = n < 0 && !is_permission((int)n) ? (int)n : 0;
	for (const char *name = NULL; (name = meta_next_name(&names, name));) {
		bool getting;
		int ret = is_inherited(name) ? copy_attr(from, to, name, &getting) : 0;
		first = first == 0 && !is_permission(ret) ? ret : first;
	}
	free(names.big);
	return first;
}
