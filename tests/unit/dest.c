// SPDX-License-Identifier: MIT
/**
 * dest.c: cp's rules about operands, and about what stands at a destination.
 */

#include "unit.h"

#include "base/limits.h"
#include "base/opts.h"
#include "dest/dest.h"
#include "report/report.h"
#include "scratch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

// --- A directory to work in

static void make_file(const char *path, const char *content) {
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	REQUIRE(fd >= 0);
	CHECK_EQ(write(fd, content, strlen(content)), strlen(content));
	close(fd);
}

static void set_mtime(const char *path, time_t sec) {
	struct timespec times[2] = {{.tv_sec = sec}, {.tv_sec = sec}};
	REQUIRE(utimensat(AT_FDCWD, path, times, 0) == 0);
}

/** Go to a new directory with one of each kind. */
static void go_to_files(void) {
	go_to_scratch();
	make_file("file", "source");
	make_file("other", "other");
	make_file("old", "old");
	make_file("new", "new");
	set_mtime("file", 1000);
	set_mtime("old", 999);
	set_mtime("new", 1000);
	REQUIRE(mkdir("dir", 0755) == 0 && mkdir("dir2", 0755) == 0);
	make_file("dir/file", "another");
	REQUIRE(link("file", "hard") == 0 && link("other", "other-hard") == 0);
	REQUIRE(symlink("file", "link") == 0 && symlink("file", "link2") == 0 && symlink("other", "other-link") == 0);
	REQUIRE(symlink("nowhere", "dangling") == 0 && symlink("loop", "loop") == 0 && symlink("dir", "dir-link") == 0);
}

static bool exists(const char *path) {
	struct stat st;
	return lstat(path, &st) == 0;
}

// --- What every test needs

static struct {
	struct opts opts;
	struct limits limits;
	struct report report;
	struct trees trees;
	struct dest dest;
	/** Operands that may be changed. */
	char text[8][64];
	char *operands[8];
	bool entered;
} t;

/** As "cp" without options has it. */
static void set_up(void) {
	go_to_files();
	t.entered = false;
	t.opts = (struct opts) {.flags = OPT_PRIVILEGED, .deref = DEREF_ALWAYS, .suffix = "~", .umask = 022};
	t.limits = (struct limits) {.max_trees = 4};
	report_init(&t.report, "ucp");
	trees_init(&t.trees, &t.opts, &t.limits, &t.report);
}

static void set_operands(const char *const *operands) {
	t.opts.operands = t.operands;
	for (t.opts.operand_count = 0; operands[t.opts.operand_count]; ++t.opts.operand_count) {
		int i = t.opts.operand_count;
		snprintf(t.text[i], sizeof(t.text[i]), "%s", operands[i]);
		t.operands[i] = t.text[i];
	}
}

static void tear_down(void) {
	if (t.dest.base) {
		CHECK_EQ(atomic_load(&t.dest.base->refs), 1);
		tree_unref(t.dest.base);
	}
	dest_destroy(&t.dest);
	trees_destroy(&t.trees);
	report_finish(&t.report);
}

// --- Operands

/** Operands, and what they come to. */
struct resolution {
	const char *operands[5];
	const char *target;
	unsigned flags;
	/** The destination's path for messages, and the names in it. */
	const char *path;
	const char *names[4];
	unsigned dest_flags;
};

