// SPDX-License-Identifier: MIT
/**
 * work.c: what is handed out in which order, and when there is nothing any more.
 */

#include "unit.h"

#include "base/limits.h"
#include "base/opts.h"
#include "copy/file.h"
#include "report/report.h"
#include "run/work.h"
#include "tree/tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/** What every test needs. */
static struct {
	struct opts opts;
	struct limits limits;
	struct report report;
	struct trees trees;
	/** The tree of all batches. */
	struct tree *tree;
	struct work work;
} t;

static void set_up(unsigned workers) {
	t.opts = (struct opts) {0};
	t.limits = (struct limits) {.max_trees = 4};
	report_init(&t.report, "unit");
	trees_init(&t.trees, &t.opts, &t.limits, &t.report);
	t.tree = tree_base(&t.trees, AT_FDCWD, NULL);
	REQUIRE(t.tree);
	work_init(&t.work);
	work_join(&t.work, workers);
}

/** Nothing may be left that refers to the tree. */
static void tear_down(void) {
	work_destroy(&t.work);
	CHECK_EQ(atomic_load(&t.tree->refs), 1);
	tree_unref(t.tree);
	trees_destroy(&t.trees);
	CHECK_EQ(report_finish(&t.report), 0);
}

static struct batch *new_batch(size_t number) {
	struct batch *batch = batch_new(t.tree, NULL, number);
	REQUIRE(batch);
	return batch;
}

/** A tree of its own with some subdirectories. */
static struct tree *new_tree(unsigned dirs) {
	struct tree *tree = tree_base(&t.trees, AT_FDCWD, NULL);
	REQUIRE(tree);
	for (unsigned i = 0; i < dirs; ++i) {
		char name[] = {(char)('a' + i), '\0'};
		CHECK_EQ(listing_add(&tree->listing, name, name, i, DT_DIR), 0);
	}
	return tree;
}

static void init_file(struct file *file) {
	memset(file, 0, sizeof(*file));
	atomic_init(&file->refs, 1);
	list_init(&file->work_node);
}

static void check_batch(bool wait, size_t number) {
	struct work_item item = work_take(&t.work, wait);
	REQUIRE(item.kind == WORK_BATCH);
	CHECK_EQ(item.batch->count, number);
	CHECK(item.batch->tree == t.tree);
	batch_free(item.batch);
}

static void check_directory(struct tree *tree, const char *name) {
	struct work_item item = work_take(&t.work, false);
	REQUIRE(item.kind == WORK_TREE);
	CHECK(item.tree == tree);
	CHECK_STR(item.entry.name, name);
	tree_unref(item.tree);
}

static void check_file(struct file *file) {
	struct work_item item = work_take(&t.work, false);
	REQUIRE(item.kind == WORK_FILE);
	CHECK(item.file == file);
	atomic_fetch_sub(&item.file->refs, 1);
}

static void check_nothing(bool wait) {
	CHECK_EQ(work_take(&t.work, wait).kind, WORK_NONE);
}

// --- One after the other

TEST(files_then_batches_then_trees) {
	struct file files[2];
	set_up(1);
	struct tree *trees[2] = {new_tree(3), new_tree(1)};
	init_file(&files[0]);
	init_file(&files[1]);
	check_nothing(false);
	work_push_tree(&t.work, trees[0]);
	work_push_tree(&t.work, trees[1]);
	CHECK(work_push(&t.work, new_batch(1)));
	CHECK(work_push(&t.work, new_batch(2)));
	work_share(&t.work, &files[0]);
	work_share(&t.work, &files[1]);

	// The oldest file, as often as it is asked for
	check_file(&files[0]);
	check_file(&files[0]);
	CHECK(work_unshare(&t.work, &files[0]));
	check_file(&files[1]);
	CHECK(!work_unshare(&t.work, &files[0]));
	CHECK(work_unshare(&t.work, &files[1]));
	// The newest batch
	check_batch(false, 2);
	check_batch(false, 1);
	// The newest tree
	check_directory(trees[1], "a");
	check_directory(trees[0], "a");
	check_directory(trees[0], "b");
	// What comes meanwhile has its place
	CHECK(work_push(&t.work, new_batch(3)));
	check_batch(false, 3);
	check_directory(trees[0], "c");
	check_nothing(false);

	CHECK_EQ(atomic_load(&files[0].refs), 2);
	CHECK_EQ(atomic_load(&files[1].refs), 2);
	for (int i = 0; i < 2; ++i) {
		CHECK_EQ(atomic_load(&trees[i]->refs), 1);
		tree_unref(trees[i]);
	}
	check_nothing(true);
	tear_down();
}

