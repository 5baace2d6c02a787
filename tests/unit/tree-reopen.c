// SPDX-License-Identifier: MIT
/**
 * tree.c: directories that are closed when there are too many of them, and found again, or not.
 */
#include "base/random.h"
#include "tree-kit.h"

/** Whatever stands where a directory is to be made is one that may be used. */
static enum tree_verdict judge(struct dest *dest, struct tree *tree, const struct entry *entry, struct error *fail) {
	(void)dest;
	(void)tree;
	(void)entry;
	(void)fail;
	return TREE_USE;
}

static void set_up(unsigned max_trees) {
	set_up_with(max_trees, judge);
}

/** A tree is no longer used, but not done with. */
static void close_by_entering(struct tree *parent, struct tree *tree) {
	for (int i = 0; i < 10 && tree->fd[DST] >= 0; ++i) {
		char name[32];
		snprintf(name, sizeof(name), "filler%d", i);
		REQUIRE(mkdirat(parent->fd[SRC], name, 0755) == 0);
		struct tree *filler = must_enter(parent, name);
		tree_unpin(filler);
		tree_unref(filler);
	}
}

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

// --- Few descriptors

enum { DEPTH = 50 };

/** A chain of trees, each in the one before. */
struct chain {
	struct tree *trees[DEPTH];
	char src[DEPTH][3 * DEPTH];
	char dst[DEPTH][3 * DEPTH];
};

/** Enter src/d/d/…, with all but the last unpinned. */
static void enter_chain(struct chain *chain) {
	for (int i = 0; i < DEPTH; ++i) {
		strcpy(chain->src[i], i ? chain->src[i - 1] : "src");
		strcpy(chain->dst[i], i ? chain->dst[i - 1] : "dst/src");
		if (i > 0) {
			strcat(chain->src[i], "/d");
			strcat(chain->dst[i], "/d");
			REQUIRE(mkdir(chain->src[i], 0755) == 0);
		}
	}
	for (int i = DEPTH - 1; i >= 0; --i) {
		set_mtime(chain->src[i], 1000 + i, i);
	}
	for (int i = 0; i < DEPTH; ++i) {
		chain->trees[i] = must_enter(i ? chain->trees[i - 1] : t.base, i ? "d" : "src");
		if (i > 0) {
			tree_unpin(chain->trees[i - 1]);
		}
		CHECK(t.trees.open <= t.trees.max);
	}
}

static void check_pin(struct chain *chain, int i) {
	CHECK_EQ(tree_pin(chain->trees[i]), 0);
	check_fd(chain->trees[i]->fd[SRC], chain->src[i]);
	check_fd(chain->trees[i]->fd[DST], chain->dst[i]);
}

TEST(a_deep_chain_with_few_descriptors) {
	struct chain chain;
	set_up(2);
	t.opts.preserve = PRESERVE_TIMESTAMPS;
	unsigned fds = open_fds();
	enter_chain(&chain);
	tree_unpin(chain.trees[DEPTH - 1]);
	CHECK(open_fds() <= fds + 4);
	uint64_t random = 1;
	for (int i = 0; i < 200; ++i) {
		int which = (int)(random_next(&random) % DEPTH);
		check_pin(&chain, which);
		CHECK(t.trees.open <= t.trees.max);
		tree_unpin(chain.trees[which]);
	}
	check_path(chain.trees[DEPTH - 1], DST, NULL, chain.dst[DEPTH - 1]);
	// From the top: all wait for the last one
	for (int i = 0; i < DEPTH; ++i) {
		CHECK(mtime_of("dst/src").tv_sec != 1000);
		tree_unref(chain.trees[i]);
	}
	for (int i = 0; i < DEPTH; ++i) {
		check_mtime(chain.dst[i], 1000 + i, i);
	}
	CHECK_EQ(open_fds(), fds);
	CHECK_EQ(counter_get(&t.report.errors), 0);
	tear_down();
}

TEST(pinned_trees_stay_open) {
	struct chain chain;
	set_up(2);
	enter_chain(&chain);
	// More than there should be, but they are needed; each twice
	for (int i = 0; i < 10; ++i) {
		check_pin(&chain, 4 * i);
		check_pin(&chain, 4 * i);
	}
	for (int i = 1; i < DEPTH; i += 4) {
		check_pin(&chain, i);
		tree_unpin(chain.trees[i]);
	}
	for (int i = 0; i < 10; ++i) {
		tree_unpin(chain.trees[4 * i]);
		check_fd(chain.trees[4 * i]->fd[DST], chain.dst[4 * i]);
	}
	CHECK(t.trees.open >= 11);
	for (int i = 0; i < 10; ++i) {
		check_fd(chain.trees[4 * i]->fd[SRC], chain.src[4 * i]);
		tree_unpin(chain.trees[4 * i]);
	}
	// The next one that is opened makes all others go
	check_pin(&chain, 1);
	CHECK(t.trees.open <= 2);
	tree_unpin(chain.trees[1]);
	tree_unpin(chain.trees[DEPTH - 1]);
	for (int i = DEPTH - 1; i >= 0; --i) {
		tree_unref(chain.trees[i]);
	}
	tear_down();
}

