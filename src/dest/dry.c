// SPDX-License-Identifier: MIT
#include "dest/dest-impl.h"

#include "base/opts.h"

enum dest_verdict dest_simulate(struct dest *dest, const struct tree *tree, const struct entry *entry,
	enum dest_verdict verdict, struct error *fail) {
	const struct opts *opts = dest->opts;
	if (!(dest->flags & DEST_SERIAL) || !(tree->flags & TREE_BASE) || opts->backup == BACKUP_NUMBERED) {
		return verdict;
	}
	mutex_lock(&dest->lock);
	bool made = name_set_add(&dest->simulated, entry->dst_name) == 0;
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
