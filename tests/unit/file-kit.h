// SPDX-License-Identifier: MIT
/**
 * What the tests of file work with.
 */

#ifndef UCP_TEST_FILE_KIT_H
#define UCP_TEST_FILE_KIT_H

#include "base/limits.h"
#include "base/opts.h"
#include "copy/file.h"
#include "dest/dest.h"
#include "dest/hardlinks.h"
#include "display/progress.h"
#include "report/report.h"
#include "scratch.h"
#include "unit.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define BLOCK 4096u

static bool exists(const char *path) {
	struct stat st;
	return lstat(path, &st) == 0;
}

static struct stat stat_of(const char *path) {
	struct stat st = {0};
	CHECK_MSG(lstat(path, &st) == 0, "%s: %s", path, strerror(errno));
	return st;
}

/** Write COUNT blocks of a pattern to a file, at a block. */
static void write_blocks(const char *path, unsigned at, unsigned count) {
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	REQUIRE(fd >= 0);
	for (unsigned i = at; i < at + count; ++i) {
		char data[BLOCK];
		memset(data, (int)(1 + i % 255), sizeof(data));
		CHECK_EQ(pwrite(fd, data, sizeof(data), (off_t)i * BLOCK), BLOCK);
	}
	close(fd);
}

static void set_size(const char *path, off_t size) {
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	REQUIRE(fd >= 0 && ftruncate(fd, size) == 0);
	close(fd);
}

static void check_same(const char *a, const char *b) {
	char x[BLOCK];
	char y[BLOCK];
	int from = open(a, O_RDONLY | O_CLOEXEC);
	int to = open(b, O_RDONLY | O_CLOEXEC);
	REQUIRE(from >= 0 && to >= 0);
	for (;;) {
		ssize_t n = read(from, x, sizeof(x));
		CHECK_EQ(read(to, y, sizeof(y)), n);
		if (n <= 0) {
			break;
		}
		CHECK_MEM(x, y, (size_t)n);
	}
	close(from);
	close(to);
}

// --- What every test needs

static struct {
	struct opts opts;
	struct limits limits;
	struct report report;
	struct trees trees;
	struct dest dest;
	struct hardlinks hardlinks;
	struct files files;
	struct counters counters;
	struct file_context ctx;
	/** src and dst/src, pinned. */
	struct tree *tree;
} t;

/** Begin with empty directories "src" and "dst". Options may be changed until open_tree(). */
static void set_up(void) {
	go_to_scratch();
	umask(022);
	t.opts = (struct opts) {
		.flags = OPT_RECURSIVE | (geteuid() == 0 ? OPT_PRIVILEGED : 0),
		.deref = DEREF_NEVER, .engine = ENGINE_SYNC, .sparse = WHEN_AUTO, .reflink = WHEN_NEVER,
		.suffix = "~", .umask = 022,
	};
	t.limits = (struct limits) {.max_trees = 8};
	REQUIRE(mkdir("src", 0755) == 0 && mkdir("dst", 0755) == 0 && mkdir("dst/src", 0755) == 0);
}

static void open_tree(void) {
	static char operands[2][4] = {"src", "dst"};
	static char *list[] = {operands[0], operands[1]};
	t.opts.operands = list;
	t.opts.operand_count = 2;
	report_init(&t.report, "ucp");
	trees_init(&t.trees, &t.opts, &t.limits, &t.report);
	hardlinks_init(&t.hardlinks);
	REQUIRE(dest_init(&t.dest, &t.opts, &t.report, &t.trees) == 0);
	files_init(&t.files, &t.opts, &t.limits, &t.report, &t.hardlinks, &t.dest);
	memset(&t.counters, 0, sizeof(t.counters));
	file_context_init(&t.ctx, &t.files, &t.counters);
	struct entry entry = {.name = "src", .dst_name = "src", .type = DT_DIR};
	t.tree = tree_enter(t.dest.base, &entry, 0);
	REQUIRE(t.tree);
	CHECK_EQ(tree_list(t.tree), 0);
}

/** Nothing may be left that refers to anything. */
static void tear_down(void) {
	CHECK_EQ(atomic_load(&t.tree->refs), 1);
	tree_unpin(t.tree);
	tree_unref(t.tree);
	file_context_destroy(&t.ctx);
	files_destroy(&t.files);
	hardlinks_destroy(&t.hardlinks);
	CHECK_EQ(atomic_load(&t.dest.base->refs), 1);
	tree_unref(t.dest.base);
	dest_destroy(&t.dest);
	trees_destroy(&t.trees);
	report_finish(&t.report);
}

static struct entry entry_of(const char *name) {
	for (size_t i = 0; i < t.tree->listing.file_count; ++i) {
		if (strcmp(t.tree->listing.files[i].name, name) == 0) {
			return listing_entry(&t.tree->listing.files[i]);
		}
	}
	REQUIRE(false);
	return (struct entry) {0};
}

static struct file *begin(const char *name) {
	const struct entry entry = entry_of(name);
	return file_begin(&t.ctx, t.tree, &entry, NULL, NULL);
}

static struct file *must_begin(const char *name) {
	struct file *file = begin(name);
	REQUIRE(file);
	return file;
}

/** Move a range of a file. */
static void move(struct file *file, const struct extent *range) {
	char data[BLOCK];
	for (uint64_t off = range->start; off < range->end;) {
		ssize_t n = pread(file->source.fd, data, (size_t)min(range->end - off, (uint64_t)BLOCK), (off_t)off);
		if (n <= 0) {
			CHECK_EQ(n, 0);
			file_ended(file, off);
			return;
		}
		CHECK_EQ(pwrite(file->target.fd, data, (size_t)n, (off_t)off), n);
		off += (uint64_t)n;
	}
}

static void move_all(struct file *file, uint64_t want) {
	struct extent range;
	while (file_claim(file, want, &range)) {
		CHECK(range.start < range.end && range.end - range.start <= want);
		move(file, &range);
	}
}

#endif // UCP_TEST_FILE_KIT_H
