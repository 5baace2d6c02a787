// SPDX-License-Identifier: MIT
#include "display/display.h"

#include "base/opts.h"
#include "base/path.h"
#include "report/report.h"
#include "sys/fstype.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>

/**
 * Whether copies between these paths may share data with the source: on one device, or across several, by file system.
 */
static bool may_share(const char *src, const char *dst) {
	struct statfs fs[2];
	struct stat st[2];
	if (statfs(src, &fs[0]) != 0 || statfs(dst, &fs[1]) != 0 || fs[0].f_type != fs[1].f_type) {
		return false;
	}
	enum fstype type = fstype_of((uint32_t)fs[1].f_type);
	if (type & FSTYPE_SHARES_AT_HOME) {
		return stat(src, &st[0]) != 0 || stat(dst, &st[1]) != 0 || st[0].st_dev == st[1].st_dev;
	}
	return !(type & FSTYPE_UNSHARED);
}

/** PATH, or its nearest existing parent; the caller frees it. NULL if there is none. */
static char *existing(const char *path) {
	struct stat st;
	char *at = path[0] != '\0' ? strdup(path) : NULL;
	while (at && stat(at, &st) != 0) {
		bool last = errno != ENOENT || strcmp(at, ".") == 0 || strcmp(at, "/") == 0;
		char *above = last ? NULL : parent_directory(at);
		free(at);
		at = above;
	}
	return at;
}

bool display_room(const struct opts *opts, const char *path, uint64_t *room, uint64_t *used) {
	struct statvfs fs;
	// Resolving a full path is fine here: at worst there is no hint
	if (statvfs(path, &fs) != 0) {
		return false;
	}
	uint64_t blocks = opts->flags & OPT_PRIVILEGED ? fs.f_bfree : fs.f_bavail;
	*room = blocks * fs.f_frsize;
	if (used) {
		*used = (fs.f_blocks - fs.f_bfree) * fs.f_frsize;
	}
	// Some file systems report no size
	return fs.f_blocks > 0;
}

void display_look_ahead(const struct display *display, uint64_t bytes, const char *verb) {
	const struct opts *opts = display->opts;
	if (opts->operand_count < 1 || (opts->operand_count < 2 && !opts->target_directory)) {
		return;
	}
	char *dst = existing(opts->target_directory ? opts->target_directory : opts->operands[opts->operand_count - 1]);
	uint64_t room;
	uint64_t used;
	bool shares = dst && opts->reflink != WHEN_NEVER && may_share(opts->operands[0], dst);
	if (dst && !shares && display_room(opts, dst, &room, &used) && bytes > room
		&& bytes - room > min(display->over, used)) {
		char need[32];
		char there[32];
		progress_format_bytes(need, sizeof(need), (double)bytes);
		progress_format_bytes(there, sizeof(there), (double)room);
		report_hint(display->report, "%s %s copied, %s are free", need, verb, there);
	}
	free(dst);
}
