// SPDX-License-Identifier: MIT
/**
 * file.c: files that several threads copy in ranges, and what becomes of those that fail.
 *
 * The tests move the data themselves, by pread and pwrite, as workers do by their rings.
 */

#include "file-kit.h"

// --- Ranges

TEST(ranges_follow_each_other) {
	struct extent range;
	set_up();
	t.opts.sparse = WHEN_NEVER;
	write_blocks("src/a", 0, 10);
	set_size("src/a", 10 * BLOCK + 5);
	open_tree();
	struct file *file = must_begin("a");
	CHECK_EQ(file->size, 10 * BLOCK + 5);
	for (uint64_t at = 0; at < 10 * BLOCK; at += 4 * BLOCK) {
		CHECK(file_claim(file, 4 * BLOCK, &range));
		CHECK_EQ(range.start, at);
		CHECK_EQ(range.end, min(at + 4 * BLOCK, 10 * BLOCK + 5));
		move(file, &range);
	}
	CHECK(!file_claim(file, 4 * BLOCK, &range));
	CHECK(!file_claim(file, 4 * BLOCK, &range));
	file_unref(&t.ctx, file);
	check_same("src/a", "dst/src/a");
	CHECK_EQ(counter_get(&t.counters.files), 1);
	tear_down();
}

enum { THREADS = 4, BLOCKS = 3000 };

/** How often each block was claimed. */
static atomic_uint claimed[BLOCKS];

static void *claim_some(void *arg) {
	struct file *file = arg;
	struct extent range;
	uint64_t want = 1;
	struct file_context ctx;
	file_context_init(&ctx, &t.files, &t.counters);
	while (file_claim(file, want * BLOCK, &range)) {
		CHECK(range.start % BLOCK == 0 && range.end % BLOCK == 0);
		for (uint64_t off = range.start; off < range.end; off += BLOCK) {
			atomic_fetch_add(&claimed[off / BLOCK], 1);
		}
		move(file, &range);
		want = want % 7 + 1;
	}
	file_unref(&ctx, file);
	file_context_destroy(&ctx);
	return NULL;
}

static void copy_by_threads(const char *name) {
	pthread_t threads[THREADS];
	memset(claimed, 0, sizeof(claimed));
	struct file *file = must_begin(name);
	for (int i = 0; i < THREADS; ++i) {
		file_ref(file);
		thread_must(pthread_create(&threads[i], NULL, claim_some, file));
	}
	file_unref(&t.ctx, file);
	for (int i = 0; i < THREADS; ++i) {
		thread_must(pthread_join(threads[i], NULL));
	}
}

TEST(several_threads_share_a_file) {
	set_up();
	t.opts.preserve = PRESERVE_TIMESTAMPS | PRESERVE_MODE;
	write_blocks("src/a", 0, BLOCKS);
	struct timespec times[2] = {{.tv_sec = 5}, {.tv_sec = 1000, .tv_nsec = 1}};
	REQUIRE(chmod("src/a", 0460) == 0 && utimensat(AT_FDCWD, "src/a", times, 0) == 0);
	open_tree();
	copy_by_threads("a");
	for (int i = 0; i < BLOCKS; ++i) {
		CHECK_EQ(atomic_load(&claimed[i]), 1);
	}
	struct stat st = stat_of("dst/src/a");
	CHECK_EQ(st.st_mode & 07777, 0460);
	CHECK_EQ(st.st_mtim.tv_sec, 1000);
	CHECK_EQ(st.st_mtim.tv_nsec, 1);
	check_same("src/a", "dst/src/a");
	CHECK_EQ(counter_get(&t.counters.files), 1);
	tear_down();
}

enum { MANY = 1 << 20 };

static void *claim_only(void *arg) {
	atomic_uchar *blocks = ((void **)arg)[0];
	struct file *file = ((void **)arg)[1];
	struct extent range;
	while (file_claim(file, BLOCK, &range)) {
		atomic_fetch_add(&blocks[range.start / BLOCK], 1);
	}
	return NULL;
}

TEST(no_block_is_claimed_twice) {
	pthread_t threads[THREADS];
	set_up();
	t.opts.sparse = WHEN_NEVER;
	set_size("src/a", (off_t)MANY * BLOCK);
	open_tree();
	atomic_uchar *blocks = calloc(MANY, sizeof(*blocks));
	struct file *file = must_begin("a");
	void *both[] = {blocks, file};
	for (int i = 0; i < THREADS; ++i) {
		thread_must(pthread_create(&threads[i], NULL, claim_only, both));
	}
	for (int i = 0; i < THREADS; ++i) {
		thread_must(pthread_join(threads[i], NULL));
	}
	for (int i = 0; i < MANY; ++i) {
		CHECK_EQ(atomic_load(&blocks[i]), 1);
	}
	free(blocks);
	file_abandon(file, 0);
	file_unref(&t.ctx, file);
	tear_down();
}

