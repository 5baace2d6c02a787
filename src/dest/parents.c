// SPDX-License-Identifier: MIT
#include "dest/dest-impl.h"

#include "base/path.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/** Whether all directories above a destination exist: then --parents leaves their attributes alone. */
static bool parents_exist(const struct tree *base, const char *path) {
	struct stat st;
	char *parent = parent_directory(path);
	bool exist = !parent || last_component(path) == path
		|| (fstatat(base->fd[DST], parent, &st, 0) == 0 && S_ISDIR(st.st_mode));
	free(parent);
	return exist;
}

/** Keep the attributes of the directories entered for an operand that cannot be reached. */
static void leave_parents(struct tree *tree) {
	for (; !(tree->flags & TREE_BASE); tree = tree->parent) {
		tree->flags |= TREE_AS_IS;
	}
}

struct tree *dest_enter_parents(struct tree *base, const struct entry *entry, struct entry *last) {
	struct tree *tree = base;
	char *path = strdup(entry->name);
	char *component = path;

	tree_ref(base);
	*last = *entry;
	if (!path || tree_pin(base) < 0) {
		free(path);
		tree_unref(base);
		return NULL;
	}
	strip_slashes(path);
	enum tree_enter_flags flags = TREE_ENTER_PREFIX;
	if (parents_exist(base, entry->dst_name)) {
		// Then cp does not look at their sources
		struct stat st;
		if (fstatat(AT_FDCWD, entry->name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
			tree_report(base, entry, error_make(ERROR_STAT, errno, "cannot stat %s"));
			free(path);
			tree_unpin(base);
			tree_unref(base);
			return NULL;
		}
		flags |= TREE_ENTER_AS_IS;
	}
	for (char *slash = component + strspn(component, "/"); tree && (slash = strchr(slash, '/'));) {
		*slash = '\0';
		struct entry directory = {
			.name = component,
			.dst_name = component + strspn(component, "/"),
			.type = DT_DIR,
		};
		struct tree *next = tree_enter(tree, &directory, flags);
		if (!next) {
			leave_parents(tree);
		}
		tree_unpin(tree);
		tree_unref(tree);
		tree = next;
		component = slash + 1 + strspn(slash + 1, "/");
		slash = component;
	}
	last->name += component - path;
	last->dst_name = last_component(entry->dst_name);
	free(path);
	return tree;
}
