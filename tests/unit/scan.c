// SPDX-License-Identifier: MIT
/**
 * scan.c: how much there is to copy, and of what is chosen; whether a file is a source; the walk for both.
 */

#include "scratch.h"
#include "unit.h"

#include "base/io.h"
#include "base/limits.h"
#include "base/opts.h"
#include "base/path.h"
#include "display/scan-impl.h"
#include "filter/select.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
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

/** No directory needs to be kept open. */
static const struct limits few;

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
	scan_start(&scan, &opts, &few, 2);
	REQUIRE(scan.started);
	while (!scan_totals(&scan).final) {
		nanosleep(&moment, NULL);
	}
	struct totals totals = scan_totals(&scan);
	scan_stop(&scan);
	CHECK_EQ(totals.files, files);
	CHECK_EQ(totals.bytes, bytes);
}

/** Choices of what is copied from a new tree. */
static struct select *set_up_select(void) {
	set_up();
	struct select *select = select_new();
	REQUIRE(select);
	return select;
}

TEST(all_is_counted) {
	set_up();
	check_totals(NULL, OPT_RECURSIVE, 6, 21111);
	check_totals(NULL, 0, 1, 10000);
}

TEST(what_is_left_out_is_not_counted) {
	struct select *select = set_up_select();
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
	struct select *select = set_up_select();
	select->min_size = 10;
	select->max_size = 1000;
	check_totals(select, OPT_RECURSIVE, 3, 1110);
	select_free(select);
}

TEST(what_git_ignores_is_not_counted) {
	struct select *select = set_up_select();
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
	struct select *select = set_up_select();
	REQUIRE(chmod("s/a", 0) == 0);
	check_totals(select, OPT_RECURSIVE, 4, 21001);
	chmod("s/a", 0755);
	select_free(select);
}

// --- the walk

/** What a walk met, and what is done when it meets a name. */
struct met {
	unsigned count;
	/** The names, one after the other. */
	char names[256];
	/** At this name do that. */
	const char *at;
	void (*act)(void);
};

static bool meet(void *arg, const struct walk_found *found) {
	struct met *met = arg;
	const char *name = last_component(found->name);
	++met->count;
	snprintf(met->names + strlen(met->names), sizeof(met->names) - strlen(met->names), "%s ", name);
	if (met->at && strcmp(name, met->at) == 0) {
		met->act();
	}
	return true;
}

/** Walk s with these options. Returns what walk_operand() does. */
static int walk_with(const struct opts *opts, const struct limits *limits, unsigned flags, struct met *met) {
	const struct walk walk = {.opts = opts, .limits = limits, .flags = flags, .meet = meet, .arg = met};
	return walk_operand(&walk, "s");
}

static int walk_s(unsigned flags, struct met *met) {
	const struct opts opts = {.flags = OPT_RECURSIVE, .deref = DEREF_NEVER};
	return walk_with(&opts, &few, flags, met);
}

/** How many descriptors are open. */
static unsigned open_descriptors(void) {
	unsigned count = 0;
	for (int fd = 0; fd < 1024; ++fd) {
		count += fcntl(fd, F_GETFD) >= 0;
	}
	return count;
}

/** Have only so many more descriptors until give_descriptors(). */
static struct rlimit whole_limit;

static void limit_descriptors(unsigned more) {
	REQUIRE(getrlimit(RLIMIT_NOFILE, &whole_limit) == 0);
	int end = 0;
	for (unsigned unused = 0; unused < more || fcntl(end, F_GETFD) >= 0; ++end) {
		unused += fcntl(end, F_GETFD) < 0;
	}
	struct rlimit limit = {.rlim_cur = (rlim_t)end, .rlim_max = whole_limit.rlim_max};
	REQUIRE(setrlimit(RLIMIT_NOFILE, &limit) == 0);
}

static void give_descriptors(void) {
	setrlimit(RLIMIT_NOFILE, &whole_limit);
}