TEST(a_kept_tree_can_be_found_again) {
	struct chain chain;
	set_up(2);
	enter_chain(&chain);
	tree_unpin(chain.trees[DEPTH - 1]);
	for (int i = 0; i < DEPTH; ++i) {
		tree_keep(chain.trees[i]);
		tree_unref(chain.trees[i]);
	}
	CHECK_EQ(t.trees.open, 0);
	check_path(chain.trees[30], SRC, "x", strcat(chain.src[30], "/x"));
	chain.src[30][strlen(chain.src[30]) - 2] = '\0';
	for (int i = 1; i < DEPTH; i += 3) {
		check_pin(&chain, i);
		tree_unpin(chain.trees[i]);
	}
	for (int i = 0; i < DEPTH; ++i) {
		tree_drop(chain.trees[i]);
	}
	tear_down();
}

static atomic_uint running;

/** Pin trees of a chain here and there. */
static void *pin_some(void *arg) {
	struct chain *chain = arg;
	uint64_t random = atomic_fetch_add(&running, 1);
	for (int i = 0; i < 200; ++i) {
		int a = (int)(random_next(&random) % DEPTH);
		int b = (int)(random_next(&random) % DEPTH);
		check_pin(chain, a);
		check_pin(chain, b);
		tree_unpin(chain->trees[a]);
		check_fd(chain->trees[b]->fd[DST], chain->dst[b]);
		tree_unpin(chain->trees[b]);
	}
	for (int i = 0; i < DEPTH; ++i) {
		tree_unref(chain->trees[i]);
	}
	return NULL;
}

TEST(several_threads_share_few_descriptors) {
	struct chain chain;
	pthread_t threads[4];
	set_up(2);
	t.opts.preserve = PRESERVE_TIMESTAMPS;
	enter_chain(&chain);
	tree_unpin(chain.trees[DEPTH - 1]);
	for (size_t i = 0; i < countof(threads); ++i) {
		for (int j = 0; j < DEPTH; ++j) {
			tree_ref(chain.trees[j]);
		}
		thread_must(pthread_create(&threads[i], NULL, pin_some, &chain));
	}
	for (int i = 0; i < DEPTH; ++i) {
		tree_unref(chain.trees[i]);
	}
	for (size_t i = 0; i < countof(threads); ++i) {
		thread_must(pthread_join(threads[i], NULL));
	}
	for (int i = 0; i < DEPTH; ++i) {
		check_mtime(chain.dst[i], 1000 + i, i);
	}
	tear_down();
}

// --- Permissions

/** Become an ordinary user, to whom the current directory belongs. Returns false if that cannot be. */
static bool become_nobody(void) {
	if (geteuid() != 0) {
		return true;
	}
	return chmod(scratch, 0755) == 0 && chown(".", 65534, 65534) == 0 && setresgid(65534, 65534, 65534) == 0
		&& setresuid(65534, 65534, 65534) == 0 && access(".", W_OK) == 0;
}

/** A source that may not be read, and a destination that may be written to but not read. */
static void meet_permissions(void) {
	set_up(2);
	t.opts.flags &= ~(unsigned)OPT_PRIVILEGED;
	t.opts.preserve = PRESERVE_MODE | PRESERVE_TIMESTAMPS;
	REQUIRE(mkdir("src/shut", 0755) == 0 && mkdir("src/blind", 0755) == 0 && mkdir("src/blind/a", 0755) == 0);
	REQUIRE(mkdir("dst/src", 0755) == 0 && mkdir("dst/src/blind", 0333) == 0);
	set_mtime("src/shut", 1000, 1);
	set_mtime("src/blind", 2000, 2);
	REQUIRE(chmod("src/shut", 0) == 0);

	struct tree *src = must_enter(t.base, "src");
	capture_errors();
	struct tree *shut = must_enter(src, "shut");
	check_errors("ucp: cannot access 'src/shut': Permission denied\n");
	CHECK(shut->flags & TREE_CLOSED);
	check_mode("dst/src/shut", 0700);
	struct tree *blind = must_enter(src, "blind");
	CHECK(blind->flags & TREE_DST_PATH);
	struct tree *a = must_enter(blind, "a");
	tree_unpin(a);
	tree_unpin(blind);
	tree_unpin(shut);
	close_by_entering(src, blind);
	close_by_entering(src, shut);
	CHECK_EQ(tree_pin(blind), 0);
	check_fd(blind->fd[DST], "dst/src/blind");
	tree_unpin(blind);
	CHECK_EQ(tree_pin(shut), 0);
	CHECK_EQ(shut->fd[SRC], -1);
	tree_unpin(shut);
	tree_unref(a);
	tree_unref(blind);
	tree_unref(shut);
	tree_unpin(src);
	tree_unref(src);
	check_mode("dst/src/shut", 0);
	check_mtime("dst/src/shut", 1000, 1);
	check_mode("dst/src/blind", 0755);
	check_mtime("dst/src/blind", 2000, 2);
	CHECK_EQ(counter_get(&t.report.errors), 1);
	chmod("src/shut", 0755);
	chmod("dst/src/shut", 0755);
	tear_down();
}

