#include "dest-impl.h"

#include "journal.h"
#include "opts.h"
#include "std.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

/** Operands that are looked at: more would take long. */
#define MOST_OPERANDS 1000

/** Whether nothing is in a directory but what file systems and we put there. */
static bool is_empty(int dir, const char *name) {
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;
	if (!stream) {
		close_fd(&fd);
		return false;
	}
	bool empty = true;
	while (empty && (entry = readdir(stream))) {
		const char *is = entry->d_name;
		empty = strcmp(is, ".") == 0 || strcmp(is, "..") == 0 || strcmp(is, "lost+found") == 0
			|| strcmp(is, JOURNAL_NAME) == 0;
	}
	closedir(stream);
	return empty;
}

uint64_t dest_bytes_over(const struct dest *dest) {
	const struct opts *opts = dest->opts;
	const struct listing *listing = &dest->base->listing;
	int dir = dest->base->fd[DST];
	uint64_t sum = 0;
	if (listing->file_count > MOST_OPERANDS) {
		return DEST_OVER_UNKNOWN;
	}
	// What is kept till its replacement is whole makes room for others only
	bool kept = opts->backup != BACKUP_NONE || ((opts->flags & OPT_ATOMIC) && listing->file_count == 1);
	for (size_t i = 0; i < listing->file_count; ++i) {
		const char *name = listing->files[i].dst_name[0] ? listing->files[i].dst_name : ".";
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