/** Go down so many levels in s, making them or taking them away on the way back; some have one more directory and a file. */
static void deep_tree(unsigned levels, bool make) {
	int home = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	REQUIRE(home >= 0 && (!make || mkdir("s", 0755) == 0) && chdir("s") == 0);
	for (unsigned i = 0; i < levels; ++i) {
		if (make && i % 100 == 0) {
			REQUIRE(mkdir("beside", 0755) == 0);
			make_file("beside/file", 1);
		}
		REQUIRE((!make || mkdir("deeper", 0755) == 0) && chdir("deeper") == 0);
	}
	for (unsigned i = 0; !make && i < levels; ++i) {
		REQUIRE(chdir("..") == 0 && rmdir("deeper") == 0);
		REQUIRE(access("beside", F_OK) != 0 || (unlink("beside/file") == 0 && rmdir("beside") == 0));
	}
	REQUIRE(fchdir(home) == 0);
	close_fd(&home);
}

TEST(a_deep_tree_takes_few_descriptors) {
	enum { LEVELS = 20000 };
	struct met met = {0};
	go_to_scratch();
	deep_tree(LEVELS, true);
	unsigned before = open_descriptors();
	limit_descriptors(3);
	CHECK_EQ(walk_s(WALK_ALL, &met), 0);
	// Those that are kept open are closed when there are no more
	struct met again = {0};
	const struct opts opts = {.flags = OPT_RECURSIVE, .deref = DEREF_NEVER};
	const struct limits many = {.max_trees = 1000};
	CHECK_EQ(walk_with(&opts, &many, WALK_ALL, &again), 0);
	give_descriptors();
	CHECK_EQ(met.count, LEVELS / 100);
	CHECK_EQ(again.count, LEVELS / 100);
	CHECK_EQ(open_descriptors(), before);
	deep_tree(LEVELS, false);
}

TEST(without_descriptors_it_fails) {
	struct met met = {0};
	set_up();
	limit_descriptors(1);
	CHECK_EQ(walk_s(WALK_ALL, &met), -EMFILE);
	give_descriptors();
}

TEST(the_way_back_through_links_is_found) {
	enum { LEVELS = 200 };
	char path[64];
	char target[64];
	struct met met = {0};
	struct opts opts = {.flags = OPT_RECURSIVE, .deref = DEREF_ALWAYS};
	go_to_scratch();
	for (int i = 0; i < LEVELS; ++i) {
		snprintf(path, sizeof(path), "%d", i);
		REQUIRE(mkdir(path, 0755) == 0 && chdir(path) == 0);
		snprintf(target, sizeof(target), "../%d", i + 1);
		REQUIRE(symlink(target, "next") == 0 && mkdir("a", 0755) == 0 && mkdir("z", 0755) == 0);
		make_file("a/file", 1);
		make_file("z/file", 1);
		REQUIRE(chdir("..") == 0);
	}
	// Back to the beginning, to be gone once
	snprintf(path, sizeof(path), "%d", LEVELS);
	REQUIRE(symlink("0", path) == 0 && symlink("0", "s") == 0);
	limit_descriptors(4);
	CHECK_EQ(walk_with(&opts, &few, WALK_ALL, &met), 0);
	give_descriptors();
	CHECK_EQ(met.count, 2 * LEVELS);
}

TEST(the_end_is_at_once_when_it_is_wanted) {
	struct scan scan = {.started = false};
	scan_stop(&scan);
	CHECK(!scan_totals(&scan).final);
}

static void exchange_directory(void) {
	REQUIRE(rename("s/a", "away") == 0 && symlink("../outside", "s/a") == 0);
}

TEST(a_link_in_the_place_of_a_directory_is_not_followed) {
	set_up();
	REQUIRE(mkdir("outside", 0755) == 0);
	make_file("outside/secret", 1);
	struct met met = {.at = "1", .act = exchange_directory};
	CHECK(walk_s(WALK_ALL, &met) < 0);
	CHECK(!strstr(met.names, "secret"));
	REQUIRE(unlink("s/a") == 0 && rename("away", "s/a") == 0);
	met = (struct met) {.at = "1", .act = exchange_directory};
	CHECK(walk_s(0, &met) < 0);
	CHECK(!strstr(met.names, "secret") && strstr(met.names, "1000"));
}

static void add_name(void) {
	REQUIRE(rename("z", "s/z2") == 0);
}

/** As file systems may have times that are coarse. */
static void make_old(const char *path) {
	const struct timespec old[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};
	REQUIRE(utimensat(AT_FDCWD, path, old, 0) == 0);
}

