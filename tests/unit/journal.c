// SPDX-License-Identifier: MIT
#include "base/buf.h"
#include "base/io.h"
#include "journal/journal-impl.h"
#include "scratch.h"
#include "unit.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static struct journal journal;

static bool exists(const char *path) {
	struct stat st;
	return lstat(path, &st) == 0;
}

/** A stat buffer that stands for a file. */
static struct stat a_file(ino_t ino, off_t size) {
	return (struct stat) {.st_dev = 7, .st_ino = ino, .st_size = size, .st_mode = S_IFREG, .st_mtim.tv_sec = 1000};
}

/** Append a record. */
static void append(struct buf *buf, enum journal_kind kind, uint64_t seed, const void *payload, size_t len) {
	struct journal_head head = {.magic = JOURNAL_MAGIC, .kind = (uint16_t)kind, .len = (uint16_t)len};
	head.sum = journal_sum(seed, &head, payload);
	buf_add(buf, &head, sizeof(head));
	buf_add(buf, payload, len);
}

/** Everything in the journal. */
static char *content(size_t *len) {
	char *data = malloc(1 << 20);
	int fd = open(JOURNAL_NAME, O_RDONLY | O_CLOEXEC);
	REQUIRE(data && fd >= 0);
	ssize_t n = read(fd, data, 1 << 20);
	REQUIRE(n >= 0);
	*len = (size_t)n;
	close(fd);
	return data;
}

/** A journal of one finished file, and of a part with two ranges. */
static void make_journal(void) {
	struct stat src = a_file(1, 100);
	struct stat dst = a_file(2, 100);
	struct stat big = a_file(3, 1000);

	CHECK_EQ(journal_open(&journal, AT_FDCWD, 5), 0);
	journal_finish(&journal, &src, &dst);
	struct journal_part *part = journal_begin(&journal, "sub/big", &big, NULL);
	REQUIRE(part);
	journal_wrote(&journal, part, 4, 0, 300);
	journal_wrote(&journal, part, 4, 500, 600);
	journal_wrote(&journal, part, 4, 300, 400);
	journal_flush_part(&journal, part, 4);
	CHECK_EQ(journal_close(&journal, JOURNAL_KEEP), 0);
}

static bool is_finished(struct stat src, struct stat dst) {
	return journal_is_finished(&journal, &src, &dst);
}

TEST(ranges_grow_together) {
	struct journal_ranges ranges = {0};
	struct extent gap;
	CHECK_EQ(journal_ranges_add(&ranges, 10, 20), 0);
	CHECK_EQ(journal_ranges_add(&ranges, 40, 50), 0);
	CHECK_EQ(journal_ranges_add(&ranges, 0, 5), 0);
	journal_ranges_order(&ranges);
	CHECK_EQ(ranges.count, 3);
	CHECK_EQ(journal_ranges_add(&ranges, 20, 30), 0);
	journal_ranges_order(&ranges);
	CHECK_EQ(ranges.count, 3);
	CHECK(journal_ranges_gap(&ranges, 0, 100, &gap));
	CHECK_EQ(gap.start, 5);
	CHECK_EQ(gap.end, 10);
	CHECK(journal_ranges_gap(&ranges, 12, 45, &gap));
	CHECK_EQ(gap.start, 30);
	CHECK_EQ(gap.end, 40);
	CHECK(journal_ranges_gap(&ranges, 45, 100, &gap));
	CHECK_EQ(gap.start, 50);
	CHECK_EQ(gap.end, 100);
	CHECK(!journal_ranges_gap(&ranges, 12, 30, &gap));
	CHECK_EQ(journal_ranges_add(&ranges, 5, 100), 0);
	journal_ranges_order(&ranges);
	CHECK_EQ(ranges.count, 1);
	CHECK(!journal_ranges_gap(&ranges, 0, 100, &gap));
	free(ranges.list);
}

/** Add so many ranges of 10 with gaps of 10 in an order: the i-th is at i * STEP modulo their number. */
static void add_in_order(struct journal_ranges *ranges, uint64_t count, uint64_t step) {
	for (uint64_t i = 0, at = 0; i < count; ++i, at = (at + step) % count) {
		REQUIRE(journal_ranges_add(ranges, at * 20, at * 20 + 10) == 0);
	}
	journal_ranges_order(ranges);
}

