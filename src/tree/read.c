// SPDX-License-Identifier: MIT
#include "tree/tree-impl.h"

#include "base/io.h"
#include "base/opts.h"
#include "filter/select.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

/** The type of an entry: asks stat(2) if the directory does not list it, or if a link is to be followed. */
static unsigned char look_up_type(const struct tree *tree, const struct dirent64 *dirent) {
	bool follow = tree->trees->opts->deref == DEREF_ALWAYS;
	struct stat st;

	if (dirent->d_type != DT_UNKNOWN && !(follow && dirent->d_type == DT_LNK)) {
		return dirent->d_type;
	}
	if (fstatat(tree->fd[SRC], dirent->d_name, &st, follow ? 0 : AT_SYMLINK_NOFOLLOW) != 0) {
		return DT_UNKNOWN;
	}
	return IFTODT(st.st_mode);
}

/** Whether NAME is to be copied. Returns 1, 0, or -ENOMEM. */
static int is_chosen(const struct tree *tree, const char *name, unsigned char type) {
	const struct opts *opts = tree->trees->opts;
	int flags = opts->deref == DEREF_ALWAYS ? 0 : AT_SYMLINK_NOFOLLOW;
	struct stat st;

	int ret = select_name(tree->select, name, type == DT_DIR);
	if (ret > 0 && type == DT_REG && select_has_sizes(opts->select) && fstatat(tree->fd[SRC], name, &st, flags) == 0) {
		ret = select_size(opts->select, &st);
	}
	return ret;
}

/** List an entry of the source if it is to be copied. Returns 0 or -ENOMEM. */
static int list_entry(void *arg, const struct dirent64 *dirent) {
	struct tree *tree = arg;
	const char *name = dirent->d_name;
	if (strcmp(name, "lost+found") != 0) {
		tree->flags &= ~(unsigned)TREE_EMPTY;
	}
	unsigned char type = look_up_type(tree, dirent);
	int ret = tree->select ? is_chosen(tree, name, type) : 1;
	return ret > 0 ? listing_add(&tree->listing, name, name, dirent->d_ino, type) : ret;
}

/** List the names that the list of --files-from has here. */
static int list_names(struct tree *tree, const struct filelist *names) {
	int flags = tree->trees->opts->deref == DEREF_ALWAYS ? 0 : AT_SYMLINK_NOFOLLOW;
	int ret = 0;
	for (size_t i = 0; i < names->count && ret >= 0; ++i) {
		const struct filelist *below = &names->below[i];
		const char *name = below->name;
		struct entry entry = {.name = name, .dst_name = name};
		struct stat st;
		if (fstatat(tree->fd[SRC], name, &st, flags) != 0) {
			tree_report(tree, &entry, error_make(ERROR_STAT, errno, "cannot stat %s"));
			continue;
		}
		if (!S_ISDIR(st.st_mode) && below->count > 0) {
			tree_report(tree, &entry, error_make(ERROR_ACCESS, ENOTDIR, "cannot access %s"));
		}
		if (!S_ISDIR(st.st_mode) && !below->listed) {
			continue;
		}
		ret = is_chosen(tree, name, IFTODT(st.st_mode));
		if (ret > 0) {
			ret = listing_add(&tree->listing, name, name, st.st_ino, IFTODT(st.st_mode));
		}
	}
	return min(ret, 0);
}

static int list_all(struct tree *tree) {
	tree->flags |= TREE_EMPTY;
	return read_names(tree->fd[SRC], list_entry, tree);
}

int tree_list(struct tree *tree) {
	const struct filelist *names = tree->select ? tree->select->filelist : NULL;
	int ret = names ? list_names(tree, names) : list_all(tree);
	if (tree->select) {
		select_pause(tree->select, tree->listing.dir_count > 0);
	}
	listing_sort(&tree->listing);
	return ret;
}
