// SPDX-License-Identifier: MIT
#include "dest/dest-impl.h"

#include "base/open.h"
#include "base/opts.h"
#include "journal/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

/** Most operands to look at: more would take long. */
#define MOST_OPERANDS 1000

/** What file systems and this program put into a directory. */
static const char *const not_counted[] = {"lost+found", JOURNAL_NAME, NULL};

uint64_t dest_bytes_over(const struct dest *dest) {
	const struct opts *opts = dest->opts;
	const struct listing *listing = &dest->base->listing;
	int dir = dest->base->fd[DST];
	uint64_t sum = 0;
	if (listing->file_count > MOST_OPERANDS) {
		return DEST_OVER_UNKNOWN;
	}
	// Files kept until their replacement is complete give space only to files that follow
	bool kept = opts->backup != BACKUP_NONE || ((opts->flags & OPT_ATOMIC) && listing->file_count == 1);
	for (size_t i = 0; i < listing->file_count; ++i) {
		const char *dst_name = listing_entry(&listing->files[i]).dst_name;
		const char *name = dst_name[0] ? dst_name : ".";
		struct stat st;
		if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
			if (errno != ENOENT) {
				return DEST_OVER_UNKNOWN;
			}
		} else if (S_ISREG(st.st_mode)) {
			sum += kept ? 0 : (uint64_t)st.st_blocks * 512;
		} else if (!S_ISDIR(st.st_mode) || !open_finds_empty(dir, name, not_counted)) {
			return DEST_OVER_UNKNOWN;
		}
	}
	return sum;
}
