// SPDX-License-Identifier: MIT
/**
 * tree.c: entering and listing directories, and when their attributes are set.
 */

#include "tree-kit.h"

#include <sys/resource.h>

/** What judge() says of what stands where a directory is to be made. */
static enum tree_verdict verdict;
static unsigned judged;

/** As cp's rules would, in short; see dest.c for those. */
static enum tree_verdict judge(struct dest *dest, struct tree *tree, const struct entry *entry, struct error *fail) {
	CHECK(!dest);
	CHECK(S_ISDIR(tree->src_stat.st_mode));
	++judged;
	if (verdict == TREE_MAKE) {
		CHECK(renameat(tree->parent->fd[DST], entry->dst_name, tree->parent->fd[DST], "moved") == 0);
	} else if (verdict == TREE_USE && !S_ISDIR(tree->dst_stat.st_mode)) {
		*fail = error_make(ERROR_COPY, 0, "cannot overwrite non-directory %d with directory %s");
	}
	return verdict;
}

static void set_up(unsigned max_trees) {
	verdict = TREE_USE;
	judged = 0;
	set_up_with(max_trees, judge);
}

static void make_file(const char *path) {
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	REQUIRE(fd >= 0);
	close(fd);
}

// --- Entering and listing

TEST(entering_makes_the_copy) {
	set_up(4);
	make_file("src/file");
	struct tree *tree = must_enter(t.base, "src");
	check_fd(tree->fd[SRC], "src");
	check_fd(tree->fd[DST], "dst/src");
	CHECK(tree->flags & TREE_CREATED);
	CHECK(!(tree->flags & (TREE_BASE | TREE_CLOSED | TREE_UNSIZED | TREE_FOLLOWED)));
	CHECK_EQ(atomic_load(&t.base->refs), 2);
	check_path(tree, SRC, "file", "src/file");
	check_path(tree, DST, "file", "dst/src/file");
	check_path(tree, DST, NULL, "dst/src");
	tree_unpin(tree);
	tree_unref(tree);
	tear_down();
}

TEST(a_copy_that_is_there_is_entered) {
	set_up(4);
	REQUIRE(mkdir("dst/src", 0700) == 0);
	struct inode inode = inode_at("dst/src");
	struct tree *tree = must_enter(t.base, "src");
	CHECK(inode_same(tree->inode[DST], inode));
	CHECK(!(tree->flags & TREE_CREATED));
	tree_unpin(tree);
	tree_unref(tree);
	struct stat st;
	CHECK(stat("dst/src", &st) == 0 && (st.st_mode & 07777) == 0700);
	tear_down();
}

TEST(paths_of_operands) {
	set_up(4);
	REQUIRE(mkdir("src/a", 0755) == 0);
	struct entry entry = {.name = "./src//a/", .dst_name = "a"};
	struct tree *tree = tree_enter(t.base, &entry, 0);
	REQUIRE(tree);
	check_path(tree, SRC, "x", "./src//a/x");
	check_path(tree, DST, "x", "dst/a/x");
	tree_unpin(tree);
	tree_unref(tree);

	// Where an operand names its destination whole
	struct tree *base = tree_base(&t.trees, AT_FDCWD, NULL);
	REQUIRE(base);
	entry = (struct entry) {.name = "src", .dst_name = "dst/b/"};
	tree = tree_enter(base, &entry, 0);
	REQUIRE(tree);
	check_path(tree, SRC, NULL, "src");
	check_path(tree, DST, "x", "dst/b/x");
	check_path(base, DST, "x", "x");
	tree_unpin(tree);
	tree_unref(tree);
	tree_unref(base);
	check_fd(t.base->fd[DST], "dst");
	tear_down();
}

