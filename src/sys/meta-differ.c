// SPDX-License-Identifier: MIT
#include "sys/meta-impl.h"

#include "base/clock.h"
#include "base/opts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/** The attributes of the source or the destination. */
struct side {
	struct meta_ref ref;
	struct meta_names names;
};

static void list(struct side *side) {
	ssize_t size = meta_list(side->ref, &side->names);
	// A file system without attributes has none that differ
	side->names.size = size == -EOPNOTSUPP || size == -ENOSYS ? 0 : size;
}

/** Whether the value of an attribute differs or exists on one side only; also true if that cannot be found out. */
static bool is_other(const struct meta *meta, const struct side *src, const struct side *dst, const char *name) {
	struct meta_value a;
	struct meta_value b;
	int ret_a = meta_get(src->ref, name, &a);
	int ret_b = meta_get(dst->ref, name, &b);
	if (ret_a == 0 && (meta->opts->preserve & PRESERVE_MODE_CHANGED) && strcmp(name, META_ACL_ACCESS) == 0) {
		meta_acl_change_mode(&a, meta_wanted_mode(meta->opts, meta->src, meta->dst));
	}
	bool same = ret_a == ret_b && (ret_a < 0 || (a.size == b.size && memcmp(a.data, b.data, a.size) == 0));
	if (ret_a == 0) {
		meta_value_free(&a);
	}
	if (ret_b == 0) {
		meta_value_free(&b);
	}
	return !same;
}

bool meta_is_removed(const struct opts *opts, const char *name) {
	static const char *const spaces[] = {"user.", "trusted.", META_CAPABILITY};
	for (size_t i = 0; i < countof(spaces); ++i) {
		if (strncmp(name, spaces[i], strlen(spaces[i])) == 0) {
			return meta_action(opts, name) == META_COPY;
		}
	}
	return false;
}

/** Whether the source has an attribute to be copied that the destination lacks. */
static bool gives_any(const struct meta *meta, const struct side *src, const struct side *dst) {
	unsigned preserve = meta->opts->preserve;
	for (const char *name = NULL; (name = meta_next_name(&src->names, name));) {
		enum meta_action action = meta_action(meta->opts, name);
		bool wanted = action == META_COPY ? preserve & PRESERVE_XATTR
										  : action != META_SKIP && (preserve & PRESERVE_MODE);
		// What controls access otherwise is not copied if the mode is changed
		wanted &= action != META_PERMISSIONS || !(preserve & PRESERVE_MODE_CHANGED);
		wanted &= strcmp(name, META_CAPABILITY) != 0 || !meta_gives_away(meta->opts, meta->src);
		if (wanted && is_other(meta, src, dst, name)) {
			return true;
		}
	}
	return false;
}

/** Whether the destination has an attribute that would be removed. */
static bool takes_any(const struct meta *meta, const struct side *src, const struct side *dst) {
	unsigned preserve = meta->opts->preserve;
	for (const char *name = NULL; (name = meta_next_name(&dst->names, name));) {
		bool acl = (preserve & PRESERVE_MODE) && meta_action(meta->opts, name) == META_POSIX_ACL;
		bool goes = acl || ((preserve & PRESERVE_XATTR) && meta_is_removed(meta->opts, name));
		if (goes && !meta_is_listed(&src->names, name)) {
			return true;
		}
	}
	return false;
}

static bool have_other_attributes(const struct meta *meta) {
	char src_path[META_SRC_PATH_SIZE];
	char dst_path[META_SRC_PATH_SIZE];
	struct side src = {.ref = meta_src(meta, src_path)};
	struct side dst = {
		.ref = meta->dst_fd >= 0 ? meta_dst(meta, dst_path) : meta_by_name(meta->dst_dir, meta->dst_name, dst_path)};
	if (!(meta->opts->preserve & (PRESERVE_XATTR | PRESERVE_MODE))) {
		return false;
	}
	list(&src);
	list(&dst);
	bool other = src.names.size < 0 || dst.names.size < 0 || gives_any(meta, &src, &dst) || takes_any(meta, &src, &dst);
	if (!other && (meta->flags & META_UNLISTED_ACLS) && !S_ISLNK(meta->src->st_mode)) {
		other = is_other(meta, &src, &dst, META_ACL_ACCESS)
			|| (S_ISDIR(meta->src->st_mode) && is_other(meta, &src, &dst, META_ACL_DEFAULT));
	}
	free(src.names.big);
	free(dst.names.big);
	return other;
}

bool meta_differs(const struct meta *meta) {
	const struct opts *opts = meta->opts;
	const struct stat *src = meta->src;
	const struct stat *dst = meta->dst;
	struct meta_owner owner = meta_owner(opts, src);
	bool given = (opts->uid != (uid_t)-1 && opts->uid != dst->st_uid)
		|| (opts->gid != (gid_t)-1 && opts->gid != dst->st_gid);
	bool has_mode = !S_ISLNK(src->st_mode) && (opts->preserve & (PRESERVE_MODE | PRESERVE_MODE_CHANGED));
	mode_t mode = has_mode ? meta_wanted_mode(opts, src, dst) : 0;

	if ((opts->preserve & PRESERVE_OWNERSHIP) && !meta_is_owned(owner, dst)) {
		// Ignore differences that an ordinary user cannot change: the copy would try again in each run
		bool own_group = owner.gid != (gid_t)-1 && owner.gid != dst->st_gid && group_member(owner.gid);
		if (given || (opts->flags & OPT_PRIVILEGED) || own_group) {
			return true;
		}
		mode &= 0777;
	}
	if (has_mode && mode != (dst->st_mode & MODE_BITS)) {
		return true;
	}
	bool timed = (opts->preserve & PRESERVE_TIMESTAMPS) && !(meta->flags & META_SAME_TIMES);
	if (timed && !time_same(src->st_mtim, dst->st_mtim)) {
		return true;
	}
	return have_other_attributes(meta);
}
