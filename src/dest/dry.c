// SPDX-License-Identifier: MIT
#include "dest/dest-impl.h"

#include "base/opts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/** Note a name. Returns whether it was noted before. A name for which memory runs out is not noted. */
static bool is_noted(struct dest *dest, const char *name) {
	for (size_t i = 0; i < dest->simulated_count; ++i) {
		if (strcmp(dest->simulated[i], name) == 0) {
			return true;
		}
	}
	char **more = reallocarray(dest->simulated, dest->simulated_count + 1, sizeof(*more));
	char *copy = strdup(name);
	dest->simulated = more ? more : dest->simulated;
	if (more && copy) {
		dest->simulated[dest->simulated_count++] = copy;
	} else {
		free(copy);
	}
	return false;
}

enum dest_verdict dest_simulate(struct dest *dest, const struct tree *tree, const struct entry *entry,
	enum dest_verdict verdict, struct error *fail)
{
	const struct opts *opts = dest->opts;
	if (!(dest->flags & DEST_SERIAL) || !(tree->flags & TREE_BASE) || opts->backup == BACKUP_NUMBERED) {
		return verdict;
	}
	mutex_lock(&dest->lock);
	bool made = is_noted(dest, entry->dst_name);
	mutex_unlock(&dest->lock);
	if (!made) {
		return verdict;
	}
	switch (opts->update) {
	case UPDATE_NONE:
		return DEST_SKIP;
	case UPDATE_OLDER:
		return DEST_DONE;
	case UPDATE_NONE_FAIL:
		*fail = error_make(ERROR_COPY, 0, "not replacing %d");
		return DEST_REFUSE;
	case UPDATE_ALL:
	case UPDATE_DIFFER:
	case UPDATE_CHECKSUM:
		break;
	}
	*fail = error_make(ERROR_COPY, 0, "will not overwrite just-created %d with %s");
	return DEST_REFUSE;
}
