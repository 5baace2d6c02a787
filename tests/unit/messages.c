// SPDX-License-Identifier: MIT
/**
 * Every text of an error in the sources, and what becomes of it as an event of --json.
 *
 * tests/golden/errors has a line for each text, and below it what is printed for it as an error and as a warning, with an
 * errno and without. If texts were added, or are to change: put their lines in there, and run this with UCP_GOLDEN=write.
 */

#include "unit.h"

#include "base/buf.h"
#include "report/report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/** Read a whole file. Returns whether that went well. */
static bool read_file(int fd, struct buf *text) {
	struct stat st;
	return fd >= 0 && fstat(fd, &st) == 0 && buf_read(text, fd, (size_t)st.st_size + 1) == 0;
}

/** The operation that each text goes with, by how it begins. */
static enum error_op op_of(const char *text) {
	static const struct {
		const char *begin;
		enum error_op op;
	} ops[] = {
		{"cannot open ", ERROR_OPEN}, {"cannot stat ", ERROR_STAT}, {"cannot fstat ", ERROR_STAT},
		{"cannot lseek ", ERROR_SEEK}, {"cannot read ", ERROR_READ}, {"error reading ", ERROR_READ},
		{"error writing ", ERROR_WRITE}, {"failed to close ", ERROR_CLOSE}, {"failed to clone ", ERROR_CLONE},
		{"cannot create ", ERROR_CREATE}, {"cannot make directory ", ERROR_CREATE}, {"cannot remove ", ERROR_REMOVE},
		{"cannot backup ", ERROR_BACKUP}, {"cannot un-backup ", ERROR_BACKUP}, {"cannot access ", ERROR_ACCESS},
		{"failed to access ", ERROR_ACCESS}, {"target ", ERROR_ACCESS}, {"failed to ", ERROR_PRESERVE},
		{"preserving ", ERROR_PRESERVE}, {"setting ", ERROR_PRESERVE}, {"clearing ", ERROR_PRESERVE},
		{"cannot start", ERROR_START}, {"cannot set up ", ERROR_START}, {"cannot use ", ERROR_START},
		{"cannot sync ", ERROR_SYNC}, {"write error", ERROR_REPORT},
	};
	for (size_t i = 0; i < countof(ops); ++i) {
		if (strncmp(text, ops[i].begin, strlen(ops[i].begin)) == 0) {
			return ops[i].op;
		}
	}
	return ERROR_COPY;
}

/** Print what there is for one text, as an event. */
static void print_all(struct report *report, const char *text) {
	enum error_op op = op_of(text);
	static const int errs[] = {0, EDQUOT};
	for (size_t i = 0; i < countof(errs); ++i) {
		report_error(report, op, errs[i], text, "source of it", "destination");
		report_warn(report, op, errs[i], text, "source of it", "destination");
	}
	report_error(report, op, EIO, text, NULL, "destination");
	report_flush(report);
}

/** Print each line of the golden file that is a text, and what there is for it, to a descriptor. */
static void print_golden(const char *golden, int fd) {
	struct report report;
	int out = dup(STDOUT_FILENO);
	int err = dup(STDERR_FILENO);
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	dup2(fd, STDOUT_FILENO);
	dup2(null, STDERR_FILENO);
	report_init(&report, "ucp");
	report.json = true;
	char *copy = strdup(golden);
	char *rest = copy;
	for (char *line; (line = strsep(&rest, "\n"));) {
		if (line[0] != '{' && line[0] != '\0') {
			dprintf(fd, "%s\n", line);
			print_all(&report, line);
		}
	}
	free(copy);
	report_finish(&report);
	dup2(out, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
	close(out);
	close(err);
	close(null);
}

TEST(every_text_as_json) {
	struct buf wanted = {0};
	struct buf got = {0};
	char path[4096];
	const char *root = getenv("UCP_TESTS");
	const char *mode = getenv("UCP_GOLDEN");
	bool write = mode && strcmp(mode, "write") == 0;
	snprintf(path, sizeof(path), "%s/golden/errors", root ? root : "tests");
	int golden = open(path, (write ? O_RDWR : O_RDONLY) | O_CLOEXEC);
	int made = memfd_create("made", MFD_CLOEXEC);
	if (golden < 0) {
		SKIP("needs tests/golden (UCP_TESTS)");
	}
	REQUIRE(read_file(golden, &wanted));
	print_golden(wanted.data, made);
	lseek(made, 0, SEEK_SET);
	REQUIRE(read_file(made, &got));
	if (write) {
		REQUIRE(pwrite(golden, got.data, got.len, 0) == (ssize_t)got.len && ftruncate(golden, (off_t)got.len) == 0);
	}
	char *rest[2] = {wanted.data, got.data};
	while (rest[0] && rest[1]) {
		const char *is = strsep(&rest[1], "\n");
		CHECK_STR(is, strsep(&rest[0], "\n"));
	}
	CHECK(!rest[0] && !rest[1]);
	buf_free(&wanted);
	buf_free(&got);
	close(golden);
	close(made);
}

UNIT_MAIN
