// SPDX-License-Identifier: MIT
#include "run/coordinator-impl.h"

#include "base/io.h"
#include "base/opts.h"
#include "base/path.h"
#include "display/display.h"
#include "display/progress.h"
#include "engine/ring.h"
#include "report/report.h"
#include "sys/fstype.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/statvfs.h>

/** Print how much space was missing, if it was. */
static void hint_room(const struct opts *opts, struct report *report, uint64_t nospace) {
	struct statvfs fs;
	uint64_t room;
	char need[32];
	char there[32];
	char missing[32];

	if (!report->nospace) {
		return;
	}
	progress_format_bytes(need, sizeof(need), (double)nospace);
	if (report->over_quota) {
		report_hint(report, "%s%s the disk quota is used up (see quota(1))",
			nospace > 0 ? need : "no more files:", nospace > 0 ? " did not fit:" : "");
		return;
	}
	char *dir = parent_directory(report->nospace);
	bool known = dir && display_room(opts, dir, &room, NULL) && statvfs(dir, &fs) == 0;
	free(dir);
	if (!known) {
		return;
	}
	if (nospace > room) {
		progress_format_bytes(there, sizeof(there), (double)room);
		progress_format_bytes(missing, sizeof(missing), (double)(nospace - room));
		report_hint(report, "%s did not fit: %s free, %s more needed", need, there, missing);
	} else if (fs.f_files > 0 && fs.f_ffree == 0) {
		report_hint(report, "there is room for data, but the file system has no inode left for another file");
	}
}

/** Print why a file was too large, if one was and the reason is known. */
static void hint_size(struct report *report) {
	struct rlimit limit;
	char most[32];

	char *dir = report->too_large ? parent_directory(report->too_large) : NULL;
	int fd = dir ? open(dir, O_PATH | O_CLOEXEC) : -1;
	if (dir && getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) {
		progress_format_bytes(most, sizeof(most), (double)limit.rlim_cur);
		report_hint(report, "a file may have at most %s (ulimit -f)", most);
	} else if (fd >= 0 && fstype_is(fd, FSTYPE_FILES_4G)) {
		report_hint(report, "a file on FAT has less than 4 GiB; exFAT has no such limit");
	}
	close_fd(&fd);
	free(dir);
}

void coordinator_give_hints(const struct opts *opts, struct report *report, const struct counters *sum, bool withheld) {
	struct rlimit limit;
	char kept[32];

	hint_room(opts, report, counter_get(&sum->nospace));
	hint_size(report);
	if (counter_get(&sum->kept) > 0) {
		progress_format_bytes(kept, sizeof(kept), (double)counter_get(&sum->kept));
		report_hint(report,
			"%s of what did not fit are kept for --resume and take room; without --resume they are not kept", kept);
	}
	if (withheld) {
		report_hint(report, "nothing was removed from directories in or below which something failed");
	}
	if (report->too_many_files && getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		report_hint(report, "at most %llu files may be open at once (ulimit -n)", (unsigned long long)limit.rlim_cur);
	}
}

void coordinator_hint_ring(struct report *report, int err) {
	const char *why = ring_obstacle(err);
	if (why) {
		report_hint(report, "%s; without --engine=uring the copying goes on with system calls", why);
	}
}
