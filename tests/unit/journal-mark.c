// SPDX-License-Identifier: MIT
/**
 * journal.c: what is written and marked while a copy is running. (Waiting for the next moment takes no time here, and
 * the file system does as it is told: see the Makefile, --wrap.)
 */

#include "scratch.h"
#include "unit.h"

#include "journal/journal-impl.h"
#include "sys/flush.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>

/** How many waits may still end at once, as if a second had gone by; and how many did. */
static atomic_int seconds;
static atomic_int seconds_gone;

/** What syncfs(2) fails with, or 0; how often it was asked; and whether the file system reports errors. */
static atomic_int sync_error;
static atomic_int syncs;
static atomic_bool reports;

int __wrap_pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex, const struct timespec *until);
int __wrap_pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex, const struct timespec *until) {
	(void)cond;
	(void)until;
	if (atomic_load(&seconds) > 0) {
		atomic_fetch_sub(&seconds, 1);
		atomic_fetch_add(&seconds_gone, 1);
		return ETIMEDOUT;
	}
	// Let others have the lock, and look again
	mutex_unlock(mutex);
	usleep(1000);
	mutex_lock(mutex);
	return 0;
}

int __wrap_syncfs(int fd);
int __wrap_syncfs(int fd) {
	(void)fd;
	atomic_fetch_add(&syncs, 1);
	errno = atomic_load(&sync_error);
	return errno ? -1 : 0;
}

bool __wrap_flush_reports(int fd);
bool __wrap_flush_reports(int fd) {
	(void)fd;
	return atomic_load(&reports);
}

static struct journal journal;

/** Begin, on a file system that does as it should. */
static void begin(void) {
	go_to_scratch();
	atomic_store(&sync_error, 0);
	atomic_store(&reports, true);
	CHECK_EQ(journal_open(&journal, AT_FDCWD, 5), 0);
}

/** Let so many seconds go by, and see that all is done which is due then. */
static void let_pass(int count) {
	atomic_store(&seconds_gone, 0);
	// One more begins only when all before is done
	atomic_store(&seconds, count + 1);
	while (atomic_load(&seconds_gone) <= count) {
		usleep(1000);
	}
}

/** What is in a journal: finished files, those of them that are before a mark, and marks. */
struct content {
	int finished;
	int marked;
	int marks;
};

static struct content look(void) {
	static char data[1 << 20];
	static size_t finished_at[100];
	struct content content = {0};
	int fd = open(JOURNAL_NAME, O_RDONLY | O_CLOEXEC);
	REQUIRE(fd >= 0);
	ssize_t size = read(fd, data, sizeof(data));
	close(fd);
	for (ssize_t at = 0; at + (ssize_t)sizeof(struct journal_head) <= size;) {
		struct journal_head head;
		struct journal_mark mark;
		memcpy(&head, data + at, sizeof(head));
		CHECK_EQ(head.magic, JOURNAL_MAGIC);
		if (head.kind == JOURNAL_FINISHED) {
			finished_at[content.finished++] = (size_t)at;
		} else if (head.kind == JOURNAL_MARK) {
			memcpy(&mark, data + at + sizeof(head), sizeof(mark));
			CHECK(mark.offset > 0 && mark.offset <= (uint64_t)at);
			++content.marks;
			content.marked = 0;
			for (int i = 0; i < content.finished; ++i) {
				content.marked += finished_at[i] < mark.offset;
			}
		}
		at += (ssize_t)sizeof(head) + head.len;
	}
	return content;
}

/** Note a file of so many bytes. */
static void finish(ino_t ino, off_t size) {
	const struct stat src = {.st_ino = ino, .st_size = size};
	const struct stat dst = {.st_dev = 7, .st_ino = ino, .st_size = size};
	journal_finish(&journal, &src, &dst);
}

TEST(what_is_on_the_medium_is_marked) {
	begin();
	let_pass(65);
	CHECK(look().marks >= 2);
	CHECK_EQ(journal_close(&journal, JOURNAL_KEEP), 0);
	// They make sense to the next one
	int before = look().marks;
	CHECK_EQ(journal_open(&journal, AT_FDCWD, 5), 0);
	CHECK_EQ(journal_close(&journal, JOURNAL_KEEP), 0);
	CHECK_EQ(look().marks, before);
}

TEST(finished_files_are_noted_after_a_second) {
	begin();
	finish(1, 100);
	finish(2, 100);
	CHECK_EQ(look().finished, 0);
	let_pass(1);
	CHECK_EQ(look().finished, 2);
	CHECK_EQ(journal_close(&journal, JOURNAL_KEEP), 0);
}

TEST(finished_files_are_noted_at_once_if_they_are_big) {
	begin();
	finish(1, 4 << 20);
	CHECK_EQ(look().finished, 0);
	finish(2, 4 << 20);
	CHECK_EQ(look().finished, 2);
	finish(3, 8 << 20);
	CHECK_EQ(look().finished, 3);
	CHECK_EQ(journal_close(&journal, JOURNAL_KEEP), 0);
}

TEST(more_than_is_held_back) {
	begin();
	for (ino_t ino = 1; ino <= 90; ++ino) {
		finish(ino, 0);
	}
	CHECK(look().finished > 0);
	CHECK_EQ(journal_close(&journal, JOURNAL_KEEP), 0);
	CHECK_EQ(look().finished, 90);
}

TEST(what_is_held_back_is_noted_before_a_mark) {
	begin();
	let_pass(28);
	finish(1, 100);
	let_pass(31);
	CHECK_EQ(look().marked, 1);
	CHECK_EQ(journal_close(&journal, JOURNAL_KEEP), 0);
}

TEST(no_marks_where_errors_are_not_reported) {
	begin();
	CHECK_EQ(journal_close(&journal, JOURNAL_REMOVE), 0);
	atomic_store(&reports, false);
	CHECK_EQ(journal_open(&journal, AT_FDCWD, 5), 0);
	finish(1, 100);
	let_pass(65);
	CHECK_EQ(look().finished, 1);
	CHECK_EQ(look().marks, 0);
	CHECK_EQ(journal_close(&journal, JOURNAL_KEEP), 0);
}

TEST(what_was_not_written_is_forgotten) {
	begin();
	finish(1, 100);
	let_pass(30);
	CHECK_EQ(look().marked, 1);
	finish(2, 100);
	let_pass(1);
	CHECK_EQ(look().finished, 2);
	atomic_store(&sync_error, EIO);
	let_pass(30);
	struct content content = look();
	CHECK_EQ(content.finished, 1);
	CHECK_EQ(content.marked, 1);
	// The file system has told, and says no more
	atomic_store(&sync_error, 0);
	finish(3, 9 << 20);
	let_pass(31);
	CHECK_EQ(look().finished, 1);
	CHECK_EQ(journal_settle(&journal), -EIO);
	CHECK_EQ(journal_close(&journal, JOURNAL_KEEP), -EIO);
	CHECK_EQ(look().finished, 1);
}

TEST(nothing_is_left_if_nothing_was_marked) {
	begin();
	finish(1, 9 << 20);
	CHECK_EQ(look().finished, 1);
	journal_doubt(&journal, -EIO);
	CHECK_EQ(look().finished, 0);
	CHECK_EQ(journal_settle(&journal), 0);
	CHECK_EQ(journal_close(&journal, JOURNAL_KEEP), -EIO);
	CHECK_EQ(journal_open(&journal, AT_FDCWD, 5), 0);
	CHECK(!journal_goes_on(&journal));
	CHECK_EQ(journal_close(&journal, JOURNAL_REMOVE), 0);
}

UNIT_MAIN