TEST(listing) {
	enum { COUNT = 500 };
	set_up(4);
	for (int i = 0; i < COUNT; ++i) {
		char name[300];
		snprintf(name, sizeof(name), "src/%d%.*s", i, i % 3 ? 0 : 240, "x");
		memset(name + strlen(name), 'y', (size_t)(i % 200));
		name[4 + 3 + i % 200] = '\0';
		if (i % 5 == 0) {
			REQUIRE(mkdir(name, 0755) == 0);
		} else if (i % 5 == 1) {
			REQUIRE(symlink("nowhere", name) == 0);
		} else {
			make_file(name);
		}
	}
	struct tree *tree = must_enter(t.base, "src");
	REQUIRE(tree_list(tree) == 0);
	const struct listing *listing = &tree->listing;
	CHECK_EQ(listing->dir_count, COUNT / 5);
	CHECK_EQ(listing->file_count, COUNT - COUNT / 5);
	for (size_t i = 0; i < listing->file_count + listing->dir_count; ++i) {
		bool file = i < listing->file_count;
		const struct listed *listed = file ? &listing->files[i] : &listing->dirs[i - listing->file_count];
		const struct entry entry = listing_entry(listed);
		struct stat st = {0};
		CHECK(fstatat(tree->fd[SRC], entry.name, &st, AT_SYMLINK_NOFOLLOW) == 0);
		CHECK_EQ(entry.ino, st.st_ino);
		CHECK_EQ(entry.type, IFTODT(st.st_mode));
		CHECK_EQ(!S_ISDIR(st.st_mode), file);
		CHECK_STR(entry.dst_name, entry.name);
		bool first = i == 0 || i == listing->file_count;
		CHECK(first || listed[-1].ino < listed->ino);
	}
	tree_unpin(tree);
	tree_unref(tree);
	tear_down();
}

/** The number of a name that add_many() has listed. */
static unsigned number_of(const struct listed *listed) {
	unsigned number;
	REQUIRE(sscanf(listed->name, "name %u", &number) == 1);
	return number;
}

TEST(millions_of_names_take_little_memory) {
	const unsigned count = 400000;
	struct listing listing = {0};
	struct rusage before;
	struct rusage after;
	char name[32];
	getrusage(RUSAGE_SELF, &before);
	// Each inode has two names, and one of them is listed twice now and then
	for (unsigned i = 0; i < count; ++i) {
		snprintf(name, sizeof(name), "name %u", i);
		REQUIRE(listing_add(&listing, name, name, (i * 7919ULL) % (count / 2), DT_REG) == 0);
		if (i % 1000 == 0) {
			REQUIRE(listing_add(&listing, name, name, (i * 7919ULL) % (count / 2), DT_REG) == 0);
		}
	}
	listing_sort(&listing);
	getrusage(RUSAGE_SELF, &after);
	CHECK_EQ(listing.file_count, count);
	for (unsigned i = 1; i < count; ++i) {
		const struct listed *listed = &listing.files[i];
		CHECK(listed[-1].ino < listed->ino || (listed[-1].ino == listed->ino && number_of(listed - 1) < number_of(listed)));
	}
	CHECK_EQ(listing_entry(&listing.files[count - 1]).type, DT_REG);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	// 17 bytes and the name itself, and half as much again while they are sorted
	CHECK(after.ru_maxrss - before.ru_maxrss < (long)count * (17 + 12 + 10) / 1024);
#endif
	listing_free(&listing);
}

TEST(names_in_the_destination_are_kept) {
	struct listing listing = {0};
	REQUIRE(listing_add(&listing, "a/b", "b", 7, DT_UNKNOWN) == 0);
	REQUIRE(listing_add(&listing, "dir", "", 8, DT_DIR) == 0);
	REQUIRE(listing_add(&listing, "socket", "socket", 9, DT_SOCK) == 0);
	const struct entry file = listing_entry(&listing.files[0]);
	const struct entry dir = listing_entry(&listing.dirs[0]);
	const struct entry other = listing_entry(&listing.files[1]);
	CHECK_STR(file.name, "a/b");
	CHECK_STR(file.dst_name, "b");
	CHECK_EQ(file.type, DT_UNKNOWN);
	CHECK_EQ(file.ino, 7);
	CHECK_STR(dir.dst_name, "");
	CHECK_EQ(dir.type, DT_DIR);
	CHECK_STR(other.dst_name, "socket");
	CHECK_EQ(other.type, DT_SOCK);
	listing_free(&listing);
}

TEST(an_empty_directory) {
	set_up(4);
	struct tree *tree = must_enter(t.base, "src");
	CHECK_EQ(tree_list(tree), 0);
	CHECK_EQ(tree->listing.file_count, 0);
	CHECK_EQ(tree->listing.dir_count, 0);
	tree_unpin(tree);
	tree_unref(tree);
	tear_down();
}