TEST(not_too_many_batches) {
	set_up(1);
	for (size_t i = 0; i < WORK_BATCHES; ++i) {
		REQUIRE(work_push(&t.work, new_batch(i)));
	}
	struct batch *more = new_batch(0);
	CHECK(!work_push(&t.work, more));
	check_batch(false, WORK_BATCHES - 1);
	CHECK(work_push(&t.work, more));
	more = new_batch(0);
	CHECK(!work_push(&t.work, more));
	batch_free(more);
	// Those for later do not count
	work_push_later(&t.work, new_batch(0));
	tear_down();
}

TEST(what_is_left_is_freed) {
	set_up(1);
	struct tree *tree = new_tree(2);
	work_push_tree(&t.work, tree);
	check_directory(tree, "a");
	CHECK(work_push(&t.work, new_batch(1)));
	work_push_later(&t.work, new_batch(2));
	work_destroy(&t.work);
	CHECK_EQ(atomic_load(&tree->refs), 1);
	CHECK_EQ(atomic_load(&t.tree->refs), 1);
	tree_unref(tree);
	work_init(&t.work);
	tear_down();
}

TEST(later_batches_wait_for_all_others) {
	set_up(1);
	struct tree *tree = new_tree(1);
	work_push_later(&t.work, new_batch(11));
	work_push_later(&t.work, new_batch(12));
	CHECK(work_push(&t.work, new_batch(1)));
	work_push_tree(&t.work, tree);
	check_batch(true, 1);
	check_directory(tree, "a");
	// Not for one that has something to do
	check_nothing(false);
	check_batch(true, 11);
	check_nothing(false);
	CHECK(work_push(&t.work, new_batch(2)));
	check_batch(true, 2);
	check_batch(true, 12);
	check_nothing(true);
	tree_unref(tree);
	tear_down();
}

TEST(what_one_more_worker_could_take) {
	struct file file;
	set_up(1);
	CHECK(work_pending(&t.work) == WORK_NONE);
	CHECK(work_push(&t.work, new_batch(1)));
	CHECK(work_pending(&t.work) == WORK_BATCH);
	check_batch(false, 1);
	CHECK(work_pending(&t.work) == WORK_NONE);
	struct tree *tree = new_tree(1);
	work_push_tree(&t.work, tree);
	CHECK(work_pending(&t.work) == WORK_TREE);
	check_directory(tree, "a");
	CHECK(work_pending(&t.work) == WORK_NONE);
	tree_unref(tree);
	init_file(&file);
	work_share(&t.work, &file);
	CHECK(work_pending(&t.work) == WORK_FILE);
	CHECK(work_push(&t.work, new_batch(1)));
	CHECK(work_pending(&t.work) == WORK_BATCH);
	CHECK(work_unshare(&t.work, &file));
	check_batch(false, 1);
	// Not what has to wait for others
	work_push_later(&t.work, new_batch(2));
	CHECK(work_pending(&t.work) == WORK_NONE);
	tear_down();
}

TEST(nothing_after_cancelling) {
	set_up(1);
	CHECK(work_push(&t.work, new_batch(1)));
	work_push_later(&t.work, new_batch(2));
	work_cancel(&t.work);
	check_nothing(false);
	check_nothing(true);
	tear_down();
}

// --- Sweeps

/** Put a name with inode number INO at PLACE into the next sweep. */
static void put(const struct listed *listed, uint64_t place) {
	CHECK(work_put(&t.work, (struct spot) {.place = place, .tree = t.tree, .listed = listed}));
}

