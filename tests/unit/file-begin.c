/**
 * file.c: what is done with a name, and with several names of one file.
 */

#include "unit.h"

#include "dest.h"
#include "file.h"
#include "links.h"
#include "opts.h"
#include "progress.h"
#include "report.h"
#include "std.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define BLOCK 4096u

// --- A directory to work in, and what goes to standard error

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
		snprintf(scratch, sizeof(scratch), "%s/ucp-file.XXXXXX", tmp ? tmp : "/tmp");
		REQUIRE(mkdtemp(scratch));
		atexit(remove_scratch);
	}
	snprintf(dir, sizeof(dir), "%s/%u", scratch, count++);
	REQUIRE(mkdir(dir, 0755) == 0 && chdir(dir) == 0);
}

static int saved_stderr;
static int errors_file;

static void capture_errors(void) {
	saved_stderr = dup(2);
	errors_file = memfd_create("errors", MFD_CLOEXEC);
	dup2(errors_file, 2);
}

/** What was said since is exactly this. */
static void check_errors(const char *wanted) {
	char text[4096];
	dup2(saved_stderr, 2);
	close(saved_stderr);
	ssize_t n = pread(errors_file, text, sizeof(text) - 1, 0);
	text[max(n, 0)] = '\0';
	close(errors_file);
	CHECK_STR(text, wanted);
}

static bool exists(const char *path) {
	struct stat st;
	return lstat(path, &st) == 0;
}

static struct stat stat_of(const char *path) {
	struct stat st = {0};
	CHECK_MSG(lstat(path, &st) == 0, "%s: %s", path, strerror(errno));
	return st;
}

/** Write COUNT blocks of a pattern to a file, at a block. */
static void write_blocks(const char *path, unsigned at, unsigned count) {
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	REQUIRE(fd >= 0);
	for (unsigned i = at; i < at + count; ++i) {
		char data[BLOCK];
		memset(data, (int)(1 + i % 255), sizeof(data));
		CHECK_EQ(pwrite(fd, data, sizeof(data), (off_t)i * BLOCK), BLOCK);
	}
	close(fd);
}

static void set_size(const char *path, off_t size) {
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	REQUIRE(fd >= 0 && ftruncate(fd, size) == 0);
	close(fd);
}

static void check_same(const char *a, const char *b) {
	char x[BLOCK];
	char y[BLOCK];
	int from = open(a, O_RDONLY | O_CLOEXEC);
	int to = open(b, O_RDONLY | O_CLOEXEC);
	REQUIRE(from >= 0 && to >= 0);
	for (;;) {
		ssize_t n = read(from, x, sizeof(x));
		CHECK_EQ(read(to, y, sizeof(y)), n);
		if (n <= 0) {
			break;
		}
		CHECK_MEM(x, y, (size_t)n);
	}
	close(from);
	close(to);
}

// --- What every test needs

static struct {
	struct opts opts;
	struct report report;
	struct trees trees;
	struct dest dest;
	struct links links;
	struct files files;
	struct counters counters;
	struct file_context ctx;
	/** src and dst/src, pinned. */
	struct tree *tree;
} t;

/** Begin with empty directories "src" and "dst". Options may be changed until open_tree(). */
static void set_up(void) {
	go_to_scratch();
	umask(022);
	t.opts = (struct opts) {
		.flags = OPT_RECURSIVE | (geteuid() == 0 ? OPT_PRIVILEGED : 0),
		.deref = DEREF_NEVER, .engine = ENGINE_SYNC, .sparse = WHEN_AUTO, .reflink = WHEN_NEVER,
		.max_trees = 8, .suffix = "~", .umask = 022,
	};
	REQUIRE(mkdir("src", 0755) == 0 && mkdir("dst", 0755) == 0 && mkdir("dst/src", 0755) == 0);
}

static void open_tree(void) {
	static char operands[2][4] = {"src", "dst"};
	static char *list[] = {operands[0], operands[1]};
	t.opts.operands = list;
	t.opts.operand_count = 2;
	report_init(&t.report, "ucp");
	trees_init(&t.trees, &t.opts, &t.report);
	links_init(&t.links);
	REQUIRE(dest_init(&t.dest, &t.opts, &t.report, &t.trees) == 0);
	files_init(&t.files, &t.opts, &t.report, &t.links, &t.dest);
	memset(&t.counters, 0, sizeof(t.counters));
	file_context_init(&t.ctx, &t.files, &t.counters);
	struct entry entry = {.name = "src", .dst_name = "src", .type = DT_DIR};
	t.tree = tree_enter(t.dest.base, &entry, 0);
	REQUIRE(t.tree);
	CHECK_EQ(tree_list(t.tree), 0);
}