/** More than could be moved for each that comes ahead of them. */
TEST(ranges_come_in_any_order) {
	enum { COUNT = 1000003 };
	// Ascending, descending, and all over the place
	const uint64_t steps[] = {1, COUNT - 1, 618035, 2, COUNT / 2};
	for (size_t k = 0; k < countof(steps); ++k) {
		struct journal_ranges ranges = {0};
		struct extent gap;
		add_in_order(&ranges, COUNT, steps[k]);
		CHECK_EQ(ranges.count, COUNT);
		CHECK(journal_ranges_gap(&ranges, 0, 1000, &gap));
		CHECK_EQ(gap.start, 10);
		CHECK_EQ(gap.end, 20);
		CHECK(journal_ranges_gap(&ranges, 20 * (COUNT / 2) + 5, UINT64_MAX, &gap));
		CHECK_EQ(gap.start, 20 * (COUNT / 2) + 10);
		CHECK_EQ(gap.end, 20 * (COUNT / 2) + 20);
		free(ranges.list);
	}
}

/** What overlaps again and again takes no more memory than what is different of it. */
TEST(ranges_that_come_again_take_no_room) {
	struct journal_ranges ranges = {0};
	for (uint64_t round = 0; round < 1000; ++round) {
		for (uint64_t i = 100; i > 0; --i) {
			REQUIRE(journal_ranges_add(&ranges, i * 20, i * 20 + 10 + round % 3) == 0);
		}
	}
	CHECK_MSG(ranges.size < 1000, "%zu", ranges.size);
	journal_ranges_order(&ranges);
	CHECK_EQ(ranges.count, 100);
	CHECK_EQ(ranges.list[7].end, 8 * 20 + 12);
	free(ranges.list);
}

/** What random ranges come to is the same as bytes that are marked one by one. */
TEST(ranges_are_what_was_added) {
	enum { SIZE = 2000 };
	uint64_t random = 1;
	for (int round = 0; round < 200; ++round) {
		struct journal_ranges ranges = {0};
		struct extent gap = {0};
		bool marked[SIZE] = {0};
		for (int i = 0; i < round; ++i) {
			random = random * 6364136223846793005u + 1442695040888963407u;
			uint64_t start = (random >> 33) % (SIZE - 20);
			uint64_t end = start + 1 + (random >> 50) % 20;
			REQUIRE(journal_ranges_add(&ranges, start, end) == 0);
			memset(marked + start, 1, end - start);
		}
		journal_ranges_order(&ranges);
		bool seen[SIZE] = {0};
		for (uint64_t at = 0; journal_ranges_gap(&ranges, at, SIZE, &gap); at = gap.end) {
			memset(seen + gap.start, 1, gap.end - gap.start);
		}
		for (size_t i = 0; i < SIZE; ++i) {
			CHECK(seen[i] != marked[i]);
		}
		free(ranges.list);
	}
}

TEST(a_change_in_the_same_tick_is_not_told) {
	struct timespec tick;
	REQUIRE(clock_getres(CLOCK_REALTIME_COARSE, &tick) == 0 && tick.tv_sec == 0);
	const struct {
		struct timespec change;
		struct timespec when;
		bool told;
	} rows[] = {
		{{1000, 123456789}, {1000, 123456789}, false},
		{{1000, 123456789}, {1000, 123456788 + tick.tv_nsec}, false},
		{{1000, 123456789}, {1000, 123456789 + tick.tv_nsec}, true},
		// Of the future, as of a server with another clock
		{{1001, 123456789}, {1000, 900000000}, false},
		// In steps of 10 and 100 ms, and of whole seconds
		{{1000, 120000000}, {1000, 129999999}, false},
		{{1000, 120000000}, {1000, 130000000}, true},
		{{1000, 200000000}, {1000, 299999999}, false},
		{{1000, 200000000}, {1000, 300000000}, true},
		{{1000, 0}, {1001, 999999999}, false},
		{{1000, 0}, {1002, 0}, true},
	};
	for (size_t i = 0; i < countof(rows); ++i) {
		const struct stat st = {.st_ctim = rows[i].change};
		CHECK_MSG(journal_can_tell(&st, &rows[i].when) == rows[i].told, "row %zu", i);
	}
}

