#include "coordinator-impl.h"

#include "opts.h"
#include "progress.h"
#include "report.h"
#include "ring.h"

#include <libgen.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/statvfs.h>

/** Say how much room was missing, if it was. */
static void hint_room(const struct opts *opts, struct report *report, uint64_t roomless) {
	struct statvfs fs;
	char need[32];
	char there[32];
	char missing[32];

	// By its name, though the engine has none: at worst there is no hint
	if (!report->roomless || statvfs(dirname(report->roomless), &fs) != 0) {
		return;
	}
	uint64_t blocks = opts->flags & OPT_PRIVILEGED ? fs.f_bfree : fs.f_bavail;
	uint64_t room = blocks * fs.f_frsize;
	if (roomless > room) {
		progress_format_bytes(need, sizeof(need), (double)roomless);
		progress_format_bytes(there, sizeof(there), (double)room);
		progress_format_bytes(missing, sizeof(missing), (double)(roomless - room));
		report_hint(report, "the data that found no room is %s, and %s are free: %s are missing", need, there, missing);
	} else if (fs.f_files > 0 && fs.f_ffree == 0) {
		report_hint(report, "there is room for data, but the file system has no inode left for another file");
	}
}

void coordinator_give_hints(const struct opts *opts, struct report *report, uint64_t roomless) {
	struct rlimit limit;

	hint_room(opts, report, roomless);
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
