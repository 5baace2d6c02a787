/**
 * scan.c: how much there is to copy, and of what is chosen.
 */

#include "scratch.h"
#include "unit.h"

#include "opts.h"
#include "scan.h"
#include "select.h"
#include "std.h"

#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static void make_file(const char *path, off_t size) {
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	REQUIRE(fd >= 0 && ftruncate(fd, size) == 0);
	close_fd(&fd);
}

static void set_up(void) {
	go_to_scratch();
	REQUIRE(mkdir("s", 0755) == 0 && mkdir("s/a", 0755) == 0 && mkdir("s/a/b", 0755) == 0 && mkdir("s/no", 0755) == 0);
	make_file("s/1", 1);
	make_file("s/a/10", 10);
	make_file("s/a/b/100", 100);
	make_file("s/no/1000", 1000);
	make_file("s/z", 10000);
}

/** Scan s and z, and compare. */
static void check_totals(struct select *select, unsigned flags, uint64_t files, uint64_t bytes) {
	char s[] = "s";
	char z[] = "s/z";
	char *operands[] = {s, z};
	struct opts opts = {
		.flags = flags, .deref = DEREF_NEVER, .operands = operands, .operand_count = 2, .select = select,
	};
	struct scan scan = {0};
	const struct timespec moment = {.tv_nsec = 1000000};
	scan_start(&scan, &opts, 2);
	REQUIRE(scan.started);
	while (!scan_totals(&scan).final) {
		nanosleep(&moment, NULL);
	}
	struct totals totals = scan_totals(&scan);
	scan_stop(&scan);
	CHECK_EQ(totals.files, files);
	CHECK_EQ(totals.bytes, bytes);
}

TEST(all_is_counted) {
	set_up();
	check_totals(NULL, OPT_RECURSIVE, 6, 21111);
	check_totals(NULL, 0, 1, 10000);
}

TEST(what_is_left_out_is_not_counted) {
	set_up();
	struct select *select = select_new();
	REQUIRE(select);
	filter_add(&select->filter, "/s/a/b/", FILTER_EXCLUDE);
	filter_add(&select->filter, "no", FILTER_EXCLUDE);
	check_totals(select, OPT_RECURSIVE, 4, 20011);
	filter_add(&select->filter, "/z", FILTER_EXCLUDE);
	check_totals(select, OPT_RECURSIVE, 3, 10011);
	filter_add(&select->filter, "s", FILTER_EXCLUDE);
	check_totals(select, OPT_RECURSIVE, 0, 0);
	select_free(select);
}

TEST(files_of_other_sizes_are_not_counted) {
	set_up();
	struct select *select = select_new();
	REQUIRE(select);
	select->min_size = 10;
	select->max_size = 1000;
	check_totals(select, OPT_RECURSIVE, 3, 1110);
	select_free(select);
}

TEST(what_git_ignores_is_not_counted) {
	set_up();
	struct select *select = select_new();
	REQUIRE(select);
	select->gitignore = true;
	int fd = open("s/a/.gitignore", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	REQUIRE(fd >= 0 && write(fd, "/b\n1*\n", 6) == 6);
	close_fd(&fd);
	check_totals(select, OPT_RECURSIVE, 5, 21007);
	select_free(select);
}

TEST(directories_that_cannot_be_read_are_left) {
	if (geteuid() == 0) {
		SKIP("root reads everything");
	}
	set_up();
	struct select *select = select_new();
	REQUIRE(select && chmod("s/a", 0) == 0);
	check_totals(select, OPT_RECURSIVE, 4, 21001);
	chmod("s/a", 0755);
	select_free(select);
}

UNIT_MAIN