static const struct resolution resolutions[] = {
	{{"file", "other"}, NULL, 0, NULL, {"other"}, 0},
	{{"file", "nothing"}, NULL, 0, NULL, {"nothing"}, 0},
	{{"file", "nothing/"}, NULL, 0, NULL, {"nothing/"}, 0},
	{{"file", "dangling"}, NULL, 0, NULL, {"dangling"}, 0},
	{{"file", "loop"}, NULL, 0, NULL, {"loop"}, 0},
	{{"dir/file", "other"}, NULL, 0, NULL, {"other"}, 0},

	{{"file", "dir"}, NULL, 0, "dir", {"file"}, 0},
	{{"file", "dir/"}, NULL, 0, "dir/", {"file"}, 0},
	{{"file", "./dir//."}, NULL, 0, "./dir//.", {"file"}, 0},
	{{"file", "dir-link"}, NULL, 0, "dir-link", {"file"}, 0},
	{{"./dir//file", "dir2"}, NULL, 0, "dir2", {"file"}, 0},
	{{"dir", "dir2"}, NULL, 0, "dir2", {"dir"}, 0},
	{{"dir/", "dir2"}, NULL, 0, "dir2", {"dir"}, 0},
	{{"./dir///", "dir2"}, NULL, 0, "dir2", {"dir"}, 0},
	{{".", "dir2"}, NULL, 0, "dir2", {"."}, 0},
	{{"dir/.", "dir2"}, NULL, 0, "dir2", {"."}, 0},
	{{"dir/./", "dir2"}, NULL, 0, "dir2", {"."}, 0},
	{{"..", "dir2"}, NULL, 0, "dir2", {""}, 0},
	{{"dir/..", "dir2"}, NULL, 0, "dir2", {""}, 0},
	{{"/", "dir2"}, NULL, 0, "dir2", {""}, 0},
	{{"...", "dir2"}, NULL, 0, "dir2", {"..."}, 0},

	{{"file", "other", "dir"}, NULL, 0, "dir", {"file", "other"}, DEST_SEVERAL},
	{{"file", "dir/file", "dir2"}, NULL, 0, "dir2", {"file", "file"}, DEST_SEVERAL | DEST_SERIAL},
	{{"file", "other", "./file", "dir"}, NULL, 0, "dir", {"file", "other", "file"}, DEST_SEVERAL | DEST_SERIAL},
	{{"dir/", "x/dir", "dir2"}, NULL, 0, "dir2", {"dir", "dir"}, DEST_SEVERAL | DEST_SERIAL},
	{{"dir/.", "file", "dir2"}, NULL, 0, "dir2", {".", "file"}, DEST_SEVERAL | DEST_SERIAL},
	{{"file", "..", "dir2"}, NULL, 0, "dir2", {"file", ""}, DEST_SEVERAL | DEST_SERIAL},

	{{"file"}, "dir", 0, "dir", {"file"}, 0},
	{{"file", "dir2"}, "dir", 0, "dir", {"file", "dir2"}, DEST_SEVERAL},
	{{"file"}, "dir-link/", 0, "dir-link/", {"file"}, 0},

	{{"file", "dir"}, NULL, OPT_NO_TARGET_DIRECTORY, NULL, {"dir"}, 0},
	{{"dir", "dir2/"}, NULL, OPT_NO_TARGET_DIRECTORY, NULL, {"dir2/"}, 0},
	{{"dir", "."}, NULL, OPT_NO_TARGET_DIRECTORY, NULL, {"."}, 0},
	{{"file", "other"}, NULL, OPT_NO_TARGET_DIRECTORY, NULL, {"other"}, 0},
};

static void check_resolution(const struct resolution *resolution) {
	t.opts.flags = OPT_PRIVILEGED | resolution->flags;
	t.opts.target_directory = resolution->target;
	set_operands(resolution->operands);
	t.dest.base = NULL;
	CHECK_EQ(dest_init(&t.dest, &t.opts, &t.report, &t.trees), 0);
	REQUIRE(t.dest.base);
	CHECK_STR(t.dest.base->name[DST], resolution->path);
	CHECK_EQ(t.dest.flags, resolution->dest_flags);
	CHECK(t.dest.base->flags & TREE_BASE);
	const struct listing *listing = &t.dest.base->listing;
	CHECK_EQ(listing->dir_count, 0);
	for (size_t i = 0; i < 4; ++i) {
		const char *wanted = resolution->names[i];
		CHECK_EQ(i < listing->file_count, wanted != NULL);
		if (wanted && i < listing->file_count) {
			CHECK_STR(listing_entry(&listing->files[i]).dst_name, wanted);
			CHECK_STR(listing->files[i].name, resolution->operands[i]);
		}
	}
	const char *dir = resolution->path ? resolution->path : ".";
	struct stat a = {0};
	struct stat b = {0};
	CHECK(stat(dir, &a) == 0 && fstatat(t.dest.base->fd[DST], "", &b, AT_EMPTY_PATH) == 0);
	CHECK(inode_same(inode_of(&a), inode_of(&b)));
	tree_unref(t.dest.base);
	dest_destroy(&t.dest);
}