/** Take a sweep, and check the order of its names. */
static void check_sweep(unsigned flags, const struct listed *const *want, size_t count) {
	struct work_item item = work_take(&t.work, flags);
	REQUIRE(item.kind == WORK_SWEEP);
	REQUIRE(item.batch->count == count);
	for (size_t i = 0; i < count; ++i) {
		CHECK_MSG(item.batch->spots[i].listed == want[i], "name %zu", i);
	}
}

TEST(sweeps_follow_the_places) {
	static const struct listed names[5] = {{.ino = 9}, {.ino = 2}, {.ino = 3}, {.ino = 3}, {.ino = 1}};
	set_up(1);
	put(&names[3], 5000);
	put(&names[0], 1);
	put(&names[1], 70);
	put(&names[4], 0);
	put(&names[2], 5000);
	check_sweep(WORK_WAIT, (const struct listed *[]) {&names[4], &names[0], &names[1], &names[2], &names[3]}, 5);
	work_swept(&t.work);
	check_nothing(true);
	tear_down();
}

TEST(sweeps_wait_until_all_is_found) {
	static const struct listed name;
	set_up(2);
	CHECK(work_push(&t.work, new_batch(1)));
	put(&name, 1);
	check_batch(true, 1);
	// The other worker is busy, and may find more
	check_nothing(false);
	for (size_t i = 1; i < WORK_SPOTS; ++i) {
		put(&name, i);
	}
	CHECK_EQ(work_take(&t.work, 0).batch->count, WORK_SPOTS);
	// Meanwhile there is nothing else to do
	CHECK(work_push(&t.work, new_batch(2)));
	put(&name, 1);
	check_nothing(false);
	work_swept(&t.work);
	check_batch(false, 2);
	work_leave(&t.work, 1);
	check_sweep(WORK_WAIT, (const struct listed *[]) {&name}, 1);
	// What is left of both is freed
	work_swept(&t.work);
	put(&name, 1);
	tear_down();
}

TEST(narrow_workers_sweep_only_if_nobody_else_does) {
	static const struct listed name;
	set_up(2);
	put(&name, 1);
	CHECK_EQ(work_take(&t.work, WORK_NARROW).kind, WORK_NONE);
	t.work.waiting = 1;
	for (int i = 0; i < 20; ++i) {
		work_urge(&t.work);
	}
	t.work.waiting = 0;
	check_sweep(WORK_NARROW, (const struct listed *[]) {&name}, 1);
	work_swept(&t.work);
	tear_down();
}

TEST(surplus_workers) {
	set_up(3);
	CHECK(!work_is_surplus(&t.work, 2));
	work_limit(&t.work, 2);
	CHECK(work_is_surplus(&t.work, 2));
	CHECK(!work_is_surplus(&t.work, 1));
	// One of the others waits
	work_leave(&t.work, 1);
	CHECK(!work_is_surplus(&t.work, 2));
	tear_down();
}

// --- Several workers

/** Wait until so many workers wait and have left so many batches. */
static void wait_for(unsigned count, unsigned batches) {
	for (int i = 0; i < 10000; ++i) {
		mutex_lock(&t.work.lock);
		bool idle = t.work.waiting == count && t.work.batch_count == batches;
		mutex_unlock(&t.work.lock);
		if (idle) {
			return;
		}
		usleep(1000);
	}
	CHECK_MSG(false, "there are never %u waiting", count);
}

/** Wait until so many workers wait and have taken what there was. */
static void wait_for_waiting(unsigned count) {
	wait_for(count, 0);
}

/** A thread that takes until there is nothing any more, and does nothing with it. */
struct taker {
	pthread_t thread;
	atomic_uint taken;
	atomic_bool ended;
};

static void *take_all(void *arg) {
	struct taker *taker = arg;
	for (;;) {
		struct work_item item = work_take(&t.work, true);
		if (item.kind == WORK_NONE) {
			break;
		}
		atomic_fetch_add(&taker->taken, 1);
		CHECK_EQ(item.kind, WORK_BATCH);
		batch_free(item.batch);
	}
	atomic_store(&taker->ended, true);
	return NULL;
}