/** Nothing may be left that refers to anything. */
static void tear_down(void) {
	CHECK_EQ(atomic_load(&t.tree->refs), 1);
	tree_unpin(t.tree);
	tree_unref(t.tree);
	file_context_destroy(&t.ctx);
	files_destroy(&t.files);
	links_destroy(&t.links);
	CHECK_EQ(atomic_load(&t.dest.base->refs), 1);
	tree_unref(t.dest.base);
	dest_destroy(&t.dest);
	trees_destroy(&t.trees);
	report_finish(&t.report);
}

static const struct entry *entry_of(const char *name) {
	for (size_t i = 0; i < t.tree->listing.file_count; ++i) {
		if (strcmp(t.tree->listing.files[i].name, name) == 0) {
			return &t.tree->listing.files[i];
		}
	}
	REQUIRE(false);
	return NULL;
}

static struct file *begin(const char *name) {
	return file_begin(&t.ctx, t.tree, entry_of(name), NULL, NULL);
}

static struct file *must_begin(const char *name) {
	struct file *file = begin(name);
	REQUIRE(file);
	return file;
}

/** Move a range of a file. */
static void move(struct file *file, const struct extent *range) {
	char data[BLOCK];
	for (uint64_t off = range->start; off < range->end;) {
		ssize_t n = pread(file->src_fd, data, (size_t)min(range->end - off, (uint64_t)BLOCK), (off_t)off);
		if (n <= 0) {
			CHECK_EQ(n, 0);
			file_ended(file, off);
			return;
		}
		CHECK_EQ(pwrite(file->dst_fd, data, (size_t)n, (off_t)off), n);
		off += (uint64_t)n;
	}
}

static void move_all(struct file *file, uint64_t want) {
	struct extent range;
	while (file_claim(file, want, &range)) {
		CHECK(range.start < range.end && range.end - range.start <= want);
		move(file, &range);
	}
}

// --- Sources and destinations

TEST(nobody_gets_in_before_the_owner_is_right) {
	set_up();
	t.opts.preserve = PRESERVE_MODE | PRESERVE_OWNERSHIP;
	write_blocks("src/a", 0, 1);
	REQUIRE(chmod("src/a", 0666) == 0);
	open_tree();
	struct file *file = must_begin("a");
	CHECK_EQ(stat_of("dst/src/a").st_mode & 077, 0);
	move_all(file, BLOCK);
	file_unref(&t.ctx, file);
	CHECK_EQ(stat_of("dst/src/a").st_mode & 07777, 0666);
	tear_down();
}

TEST(files_that_are_not_what_was_listed) {
	set_up();
	write_blocks("src/a", 0, 1);
	write_blocks("src/b", 0, 1);
	write_blocks("src/c", 0, 1);
	write_blocks("src/d", 0, 1);
	open_tree();
	REQUIRE(unlink("src/a") == 0 && unlink("src/b") == 0 && unlink("src/c") == 0);
	REQUIRE(symlink("d", "src/b") == 0 && mkfifo("src/c", 0644) == 0);
	capture_errors();
	CHECK(!begin("a"));
	CHECK(!begin("b"));
	CHECK(!begin("c"));
	check_errors(
		"ucp: cannot stat 'src/a': No such file or directory\n"
		"ucp: cannot open 'src/b' for reading: Too many levels of symbolic links\n"
		"ucp: skipping file 'src/c', as it was replaced while being copied\n");
	CHECK(!exists("dst/src/a") && !exists("dst/src/b") && !exists("dst/src/c"));
	tear_down();
}

TEST(empty_files_need_no_ranges) {
	set_up();
	set_size("src/a", 0);
	write_blocks("dst/src/a", 0, 1);
	open_tree();
	CHECK(!begin("a"));
	CHECK_EQ(stat_of("dst/src/a").st_size, 0);
	CHECK_EQ(counter_get(&t.counters.files), 1);
	CHECK_EQ(counter_get(&t.counters.streams), 1);
	tear_down();
}

TEST(files_without_a_size_are_read_to_their_end) {
	struct stat st;
	set_up();
	open_tree();
	struct entry entry = {.name = "/proc/cpuinfo", .dst_name = "cpuinfo", .type = DT_REG};
	if (stat(entry.name, &st) != 0 || st.st_size != 0) {
		SKIP("no /proc/cpuinfo");
	}
	CHECK(!file_begin(&t.ctx, t.dest.base, &entry, &st, NULL));
	CHECK(stat_of("dst/cpuinfo").st_size > 0);
	CHECK_EQ(counter_get(&t.counters.bytes), stat_of("dst/cpuinfo").st_size);
	tear_down();
}