TEST(operands_become_names) {
	set_up();
	for (size_t i = 0; i < countof(resolutions); ++i) {
		unsigned before = atomic_load(&unit_failures);
		check_resolution(&resolutions[i]);
		if (atomic_load(&unit_failures) > before) {
			printf("# so with %s %s\n", resolutions[i].operands[0], resolutions[i].operands[1]);
		}
	}
	CHECK_EQ(counter_get(&t.report.errors), 0);
	trees_destroy(&t.trees);
	report_finish(&t.report);
}

TEST(trailing_slashes_are_stripped_where_asked_for) {
	static const char *const operands[] = {"dir-link//", "dir2/", NULL};
	set_up();
	t.opts.flags |= OPT_STRIP_TRAILING_SLASHES;
	set_operands(operands);
	CHECK_EQ(dest_init(&t.dest, &t.opts, &t.report, &t.trees), 0);
	CHECK_STR(t.dest.base->listing.files[0].name, "dir-link");
	CHECK_STR(listing_entry(&t.dest.base->listing.files[0]).dst_name, "dir-link");
	tear_down();
}

/** Operands that make no sense, and what is said of them. */
static const struct {
	const char *operands[5];
	const char *target;
	unsigned flags;
	const char *errors;
} refusals[] = {
	{{NULL}, NULL, 0, "ucp: missing file operand\nTry 'ucp --help' for more information.\n"},
	{{NULL}, "dir", 0, "ucp: missing file operand\nTry 'ucp --help' for more information.\n"},
	{{"file"}, NULL, 0,
		"ucp: missing destination file operand after 'file'\nTry 'ucp --help' for more information.\n"},
	{{"file", "other", "dir"}, NULL, OPT_NO_TARGET_DIRECTORY,
		"ucp: extra operand 'dir'\nTry 'ucp --help' for more information.\n"},
	{{"file"}, "dir", OPT_NO_TARGET_DIRECTORY,
		"ucp: cannot combine --target-directory (-t) and --no-target-directory (-T)\n"},
	{{"file", "other", "nothing"}, NULL, 0, "ucp: target 'nothing': No such file or directory\n"},
	{{"file", "dir", "other"}, NULL, 0, "ucp: target 'other': Not a directory\n"},
	{{"file", "dir", "dangling"}, NULL, 0, "ucp: target 'dangling': No such file or directory\n"},
	{{"file"}, "nothing", 0, "ucp: target directory 'nothing': No such file or directory\n"},
	{{"file"}, "other", 0, "ucp: target directory 'other': Not a directory\n"},
};

TEST(operands_that_make_no_sense) {
	set_up();
	for (size_t i = 0; i < countof(refusals); ++i) {
		t.opts.flags = OPT_PRIVILEGED | refusals[i].flags;
		t.opts.target_directory = refusals[i].target;
		set_operands(refusals[i].operands);
		capture_errors();
		CHECK_EQ(dest_init(&t.dest, &t.opts, &t.report, &t.trees), -1);
		check_errors(refusals[i].errors);
		CHECK(!t.dest.base);
		dest_destroy(&t.dest);
		CHECK_EQ(counter_get(&t.report.errors), i + 1);
	}
	trees_destroy(&t.trees);
	report_finish(&t.report);
}

/** Look at the operands one after the other. Returns a letter for each: its type, or - if it is not to be copied. */
static const char *look_at_operands(const char *const *operands) {
	static char letters[8];
	set_operands(operands);
	CHECK_EQ(dest_init(&t.dest, &t.opts, &t.report, &t.trees), 0);
	memset(letters, 0, sizeof(letters));
	for (size_t i = 0; i < t.dest.base->listing.file_count; ++i) {
		struct entry entry = listing_entry(&t.dest.base->listing.files[i]);
		struct stat st;
		bool wanted = dest_operand(&t.dest, t.dest.base, &entry, &st);
		CHECK(!wanted || entry.type == IFTODT(st.st_mode));
		letters[i] = !wanted ? '-' : S_ISREG(st.st_mode) ? 'f' : S_ISDIR(st.st_mode) ? 'd' : 'l';
		CHECK(letters[i] != 'l' || S_ISLNK(st.st_mode));
		if (letters[i] == 'd' && t.entered) {
			dest_entered(&t.dest, &entry, &st);
		}
	}
	return letters;
}

