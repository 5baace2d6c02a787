// SPDX-License-Identifier: MIT
#include "base/path.h"
#include "scratch.h"
#include "sys/tempfile.h"
#include "unit.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static bool exists(const char *path) {
	struct stat st;
	return lstat(path, &st) == 0;
}

static int make(const char *path) {
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	REQUIRE(fd >= 0);
	return fd;
}

TEST(known_names_follow_from_the_last_component) {
	char *a = tempfile_path("name", TEMPFILE_KNOWN);
	char *b = tempfile_path("some/where/name", TEMPFILE_KNOWN);
	char *c = tempfile_path("mane", TEMPFILE_KNOWN);
	REQUIRE(a && b && c);
	CHECK(tempfile_is_name(a));
	CHECK_STR(last_component(b), a);
	CHECK(strncmp(b, "some/where/.ucp-", 16) == 0);
	CHECK(strcmp(a, c) != 0);
	free(a);
	free(b);
	free(c);
}

TEST(random_names_differ) {
	char *a = tempfile_path("name", TEMPFILE_RANDOM);
	char *b = tempfile_path("name", TEMPFILE_RANDOM);
	REQUIRE(a && b);
	CHECK(tempfile_is_name(a) && tempfile_is_name(b) && strcmp(a, b) != 0);
	free(a);
	free(b);
}

TEST(other_names_are_not_hidden_ones) {
	CHECK(tempfile_is_name(".ucp-0123456789abcdef"));
	CHECK(!tempfile_is_name(".ucp-0123456789abcde"));
	CHECK(!tempfile_is_name(".ucp-0123456789abcdef0"));
	CHECK(!tempfile_is_name(".ucp-0123456789abcdeX"));
	CHECK(!tempfile_is_name(".ucp-0123456789ABCDEF"));
	CHECK(!tempfile_is_name("ucp-0123456789abcdef"));
	CHECK(!tempfile_is_name(".ucp-"));
	CHECK(!tempfile_is_name(""));
}

TEST(what_is_left_is_cleared) {
	go_to_scratch();
	CHECK_EQ(tempfile_clear(AT_FDCWD, "nothing", NULL), 0);
	close(make("file"));
	CHECK_EQ(tempfile_clear(AT_FDCWD, "file", NULL), 0);
	CHECK(!exists("file"));
	REQUIRE(symlink("nowhere", "link") == 0 && mkfifo("fifo", 0644) == 0);
	CHECK_EQ(tempfile_clear(AT_FDCWD, "link", NULL), 0);
	CHECK_EQ(tempfile_clear(AT_FDCWD, "fifo", NULL), 0);
	CHECK(!exists("link") && !exists("fifo"));
}

TEST(what_is_used_is_not_cleared) {
	go_to_scratch();
	int fd = make("file");
	CHECK_EQ(tempfile_lock(fd, 0), 0);
	CHECK_EQ(tempfile_clear(AT_FDCWD, "file", NULL), -EBUSY);
	CHECK(exists("file"));
	close(fd);
	CHECK_EQ(tempfile_clear(AT_FDCWD, "file", NULL), 0);
	REQUIRE(mkdir("dir", 0755) == 0);
	CHECK_EQ(tempfile_clear(AT_FDCWD, "dir", NULL), -EBUSY);
	CHECK(exists("dir"));
}

/** Thread: keeps the lock of a file for longer than leftovers are waited for. */
static void *let_go_late(void *fd) {
	usleep(700000);
	close(*(int *)fd);
	return NULL;
}

TEST(a_killed_run_is_waited_for) {
	go_to_scratch();
	pthread_t thread;
	int fd = make("file");
	struct tempfile_patience patience = {.wait = 10 * TEMPFILE_KILLED_WAIT};
	CHECK_EQ(tempfile_lock(fd, 0), 0);
	REQUIRE(pthread_create(&thread, NULL, let_go_late, &fd) == 0);
	CHECK_EQ(tempfile_clear(AT_FDCWD, "file", &patience), 0);
	CHECK(!exists("file") && !patience.spent);
	pthread_join(thread, NULL);
}

TEST(a_lock_on_what_was_cleared_is_none) {
	go_to_scratch();
	int fd = make("file");
	CHECK_EQ(tempfile_clear(AT_FDCWD, "file", NULL), 0);
	CHECK_EQ(tempfile_lock(fd, 0), -ESTALE);
	close(fd);
	fd = make("file");
	int other = open("file", O_WRONLY | O_CLOEXEC);
	CHECK_EQ(tempfile_lock(fd, 0), 0);
	CHECK_EQ(tempfile_lock(other, 1), -EBUSY);
	close(fd);
	close(other);
}

TEST(names_are_given_only_where_they_are_free) {
	go_to_scratch();
	close(make("taken"));
	int fd = open(".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0644);
	if (fd < 0) {
		SKIP("no O_TMPFILE here");
	}
	CHECK_EQ(tempfile_link(fd, AT_FDCWD, "taken"), -EEXIST);
	CHECK_EQ(tempfile_link(fd, AT_FDCWD, "free"), 0);
	CHECK(exists("free"));
	close(fd);
	CHECK_EQ(tempfile_move(AT_FDCWD, "free", "taken"), -EEXIST);
	CHECK(exists("free"));
	CHECK_EQ(tempfile_move(AT_FDCWD, "free", "new"), 0);
	CHECK(exists("new") && !exists("free"));
	CHECK_EQ(tempfile_move(AT_FDCWD, "nothing", "other"), -ENOENT);
}

UNIT_MAIN