TEST(what_was_noted_is_found) {
	go_to_scratch();
	make_journal();
	CHECK_EQ(journal_open(&journal, AT_FDCWD, 5), 0);
	CHECK(is_finished(a_file(1, 100), a_file(2, 100)));
	CHECK(!is_finished(a_file(1, 101), a_file(2, 100)));
	CHECK(!is_finished(a_file(1, 100), a_file(2, 99)));
	CHECK(!is_finished(a_file(9, 100), a_file(2, 100)));
	struct stat later = a_file(1, 100);
	later.st_ctim.tv_nsec = 1;
	CHECK(!is_finished(later, a_file(2, 100)));
	later = a_file(2, 100);
	later.st_mtim.tv_nsec = 1;
	CHECK(!is_finished(a_file(1, 100), later));

	struct stat src = a_file(3, 1000);
	struct stat left = a_file(4, 600);
	struct journal_part *part = journal_begin(&journal, "sub/big", &src, &left);
	REQUIRE(part);
	CHECK_EQ(part->done.count, 2);
	CHECK_EQ(part->done.list[0].end, 400);
	CHECK_EQ(part->done.list[1].start, 500);
	// Nobody else gets it
	CHECK(!journal_begin(&journal, "sub/big", &src, &left));
	CHECK_EQ(journal_close(&journal, JOURNAL_REMOVE), 0);
	CHECK(!exists(JOURNAL_NAME));
}

TEST(parts_that_are_written_at_once_are_told_apart) {
	struct stat one = a_file(3, 1000);
	struct stat two = a_file(5, 1000);
	struct stat left_of_one = a_file(4, 300);
	struct stat left_of_two = a_file(6, 100);
	go_to_scratch();
	CHECK_EQ(journal_open(&journal, AT_FDCWD, 5), 0);
	struct journal_part *a = journal_begin(&journal, "one", &one, NULL);
	struct journal_part *b = journal_begin(&journal, "two", &two, NULL);
	REQUIRE(a && b);
	journal_wrote(&journal, a, 4, 0, 100);
	journal_flush_part(&journal, a, 4);
	journal_wrote(&journal, b, 6, 0, 100);
	journal_flush_part(&journal, b, 6);
	journal_wrote(&journal, a, 4, 200, 300);
	journal_flush_part(&journal, a, 4);
	// More than there is of it
	journal_wrote(&journal, b, 6, 900, 1001);
	journal_flush_part(&journal, b, 6);
	CHECK_EQ(journal_close(&journal, JOURNAL_KEEP), 0);

	CHECK_EQ(journal_open(&journal, AT_FDCWD, 5), 0);
	a = journal_begin(&journal, "one", &one, &left_of_one);
	b = journal_begin(&journal, "two", &two, &left_of_two);
	REQUIRE(a && b);
	REQUIRE(a->done.count == 2 && b->done.count == 1);
	CHECK_EQ(a->done.list[0].end, 100);
	CHECK_EQ(a->done.list[1].start, 200);
	CHECK_EQ(a->done.list[1].end, 300);
	CHECK_EQ(b->done.list[0].end, 100);
	CHECK_EQ(journal_close(&journal, JOURNAL_REMOVE), 0);
}

/** Of a copy's inode that is used again the last record counts, and each file is told from all others. */
TEST(many_finished_files_are_told_apart) {
	enum { FILES = 5000 };
	go_to_scratch();
	CHECK_EQ(journal_open(&journal, AT_FDCWD, 5), 0);
	for (ino_t i = 1; i <= FILES; ++i) {
		struct stat src = a_file(i, 100);
		struct stat dst = a_file(i * 8, 100);
		journal_finish(&journal, &src, &dst);
	}
	struct stat other = a_file(FILES + 1, 100);
	struct stat again = a_file(8, 100);
	journal_finish(&journal, &other, &again);
	CHECK_EQ(journal_close(&journal, JOURNAL_KEEP), 0);

	CHECK_EQ(journal_open(&journal, AT_FDCWD, 5), 0);
	// Of 16 bytes each: ten millions take 200 MB
	CHECK(journal.index.finished.size <= FILES + FILES / 4 + 8);
	CHECK(!is_finished(a_file(1, 100), again));
	CHECK(is_finished(other, again));
	for (ino_t i = 2; i <= FILES; ++i) {
		CHECK(is_finished(a_file(i, 100), a_file(i * 8, 100)));
		CHECK(!is_finished(a_file(i - 1, 100), a_file(i * 8, 100)));
		CHECK(!is_finished(a_file(i, 100), a_file(i * 8 + 1, 100)));
	}
	CHECK_EQ(journal_close(&journal, JOURNAL_REMOVE), 0);
}