static void start(struct taker *takers, unsigned count) {
	for (unsigned i = 0; i < count; ++i) {
		takers[i] = (struct taker) {0};
		thread_must(pthread_create(&takers[i].thread, NULL, take_all, &takers[i]));
	}
}

static unsigned join(struct taker *takers, unsigned count) {
	unsigned taken = 0;
	for (unsigned i = 0; i < count; ++i) {
		thread_must(pthread_join(takers[i].thread, NULL));
		taken += atomic_load(&takers[i].taken);
	}
	return taken;
}

TEST(workers_wait_while_others_may_push) {
	struct taker takers[3];
	set_up(4);
	start(takers, 3);
	// This thread is the fourth
	wait_for_waiting(3);
	for (size_t i = 0; i < 100; ++i) {
		CHECK(work_push(&t.work, new_batch(i)));
	}
	wait_for_waiting(3);
	for (int i = 0; i < 3; ++i) {
		CHECK(!atomic_load(&takers[i].ended));
	}
	check_nothing(true);
	CHECK_EQ(join(takers, 3), 100);
	tear_down();
}

TEST(workers_wait_for_shared_files_too) {
	struct file file;
	set_up(2);
	struct taker taker;
	start(&taker, 1);
	wait_for_waiting(1);
	// Nobody is woken by what there is not
	init_file(&file);
	CHECK(!work_unshare(&t.work, &file));
	CHECK_EQ(atomic_load(&taker.taken), 0);
	CHECK(work_push(&t.work, new_batch(1)));
	wait_for_waiting(1);
	CHECK_EQ(atomic_load(&taker.taken), 1);
	check_nothing(true);
	CHECK_EQ(join(&taker, 1), 1);
	tear_down();
}

TEST(later_batches_wait_for_busy_workers) {
	struct taker taker;
	set_up(2);
	work_push_later(&t.work, new_batch(1));
	work_push_later(&t.work, new_batch(2));
	start(&taker, 1);
	// We are busy, so the other one must not have any
	wait_for_waiting(1);
	CHECK_EQ(atomic_load(&taker.taken), 0);
	check_batch(true, 1);
	wait_for_waiting(1);
	CHECK_EQ(atomic_load(&taker.taken), 0);
	check_batch(true, 2);
	check_nothing(true);
	CHECK_EQ(join(&taker, 1), 0);
	tear_down();
}

TEST(no_more_are_busy_than_wanted) {
	struct taker takers[2];
	set_up(3);
	work_limit(&t.work, 1);
	CHECK(work_push(&t.work, new_batch(1)));
	CHECK(work_push(&t.work, new_batch(2)));
	// Three are, until the others have begun to wait
	check_nothing(false);
	start(takers, 2);
	wait_for(2, 2);
	check_batch(false, 2);
	// The others have seen that there are fewer when one goes, and may not take
	check_batch(true, 1);
	CHECK(work_push(&t.work, new_batch(3)));
	wait_for(2, 1);
	CHECK_EQ(atomic_load(&takers[0].taken) + atomic_load(&takers[1].taken), 0);
	work_limit(&t.work, 2);
	wait_for_waiting(2);
	check_nothing(true);
	CHECK_EQ(join(takers, 2), 1);
	tear_down();
}

TEST(cancelling_wakes_all) {
	struct taker takers[4];
	set_up(5);
	start(takers, 4);
	wait_for_waiting(4);
	work_cancel(&t.work);
	CHECK_EQ(join(takers, 4), 0);
	CHECK(work_push(&t.work, new_batch(1)));
	check_nothing(true);
	tear_down();
}

TEST(workers_that_never_came) {
	struct taker takers[2];
	set_up(5);
	start(takers, 2);
	wait_for_waiting(2);
	work_push_later(&t.work, new_batch(1));
	work_leave(&t.work, 2);
	wait_for_waiting(2);
	work_leave(&t.work, 1);
	CHECK_EQ(join(takers, 2), 1);
	tear_down();
}

