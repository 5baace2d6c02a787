// SPDX-License-Identifier: MIT
#include "run/coordinator-impl.h"

#include "base/opts.h"
#include "sys/flush.h"
#include "sys/machine.h"

#include <limits.h>
#include <sys/resource.h>

/** Without --threads: most workers started at once, and most there may be per processor and in all. */
#define FIRST_WORKERS 8
#define WORKERS_EACH 32
#define MOST_WORKERS 64

/** Descriptors for everything but workers and trees. */
#define OTHER_FDS 10

/** Descriptors per worker at least, and per worker that the user did not ask for. */
#define WORKER_FDS 16
#define EXTRA_WORKER_FDS 128

/** 1/MEMORY_SHARE of the memory may be in flight. */
#define MEMORY_SHARE 4

/** Fewer tasks (processes, threads) than this are left to others; our tasks besides the workers (guard, scan). */
#define FEW_TASKS 8
#define OTHER_TASKS 2

/** Bytes of memory with INJECT_LITTLE_MEMORY. */
#define LITTLE_MEMORY ((uint64_t)32 << 20)

/** Most directories kept open. */
#define MAX_TREES 512

/** Share out the descriptors that this process may have. */
static void budget_fds(struct limits *limits, const struct opts *opts) {
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
		limit.rlim_cur = 64;
	} else if (limit.rlim_cur < limit.rlim_max) {
		rlim_t soft = limit.rlim_cur;
		limit.rlim_cur = min(limit.rlim_max, (rlim_t)65536);
		if (limit.rlim_cur < soft || setrlimit(RLIMIT_NOFILE, &limit) != 0) {
			limit.rlim_cur = soft;
		}
	}
	unsigned fds = (unsigned)min(limit.rlim_cur, (rlim_t)65536);
	bool flushes = (opts->flags & OPT_FSYNC) || opts->progress == PROGRESS_SYNCED;
	unsigned others = OTHER_FDS + (flushes ? FLUSH_MOST : 0) + (opts->checksums ? 1 : 0);
	unsigned free_fds = fds > others + 8 ? fds - others : 8;
	limits->threads = max(min(limits->threads, free_fds / WORKER_FDS), 1u);
	unsigned most = max(free_fds / (opts->threads == 0 ? EXTRA_WORKER_FDS : WORKER_FDS), limits->threads);
	limits->max_threads = min(limits->max_threads, most);
	// Half for files, as many per worker as it has chunks; the rest for directories
	unsigned files = (free_fds / 2 / limits->max_threads - 1) / 2;
	limits->queue_depth = max(min(limits->queue_depth, files), 1u);
	limits->max_trees = max(min(free_fds / 4, (unsigned)MAX_TREES), 2u);
}

/** Limit what is in flight, so that most of the memory is left to others, including the page cache. */
static void budget_memory(struct limits *limits, const struct opts *opts, uint64_t memory) {
	uint64_t share = memory / MEMORY_SHARE;
	if (opts->threads == 0) {
		limits->max_threads =
			(unsigned)min((uint64_t)limits->max_threads, max(share / limits->chunk_size, (uint64_t)1));
		limits->threads = min(limits->threads, limits->max_threads);
	}
	limits->window = min(limits->window, share / max(min(limits->max_threads, WIDE_WORKERS), 1u));
}

/**
 * Leave at least half of the tasks that can still be started (pids.max, RLIMIT_NPROC) to others. Each worker needs two:
 * itself, and a kernel thread for requests that wait in its io_uring.
 */
static void budget_tasks(struct limits *limits, uint64_t tasks) {
	if (tasks == UINT64_MAX) {
		return;
	}
	if (tasks < FEW_TASKS) {
		limits->flags |= LIMITS_ALONE;
	}
	uint64_t ours = tasks < FEW_TASKS ? 2 : tasks / 2 - OTHER_TASKS;
	limits->max_threads = (unsigned)max(min((uint64_t)limits->max_threads, ours / 2), (uint64_t)1);
	limits->threads = min(limits->threads, limits->max_threads);
	limits->helpers = (unsigned)min(ours / limits->max_threads - 1, (uint64_t)UINT_MAX);
}

bool coordinator_tasks_are_few(const struct limits *limits) {
	return limits->helpers > 0 && machine_look().tasks < FEW_TASKS;
}

struct limits coordinator_choose_limits(const struct opts *opts, const struct machine *machine) {
	struct limits limits = {
		.threads = opts->threads,
		.max_threads = opts->threads,
		.queue_depth = opts->queue_depth,
		.chunk_size = opts->chunk_size,
		.range_size = max(opts->range_size, (uint64_t)opts->chunk_size),
		.window = opts->window,
		.memory = opts->inject & INJECT_LITTLE_MEMORY ? LITTLE_MEMORY : machine->memory,
	};
	if (opts->threads == 0) {
		limits.threads = min(machine->processors, FIRST_WORKERS);
		limits.max_threads = min(machine->processors * WORKERS_EACH, MOST_WORKERS);
	}
	budget_memory(&limits, opts, machine->memory);
	budget_tasks(&limits, machine->tasks);
	limits.window = max(limits.window, limits.chunk_size);
	budget_fds(&limits, opts);
	return limits;
}