TEST(operands_in_turn) {
	static const char *const operands[] = {"file", "missing", "dir", "link", "./file", "dir2", NULL};
	set_up();
	capture_errors();
	CHECK_STR(look_at_operands(operands), "f--f-");
	check_errors(
		"ucp: cannot stat 'missing': No such file or directory\n"
		"ucp: -r not specified; omitting directory 'dir'\n"
		"ucp: warning: source file './file' specified more than once\n");
	CHECK_EQ(counter_get(&t.report.errors), 2);
	tear_down();
}

TEST(operands_in_turn_with_r) {
	static const char *const operands[] = {"dir", "link", "dangling", "dir-link", "dir/", "dir2", NULL};
	set_up();
	t.opts.flags |= OPT_RECURSIVE;
	t.opts.deref = DEREF_NEVER;
	capture_errors();
	t.entered = true;
	CHECK_STR(look_at_operands(operands), "dlll-");
	check_errors("ucp: warning: source directory 'dir/' specified more than once\n");
	tear_down();
}

TEST(directory_that_was_not_entered_is_looked_at_again) {
	static const char *const operands[] = {"dir", "dir", "dir2", NULL};
	set_up();
	t.opts.flags |= OPT_RECURSIVE;
	CHECK_STR(look_at_operands(operands), "dd");
	tear_down();
}

TEST(one_source_under_several_names) {
	// Other names of one file are not the same operand
	static const char *const operands[] = {"file", "hard", "link", "file", "dir2", NULL};
	set_up();
	capture_errors();
	CHECK_STR(look_at_operands(operands), "fff-");
	check_errors("ucp: warning: source file 'file' specified more than once\n");
	tear_down();
}

// --- Destinations that exist

/** A source, a destination, options, and the verdict. */
struct judgement {
	const char *src;
	const char *dst;
	unsigned flags;
	unsigned preserve;
	enum deref deref;
	enum update update;
	enum dest_verdict verdict;
	int err;
	const char *what;
	/** Whether the destination's name is gone, if it was there. */
	bool removed;
};

#define SAME "%s and %d are the same file"
#define ONTO_DIRECTORY "cannot overwrite directory %d with non-directory %s"
#define REFUSED DEST_REFUSE, 0
#define FOLLOW DEREF_ALWAYS, UPDATE_ALL
#define DO_NOT_FOLLOW DEREF_NEVER, UPDATE_ALL

