// SPDX-License-Identifier: MIT
/**
 * links.c: the first of several names is copied, the others wait and become links, or are tried anew.
 */

#include "unit.h"

#include "base/limits.h"
#include "base/opts.h"
#include "base/random.h"
#include "dest/hardlinks.h"
#include "report/report.h"
#include "tree/tree.h"

#include <fcntl.h>
#include <stdlib.h>

/** What the first name became; nobody looks. */
#define COPY ((struct inode) {.dev = 1, .ino = 2})

/** What every test needs. */
static struct {
	struct opts opts;
	struct limits limits;
	struct report report;
	struct trees trees;
	struct hardlinks hardlinks;
	struct tree *tree;
} t;

static void set_up(void) {
	t.opts = (struct opts) {0};
	t.limits = (struct limits) {.max_trees = 4};
	report_init(&t.report, "unit");
	trees_init(&t.trees, &t.opts, &t.limits, &t.report);
	hardlinks_init(&t.hardlinks);
	t.tree = tree_base(&t.trees, AT_FDCWD, NULL);
	REQUIRE(t.tree);
}

static void tear_down(void) {
	CHECK_EQ(atomic_load(&t.tree->refs), 1);
	hardlinks_destroy(&t.hardlinks);
	CHECK_EQ(atomic_load(&t.tree->keeps), 1);
	tree_unref(t.tree);
	trees_destroy(&t.trees);
	CHECK_EQ(report_finish(&t.report), 0);
}

static struct inode inode(ino_t ino) {
	return (struct inode) {.dev = 7, .ino = ino};
}

/** Meet a name, whose memory does not live on. */
static enum link_verdict meet(ino_t ino, const char *name, struct link **link, const struct link_name **to) {
	char src[40];
	char dst[40];
	snprintf(src, sizeof(src), "src-%s", name);
	snprintf(dst, sizeof(dst), "dst-%s", name);
	struct entry entry = {.name = src, .dst_name = dst};
	return hardlinks_enter(&t.hardlinks, inode(ino), t.tree, &entry, NULL, link, to);
}

/** The first of those that waited is this one. */
static void check_waited(struct list *waiting, const char *src, const char *dst) {
	struct list *node = list_pop(waiting);
	REQUIRE(node);
	struct link_name *name = list_item(node, struct link_name, node);
	CHECK_STR(name->src_name, src);
	CHECK_STR(name->dst_name, dst);
	CHECK(name->tree == t.tree);
	link_name_free(name);
}

/** Inode 1 is being copied as "a". OTHERS, names of one letter, wait for it. */
static struct link *copy_while_others_wait(const char *others, struct list *waiting) {
	struct link *link = NULL;
	struct link *none = NULL;
	const struct link_name *to = NULL;
	set_up();
	list_init(waiting);
	CHECK_EQ(meet(1, "a", &link, &to), LINK_COPY);
	for (const char *other = others; *other; ++other) {
		CHECK_EQ(meet(1, (char[]) {*other, '\0'}, &none, &to), LINK_WAIT);
	}
	CHECK(!none && !to);
	return link;
}

TEST(others_wait_for_the_first) {
	struct link *none = NULL;
	const struct link_name *to = NULL;
	struct list waiting;
	struct link *link = copy_while_others_wait("bcd", &waiting);
	CHECK_EQ(atomic_load(&t.tree->refs), 4);
	CHECK(!hardlinks_is_copy(&t.hardlinks, COPY));

	const struct link_name *first = hardlinks_done(&t.hardlinks, link, t.tree, COPY, &waiting);
	REQUIRE(first);
	CHECK(hardlinks_is_copy(&t.hardlinks, COPY));
	CHECK_STR(first->dst_name, "dst-a");
	CHECK(first->tree == t.tree);
	check_waited(&waiting, "src-b", "dst-b");
	check_waited(&waiting, "src-c", "dst-c");
	check_waited(&waiting, "src-d", "dst-d");
	CHECK(list_empty(&waiting));

	// Whoever comes later need not wait
	CHECK_EQ(meet(1, "e", &none, &to), LINK_TO);
	CHECK(to == first);
	CHECK_STR(to->dst_name, "dst-a");
	CHECK(!none);
	CHECK_EQ(atomic_load(&t.tree->keeps), 2);
	tear_down();
}

TEST(after_a_failure_the_others_are_handed_back) {
	struct link *again = NULL;
	struct link *none = NULL;
	const struct link_name *to = NULL;
	struct list waiting;
	struct link *link = copy_while_others_wait("bc", &waiting);
	hardlinks_failed(&t.hardlinks, link, &waiting);
	check_waited(&waiting, "src-b", "dst-b");
	CHECK_EQ(atomic_load(&t.tree->keeps), 1);

	// It is as if it had never been met
	CHECK_EQ(meet(1, "b", &again, &to), LINK_COPY);
	CHECK_EQ(meet(1, "d", &none, &to), LINK_WAIT);
	check_waited(&waiting, "src-c", "dst-c");
	CHECK(list_empty(&waiting));
	const struct link_name *first = hardlinks_done(&t.hardlinks, again, t.tree, COPY, &waiting);
	REQUIRE(first);
	CHECK_STR(first->dst_name, "dst-b");
	check_waited(&waiting, "src-d", "dst-d");
	CHECK(list_empty(&waiting));
	CHECK(!none && !to);
	tear_down();
}

