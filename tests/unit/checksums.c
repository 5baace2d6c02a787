// SPDX-License-Identifier: MIT
/**
 * checksums.c: lines as xxhsum reads them, and what is said of a list that cannot be written.
 */

#include "scratch.h"
#include "unit.h"

#include "base/buf.h"
#include "base/io.h"
#include "journal/checksums.h"
#include "report/report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

static atomic_bool cancelled;

static void check_text(const char *path, const char *wanted) {
	char text[4096];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	REQUIRE(fd >= 0);
	ssize_t n = read(fd, text, sizeof(text) - 1);
	text[max(n, (ssize_t)0)] = '\0';
	close_fd(&fd);
	CHECK_STR(text, wanted);
}

TEST(lines) {
	struct report report;
	struct checksums checksums;
	go_to_scratch();
	report_init(&report, "ucp");
	REQUIRE(checksums_open(&checksums, "list", &report, &cancelled) && checksums_begin(&checksums));
	checksums_add(&checksums, "0123", "a b");
	checksums_add(&checksums, "4567", "back\\slash\r");
	checksums_add(&checksums, "89ab", "new\nline \\ and \r");
	checksums_finish(&checksums, CHECKSUMS_FLUSH);
	CHECK_EQ(report_finish(&report), 0);
	check_text("list", "0123  a b\n4567  back\\slash\r\n\\89ab  new\\nline \\\\ and \\r\n");
}

#define HASH "0123456789abcdef0123456789abcdef"
#define OLD_LINE HASH "  old\n"

