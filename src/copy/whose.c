// SPDX-License-Identifier: MIT
#include "copy/file-impl.h"

#include "base/clock.h"
#include "base/opts.h"
#include "sys/meta.h"
#include "sys/symlink.h"

#include <fcntl.h>

bool file_is_own(const struct files *files, int dir, const struct stat *found) {
	return symlink_owner_is_trusted(found) && (!(files->opts->flags & OPT_PRIVILEGED) || symlink_is_closed(dir));
}

bool file_is_still(const struct tree *tree, const struct stat *found, const struct stat *now) {
	if (inode_same(inode_of(found), inode_of(now))) {
		return true;
	}
	bool alike = ((found->st_mode ^ now->st_mode) & (S_IFMT | 07777)) == 0 && found->st_uid == now->st_uid
		&& found->st_gid == now->st_gid && found->st_size == now->st_size && time_same(found->st_mtim, now->st_mtim);
	return alike && (tree_is_named_whole(tree) || symlink_is_closed(tree->fd[DST]));
}

unsigned file_unlisted_acls(const struct tree *tree, int src_fd) {
	bool base = tree->flags & TREE_BASE;
	bool unlisted = base ? src_fd < 0 || !meta_lists_acls(src_fd) : tree->flags & TREE_UNLISTED_ACLS;
	return unlisted ? META_UNLISTED_ACLS : 0;
}

bool file_may_stand_for(const struct files *files, int dir, const struct stat *src, const struct stat *found,
	const struct stat *there) {
	const struct opts *opts = files->opts;
	bool same_type = (there->st_mode & S_IFMT) == (src->st_mode & S_IFMT);
	return dest_is_owners(opts, src, there) && dest_is_owners(opts, src, found)
		&& (same_type || file_is_own(files, dir, there));
}

bool file_is_safe_by_name(int dir, const char *name, struct inode inode) {
	struct stat parent;
	struct stat there;
	// Even with a sticky bit, the user who will own the copy can exchange it
	return dir >= 0 && fstat(dir, &parent) == 0 && symlink_owner_is_trusted(&parent)
		&& !(parent.st_mode & (S_IWGRP | S_IWOTH)) && fstatat(dir, name, &there, AT_SYMLINK_NOFOLLOW) == 0
		&& inode_same(inode_of(&there), inode);
}