/** A file with data here and there; leaves the test where there are no holes. */
static void make_holes(const char *path) {
	set_size(path, (off_t)BLOCKS * BLOCK);
	write_blocks(path, 100, 16);
	write_blocks(path, 1024, 512);
	write_blocks(path, 2990, 2);
	if ((uint64_t)stat_of(path).st_blocks * 512 >= (uint64_t)BLOCKS * BLOCK) {
		SKIP("no holes here");
	}
}

TEST(holes_are_passed_over) {
	set_up();
	make_holes("src/a");
	write_blocks("dst/src/a", 0, BLOCKS + 10);
	open_tree();
	copy_by_threads("a");
	unsigned data = 0;
	for (int i = 0; i < BLOCKS; ++i) {
		bool written = (i >= 100 && i < 116) || (i >= 1024 && i < 1536) || (i >= 2990 && i < 2992);
		unsigned count = atomic_load(&claimed[i]);
		CHECK(written ? count == 1 : count <= 1);
		data += count;
	}
	// File systems may keep data in larger pieces than blocks
	CHECK(data < 1000);
	check_same("src/a", "dst/src/a");
	CHECK((uint64_t)stat_of("dst/src/a").st_blocks * 512 < 1000 * BLOCK);
	CHECK_EQ(counter_get(&t.counters.holes), (uint64_t)(BLOCKS - data) * BLOCK);
	tear_down();
}

TEST(holes_are_read_where_that_is_asked_for) {
	set_up();
	t.opts.sparse = WHEN_NEVER;
	make_holes("src/a");
	open_tree();
	copy_by_threads("a");
	for (int i = 0; i < BLOCKS; ++i) {
		CHECK_EQ(atomic_load(&claimed[i]), 1);
	}
	check_same("src/a", "dst/src/a");
	CHECK((uint64_t)stat_of("dst/src/a").st_blocks * 512 >= (uint64_t)BLOCKS * BLOCK);
	tear_down();
}

TEST(a_file_of_a_hole_only) {
	struct extent range;
	set_up();
	set_size("src/a", 100 * BLOCK + 7);
	open_tree();
	struct file *file = must_begin("a");
	if (!(file->plan.flags & PLAN_SKIP_HOLES)) {
		file_unref(&t.ctx, file);
		SKIP("no holes here");
	}
	CHECK(!file_claim(file, BLOCK, &range));
	file_unref(&t.ctx, file);
	check_same("src/a", "dst/src/a");
	tear_down();
}

TEST(a_source_that_shrinks) {
	struct extent range;
	set_up();
	write_blocks("src/a", 0, 20);
	write_blocks("dst/src/a", 0, 30);
	open_tree();
	struct file *file = must_begin("a");
	CHECK(file_claim(file, 8 * BLOCK, &range));
	move(file, &range);
	// Read, and written, before it was cut
	struct extent last;
	CHECK(file_claim(file, 8 * BLOCK, &range));
	CHECK(file_claim(file, 8 * BLOCK, &last));
	move(file, &last);
	set_size("src/a", 10 * BLOCK + 3);
	move(file, &range);
	move_all(file, BLOCK);
	file_unref(&t.ctx, file);
	check_same("src/a", "dst/src/a");
	CHECK_EQ(counter_get(&t.report.errors), 0);
	tear_down();
}

// --- Failures

TEST(a_failed_copy_is_taken_away) {
	struct extent range;
	set_up();
	write_blocks("src/a", 0, 20);
	open_tree();
	struct file *file = must_begin("a");
	file_ref(file);
	CHECK(file_claim(file, 8 * BLOCK, &range));
	move(file, &range);
	CHECK(exists("dst/src/a"));
	file_fail(file, 5 * BLOCK, error_make(ERROR_WRITE, -EDQUOT, "error writing %d"));
	file_fail(file, 3 * BLOCK, error_make(ERROR_READ, -EIO, "error reading %s"));
	CHECK_MSG(!file_claim(file, BLOCK, &range), "nobody goes on with it");
	capture_errors();
	file_unref(&t.ctx, file);
	CHECK(exists("dst/src/a"));
	file_unref(&t.ctx, file);
	check_errors("ucp: error writing 'dst/src/a': Disk quota exceeded\n");
	CHECK(!exists("dst/src/a"));
	CHECK_EQ(counter_get(&t.counters.files), 0);
	CHECK_EQ(counter_get(&t.report.errors), 1);
	CHECK(list_empty(&t.ctx.nospace));
	tear_down();
}