/** Begin the part with what is left and a source. Returns how many ranges are believed, by this run and the next. */
static size_t believed(struct stat src, const struct stat *left) {
	CHECK_EQ(journal_open(&journal, AT_FDCWD, 5), 0);
	struct journal_part *part = journal_begin(&journal, "sub/big", &src, left);
	REQUIRE(part);
	size_t count = part->done.count;
	CHECK_EQ(journal_close(&journal, JOURNAL_KEEP), 0);
	if (count == 0) {
		// Begun anew for ever, even if what is left looks right again
		struct stat right = a_file(4, 600);
		src = a_file(3, 1000);
		CHECK_EQ(journal_open(&journal, AT_FDCWD, 5), 0);
		part = journal_begin(&journal, "sub/big", &src, &right);
		REQUIRE(part);
		CHECK_EQ(part->done.count, 0);
		CHECK_EQ(journal_close(&journal, JOURNAL_KEEP), 0);
	}
	return count;
}

TEST(a_part_of_something_else_begins_anew) {
	struct stat left = a_file(4, 600);
	go_to_scratch();
	make_journal();
	CHECK_EQ(believed(a_file(3, 1000), &left), 2);
	CHECK_EQ(believed(a_file(3, 1001), &left), 0);
	make_journal();
	CHECK_EQ(believed(a_file(3, 1000), NULL), 0);
	make_journal();
	left.st_ino = 5;
	CHECK_EQ(believed(a_file(3, 1000), &left), 0);
	make_journal();
	left = a_file(4, 599);
	CHECK_EQ(believed(a_file(3, 1000), &left), 0);
}

TEST(other_options_make_other_files) {
	go_to_scratch();
	make_journal();
	CHECK_EQ(journal_open(&journal, AT_FDCWD, 6), 0);
	CHECK(!is_finished(a_file(1, 100), a_file(2, 100)));
	CHECK_EQ(journal_close(&journal, JOURNAL_KEEP), 0);
}

TEST(every_torn_journal_is_read_to_there) {
	size_t len;
	struct journal_index index;
	size_t most = 0;
	go_to_scratch();
	make_journal();
	char *data = content(&len);
	struct journal_now now = journal.now;
	for (size_t cut = 0; cut <= len; ++cut) {
		char *copy = malloc(cut + 1);
		REQUIRE(copy);
		memcpy(copy, data, cut);
		CHECK_EQ(journal_parse(&index, &now, copy, cut), 0);
		CHECK(index.valid <= cut && index.valid >= most);
		most = index.valid;
		journal_index_clear(&index);
		free(copy);
	}
	CHECK_EQ(most, len);
	free(data);
}

TEST(a_changed_byte_ends_it) {
	size_t len;
	struct journal_index index;
	go_to_scratch();
	make_journal();
	char *data = content(&len);
	struct journal_now now = journal.now;
	for (size_t i = 0; i < len; ++i) {
		data[i] ^= 0x40;
		CHECK_EQ(journal_parse(&index, &now, data, len), 0);
		CHECK_MSG(index.valid <= i, "byte %zu: %zu valid", i, index.valid);
		journal_index_clear(&index);
		data[i] ^= 0x40;
	}
	free(data);
}

/** Its machine may be the one that has the copy again later. */
TEST(a_journal_of_the_other_byte_order_stays) {
	size_t len;
	size_t len_after;
	struct journal_top top;
	go_to_scratch();
	make_journal();
	char *data = content(&len);
	for (size_t i = 0; i < 2; ++i) {
		char byte = data[i];
		data[i] = data[3 - i];
		data[3 - i] = byte;
	}
	int fd = open(JOURNAL_NAME, O_RDWR | O_CLOEXEC);
	REQUIRE(fd >= 0);
	CHECK_EQ(pwrite(fd, data, 4, 0), 4);
	CHECK_EQ(journal_read_top(&top, fd, NULL), -EPROTO);
	CHECK_EQ(top.place, JOURNAL_UNKNOWN);
	close(fd);
	CHECK_EQ(journal_open(&journal, AT_FDCWD, 5), -EPROTO);
	char *after = content(&len_after);
	CHECK(len == len_after && memcmp(data, after, len) == 0);
	free(data);
	free(after);
}