TEST(sizes_in_proc_are_not_to_be_believed) {
	set_up(4);
	struct entry entry = {.name = "/proc/self/net", .dst_name = "net"};
	t.opts.deref = DEREF_OPERANDS;
	struct tree *tree = tree_enter(t.base, &entry, 0);
	if (!tree) {
		SKIP("no /proc");
	}
	CHECK(tree->flags & TREE_UNSIZED);
	struct tree *below = enter(tree, "stat");
	CHECK(!below || (below->flags & TREE_UNSIZED));
	if (below) {
		tree_unpin(below);
		tree_unref(below);
	}
	tree_unpin(tree);
	tree_unref(tree);
	chmod("dst/net", 0755);
	tear_down();
}

TEST(what_cannot_be_entered) {
	set_up(4);
	make_file("src/file");
	make_file("dst/taken");
	REQUIRE(symlink("src", "link") == 0 && mkdir("taken", 0755) == 0);
	REQUIRE(mkdir("linked", 0755) == 0 && symlink("../src", "dst/linked") == 0);
	capture_errors();
	CHECK(!enter(t.base, "missing"));
	CHECK(!enter(t.base, "link"));
	CHECK(!enter(t.base, "taken"));
	CHECK(!enter(t.base, "linked"));
	check_errors(
		"ucp: cannot stat 'missing': No such file or directory\n"
		"ucp: cannot access 'link': Not a directory\n"
		"ucp: cannot overwrite non-directory 'dst/taken' with directory 'taken'\n"
		"ucp: cannot overwrite non-directory 'dst/linked' with directory 'linked'\n");
	CHECK_EQ(counter_get(&t.report.errors), 4);
	tear_down();
}

TEST(what_stands_there_is_judged) {
	set_up(4);
	REQUIRE(mkdir("src/a", 0755) == 0 && mkdir("dst/src", 0755) == 0);
	make_file("dst/src/a");
	struct tree *src = must_enter(t.base, "src");
	CHECK_EQ(judged, 1);
	verdict = TREE_LEAVE;
	CHECK(!enter(src, "a"));
	CHECK_EQ(judged, 2);
	verdict = TREE_MAKE;
	struct tree *a = must_enter(src, "a");
	CHECK_EQ(judged, 3);
	CHECK(a->flags & TREE_CREATED);
	check_fd(a->fd[DST], "dst/src/a");
	struct stat st;
	CHECK(stat("dst/src/moved", &st) == 0 && S_ISREG(st.st_mode));
	tree_unpin(a);
	tree_unref(a);
	tree_unpin(src);
	tree_unref(src);
	CHECK_EQ(counter_get(&t.report.errors), 0);
	tear_down();
}

TEST(a_directory_is_not_copied_into_itself) {
	set_up(4);
	tree_unref(t.base);
	t.base = tree_base(&t.trees, open("src", O_RDONLY | O_DIRECTORY | O_CLOEXEC), "src");
	REQUIRE(t.base && mkdir("src/other", 0755) == 0);
	struct tree *tree = must_enter(t.base, "src");
	CHECK_EQ(tree_list(tree), 0);
	CHECK_EQ(tree->listing.dir_count, 2);
	capture_errors();
	CHECK(!enter(tree, "src"));
	// Once is enough
	CHECK(!enter(tree, "src"));
	check_errors("ucp: cannot copy a directory, 'src', into itself, 'src/src'\n");
	struct tree *other = must_enter(tree, "other");
	tree_unpin(other);
	tree_unref(other);
	tree_unpin(tree);
	tree_unref(tree);
	tear_down();
}

TEST(hardlinks_that_lead_in_circles) {
	set_up(4);
	t.opts.deref = DEREF_ALWAYS;
	REQUIRE(mkdir("src/a", 0755) == 0 && symlink("..", "src/a/up") == 0 && symlink(".", "src/a/here") == 0);
	struct tree *tree = must_enter(t.base, "src");
	struct tree *a = must_enter(tree, "a");
	capture_errors();
	CHECK(!enter(a, "up"));
	CHECK(!enter(a, "here"));
	check_errors(
		"ucp: cannot copy cyclic symbolic link 'src/a/up'\n"
		"ucp: cannot copy cyclic symbolic link 'src/a/here'\n");
	tree_unpin(a);
	tree_unref(a);
	tree_unpin(tree);
	tree_unref(tree);
	tear_down();
}

