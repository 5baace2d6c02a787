// SPDX-License-Identifier: MIT
/**
 * A directory to work in, and what is said meanwhile.
 */

#ifndef UCP_TEST_SCRATCH_H
#define UCP_TEST_SCRATCH_H

#include "unit.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static char scratch[256];

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw) {
	(void)st;
	(void)type;
	(void)ftw;
	remove(path);
	return 0;
}

static void remove_scratch(void) {
	nftw(scratch, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/** Go to a new empty directory. */
static void go_to_scratch(void) {
	static unsigned count;
	char dir[300];
	if (!scratch[0]) {
		const char *tmp = getenv("TMPDIR");
		snprintf(scratch, sizeof(scratch), "%s/ucp-unit.XXXXXX", tmp ? tmp : "/tmp");
		REQUIRE(mkdtemp(scratch));
		atexit(remove_scratch);
	}
	snprintf(dir, sizeof(dir), "%s/%u", scratch, count++);
	REQUIRE(mkdir(dir, 0755) == 0 && chdir(dir) == 0);
}

static int saved_stderr;
static int errors_file;

static inline void capture_errors(void) {
	saved_stderr = dup(2);
	errors_file = memfd_create("errors", MFD_CLOEXEC);
	dup2(errors_file, 2);
}

/** What was said since is exactly this. */
static inline void check_errors(const char *wanted) {
	char text[4096];
	dup2(saved_stderr, 2);
	close(saved_stderr);
	ssize_t n = pread(errors_file, text, sizeof(text) - 1, 0);
	text[max(n, 0)] = '\0';
	close(errors_file);
	CHECK_STR(text, wanted);
}

#endif // UCP_TEST_SCRATCH_H