TEST(a_directory_that_changes_while_it_is_read_is_an_error) {
	set_up();
	make_file("z", 1);
	make_old("s");
	struct met met = {.at = "1", .act = add_name};
	CHECK_EQ(walk_s(WALK_ALL, &met), -ESTALE);
	make_file("z", 1);
	make_old("s");
	met = (struct met) {.at = "1", .act = add_name};
	CHECK_EQ(walk_s(0, &met), 0);
	met = (struct met) {0};
	CHECK_EQ(walk_s(WALK_ALL, &met), 0);
}

static void move_away(void) {
	REQUIRE(rename("s/a", "away") == 0);
}

TEST(a_directory_that_is_moved_away_is_an_error) {
	set_up();
	REQUIRE(mkdir("s/a/b/c", 0755) == 0 && mkdir("s/a/b/c/d", 0755) == 0);
	make_file("s/a/b/c/d/deep", 1);
	struct met met = {.at = "deep", .act = move_away};
	CHECK_EQ(walk_s(WALK_ALL, &met), 0);
	REQUIRE(rename("away", "s/a") == 0);
	REQUIRE(mkdir("other", 0755) == 0 && rename("s/a/b", "other/b") == 0 && symlink("../../other/b", "s/a/b") == 0);
	met = (struct met) {.at = "deep", .act = move_away};
	// By "..", the way goes to another directory now, and by name it is gone
	const struct opts opts = {.flags = OPT_RECURSIVE, .deref = DEREF_ALWAYS};
	CHECK_EQ(walk_with(&opts, &few, WALK_ALL, &met), -ESTALE);
	REQUIRE(rename("away", "s/a") == 0);
	met = (struct met) {.at = "deep", .act = move_away};
	CHECK_EQ(walk_with(&opts, &few, 0, &met), -ESTALE);
	CHECK(strstr(met.names, "1000"));
}

TEST(hardlinks_that_lead_nowhere_are_no_error) {
	struct met met = {0};
	const struct opts opts = {.flags = OPT_RECURSIVE, .deref = DEREF_ALWAYS};
	set_up();
	REQUIRE(symlink("nowhere", "s/dangling") == 0 && symlink("1/x", "s/through-file") == 0 && symlink("self", "s/self") == 0);
	CHECK_EQ(walk_with(&opts, &few, WALK_ALL, &met), 0);
	CHECK_EQ(met.count, 5);
	const struct walk walk = {.opts = &opts, .limits = &few, .flags = WALK_ALL, .meet = meet, .arg = &met};
	CHECK_EQ(walk_operand(&walk, "none"), 0);
	CHECK_EQ(met.count, 5);
}

TEST(of_a_list_what_is_not_there_is_no_error) {
	char *text = strdup("a/b\nnone\n1\na/none/none\n");
	struct met met = {0};
	char *bad;
	set_up();
	struct select *select = select_new();
	REQUIRE(select && text);
	select->filelist = filelist_parse(text, strlen(text), '\n', true, &bad);
	REQUIRE(select->filelist);
	const struct opts opts = {.flags = OPT_RECURSIVE, .deref = DEREF_NEVER, .select = select};
	CHECK_EQ(walk_with(&opts, &few, WALK_ALL, &met), 0);
	CHECK_EQ(met.count, 2);
	CHECK(strstr(met.names, "100 ") && strstr(met.names, "1 "));
	select_free(select);
}

// --- whether a file is a source

static enum sources_verdict have(struct sources *sources, const char *path) {
	struct stat st;
	REQUIRE(stat(path, &st) == 0);
	return sources_have(sources, 1, &st);
}