/** Where neither inodes nor times show that a source is the copy, only so many new directories in it are believed. */
TEST(new_sources_without_end_are_a_copy) {
	enum { MOST = 4096 };
	set_up(8);
	REQUIRE(mkdir("src/a", 0755) == 0 && mkdir("src/a/b", 0755) == 0 && mkdir("src/a/b/c", 0755) == 0);
	struct tree *tree = must_enter(t.base, "src");
	// As if they had been changed since the copy was begun
	tree->dst_stat.st_ctim.tv_sec -= 1000;
	tree->changed = MOST - 2;
	struct tree *a = must_enter(tree, "a");
	struct tree *b = must_enter(a, "b");
	CHECK_EQ(b->changed, MOST);
	capture_errors();
	CHECK(!enter(b, "c"));
	check_errors("ucp: cannot copy a directory, 'src', into itself, 'dst/src'\n");
	// One that was there before begins the count anew
	tree->dst_stat.st_ctim.tv_sec += 2000;
	struct tree *c = must_enter(b, "c");
	CHECK_EQ(c->changed, 0);
	for (struct tree *left = c; left != t.base;) {
		struct tree *parent = left->parent;
		tree_unpin(left);
		tree_unref(left);
		left = parent;
	}
	tear_down();
}

// --- Attributes

static struct timespec mtime_of(const char *path) {
	struct stat st = {0};
	CHECK(stat(path, &st) == 0);
	return st.st_mtim;
}

static void check_mtime(const char *path, time_t sec, long nsec) {
	CHECK_EQ(mtime_of(path).tv_sec, sec);
	CHECK_EQ(mtime_of(path).tv_nsec, nsec);
}

static void check_mode(const char *path, mode_t mode) {
	struct stat st = {0};
	CHECK(stat(path, &st) == 0);
	CHECK_EQ(st.st_mode & 07777, mode);
}

static void set_mtime(const char *path, time_t sec, long nsec) {
	struct timespec times[2] = {{.tv_sec = sec + 5}, {.tv_sec = sec, .tv_nsec = nsec}};
	REQUIRE(utimensat(AT_FDCWD, path, times, 0) == 0);
}

TEST(attributes_are_set_when_the_last_child_is_gone) {
	set_up(4);
	t.opts.preserve = PRESERVE_MODE | PRESERVE_TIMESTAMPS;
	REQUIRE(mkdir("src/a", 0755) == 0);
	set_mtime("src/a", -5, 7);
	set_mtime("src", 1000000, 123456789);
	REQUIRE(chmod("src/a", 0500) == 0 && chmod("src", 0555) == 0);

	struct tree *tree = must_enter(t.base, "src");
	struct tree *a = must_enter(tree, "a");
	tree_unpin(tree);
	tree_unref(tree);
	// The child still holds its parent, which can be written to until then
	check_mode("dst/src", 0755);
	check_mode("dst/src/a", 0700);
	CHECK(mtime_of("dst/src").tv_sec != 1000000);
	make_file("dst/src/more");
	make_file("dst/src/a/more");
	tree_ref(a);
	tree_unpin(a);
	tree_unref(a);
	CHECK(mtime_of("dst/src/a").tv_sec != -5);
	tree_unref(a);
	check_mtime("dst/src/a", -5, 7);
	check_mode("dst/src/a", 0500);
	check_mtime("dst/src", 1000000, 123456789);
	check_mode("dst/src", 0555);
	chmod("src", 0755);
	chmod("dst/src", 0755);
	chmod("dst/src/a", 0755);
	tear_down();
}

TEST(new_directories_follow_the_umask) {
	set_up(4);
	REQUIRE(mkdir("src/a", 0700) == 0 && chmod("src", 0777) == 0 && chmod("src/a", 0510) == 0);
	struct tree *tree = must_enter(t.base, "src");
	struct tree *a = must_enter(tree, "a");
	check_mode("dst/src/a", 0710);
	tree_unpin(a);
	tree_unref(a);
	tree_unpin(tree);
	tree_unref(tree);
	check_mode("dst/src", 0755);
	check_mode("dst/src/a", 0510);
	chmod("src/a", 0755);
	chmod("dst/src/a", 0755);
	tear_down();
}

UNIT_MAIN
