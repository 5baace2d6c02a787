// SPDX-License-Identifier: MIT
/**
 * file.c: what is done with a name, and with several names of one file.
 */

#include "file-kit.h"

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

TEST(hardlinks_and_fifos_are_done_at_once) {
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
	CHECK(list_empty(&t.ctx.retry));
	CHECK_EQ(counter_get(&t.counters.files), 3);
	tear_down();
}

TEST(other_names_are_copied_after_all_where_the_first_fails) {
	three_names();
	struct file *file = must_begin("b");
	CHECK(!begin("a"));
	file_fail(file, 0, error_make(ERROR_WRITE, EIO, "error writing %d"));
	capture_errors();
	file_unref(&t.ctx, file);
	check_errors("ucp: error writing 'dst/src/b': Input/output error\n");
	struct list *node = list_pop(&t.ctx.retry);
	REQUIRE(node && list_empty(&t.ctx.retry));
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

/** If the file for whose copy a name has waited fails, its backup is moved back, and nobody is asked a second time. */
TEST(a_name_that_has_waited_begins_anew) {
	int answers[2];
	set_up();
	t.opts.preserve = PRESERVE_LINKS;
	t.opts.flags |= OPT_INTERACTIVE;
	t.opts.backup = BACKUP_SIMPLE;
	write_blocks("src/a", 0, 2);
	REQUIRE(link("src/a", "src/b") == 0);
	write_blocks("dst/src/b", 5, 1);
	open_tree();
	// One answer: another question would be declined
	REQUIRE(pipe2(answers, O_CLOEXEC) == 0 && write(answers[1], "y\n", 2) == 2);
	REQUIRE(dup2(answers[0], STDIN_FILENO) == STDIN_FILENO);
	close(answers[0]);
	close(answers[1]);
	struct file *file = must_begin("a");
	capture_errors();
	CHECK(!begin("b"));
	CHECK(exists("dst/src/b~") && !exists("dst/src/b"));
	file_fail(file, 0, error_make(ERROR_WRITE, EIO, "error writing %d"));
	file_unref(&t.ctx, file);
	CHECK(exists("dst/src/b") && !exists("dst/src/b~"));
	struct list *node = list_pop(&t.ctx.retry);
	REQUIRE(node);
	struct link_name *name = list_item(node, struct link_name, node);
	struct entry entry = {.name = name->src_name, .dst_name = name->dst_name, .type = DT_REG};
	file = file_begin(&t.ctx, t.tree, &entry, NULL, name);
	check_errors("ucp: overwrite 'dst/src/b'? ucp: error writing 'dst/src/a': Input/output error\n");
	REQUIRE(file);
	move_all(file, BLOCK);
	file_unref(&t.ctx, file);
	check_same("src/a", "dst/src/b");
	CHECK_EQ(stat_of("dst/src/b~").st_size, 6 * BLOCK);
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
	CHECK(!list_empty(&t.ctx.deferred));
	move_all(file, BLOCK);
	file_unref(&t.ctx, file);
	check_same("src/a", "dst/src/b");
	struct list *node = list_pop(&t.ctx.deferred);
	REQUIRE(node && list_empty(&t.ctx.deferred));
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

/** A mount in the source leads to what is being written, and was new when no mount had been met. */
TEST(what_is_being_written_is_no_source_yet) {
	set_up();
	write_blocks("src/a", 0, 2);
	open_tree();
	struct file *file = must_begin("a");
	REQUIRE(link("dst/src/a", "src/b") == 0);
	t.tree->flags |= TREE_LED_AWAY;
	struct entry entry = {.name = "b", .dst_name = "b", .type = DT_REG};
	CHECK(!file_begin(&t.ctx, t.tree, &entry, NULL, NULL));
	CHECK(!exists("dst/src/b"));
	move_all(file, BLOCK);
	file_unref(&t.ctx, file);
	struct list *node = list_pop(&t.ctx.deferred);
	REQUIRE(node && list_empty(&t.ctx.deferred));
	file = file_begin(&t.ctx, t.tree, &entry, NULL, list_item(node, struct link_name, node));
	REQUIRE(file);
	move_all(file, BLOCK);
	file_unref(&t.ctx, file);
	check_same("src/a", "dst/src/b");
	CHECK_EQ(stat_of("dst/src/b").st_nlink, 1);
	tear_down();
}

UNIT_MAIN