TEST(files_are_known_as_sources) {
	char s[] = "s";
	char *operands[] = {s};
	const struct opts opts = {.flags = OPT_RECURSIVE, .deref = DEREF_NEVER, .operands = operands, .operand_count = 1};
	struct sources sources;
	set_up();
	make_file("other", 1);
	REQUIRE(link("s/a/b/100", "linked") == 0 && link("other", "other2") == 0);
	sources_init(&sources, &opts, &few);
	CHECK_EQ(have(&sources, "linked"), SOURCES_YES);
	CHECK_EQ(have(&sources, "other"), SOURCES_NO);
	// It and the directories; only now are those wanted that have one name
	CHECK_EQ(sources.list.count, 1 + 4);
	CHECK_EQ(have(&sources, "s/a"), SOURCES_YES);
	CHECK_EQ(have(&sources, "."), SOURCES_NO);
	CHECK_EQ(sources.list.count, 1 + 4);
	CHECK_EQ(have(&sources, "s/a/10"), SOURCES_YES);
	CHECK_EQ(have(&sources, "linked"), SOURCES_YES);
	CHECK_EQ(have(&sources, "other"), SOURCES_NO);
	CHECK_EQ(sources.list.count, 5 + 4);
	// On another device, as is to be expected of this one
	CHECK_EQ(have(&sources, "/proc/self/status"), SOURCES_NO);
	CHECK_EQ(sources.list.count, 5 + 4);
	CHECK_EQ(have(&sources, "s/a/10"), SOURCES_YES);
	CHECK_EQ(have(&sources, "linked"), SOURCES_YES);
	sources_destroy(&sources);
	sources_init(&sources, &opts, &few);
	CHECK_EQ(have(&sources, "/proc/self/status"), SOURCES_NO);
	CHECK_EQ(sources.list.count, 0);
	CHECK_EQ(have(&sources, "linked"), SOURCES_YES);
	CHECK_EQ(have(&sources, "other"), SOURCES_NO);
	sources_destroy(&sources);
}

static atomic_bool stop;

/** Stop when so many more were met. */
static bool meet_and_stop(void *arg, const struct walk_found *found) {
	int *left = arg;
	(void)found;
	atomic_store(&stop, --*left <= 0);
	return true;
}

TEST(a_walk_ends_when_it_is_stopped) {
	char s[] = "s";
	char *operands[] = {s};
	const struct opts opts = {.flags = OPT_RECURSIVE, .deref = DEREF_NEVER, .operands = operands, .operand_count = 1};
	struct sources sources;
	set_up();
	// At once, at a file, and in directories, of which nobody is told; all of them are 5 files
	for (int met = 0; met <= 3; ++met) {
		int left = met;
		const struct walk walk = {.opts = &opts, .limits = &few, .meet = meet_and_stop, .arg = &left, .stop = &stop};
		atomic_store(&stop, met == 0);
		CHECK_EQ(walk_operand(&walk, "s"), -EINTR);
		CHECK_EQ(left, 0);
	}
	atomic_store(&stop, true);
	sources_init(&sources, &opts, &few);
	sources.stop = &stop;
	CHECK_EQ(have(&sources, "s/a/10"), SOURCES_MAYBE);
	sources_destroy(&sources);
}

TEST(what_git_ignores_may_be_a_source) {
	char s[] = "s";
	char *operands[] = {s};
	struct select *select = set_up_select();
	select->gitignore = true;
	int fd = open("s/.gitignore", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	REQUIRE(fd >= 0 && write(fd, "10\n", 3) == 3);
	close_fd(&fd);
	filter_add(&select->filter, "100", FILTER_EXCLUDE);
	const struct opts opts = {
		.flags = OPT_RECURSIVE, .deref = DEREF_NEVER, .operands = operands, .operand_count = 1, .select = select,
	};
	struct sources sources;
	sources_init(&sources, &opts, &few);
	CHECK_EQ(have(&sources, "s/a/10"), SOURCES_YES);
	CHECK_EQ(have(&sources, "s/a/b/100"), SOURCES_NO);
	sources_destroy(&sources);
	select_free(select);
}

TEST(what_cannot_be_found_out_may_be_a_source) {
	char s[] = "s";
	char *operands[] = {s};
	const struct opts opts = {.flags = OPT_RECURSIVE, .deref = DEREF_NEVER, .operands = operands, .operand_count = 1};
	struct sources sources;
	set_up();
	make_file("other", 1);
	sources_init(&sources, &opts, &few);
	limit_descriptors(1);
	CHECK_EQ(have(&sources, "other"), SOURCES_MAYBE);
	give_descriptors();
	CHECK_EQ(have(&sources, "other"), SOURCES_MAYBE);
	sources_destroy(&sources);
}

UNIT_MAIN