TEST(small_cached_files_are_copied_at_once) {
	set_up();
	t.opts.engine = ENGINE_AUTO;
	write_blocks("src/a", 3, 1);
	write_blocks("src/a", 0, 3);
	open_tree();
	struct file *file = begin("a");
	if (file) {
		file_abandon(file, 0);
		file_unref(&t.ctx, file);
		SKIP("not cached here");
	}
	check_same("src/a", "dst/src/a");
	CHECK_EQ(counter_get(&t.counters.cached), 1);
	CHECK_EQ(counter_get(&t.counters.bytes), 4 * BLOCK);
	tear_down();
}

TEST(links_and_fifos_are_done_at_once) {
	char target[20] = "";
	set_up();
	REQUIRE(symlink("no/where", "src/link") == 0 && mkfifo("src/fifo", 0640) == 0);
	write_blocks("dst/src/link", 0, 1);
	open_tree();
	CHECK(!begin("link"));
	CHECK(!begin("fifo"));
	CHECK_EQ(readlink("dst/src/link", target, sizeof(target) - 1), 8);
	CHECK_STR(target, "no/where");
	CHECK(S_ISFIFO(stat_of("dst/src/fifo").st_mode));
	CHECK_EQ(counter_get(&t.counters.files), 2);
	tear_down();
}

// --- Several names

static void three_names(void) {
	set_up();
	t.opts.preserve = PRESERVE_LINKS;
	write_blocks("src/a", 0, 2);
	REQUIRE(link("src/a", "src/b") == 0 && link("src/a", "src/c") == 0);
	write_blocks("dst/src/c", 5, 1);
	open_tree();
}

TEST(other_names_become_links_when_the_first_is_done) {
	three_names();
	struct file *file = must_begin("b");
	CHECK(!begin("a"));
	CHECK(!exists("dst/src/a"));
	move_all(file, BLOCK);
	file_unref(&t.ctx, file);
	CHECK(exists("dst/src/a"));
	CHECK(!begin("c"));
	CHECK_EQ(stat_of("dst/src/a").st_nlink, 3);
	CHECK_EQ(stat_of("dst/src/c").st_ino, stat_of("dst/src/b").st_ino);
	check_same("src/a", "dst/src/c");
	CHECK(list_empty(&t.ctx.redo));
	CHECK_EQ(counter_get(&t.counters.files), 3);
	tear_down();
}

TEST(other_names_are_copied_after_all_where_the_first_fails) {
	three_names();
	struct file *file = must_begin("b");
	CHECK(!begin("a"));
	file_fail(file, 0, fail_make(EIO, "error writing %d"));
	capture_errors();
	file_unref(&t.ctx, file);
	check_errors("ucp: error writing 'dst/src/b': Input/output error\n");
	struct list *node = list_pop(&t.ctx.redo);
	REQUIRE(node && list_empty(&t.ctx.redo));
	struct link_name *name = list_item(node, struct link_name, node);
	CHECK_STR(name->src_name, "a");
	struct entry entry = {.name = name->src_name, .dst_name = name->dst_name, .type = DT_REG};
	file = file_begin(&t.ctx, t.tree, &entry, NULL, name);
	REQUIRE(file);
	CHECK(!begin("c"));
	move_all(file, BLOCK);
	file_unref(&t.ctx, file);
	CHECK(!exists("dst/src/b"));
	CHECK_EQ(stat_of("dst/src/a").st_nlink, 2);
	CHECK_EQ(stat_of("dst/src/c").st_ino, stat_of("dst/src/a").st_ino);
	tear_down();
}

TEST(two_names_that_lead_to_one_destination_take_turns) {
	set_up();
	write_blocks("src/a", 0, 2);
	write_blocks("src/b", 5, 1);
	write_blocks("dst/src/a", 0, 9);
	REQUIRE(link("dst/src/a", "dst/src/b") == 0);
	open_tree();
	struct file *file = must_begin("a");
	CHECK(!begin("b"));
	CHECK(!list_empty(&t.ctx.later));
	move_all(file, BLOCK);
	file_unref(&t.ctx, file);
	check_same("src/a", "dst/src/b");
	struct list *node = list_pop(&t.ctx.later);
	REQUIRE(node && list_empty(&t.ctx.later));
	struct link_name *name = list_item(node, struct link_name, node);
	struct entry entry = {.name = name->src_name, .dst_name = name->dst_name, .type = DT_REG};
	file = file_begin(&t.ctx, t.tree, &entry, NULL, name);
	REQUIRE(file);
	move_all(file, BLOCK);
	file_unref(&t.ctx, file);
	check_same("src/b", "dst/src/a");
	CHECK_EQ(stat_of("dst/src/a").st_nlink, 2);
	tear_down();
}

UNIT_MAIN