TEST(without_permission) {
	go_to_scratch();
	fflush(stdout);
	pid_t pid = fork();
	REQUIRE(pid >= 0);
	if (pid == 0) {
		// Its own directories go into this one, for want of the right to the one above
		bool can = become_nobody() && getcwd(scratch, sizeof(scratch));
		if (can && setjmp(unit_leave) == 0) {
			meet_permissions();
		}
		fflush(stdout);
		_exit(!can ? 77 : atomic_load(&unit_failures) > 0);
	}
	int status;
	REQUIRE(waitpid(pid, &status, 0) == pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
		SKIP("nobody cannot work here");
	}
	CHECK_EQ(status, 0);
}

// --- Directories that are moved away

/** Two directories that are closed: dst/src/a and b in it. */
static struct tree *enter_and_close(struct tree **src, struct tree **a) {
	REQUIRE(mkdir("src/a", 0755) == 0 && mkdir("src/a/b", 0755) == 0);
	*src = must_enter(t.base, "src");
	*a = must_enter(*src, "a");
	struct tree *b = must_enter(*a, "b");
	tree_unpin(*a);
	tree_unpin(b);
	close_by_entering(*src, b);
	close_by_entering(*src, *a);
	REQUIRE((*a)->fd[DST] == -1 && b->fd[DST] == -1 && (*a)->fd[SRC] == -1 && b->fd[SRC] == -1);
	return b;
}

static void give_back(struct tree *src, struct tree *a, struct tree *b) {
	tree_unref(b);
	tree_unref(a);
	tree_unpin(src);
	tree_unref(src);
}

TEST(another_source_directory_is_not_taken_for_it) {
	struct tree *src;
	struct tree *a;
	set_up(2);
	struct tree *b = enter_and_close(&src, &a);
	REQUIRE(rename("src/a", "away") == 0);
	CHECK_EQ(tree_pin(b), -ENOENT);
	REQUIRE(mkdir("src/a", 0755) == 0);
	CHECK_EQ(tree_pin(b), -ESTALE);
	CHECK_EQ(tree_pin(a), -ESTALE);
	REQUIRE(mkdir("src/a/b", 0755) == 0);
	CHECK_EQ(tree_pin(b), -ESTALE);
	CHECK(b->fd[SRC] == -1 && b->fd[DST] == -1);
	// Nor a link that leads to it
	REQUIRE(rmdir("src/a/b") == 0 && rmdir("src/a") == 0 && symlink("../away", "src/a") == 0);
	CHECK(tree_pin(b) < 0);
	// When it is back all is well
	REQUIRE(unlink("src/a") == 0 && rename("away", "src/a") == 0);
	CHECK_EQ(tree_pin(b), 0);
	check_fd(b->fd[SRC], "src/a/b");
	tree_unpin(b);
	give_back(src, a, b);
	CHECK_EQ(counter_get(&t.report.errors), 0);
	tear_down();
}

TEST(another_destination_directory_is_left_alone) {
	struct tree *src;
	struct tree *a;
	set_up(2);
	t.opts.preserve = PRESERVE_TIMESTAMPS | PRESERVE_MODE;
	struct tree *b = enter_and_close(&src, &a);
	set_mtime("src/a/b", 1, 0);
	REQUIRE(rename("dst/src/a/b", "dst/src/a/away") == 0 && mkdir("dst/src/a/b", 0711) == 0);
	struct timespec before = mtime_of("dst/src/a/b");
	CHECK_EQ(tree_pin(b), -ESTALE);
	capture_errors();
	give_back(src, a, b);
	check_errors("ucp: cannot access 'dst/src/a/b': Stale file handle\n");
	check_mode("dst/src/a/b", 0711);
	check_mtime("dst/src/a/b", before.tv_sec, before.tv_nsec);
	CHECK_EQ(counter_get(&t.report.errors), 1);
	tear_down();
}

UNIT_MAIN