TEST(what_has_no_room_is_tried_once_more) {
	set_up();
	write_blocks("src/a", 0, 20);
	open_tree();
	struct entry entry = {.name = "a", .dst_name = "a"};
	struct link_name *name = NULL;
	capture_errors();
	for (int try = 1; try <= 2; ++try) {
		struct extent range;
		struct file *file = file_begin(&t.ctx, t.tree, &entry, NULL, name);
		REQUIRE(file);
		CHECK(file_claim(file, 8 * BLOCK, &range));
		move(file, &range);
		file_fail(file, 5 * BLOCK, error_make(ERROR_WRITE, -ENOSPC, "error writing %d"));
		file_unref(&t.ctx, file);
		CHECK(!exists("dst/src/a"));
		CHECK_EQ(counter_get(&t.counters.failed), try == 1 ? 0 : 1);
		CHECK_EQ(counter_get(&t.report.errors), try == 1 ? 0 : 1);
		if (try == 1) {
			REQUIRE(!list_empty(&t.ctx.nospace));
			name = list_item(list_pop(&t.ctx.nospace), struct link_name, node);
			CHECK(name->last_try && name->what == TRY_FILE);
			CHECK_STR(name->src_name, "a");
		}
	}
	CHECK(list_empty(&t.ctx.nospace));
	check_errors("ucp: error writing 'dst/src/a': No space left on device\n");
	tear_down();
}

TEST(a_failed_overwriting_keeps_what_is_right) {
	struct extent range;
	set_up();
	write_blocks("src/a", 0, 20);
	write_blocks("dst/src/a", 100, 20);
	struct inode inode;
	struct stat st = stat_of("dst/src/a");
	inode = inode_of(&st);
	open_tree();
	struct file *file = must_begin("a");
	CHECK(file_claim(file, 12 * BLOCK, &range));
	move(file, &range);
	file_fail(file, 9 * BLOCK, error_make(ERROR_WRITE, EIO, "error writing %d"));
	file_fail(file, 7 * BLOCK + 5, error_make(ERROR_READ, EIO, "error reading %s"));
	file_abandon(file, 8 * BLOCK);
	capture_errors();
	file_unref(&t.ctx, file);
	check_errors("ucp: error writing 'dst/src/a': Input/output error\n");
	st = stat_of("dst/src/a");
	CHECK(inode_same(inode, inode_of(&st)));
	CHECK_EQ(st.st_size, 7 * BLOCK + 5);
	set_size("src/a", 7 * BLOCK + 5);
	check_same("src/a", "dst/src/a");
	tear_down();
}

TEST(what_nobody_claimed_is_missing_too) {
	struct extent range;
	set_up();
	write_blocks("src/a", 0, 20);
	write_blocks("dst/src/a", 0, 20);
	open_tree();
	struct file *file = must_begin("a");
	CHECK(file_claim(file, 4 * BLOCK, &range));
	move(file, &range);
	file_fail(file, 15 * BLOCK, error_make(ERROR_READ, EIO, "error reading %s"));
	capture_errors();
	file_unref(&t.ctx, file);
	check_errors("ucp: error reading 'src/a': Input/output error\n");
	CHECK_EQ(stat_of("dst/src/a").st_size, 4 * BLOCK);
	tear_down();
}

TEST(what_is_abandoned_goes_without_a_word) {
	set_up();
	write_blocks("src/a", 0, 3);
	write_blocks("src/b", 0, 3);
	write_blocks("dst/src/b", 0, 3);
	open_tree();
	struct file *a = must_begin("a");
	struct file *b = must_begin("b");
	file_abandon(a, 0);
	file_abandon(b, 0);
	capture_errors();
	file_unref(&t.ctx, a);
	file_unref(&t.ctx, b);
	check_errors("");
	CHECK(!exists("dst/src/a"));
	CHECK_EQ(stat_of("dst/src/b").st_size, 0);
	CHECK_EQ(counter_get(&t.counters.files), 0);
	tear_down();
}

TEST(what_took_its_place_is_left_alone) {
	set_up();
	write_blocks("src/a", 0, 3);
	open_tree();
	struct file *file = must_begin("a");
	struct extent range;
	CHECK(file_claim(file, 2 * BLOCK, &range));
	move(file, &range);
	REQUIRE(rename("dst/src/a", "dst/moved") == 0);
	write_blocks("dst/src/a", 7, 1);
	file_fail(file, 0, error_make(ERROR_READ, EIO, "error reading %s"));
	capture_errors();
	file_unref(&t.ctx, file);
	check_errors("ucp: error reading 'src/a': Input/output error\n");
	CHECK_EQ(stat_of("dst/src/a").st_size, 8 * BLOCK);
	// And our own does not pass for whole
	CHECK_EQ(stat_of("dst/moved").st_size, 0);
	tear_down();
}

UNIT_MAIN