TEST(files_are_told_apart) {
	struct link *hardlinks[3] = {NULL};
	struct link *none = NULL;
	const struct link_name *to = NULL;
	struct list waiting;
	set_up();
	list_init(&waiting);
	for (ino_t i = 0; i < 3; ++i) {
		CHECK_EQ(meet(i, "x", &hardlinks[i], &to), LINK_COPY);
	}
	CHECK(hardlinks[0] != hardlinks[1] && hardlinks[1] != hardlinks[2]);
	CHECK_EQ(meet(1, "y", &none, &to), LINK_WAIT);
	hardlinks_done(&t.hardlinks, hardlinks[0], t.tree, COPY, &waiting);
	CHECK(list_empty(&waiting));
	hardlinks_failed(&t.hardlinks, hardlinks[2], &waiting);
	CHECK(list_empty(&waiting));
	hardlinks_done(&t.hardlinks, hardlinks[1], t.tree, COPY, &waiting);
	check_waited(&waiting, "src-y", "dst-y");
	CHECK_EQ(meet(2, "z", &hardlinks[2], &to), LINK_COPY);
	hardlinks_failed(&t.hardlinks, hardlinks[2], &waiting);
	tear_down();
}

// --- Several threads

enum { INODES = 40, THREADS = 6, NAMES = 10 };

/** What became of the names of each inode. */
static struct {
	atomic_uint copied;
	atomic_uint failed;
	atomic_uint linked;
	/** The name that was copied. */
	char first[40];
} inodes[INODES];

/** Link those that waited, or meet them anew. */
static void treat(ino_t ino, const char *name, uint64_t *random);

static void finish(ino_t ino, const char *name, struct link *link, uint64_t *random) {
	struct list waiting;
	list_init(&waiting);
	bool fails = random_next(random) % 3 == 0 && atomic_load(&inodes[ino].failed) < 5;
	if (fails) {
		atomic_fetch_add(&inodes[ino].failed, 1);
		hardlinks_failed(&t.hardlinks, link, &waiting);
	} else {
		atomic_fetch_add(&inodes[ino].copied, 1);
		strcpy(inodes[ino].first, name);
		const struct link_name *first = hardlinks_done(&t.hardlinks, link, t.tree, COPY, &waiting);
		CHECK(first && strcmp(first->dst_name, name) == 0);
	}
	for (struct list *node; (node = list_pop(&waiting));) {
		struct link_name *waited = list_item(node, struct link_name, node);
		if (fails) {
			treat(ino, waited->dst_name, random);
		} else {
			atomic_fetch_add(&inodes[ino].linked, 1);
		}
		link_name_free(waited);
	}
}

static void treat(ino_t ino, const char *name, uint64_t *random) {
	struct link *link;
	const struct link_name *to;
	struct entry entry = {.name = name, .dst_name = name};
	switch (hardlinks_enter(&t.hardlinks, inode(ino), t.tree, &entry, NULL, &link, &to)) {
	case LINK_COPY:
		finish(ino, name, link, random);
		break;
	case LINK_TO:
		CHECK_STR(to->dst_name, inodes[ino].first);
		atomic_fetch_add(&inodes[ino].linked, 1);
		break;
	case LINK_WAIT:
		break;
	case LINK_NO_MEMORY:
		CHECK_MSG(false, "no memory");
	}
}

static void *meet_all(void *arg) {
	uint64_t random = (uintptr_t)arg;
	for (unsigned i = 0; i < INODES * NAMES; ++i) {
		char name[40];
		snprintf(name, sizeof(name), "%ju-%u", (uintmax_t)(uintptr_t)arg, i);
		treat(i % INODES, name, &random);
	}
	return NULL;
}

TEST(each_file_is_copied_once) {
	pthread_t threads[THREADS];
	set_up();
	for (uintptr_t i = 0; i < THREADS; ++i) {
		thread_must(pthread_create(&threads[i], NULL, meet_all, (void *)i));
	}
	for (size_t i = 0; i < THREADS; ++i) {
		thread_must(pthread_join(threads[i], NULL));
	}
	for (size_t i = 0; i < INODES; ++i) {
		CHECK_EQ(atomic_load(&inodes[i].copied), 1);
		unsigned names = 1 + atomic_load(&inodes[i].linked) + atomic_load(&inodes[i].failed);
		CHECK_EQ(names, THREADS * NAMES);
	}
	tear_down();
}

UNIT_MAIN