TEST(workers_that_come_late) {
	struct taker takers[2];
	set_up(1);
	start(takers, 1);
	CHECK_EQ(join(takers, 1), 0);
	// All had gone
	work_join(&t.work, 3);
	CHECK(work_push(&t.work, new_batch(1)));
	work_push_later(&t.work, new_batch(2));
	start(takers, 2);
	wait_for_waiting(2);
	check_batch(true, 2);
	check_nothing(true);
	CHECK_EQ(join(takers, 2), 1);
	tear_down();
}

// --- All together

enum { WORKERS = 4, DEPTH = 6, CLAIMS = 500 };

static struct {
	struct file file;
	atomic_uint claims;
	atomic_uint claimed;
	atomic_uint batches;
	atomic_uint directories;
	/** Pieces somebody is at. */
	atomic_uint under_way;
} all;

static void do_batch(struct batch *batch);

static void push(struct batch *batch) {
	if (!work_push(&t.work, batch)) {
		do_batch(batch);
	}
}

/** A batch brings forth smaller ones, and directories. */
static void do_batch(struct batch *batch) {
	size_t depth = batch->count;
	atomic_fetch_add(&all.batches, 1);
	for (int i = 0; i < 3 && depth > 0; ++i) {
		push(new_batch(depth - 1));
	}
	if (depth == 2) {
		struct tree *tree = new_tree(5);
		work_push_tree(&t.work, tree);
		tree_unref(tree);
	}
	if (depth == DEPTH) {
		work_share(&t.work, &all.file);
	}
	batch_free(batch);
}

static void do_file(struct file *file) {
	while (atomic_fetch_add(&all.claims, 1) < CLAIMS) {
		atomic_fetch_add(&all.claimed, 1);
	}
	if (work_unshare(&t.work, file)) {
		atomic_fetch_sub(&file->refs, 1);
	}
	atomic_fetch_sub(&file->refs, 1);
}

static void *work_on_all(void *arg) {
	(void)arg;
	for (;;) {
		struct work_item item = work_take(&t.work, true);
		if (item.kind == WORK_NONE) {
			return NULL;
		}
		if (item.kind == WORK_BATCH && item.batch->count > DEPTH) {
			// One for later: nobody else does anything now
			CHECK_EQ(atomic_load(&all.under_way), 0);
			item.batch->count = DEPTH - 1;
		}
		atomic_fetch_add(&all.under_way, 1);
		if (item.kind == WORK_BATCH) {
			do_batch(item.batch);
		} else if (item.kind == WORK_FILE) {
			do_file(item.file);
		} else {
			atomic_fetch_add(&all.directories, 1);
			tree_unref(item.tree);
		}
		atomic_fetch_sub(&all.under_way, 1);
	}
}

TEST(everything_is_done_once_by_several) {
	pthread_t threads[WORKERS];
	set_up(WORKERS);
	memset(&all, 0, sizeof(all));
	init_file(&all.file);
	CHECK(work_push(&t.work, new_batch(DEPTH)));
	for (int i = 0; i < 3; ++i) {
		work_push_later(&t.work, new_batch(DEPTH + 1));
	}
	for (int i = 0; i < WORKERS; ++i) {
		thread_must(pthread_create(&threads[i], NULL, work_on_all, NULL));
	}
	for (int i = 0; i < WORKERS; ++i) {
		thread_must(pthread_join(threads[i], NULL));
	}
	// 3^0 + … + 3^DEPTH, and for later three times one less deep
	unsigned first = (2187 - 1) / 2;
	unsigned later = (729 - 1) / 2;
	CHECK_EQ(atomic_load(&all.batches), first + 3 * later);
	CHECK_EQ(atomic_load(&all.directories), (81 + 3 * 27) * 5);
	CHECK_EQ(atomic_load(&all.claimed), CLAIMS);
	CHECK_EQ(atomic_load(&all.file.refs), 1);
	tear_down();
}

UNIT_MAIN