static const struct judgement judgements[] = {
	{"file", "other", 0, 0, FOLLOW, DEST_OVERWRITE, 0, NULL, false},
	{"file", "nothing", 0, 0, FOLLOW, DEST_CREATE, 0, NULL, false},
	{"file", "other-link", 0, 0, FOLLOW, DEST_OVERWRITE, 0, NULL, false},
	{"file", "dir", 0, 0, FOLLOW, REFUSED, ONTO_DIRECTORY, false},
	{"file", "dir-link", 0, 0, FOLLOW, REFUSED, ONTO_DIRECTORY, false},
	{"file", "dangling", 0, 0, FOLLOW, DEST_CREATE, 0, NULL, false},
	{"file", "loop", 0, 0, FOLLOW, DEST_REFUSE, ELOOP, "cannot stat %d", false},
	{"file", "loop", OPT_FORCE, 0, FOLLOW, DEST_OVERWRITE, 0, NULL, false},
	{"file", "other/x", 0, 0, FOLLOW, DEST_REFUSE, ENOTDIR, "cannot stat %d", false},

	// One file, however it is called
	{"file", "file", 0, 0, FOLLOW, REFUSED, SAME, false},
	{"file", "./dir/../file", 0, 0, FOLLOW, REFUSED, SAME, false},
	{"file", "hard", 0, 0, FOLLOW, REFUSED, SAME, false},
	{"file", "link", 0, 0, FOLLOW, REFUSED, SAME, false},
	{"link", "file", 0, 0, FOLLOW, REFUSED, SAME, false},
	{"link", "link", 0, 0, FOLLOW, REFUSED, SAME, false},
	{"link", "link2", 0, 0, FOLLOW, REFUSED, SAME, false},
	{"file", "file", OPT_FORCE, 0, FOLLOW, REFUSED, SAME, false},
	{"file", "link", OPT_FORCE, 0, DO_NOT_FOLLOW, REFUSED, SAME, false},
	{"link", "file", OPT_FORCE, 0, DO_NOT_FOLLOW, REFUSED, SAME, false},
	{"link", "link", 0, 0, DO_NOT_FOLLOW, REFUSED, SAME, false},

	// What is removed first
	{"file", "other", OPT_REMOVE_DESTINATION, 0, FOLLOW, DEST_CREATE, 0, NULL, true},
	{"file", "other-link", OPT_REMOVE_DESTINATION, 0, FOLLOW, DEST_CREATE, 0, NULL, true},
	{"file", "dangling", OPT_REMOVE_DESTINATION, 0, FOLLOW, DEST_CREATE, 0, NULL, true},
	{"file", "dir", OPT_REMOVE_DESTINATION, 0, FOLLOW, REFUSED, ONTO_DIRECTORY, false},
	{"file", "dir-link", OPT_REMOVE_DESTINATION, 0, FOLLOW, DEST_CREATE, 0, NULL, true},
	{"file", "file", OPT_REMOVE_DESTINATION, 0, FOLLOW, REFUSED, SAME, false},
	{"file", "hard", OPT_REMOVE_DESTINATION, 0, FOLLOW, DEST_CREATE, 0, NULL, true},
	{"file", "link", OPT_REMOVE_DESTINATION, 0, FOLLOW, DEST_CREATE, 0, NULL, true},
	{"file", "other", 0, PRESERVE_LINKS, FOLLOW, DEST_CREATE, 0, NULL, true},
	{"file", "old", 0, PRESERVE_LINKS, FOLLOW, DEST_OVERWRITE, 0, NULL, false},
	{"link", "other", 0, 0, DO_NOT_FOLLOW, DEST_CREATE, 0, NULL, true},
	{"link", "link2", 0, 0, DO_NOT_FOLLOW, DEST_CREATE, 0, NULL, true},
	{"link", "dir", 0, 0, DO_NOT_FOLLOW, REFUSED, ONTO_DIRECTORY, false},
	{"link", "dangling", 0, 0, DO_NOT_FOLLOW, DEST_CREATE, 0, NULL, true},
	{"file", "other-link", 0, 0, DO_NOT_FOLLOW, DEST_OVERWRITE, 0, NULL, false},

	// Links that are there already
	{"file", "hard", OPT_HARD_LINK, 0, FOLLOW, DEST_SKIP, 0, NULL, false},
	{"file", "file", OPT_HARD_LINK, 0, FOLLOW, DEST_SKIP, 0, NULL, false},

	// What is to be left alone
	{"file", "other", 0, 0, DEREF_ALWAYS, UPDATE_NONE, DEST_SKIP, 0, NULL, false},
	{"file", "file", 0, 0, DEREF_ALWAYS, UPDATE_NONE, DEST_SKIP, 0, NULL, false},
	{"file", "dir", 0, 0, DEREF_ALWAYS, UPDATE_NONE, DEST_SKIP, 0, NULL, false},
	{"file", "nothing", 0, 0, DEREF_ALWAYS, UPDATE_NONE, DEST_CREATE, 0, NULL, false},
	{"file", "other", 0, 0, DEREF_ALWAYS, UPDATE_NONE_FAIL, REFUSED, "not replacing %d", false},
	{"file", "other", 0, 0, DEREF_ALWAYS, UPDATE_OLDER, DEST_DONE, 0, NULL, false},
	{"file", "new", 0, 0, DEREF_ALWAYS, UPDATE_OLDER, DEST_DONE, 0, NULL, false},
	{"file", "old", 0, 0, DEREF_ALWAYS, UPDATE_OLDER, DEST_OVERWRITE, 0, NULL, false},
	{"file", "file", 0, 0, DEREF_ALWAYS, UPDATE_OLDER, REFUSED, SAME, false},
};

