// SPDX-License-Identifier: MIT
/**
 * Moving a source by renaming it (--move), by cp's rules for what stands there, and by mv's for
 * directories.
 */

#ifndef UCP_RENAME_H
#define UCP_RENAME_H

#include "dest/dest.h"

/** Result of dest_rename(). */
enum dest_renamed {
	/** The source has its new name, or would get it (--dry-run). */
	DEST_RENAMED,
	/** The same, and something else had that name. */
	DEST_RENAMED_OVER,
	/** The source stays, as the user wants. */
	DEST_RENAME_LEFT,
	/** The source stays because of an error, which was reported. */
	DEST_RENAME_FAILED,
	/** The source has to be copied: it is on another file system, or a directory to be merged with an existing one. */
	DEST_RENAME_COPY,
};

/**
 * Try to move an entry of any type by renaming it. A destination that exists is judged, and made a backup of. Only an
 * empty directory is replaced by a directory.
 *
 * @param tree       Must be pinned.
 * @param entry      Symbolic links are moved themselves.
 * @param directory  Whether the entry is a directory. If names are chosen in it, it is not renamed.
 * @param backup     Set to dest_found::backup for DEST_RENAMED and DEST_RENAMED_OVER; the caller frees it.
 */
enum dest_renamed dest_rename(struct dest *dest, struct tree *tree, const struct entry *entry, bool directory,
	char **backup);

#endif // UCP_RENAME_H
