#include "dest-impl.h"

#include "opts.h"
#include "std.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

/** The directory a path's last component is in, and that component without slashes; to be freed. */
static bool split(const char *path, char **dir, char **base) {
	const char *last = last_component(path);
	size_t len = strlen(last);
	while (len > 0 && last[len - 1] == '/') {
		--len;
	}
	*base = strndup(last, len);
	*dir = last == path ? strdup(".") : strndup(path, (size_t)(last - path));
	if (!*base || !*dir) {
		free(*base);
		free(*dir);
		return false;
	}
	return true;
}

/** Whether both names are one entry of one directory. Unknown counts as yes, which is the careful answer. */
static bool same_name(const struct dest_pair *pair) {
	char *src_dir;
	char *src_base;
	char *dst_dir;
	char *dst_base;
	struct stat a;
	struct stat b;

	if (!split(pair->entry->name, &src_dir, &src_base)) {
		return true;
	}
	if (!split(pair->entry->dst_name, &dst_dir, &dst_base)) {
		free(src_dir);
		free(src_base);
		return true;
	}
	bool same = strcmp(src_base, dst_base) == 0;
	if (same && fstatat(pair->tree->fd[SRC], src_dir, &a, 0) == 0
		&& fstatat(pair->tree->fd[DST], dst_dir, &b, 0) == 0)
	{
		same = inode_same(inode_of(&a), inode_of(&b));
	}
	free(src_dir);
	free(src_base);
	free(dst_dir);
	free(dst_base);
	return same;
}

/** Look at both ends again, following links; whether they lead to one file. */
static bool lead_to_same(const struct dest_pair *pair, const struct stat *src, const struct stat *dst) {
	struct stat a = *src;
	struct stat b = *dst;
	if (S_ISLNK(a.st_mode) && fstatat(pair->tree->fd[SRC], pair->entry->name, &a, 0) != 0) {
		return false;
	}
	if (S_ISLNK(b.st_mode) && fstatat(pair->tree->fd[DST], pair->entry->dst_name, &b, 0) != 0) {
		return false;
	}
	return inode_same(inode_of(&a), inode_of(&b));
}

/** With a backup the old content stays; the exceptions. */
static enum dest_same with_backup(const struct dest_pair *pair, const struct stat *src, const struct stat *dst) {
	if (inode_same(inode_of(src), inode_of(dst))) {
		return same_name(pair) ? SAME_REFUSE : SAME_OK;
	}
	// The backup would take away what the source leads to
	bool gone = tree_follows(pair->tree) && S_ISLNK(src->st_mode) && !S_ISLNK(dst->st_mode);
	return gone ? SAME_REFUSE : SAME_OK;
}

/** Both lead to one file, or may; SRC and DST are the entries themselves. */
static enum dest_same look_closer(const struct dest_pair *pair, const struct stat *src, const struct stat *dst) {
	const struct opts *opts = pair->opts;
	bool same_link = inode_same(inode_of(src), inode_of(dst));

	if (opts->backup != BACKUP_NONE) {
		return with_backup(pair, src, dst);
	}
	if (opts->flags & OPT_REMOVE_DESTINATION) {
		if (S_ISLNK(dst->st_mode) || (same_link && dst->st_nlink > 1 && !same_name(pair))) {
			return SAME_OK;
		}
	}
	if (!S_ISLNK(src->st_mode) && !S_ISLNK(dst->st_mode) && !same_link) {
		return SAME_OK;
	}
	if (!S_ISLNK(src->st_mode) && !S_ISLNK(dst->st_mode) && (opts->flags & OPT_HARD_LINK)) {
		return SAME_DONE;
	}
	if ((opts->flags & OPT_SYMBOLIC_LINK) && S_ISLNK(dst->st_mode)) {
		return SAME_OK;
	}
	if (!tree_follows(pair->tree)) {
		if (!lead_to_same(pair, src, dst)) {
			return SAME_OK;
		}
		if (opts->flags & OPT_HARD_LINK) {
			return S_ISLNK(dst->st_mode) ? SAME_OK : SAME_DONE;
		}
	}
	return SAME_REFUSE;
}

enum dest_same dest_same(const struct dest_pair *pair) {
	const struct opts *opts = pair->opts;
	bool same = inode_same(inode_of(pair->src), inode_of(pair->dst));

	if (same && (opts->flags & OPT_HARD_LINK)) {
		return SAME_DONE;
	}
	if (!tree_follows(pair->tree)) {
		if (S_ISLNK(pair->src->st_mode) && S_ISLNK(pair->dst->st_mode)) {
			if (same_name(pair)) {
				return SAME_REFUSE;
			}
			return same && opts->backup == BACKUP_NONE ? SAME_DONE : SAME_OK;
		}
		return look_closer(pair, pair->src, pair->dst);
	}
	struct stat src;
	struct stat dst;
	if (!same || fstatat(pair->tree->fd[DST], pair->entry->dst_name, &dst, AT_SYMLINK_NOFOLLOW) != 0
		|| fstatat(pair->tree->fd[SRC], pair->entry->name, &src, AT_SYMLINK_NOFOLLOW) != 0)
	{
		return SAME_OK;
	}
	if (S_ISLNK(src.st_mode) && S_ISLNK(dst.st_mode) && (opts->flags & OPT_REMOVE_DESTINATION)) {
		return SAME_OK;
	}
	return look_closer(pair, &src, &dst);
}