/** Judge with a new base, whose operand is SRC. */
static enum dest_verdict judge(const char *src, const char *dst, struct dest_found *found, struct error *fail) {
	const char *operands[] = {src, dst, NULL};
	t.opts.flags |= OPT_NO_TARGET_DIRECTORY;
	set_operands(operands);
	*found = (struct dest_found) {0};
	*fail = NO_ERROR;
	REQUIRE(dest_init(&t.dest, &t.opts, &t.report, &t.trees) == 0);
	struct entry entry = listing_entry(&t.dest.base->listing.files[0]);
	struct stat st;
	REQUIRE(dest_operand(&t.dest, t.dest.base, &entry, &st));
	return dest_judge(&t.dest, t.dest.base, &entry, &st, found, fail);
}

static void check_judgement(const struct judgement *it) {
	set_up();
	t.opts.flags |= it->flags;
	t.opts.preserve = it->preserve;
	t.opts.deref = it->deref;
	t.opts.update = it->update;
	struct dest_found found;
	struct error fail;
	bool there = exists(it->dst);
	CHECK_EQ(judge(it->src, it->dst, &found, &fail), it->verdict);
	CHECK_EQ(fail.err, it->err);
	CHECK_STR(fail.text, it->what);
	CHECK_EQ(exists(it->dst), there && !it->removed);
	CHECK(!found.backup);
	if (it->verdict == DEST_OVERWRITE && it->err == 0 && strcmp(it->dst, "loop") != 0) {
		struct stat st = {0};
		CHECK(stat(it->dst, &st) == 0 && inode_same(inode_of(&st), inode_of(&found.st)));
	}
	// Whatever happens, the source is as it was, and so is what a link led to
	struct stat st = {0};
	CHECK(stat("file", &st) == 0 && st.st_size == 6);
	CHECK(exists(it->src));
	CHECK(exists("other-hard") && exists("dir/file"));
	tear_down();
}

TEST(verdicts) {
	for (size_t i = 0; i < countof(judgements); ++i) {
		unsigned before = atomic_load(&unit_failures);
		check_judgement(&judgements[i]);
		if (atomic_load(&unit_failures) > before) {
			printf("# so with number %zu, %s and %s\n", i, judgements[i].src, judgements[i].dst);
		}
	}
}

// --- What this run made

/** Two operands of one name; the first is made, or linked, by us. FLAGS are enum dest_flags. */
static enum dest_verdict judge_second(unsigned flags, void (*make)(void), struct error *fail) {
	static const char *const operands[] = {"file", "dir/file", "dir2", NULL};
	set_up();
	set_operands(operands);
	CHECK_EQ(dest_init(&t.dest, &t.opts, &t.report, &t.trees), 0);
	t.dest.flags = flags;
	struct entry entries[] = {listing_entry(t.dest.base->listing.files), listing_entry(t.dest.base->listing.files + 1)};
	struct dest_found found = {0};
	struct stat st;
	CHECK(dest_operand(&t.dest, t.dest.base, &entries[0], &st));
	CHECK(tree_begin_link(t.dest.base, geteuid()));
	make();
	bool link = lstat("dir2/file", &st) == 0 && S_ISLNK(st.st_mode);
	tree_end_link(t.dest.base, link ? "file" : NULL, NULL, inode_of(&st));
	dest_made(&t.dest, t.dest.base, &entries[0], NULL);
	*fail = NO_ERROR;
	CHECK(dest_operand(&t.dest, t.dest.base, &entries[1], &st));
	enum dest_verdict verdict = dest_judge(&t.dest, t.dest.base, &entries[1], &st, &found, fail);
	tear_down();
	return verdict;
}