TEST(records_of_another_journal_make_no_sense) {
	size_t one_len;
	size_t two_len;
	struct journal_index index;
	go_to_scratch();
	make_journal();
	char *one = content(&one_len);
	REQUIRE(unlink(JOURNAL_NAME) == 0);
	make_journal();
	char *two = content(&two_len);
	char *both = malloc(one_len + two_len);
	REQUIRE(both && one_len == two_len);
	memcpy(both, one, one_len);
	// The number is the first record's; what follows is the other one's
	size_t first = 16 + 8;
	memcpy(both + first, two + first, two_len - first);
	CHECK_EQ(journal_parse(&index, &journal.now, both, one_len), 0);
	CHECK_EQ(index.valid, first);
	journal_index_clear(&index);
	free(one);
	free(two);
	free(both);
}

static void write_number(const char *path, const char *text) {
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	REQUIRE(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

/** As in /sys: links to a disk, to a partition in it, and to devices of other kinds. */
TEST(a_medium_that_is_put_back_is_another) {
	go_to_scratch();
	REQUIRE(mkdir("disk", 0700) == 0 && mkdir("disk/part", 0700) == 0 && mkdir("old", 0700) == 0);
	REQUIRE(symlink("disk", "8:0") == 0 && symlink("disk/part", "8:1") == 0 && symlink("old", "8:16") == 0);
	write_number("disk/diskseq", "12\n");
	CHECK_EQ(journal_medium(".", makedev(8, 0)), 12);
	CHECK_EQ(journal_medium(".", makedev(8, 1)), 12);
	CHECK_EQ(journal_medium(".", makedev(8, 16)), 0);
	CHECK_EQ(journal_medium(".", makedev(0, 40)), 0);
	CHECK_EQ(journal_medium("none", makedev(8, 0)), 0);
}

TEST(after_a_crash_only_what_is_marked_counts) {
	size_t len;
	struct journal_index index;
	go_to_scratch();
	make_journal();
	char *data = content(&len);
	struct journal_now now = journal.now;
	now.boot[3] ^= 1;
	CHECK_EQ(journal_parse(&index, &now, data, len), 0);
	CHECK_EQ(index.valid, len);
	CHECK(!index.finished.slots);
	// That there is a part is known, but nothing of it
	CHECK(index.parts);
	journal_index_clear(&index);
	now = journal.now;
	++now.mount;
	CHECK_EQ(journal_parse(&index, &now, data, len), 0);
	CHECK(!index.finished.slots);
	journal_index_clear(&index);
	free(data);
}

/** More parts than could be gone through for each record, and several windows full. */
TEST(many_parts_are_found_by_their_numbers) {
	enum { PARTS = 20000, RANGES = 4 };
	struct buf buf = {0};
	struct journal_index index;
	const struct journal_now now = {.boot = "one", .mount = 1, .dev = 7, .options = 5};
	const struct journal_first first = {.id = 9};
	char begun[sizeof(struct journal_begun) + 16];
	append(&buf, JOURNAL_FIRST, 0, &first, sizeof(first));
	append(&buf, JOURNAL_RUN, 9, &now, sizeof(now));
	for (uint64_t i = 1; i <= PARTS; ++i) {
		const struct journal_begun begin = {.id = i, .src = {.size = 1000}};
		memcpy(begun, &begin, sizeof(begin));
		int len = sprintf(begun + sizeof(begin), "p%d", (int)i);
		append(&buf, JOURNAL_BEGUN, 9, begun, sizeof(begin) + (size_t)len);
	}
	for (uint64_t k = 0; k < RANGES; ++k) {
		for (uint64_t i = 1; i <= PARTS; ++i) {
			const struct journal_written written = {.id = i, .dev = 7, .ino = i, .range = {k * 20, k * 20 + 10}};
			append(&buf, JOURNAL_WRITTEN, 9, &written, sizeof(written));
		}
	}
	go_to_scratch();
	int fd = open("many", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	REQUIRE(fd >= 0 && write(fd, buf.data, buf.len) == (ssize_t)buf.len);
	for (int from_file = 0; from_file < 2; ++from_file) {
		CHECK_EQ(from_file ? journal_read(&index, &now, fd, NULL) : journal_parse(&index, &now, buf.data, buf.len), 0);
		CHECK_EQ(index.valid, buf.len);
		CHECK_EQ(index.last_part, PARTS);
		for (int i = 1; i <= PARTS; ++i) {
			char path[16];
			sprintf(path, "p%d", i);
			struct journal_part *part = journal_find_part(&index, path);
			REQUIRE(part);
			CHECK(part->ino == (uint64_t)i && part->done.count == RANGES && part->done.list[RANGES - 1].end == 70);
		}
		journal_index_clear(&index);
	}
	atomic_bool cancelled = true;
	CHECK_EQ(journal_read(&index, &now, fd, &cancelled), -EINTR);
	journal_index_clear(&index);
	close_fd(&fd);
	buf_free(&buf);
}

TEST(what_is_marked_counts_after_a_crash) {
	struct buf buf = {0};
	struct journal_index index;
	struct journal_now run = {.boot = "one", .mount = 1, .dev = 7, .options = 5};
	const struct journal_now now = {.boot = "two", .mount = 2, .dev = 7, .options = 5};
	const struct journal_first first = {.id = 9};
	struct journal_finished finished = {.src = {.ino = 1}, .copy = {.dev = 7, .ino = 2}};
	const struct journal_begun begun = {.id = 1, .src = {.size = 1000}};
	struct journal_written written = {.id = 1, .dev = 7, .ino = 4, .range = {0, 100}};
	char path[sizeof(begun) + 1] = {0};

	append(&buf, JOURNAL_FIRST, 0, &first, sizeof(first));
	append(&buf, JOURNAL_RUN, 9, &run, sizeof(run));
	append(&buf, JOURNAL_FINISHED, 9, &finished, sizeof(finished));
	memcpy(path, &begun, sizeof(begun));
	path[sizeof(begun)] = 'p';
	append(&buf, JOURNAL_BEGUN, 9, path, sizeof(path));
	append(&buf, JOURNAL_WRITTEN, 9, &written, sizeof(written));
	// On another device, which was not written to its medium
	finished.copy = (struct journal_copy) {.dev = 8, .ino = 3};
	append(&buf, JOURNAL_FINISHED, 9, &finished, sizeof(finished));
	const struct journal_mark mark = {.offset = buf.len};
	written.range = (struct extent) {200, 300};
	append(&buf, JOURNAL_WRITTEN, 9, &written, sizeof(written));
	append(&buf, JOURNAL_MARK, 9, &mark, sizeof(mark));

	CHECK_EQ(journal_parse(&index, &now, buf.data, buf.len), 0);
	CHECK_EQ(index.valid, buf.len);
	CHECK(!journal_table_has(&index.finished, 9, &finished));
	finished.copy = (struct journal_copy) {.dev = 7, .ino = 2};
	CHECK(journal_table_has(&index.finished, 9, &finished));
	struct journal_part *part = journal_find_part(&index, "p");
	REQUIRE(part);
	CHECK_EQ(part->done.count, 1);
	CHECK_EQ(part->done.list[0].end, 100);
	journal_index_clear(&index);

	// A mark is of its own run only
	append(&buf, JOURNAL_RUN, 9, &run, sizeof(run));
	append(&buf, JOURNAL_WRITTEN, 9, &written, sizeof(written));
	CHECK_EQ(journal_parse(&index, &now, buf.data, buf.len), 0);
	part = journal_find_part(&index, "p");
	REQUIRE(part);
	CHECK_EQ(part->done.count, 1);
	journal_index_clear(&index);
	buf_free(&buf);
}

TEST(one_at_a_time) {
	struct journal other = {0};
	go_to_scratch();
	CHECK_EQ(journal_open(&journal, AT_FDCWD, 5), 0);
	CHECK_EQ(journal_open(&other, AT_FDCWD, 5), -EBUSY);
	CHECK(!journal_is_open(&other));
	CHECK_EQ(journal_close(&other, JOURNAL_REMOVE), 0);
	CHECK_EQ(journal_close(&journal, JOURNAL_REMOVE), 0);
	CHECK(!exists(JOURNAL_NAME));
}

TEST(a_directory_keeps_its_times_and_its_mode) {
	struct stat before;
	struct stat after;
	const struct timespec times[2] = {{.tv_sec = 1000}, {.tv_sec = 2000}};
	go_to_scratch();
	REQUIRE(mkdir("dir", 0755) == 0);
	int dir = open("dir", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK_EQ(journal_open(&journal, dir, 5), 0);
	REQUIRE(fchmod(dir, 0555) == 0 && futimens(dir, times) == 0 && fstat(dir, &before) == 0);
	CHECK_EQ(journal_close(&journal, JOURNAL_REMOVE), 0);
	CHECK(!exists("dir/" JOURNAL_NAME));
	REQUIRE(fstat(dir, &after) == 0);
	CHECK_EQ(after.st_mode, before.st_mode);
	CHECK_EQ(after.st_mtim.tv_sec, 2000);
	close(dir);
}

UNIT_MAIN
