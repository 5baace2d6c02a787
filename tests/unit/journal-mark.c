/**
 * journal.c: the marks that are set while a copy is running. (Waiting for the next one takes no time here: see the
 * Makefile, --wrap.)
 */

#include "scratch.h"
#include "unit.h"

#include "journal-impl.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>

/** How many waits end at once, as if half a minute had gone by. */
static atomic_int skipped_waits;

int __real_pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex, const struct timespec *until);
int __wrap_pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex, const struct timespec *until);
int __wrap_pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex, const struct timespec *until) {
	if (atomic_load(&skipped_waits) > 0) {
		return ETIMEDOUT;
	}
	return __real_pthread_cond_timedwait(cond, mutex, until);
}

/** The marks in a journal, each of which covers all that comes before it. Returns how many. */
static int marks(void) {
	static char data[1 << 20];
	int count = 0;
	int fd = open(JOURNAL_NAME, O_RDONLY | O_CLOEXEC);
	REQUIRE(fd >= 0);
	ssize_t size = read(fd, data, sizeof(data));
	close(fd);
	for (ssize_t at = 0; at + (ssize_t)sizeof(struct journal_head) <= size;) {
		struct journal_head head;
		struct journal_mark mark;
		memcpy(&head, data + at, sizeof(head));
		CHECK_EQ(head.magic, JOURNAL_MAGIC);
		if (head.kind == JOURNAL_MARK) {
			memcpy(&mark, data + at + sizeof(head), sizeof(mark));
			CHECK(mark.offset > 0 && mark.offset <= (uint64_t)at);
			++count;
		}
		at += (ssize_t)sizeof(head) + head.len;
	}
	return count;
}

TEST(what_is_on_the_medium_is_marked) {
	static struct journal journal;
	go_to_scratch();
	atomic_store(&skipped_waits, 1);
	CHECK_EQ(journal_open(&journal, AT_FDCWD, 5), 0);
	int seen = 0;
	for (int i = 0; i < 10000 && seen < 2; ++i) {
		seen = marks();
		usleep(1000);
	}
	atomic_store(&skipped_waits, 0);
	CHECK(seen >= 2);
	CHECK_EQ(journal_close(&journal, JOURNAL_KEEP), 0);
	// They make sense to the next one
	int before = marks();
	CHECK_EQ(journal_open(&journal, AT_FDCWD, 5), 0);
	CHECK_EQ(journal_close(&journal, JOURNAL_KEEP), 0);
	CHECK_EQ(marks(), before);
}

UNIT_MAIN