static void make_regular(void) {
	make_file("dir2/file", "made");
}

static void make_link(void) {
	REQUIRE(symlink("../other", "dir2/file") == 0);
}

static void make_dangling_link(void) {
	REQUIRE(symlink("nowhere", "dir2/file") == 0);
}

TEST(what_this_run_made_is_not_overwritten) {
	struct error fail;
	CHECK_EQ(judge_second(DEST_SEVERAL, make_regular, &fail), DEST_REFUSE);
	CHECK_EQ(judge_second(DEST_SEVERAL | DEST_SERIAL, make_regular, &fail), DEST_REFUSE);
	CHECK_STR(fail.text, "will not overwrite just-created %d with %s");
	CHECK_EQ(judge_second(0, make_regular, &fail), DEST_OVERWRITE);
}

TEST(nothing_is_written_through_a_link_this_run_made) {
	struct error fail;
	CHECK_EQ(judge_second(DEST_SEVERAL | DEST_SERIAL, make_dangling_link, &fail), DEST_REFUSE);
	CHECK_EQ(judge_second(0, make_link, &fail), DEST_REFUSE);
	CHECK_STR(fail.text, "will not copy %s through just-created symlink %d");
}

// --- Backups

static void check_backup(enum backup backup, const char *src, const char *dst, const char *name) {
	struct dest_found found;
	struct error fail;
	t.opts.backup = backup;
	CHECK_EQ(judge(src, dst, &found, &fail), DEST_CREATE);
	CHECK_STR(found.backup, name);
	CHECK(!exists(dst));
	CHECK(exists(name));
	if (found.backup) {
		dest_undo_backup(&t.dest, t.dest.base, &(struct entry) {.dst_name = dst}, found.backup);
		CHECK(exists(dst));
		CHECK(!exists(name));
	}
	free(found.backup);
	tree_unref(t.dest.base);
	dest_destroy(&t.dest);
}

TEST(backups) {
	set_up();
	check_backup(BACKUP_SIMPLE, "file", "other", "other~");
	check_backup(BACKUP_EXISTING, "file", "other", "other~");
	check_backup(BACKUP_NUMBERED, "file", "other", "other.~1~");
	check_backup(BACKUP_SIMPLE, "file", "dir/file", "dir/file~");
	// The link goes, not what it leads to
	check_backup(BACKUP_SIMPLE, "file", "other-link", "other-link~");
	check_backup(BACKUP_SIMPLE, "file", "hard", "hard~");
	t.opts.suffix = ".orig";
	check_backup(BACKUP_SIMPLE, "file", "other", "other.orig");
	t.opts.suffix = "~";
	make_file("other.~9~", "");
	make_file("other.~10~", "");
	make_file("other.~x~", "");
	make_file("other.~011~", "");
	make_file("other.~12~x", "");
	make_file("other2.~20~", "");
	make_file("ether.~30~", "");
	check_backup(BACKUP_NUMBERED, "file", "other", "other.~11~");
	check_backup(BACKUP_EXISTING, "file", "other", "other.~11~");
	check_backup(BACKUP_SIMPLE, "file", "other", "other~");
	check_backup(BACKUP_EXISTING, "file", "old", "old~");
	CHECK_EQ(counter_get(&t.report.errors), 0);
	t.dest = (struct dest) {0};
	trees_destroy(&t.trees);
	report_finish(&t.report);
}

TEST(backups_that_would_destroy_the_source) {
	struct dest_found found;
	struct error fail;
	set_up();
	make_file("other~", "");
	t.opts.backup = BACKUP_SIMPLE;
	CHECK_EQ(judge("other~", "other", &found, &fail), DEST_REFUSE);
	CHECK_STR(fail.text, "backing up %d might destroy source;  %s not copied");
	CHECK(exists("other") && exists("other~"));
	tree_unref(t.dest.base);
	dest_destroy(&t.dest);
	CHECK_EQ(judge("file", "file", &found, &fail), DEST_REFUSE);
	CHECK_STR(fail.text, SAME);
	CHECK(exists("file"));
	tear_down();
}

UNIT_MAIN
