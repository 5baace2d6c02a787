#include "copy/file-impl.h"

#include "base/opts.h"
#include "sys/meta.h"
#include "sys/symlink.h"

/** Whether what stands at a destination belongs to whom its copy may belong to. */
static bool is_owners(const struct opts *opts, const struct stat *src, const struct stat *there) {
	return symlink_owner_is_trusted(there) || ((opts->preserve & PRESERVE_OWNERSHIP) && there->st_uid == src->st_uid);
}

bool file_is_strangers(const struct opts *opts, const struct tree *tree, const struct stat *src, const struct stat *there) {
	bool gives = (opts->flags & OPT_PRIVILEGED) && (opts->preserve & PRESERVE_OWNERSHIP);
	return gives && !S_ISDIR(there->st_mode) && !tree_is_named_whole(tree) && !is_owners(opts, src, there);
}

bool file_is_own(const struct files *files, int dir, const struct stat *found) {
	return symlink_owner_is_trusted(found) && (!(files->opts->flags & OPT_PRIVILEGED) || symlink_is_closed(dir));
}

bool file_is_still(const struct tree *tree, const struct stat *found, const struct stat *now) {
	if (inode_same(inode_of(found), inode_of(now))) {
		return true;
	}
	bool alike = ((found->st_mode ^ now->st_mode) & (S_IFMT | 07777)) == 0 && found->st_uid == now->st_uid
		&& found->st_gid == now->st_gid && found->st_size == now->st_size
		&& found->st_mtim.tv_sec == now->st_mtim.tv_sec && found->st_mtim.tv_nsec == now->st_mtim.tv_nsec;
	return alike && (tree_is_named_whole(tree) || symlink_is_closed(tree->fd[DST]));
}

unsigned file_unlisted_acls(const struct tree *tree, int src_fd) {
	bool base = tree->flags & TREE_BASE;
	bool unlisted = base ? src_fd < 0 || !meta_lists_acls(src_fd) : tree->flags & TREE_UNLISTED_ACLS;
	return unlisted ? META_UNLISTED_ACLS : 0;
}

bool file_may_stand_for(const struct files *files, int dir, const struct stat *src, const struct stat *found,
	const struct stat *there)
{
	const struct opts *opts = files->opts;
	bool same_type = (there->st_mode & S_IFMT) == (src->st_mode & S_IFMT);
	return is_owners(opts, src, there) && is_owners(opts, src, found) && (same_type || file_is_own(files, dir, there));
}
