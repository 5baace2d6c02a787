// SPDX-License-Identifier: MIT
#include "dest/dest.h"

#include "base/opts.h"
#include "sys/symlink.h"

bool dest_is_owners(const struct opts *opts, const struct stat *src, const struct stat *there) {
	return symlink_owner_is_trusted(there) || ((opts->preserve & PRESERVE_OWNERSHIP) && there->st_uid == src->st_uid);
}

bool dest_is_strangers(const struct opts *opts, const struct tree *tree, const struct stat *src,
	const struct stat *there)
{
	bool gives = (opts->flags & OPT_PRIVILEGED) && (opts->preserve & PRESERVE_OWNERSHIP);
	return gives && !S_ISDIR(there->st_mode) && !tree_is_named_whole(tree) && !dest_is_owners(opts, src, there);
}
