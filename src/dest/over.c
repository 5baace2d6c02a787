// SPDX-License-Identifier: MIT
#include "dest/dest-impl.h"

#include "base/io.h"
#include "base/opts.h"
#include "journal/journal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

/** Most operands to look at: more would take long. */
#define MOST_OPERANDS 1000

/** Whether a directory contains only what file systems and we put there. */
static bool is_empty(int dir, const char *name) {
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	_Alignas(struct dirent64) char data[4096];
	ssize_t n = 0;
	bool empty = fd >= 0;
	while (empty && (n = getdents64(fd, data, sizeof(data))) > 0) {
		for (ssize_t at = 0; at < n && empty;) {
			const struct dirent64 *entry = (const struct dirent64 *)(data + at);
			const char *is = entry->d_name;
			at += entry->d_reclen;
			empty = strcmp(is, ".") == 0 || strcmp(is, "..") == 0 || strcmp(is, "lost+found") == 0
				|| strcmp(is, JOURNAL_NAME) == 0;
		}
	}
	close_fd(&fd);
	return empty && n == 0;
}

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
		} else if (!S_ISDIR(st.st_mode) || !is_empty(dir, name)) {
			return DEST_OVER_UNKNOWN;
		}
	}
	return sum;
}
