// SPDX-License-Identifier: MIT
#include "dest/dest.h"

#include "base/opts.h"
#include "sys/meta.h"
#include "sys/symlink.h"

bool dest_is_owners(const struct opts *opts, const struct stat *src, const struct stat *there) {
	// No file has the owner -1
	return symlink_owner_is_trusted(there) || there->st_uid == meta_owner(opts, src).uid;
}

bool dest_is_strangers(const struct opts *opts, const struct tree *tree, const struct stat *src,
	const struct stat *there) {
	bool gives = (opts->flags & OPT_PRIVILEGED) && meta_owner(opts, src).uid != (uid_t)-1;
	return gives && !S_ISDIR(there->st_mode) && !tree_is_named_whole(tree) && !dest_is_owners(opts, src, there);
}
