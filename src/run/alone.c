// SPDX-License-Identifier: MIT
#include "run/coordinator-impl.h"

#include "base/io.h"
#include "base/limits.h"
#include "base/opts.h"
#include "base/path.h"
#include "copy/file.h"
#include "run/worker.h"
#include "sys/extent.h"
#include "sys/fstype.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>

/** Most bytes of a small file. */
#define SMALL (64 << 10)

/** Bytes of a file that is worth a journal. */
#define LARGE (4 << 20)

/** Options that ask or show something, wait for a medium, or need a journal. */
#define SLOW_FLAGS \
	(OPT_INTERACTIVE | OPT_PARENTS | OPT_POSIX | OPT_FSYNC | OPT_VERIFY | OPT_STATS | OPT_JSON | OPT_IDLE \
		| OPT_DRY_RUN | OPT_ATOMIC | OPT_RESUME)

/** For the signal handler: the flag that cancels the copy, and the signal that came. */
static atomic_bool *cancelled;
static volatile sig_atomic_t caught;

static void on_deadly(int signal) {
	caught = signal;
	atomic_store(cancelled, true);
}

/** Whether the options ask for nothing but a copy. */
static bool is_plain(const struct opts *opts) {
	return !(opts->flags & SLOW_FLAGS) && opts->engine == ENGINE_AUTO && opts->inject == 0 && opts->rate == 0
		&& !opts->rate_file && !opts->checksums && opts->progress <= PROGRESS_AUTO
		&& opts->operand_count == (opts->target_directory ? 1 : 2);
}

/** Whether the operand is a small file that can be read without waiting. */
static bool is_source_at_hand(const struct opts *opts) {
	struct stat st;
	int flags = O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC | (opts->deref == DEREF_NEVER ? O_NOFOLLOW : 0);
	// Opening anything else may have side effects
	if (fstatat(AT_FDCWD, opts->operands[0], &st, opts->deref == DEREF_NEVER ? AT_SYMLINK_NOFOLLOW : 0) != 0
		|| !S_ISREG(st.st_mode) || st.st_size > SMALL)
	{
		return false;
	}
	int fd = open(opts->operands[0], flags);
	bool good = fd >= 0 && fstype_is(fd, FSTYPE_LOCAL)
		&& (st.st_size == 0 || extent_is_cached(fd, (struct extent) {.end = (uint64_t)st.st_size}) > 0);
	close_fd(&fd);
	return good;
}

/**
 * Whether a name leads to a directory or a regular file on a file system of this machine.
 *
 * @param st  Set to its stat if so.
 * @return 1, 0, or -ENOENT if there is nothing.
 */
static int is_at_hand(int dir, const char *name, struct stat *st) {
	int fd = openat(dir, name, O_PATH | O_CLOEXEC);
	if (fd < 0) {
		return errno == ENOENT ? -ENOENT : 0;
	}
	bool good = fstat(fd, st) == 0 && (S_ISDIR(st->st_mode) || S_ISREG(st->st_mode)) && fstype_is(fd, FSTYPE_LOCAL);
	close_fd(&fd);
	return good;
}

/** Whether the directory of PATH is on a file system of this machine. */
static bool is_parent_at_hand(const char *path) {
	struct stat st;
	char *dir = parent_directory(path);
	bool good = dir && is_at_hand(AT_FDCWD, dir, &st) > 0;
	free(dir);
	return good;
}

/** Whether the operand's destination can be written without waiting. */
static bool is_destination_at_hand(const struct opts *opts) {
	const char *target = opts->target_directory ? opts->target_directory : opts->operands[1];
	struct stat st;
	int ret = is_at_hand(AT_FDCWD, target, &st);
	if (ret < 0) {
		return is_parent_at_hand(target);
	}
	if (ret > 0 && S_ISDIR(st.st_mode)) {
		int dir = open(target, O_PATH | O_DIRECTORY | O_CLOEXEC);
		ret = dir >= 0 ? is_at_hand(dir, last_component(opts->operands[0]), &st) : 0;
		close_fd(&dir);
	}
	return ret == 1 || ret == -ENOENT;
}