TEST(an_old_list_stays_until_it_is_begun) {
	struct report report;
	struct checksums checksums;
	struct stat st;
	go_to_scratch();
	report_init(&report, "ucp");
	for (int begins = 0; begins < 2; ++begins) {
		int fd = open("list", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
		REQUIRE(fd >= 0 && write(fd, OLD_LINE, strlen(OLD_LINE)) > 0);
		close_fd(&fd);
		REQUIRE(checksums_open(&checksums, "list", &report, &cancelled));
		REQUIRE(stat("list", &st) == 0);
		CHECK(checksums_is(&checksums, &st));
		REQUIRE(stat(".", &st) == 0);
		CHECK(!checksums_is(&checksums, &st));
		CHECK(!begins || checksums_begin(&checksums));
		checksums_finish(&checksums, 0);
		check_text("list", begins ? "" : OLD_LINE);
	}
	CHECK_EQ(report_finish(&report), 0);
}

/** Begin a list in a file that holds a text. Returns whether it was begun. */
static bool begin_over(const char *text, size_t len) {
	struct report report;
	struct checksums checksums;
	report_init(&report, "ucp");
	int fd = open("list", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	REQUIRE(fd >= 0 && write(fd, text, len) == (ssize_t)len);
	close_fd(&fd);
	REQUIRE(checksums_open(&checksums, "list", &report, &cancelled));
	bool begun = checksums_begin(&checksums);
	checksums_finish(&checksums, 0);
	CHECK_EQ(report_finish(&report), begun ? 0 : 1);
	struct stat st;
	CHECK(stat("list", &st) == 0 && (size_t)st.st_size == (begun ? 0 : len));
	return begun;
}

TEST(only_lists_are_overwritten) {
	static const struct {
		const char *text;
		bool list;
	} files[] = {
		{"", true},
		{HASH "  a\n", true},
		{"\\" HASH "  a\\nb\n" HASH "   \n", true},
		{HASH "  a\n" HASH "  cut sho", true},
		{HASH "  a\n0123", true},
		{HASH "  a", false},
		{HASH "  \n", false},
		{HASH " *a\n", false},
		{HASH "0  a\n", false},
		{"0123456789abcdef  a\n", false},
		{"0123456789ABCDEF0123456789ABCDEF  a\n", false},
		{HASH "  a\nprecious\n", false},
		{"\n", false},
		{"precious thesis\n", false},
		{"\n" HASH "  a\n", false},
	};
	capture_errors();
	go_to_scratch();
	for (size_t i = 0; i < countof(files); ++i) {
		CHECK_EQ(begin_over(files[i].text, strlen(files[i].text)), files[i].list);
	}
	CHECK(!begin_over(HASH "  a\0\n", 37));
	CHECK(!begin_over("\0\0\0\0", 4));

	// Of a long one the beginning is looked at, which may be a part of a line
	struct buf text = {0};
	buf_str(&text, HASH "  ");
	while (text.len < 200000) {
		buf_char(&text, 'a');
	}
	CHECK(begin_over(text.data, text.len));
	text.data[3] = 'x';
	CHECK(!begin_over(text.data, text.len));
	buf_free(&text);
}

TEST(a_list_that_another_one_is_writing) {
	struct report report;
	struct checksums first;
	struct checksums second;
	go_to_scratch();
	capture_errors();
	report_init(&report, "ucp");
	REQUIRE(checksums_open(&first, "list", &report, &cancelled) && checksums_begin(&first));
	checksums_add(&first, HASH, "a");
	REQUIRE(checksums_open(&second, "list", &report, &cancelled));
	CHECK(!checksums_begin(&second));
	checksums_finish(&second, 0);
	checksums_finish(&first, 0);
	CHECK_EQ(report_finish(&report), 1);
	check_errors("ucp: another program is writing 'list': Device or resource busy\n");
	check_text("list", HASH "  a\n");
}

TEST(a_list_that_is_replaced_meanwhile) {
	struct report report;
	struct checksums checksums;
	go_to_scratch();
	capture_errors();
	report_init(&report, "ucp");
	for (int i = 0; i < 2; ++i) {
		int fd = open(i == 0 ? "list" : "new", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
		REQUIRE(fd >= 0 && write(fd, OLD_LINE, strlen(OLD_LINE)) > 0);
		close_fd(&fd);
	}
	REQUIRE(checksums_open(&checksums, "list", &report, &cancelled) && rename("new", "list") == 0);
	CHECK(checksums_begin(&checksums));
	checksums_finish(&checksums, 0);
	CHECK_EQ(report_finish(&report), 1);
	check_errors("ucp: 'list' was removed while checksums were written to it\n");
	check_text("list", OLD_LINE);
}

TEST(no_list) {
	struct report report;
	struct checksums checksums;
	struct stat st = {.st_mode = S_IFREG};
	capture_errors();
	report_init(&report, "ucp");
	CHECK(checksums_open(&checksums, NULL, &report, &cancelled) && checksums_begin(&checksums));
	CHECK(!checksums_is(&checksums, &st));
	checksums_finish(&checksums, CHECKSUMS_FLUSH);
	CHECK(!checksums_open(&checksums, "no/such/directory", &report, &cancelled));
	checksums_finish(&checksums, 0);
	CHECK_EQ(report_finish(&report), 1);
	check_errors("ucp: cannot open 'no/such/directory' for writing: No such file or directory\n");
}

/** As many lines as are never held back together. */
static void add_many(struct checksums *checksums) {
	for (int i = 0; i < 3000; ++i) {
		checksums_add(checksums, "0123456789abcdef0123456789abcdef", "a name that is not short");
	}
}

TEST(a_list_that_cannot_be_written) {
	struct report report;
	struct checksums checksums;
	capture_errors();
	report_init(&report, "ucp");
	// Told once, and nothing is written any more
	REQUIRE(checksums_open(&checksums, "/dev/full", &report, &cancelled) && checksums_begin(&checksums));
	add_many(&checksums);
	add_many(&checksums);
	CHECK_EQ(checksums.err, -ENOSPC);
	checksums_finish(&checksums, CHECKSUMS_FLUSH);
	CHECK_EQ(report_finish(&report), 1);
	check_errors("ucp: error writing '/dev/full': No space left on device\n");
}

TEST(a_list_that_is_removed_meanwhile) {
	struct report report;
	struct checksums checksums;
	go_to_scratch();
	capture_errors();
	report_init(&report, "ucp");
	REQUIRE(checksums_open(&checksums, "list", &report, &cancelled) && checksums_begin(&checksums));
	checksums_add(&checksums, "0123", "a");
	REQUIRE(unlink("list") == 0);
	checksums_finish(&checksums, 0);
	CHECK_EQ(report_finish(&report), 1);
	check_errors("ucp: 'list' was removed while checksums were written to it\n");
}

UNIT_MAIN
