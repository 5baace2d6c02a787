// SPDX-License-Identifier: MIT
#include "display/scan-impl.h"

#include "base/io.h"
#include "base/open.h"
#include "base/limits.h"
#include "base/opts.h"
#include "sys/extent.h"

#include <fcntl.h>
#include <stdlib.h>

/**
 * Open a regular file that was found, but no other file that stands there by now: merely opening a device has effects.
 * Returns a descriptor, or -1.
 */
static int open_found(const struct opts *opts, const struct walk_found *found) {
	bool follow = opts->deref == DEREF_ALWAYS || (opts->deref == DEREF_OPERANDS && found->dir == AT_FDCWD);
	struct stat st;
	int there = openat(found->dir, found->name, O_PATH | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW));
	int fd = -1;
	if (there >= 0 && fstat(there, &st) == 0 && S_ISREG(st.st_mode) && inode_same(inode_of(&st), inode_of(found->st))) {
		fd = open_again(there, -1, NULL, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	}
	close_fd(&there);
	return max(fd, -1);
}

/** How many bytes of data a file has between its holes. */
static uint64_t data_between_holes(struct scan *scan, const struct walk_found *found) {
	uint64_t size = (uint64_t)found->st->st_size;
	int fd = open_found(scan->opts, found);
	uint64_t data = fd >= 0 ? extent_sum(fd, size, &scan->stop) : size;
	close_fd(&fd);
	return data;
}

/** How many bytes will be copied for a regular file. */
static uint64_t bytes_of(struct scan *scan, const struct walk_found *found) {
	const struct opts *opts = scan->opts;
	const struct stat *st = found->st;

	if (opts->flags & (OPT_HARD_LINK | OPT_SYMBOLIC_LINK | OPT_ATTRIBUTES_ONLY)) {
		return 0;
	}
	if ((opts->preserve & PRESERVE_LINKS) && (st->st_nlink > 1 || opts->deref != DEREF_NEVER)
		&& inode_set_add(&scan->linked, inode_of(st)) == 0)
	{
		return 0;
	}
	if (opts->sparse != WHEN_NEVER && (uint64_t)st->st_blocks * 512 < (uint64_t)st->st_size) {
		return data_between_holes(scan, found);
	}
	return (uint64_t)st->st_size;
}

/** Count a file. */
static bool count(void *arg, const struct walk_found *found) {
	struct scan *scan = arg;
	counter_add(&scan->bytes, S_ISREG(found->st->st_mode) ? bytes_of(scan, found) : 0);
	counter_add(&scan->files, 1);
	return !atomic_load(&scan->stop);
}

static void *run(void *arg) {
	struct scan *scan = arg;
	const struct walk walk = {.opts = scan->opts,
		.limits = scan->limits,
		.meet = count,
		.arg = scan,
		.stop = &scan->stop};
	for (int i = 0; i < scan->operand_count && !atomic_load(&scan->stop); ++i) {
		// Files that cannot be examined are not counted; copying them will report why
		walk_operand(&walk, scan->operands[i]);
	}
	atomic_store(&scan->final, !atomic_load(&scan->stop));
	return NULL;
}

void scan_start(struct scan *scan, const struct opts *opts, const struct limits *limits, int count) {
	if (scan->started) {
		return;
	}
	*scan = (struct scan) {.opts = opts, .limits = limits, .operands = opts->operands, .operand_count = count};
	scan->started = !(limits->flags & LIMITS_ALONE) && pthread_create(&scan->thread, NULL, run, scan) == 0;
}

struct totals scan_totals(const struct scan *scan) {
	bool final = atomic_load(&scan->final);
	return (struct totals) {
		.bytes = counter_get(&scan->bytes),
		.files = counter_get(&scan->files),
		.final = final,
	};
}

void scan_stop(struct scan *scan) {
	if (scan->started) {
		atomic_store(&scan->stop, true);
		thread_must(pthread_join(scan->thread, NULL));
		scan->started = false;
	}
	inode_set_clear(&scan->linked, free);
}