/**
 * Find the directory that a move leads to.
 *
 * @param merged  Set to whether a directory is named as the destination of a directory.
 * @return Whether it was found.
 */
static bool look_at_target(const struct opts *opts, struct statx *stx, bool *merged) {
	const char *last = opts->operand_count > 0 ? opts->operands[opts->operand_count - 1] : "";
	const char *target = opts->target_directory ? opts->target_directory : last;
	const unsigned mask = STATX_BASIC_STATS | STATX_MNT_ID;
	bool exists = statx(AT_FDCWD, target, 0, mask, stx) == 0 && S_ISDIR(stx->stx_mode);
	*merged = exists && (opts->flags & OPT_NO_TARGET_DIRECTORY);
	if (exists && !*merged) {
		return true;
	}
	char *dir = parent_directory(target);
	bool found = dir && statx(AT_FDCWD, dir, 0, mask, stx) == 0;
	free(dir);
	return found;
}

static bool same_device(const struct statx *a, const struct statx *b) {
	return a->stx_dev_major == b->stx_dev_major && a->stx_dev_minor == b->stx_dev_minor;
}

/** Whether a move will only rename, since all operands are on the mount to which they are moved. */
static bool is_only_renamed(const struct opts *opts) {
	struct statx there;
	struct statx stx;
	bool merged;
	int sources = opts->operand_count - !opts->target_directory;
	const unsigned slow = SLOW_FLAGS & ~(unsigned)OPT_ATOMIC;
	if (!(opts->flags & OPT_MOVE) || (opts->flags & slow) || opts->select || opts->progress > PROGRESS_AUTO
		|| !look_at_target(opts, &there, &merged) || merged || !(there.stx_mask & STATX_MNT_ID))
	{
		return false;
	}
	for (int i = 0; i < sources; ++i) {
		if (statx(AT_FDCWD, opts->operands[i], AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS | STATX_MNT_ID, &stx) != 0
			|| !same_device(&stx, &there) || stx.stx_mnt_id != there.stx_mnt_id)
		{
			return false;
		}
	}
	return sources > 0;
}

bool coordinator_crosses(const struct opts *opts) {
	struct statx there;
	struct statx stx;
	bool merged;
	int sources = opts->operand_count - !opts->target_directory;
	if (!look_at_target(opts, &there, &merged)) {
		return false;
	}
	for (int i = 0; i < sources; ++i) {
		if (statx(AT_FDCWD, opts->operands[i], AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &stx) == 0
			&& !same_device(&stx, &there) && (S_ISDIR(stx.stx_mode) || stx.stx_size >= LARGE))
		{
			return true;
		}
	}
	return false;
}

bool coordinator_is_done_at_once(const struct opts *opts) {
	if (opts->flags & OPT_MOVE) {
		return is_only_renamed(opts);
	}
	return is_plain(opts) && is_source_at_hand(opts) && is_destination_at_hand(opts);
}

int coordinator_work_alone(struct worker *worker, const sigset_t *deadly) {
	// No other thread waits for signals. If something may hang, a second signal of a kind ends the program at once
	const int once = worker->files->limits->flags & LIMITS_AT_ONCE ? 0 : (int)SA_RESETHAND;
	const struct sigaction action = {.sa_handler = on_deadly, .sa_flags = once};
	cancelled = &worker->files->cancelled;
	worker->alone = true;
	for (int signal = 1; signal < SIGRTMIN; ++signal) {
		if (sigismember(deadly, signal) == 1) {
			sigaction(signal, &action, NULL);
		}
	}
	pthread_sigmask(SIG_UNBLOCK, deadly, NULL);
	worker_run(worker);
	pthread_sigmask(SIG_BLOCK, deadly, NULL);
	return caught;
}
