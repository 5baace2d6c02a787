// SPDX-License-Identifier: MIT
/**
 * What the tests of tree work with.
 */

#ifndef UCP_TEST_TREE_KIT_H
#define UCP_TEST_TREE_KIT_H

#include "base/limits.h"
#include "base/opts.h"
#include "report/report.h"
#include "scratch.h"
#include "tree/tree.h"
#include "unit.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

// --- What every test needs

static struct {
	struct opts opts;
	struct limits limits;
	struct report report;
	struct trees trees;
	struct tree *base;
} t;

/** As trees::judge. */
typedef enum tree_verdict judge_fn(struct dest *dest, struct tree *tree, const struct entry *entry, struct error *fail);

/** Begin with an empty directory, in which "dst" is the destination. */
static void set_up_with(unsigned max_trees, judge_fn *judge) {
	go_to_scratch();
	umask(022);
	t.opts = (struct opts) {
		.flags = OPT_RECURSIVE | (geteuid() == 0 ? OPT_PRIVILEGED : 0),
		.deref = DEREF_NEVER,
		.umask = 022,
	};
	t.limits = (struct limits) {.max_trees = max_trees};
	report_init(&t.report, "ucp");
	trees_init(&t.trees, &t.opts, &t.limits, &t.report);
	t.trees.judge = judge;
	REQUIRE(mkdir("dst", 0755) == 0 && mkdir("src", 0755) == 0);
	t.base = tree_base(&t.trees, open("dst", O_RDONLY | O_DIRECTORY | O_CLOEXEC), "dst");
	REQUIRE(t.base);
}

static void tear_down(void) {
	CHECK_EQ(atomic_load(&t.base->refs), 1);
	CHECK_EQ(atomic_load(&t.base->keeps), 1);
	tree_unref(t.base);
	CHECK_EQ(t.trees.open, 0);
	trees_destroy(&t.trees);
	report_finish(&t.report);
}

static struct tree *enter(struct tree *parent, const char *name) {
	struct entry entry = {.name = name, .dst_name = name};
	return tree_enter(parent, &entry, 0);
}

static struct tree *must_enter(struct tree *parent, const char *name) {
	struct tree *tree = enter(parent, name);
	REQUIRE(tree);
	return tree;
}

static struct inode inode_at(const char *path) {
	struct stat st = {0};
	CHECK_MSG(lstat(path, &st) == 0, "%s: %s", path, strerror(errno));
	return inode_of(&st);
}

static void check_fd(int fd, const char *path) {
	struct stat st = {0};
	CHECK(fstat(fd, &st) == 0);
	CHECK_MSG(inode_same(inode_of(&st), inode_at(path)), "not %s", path);
}

static void check_path(const struct tree *tree, enum side side, const char *name, const char *wanted) {
	char *path = tree_path(tree, side, name);
	CHECK_STR(path, wanted);
	free(path);
}

#endif // UCP_TEST_TREE_KIT_H
