// SPDX-License-Identifier: MIT
/**
 * What the parts of the coordinator share; for these only.
 */

#ifndef UCP_COORDINATOR_IMPL_H
#define UCP_COORDINATOR_IMPL_H

#include "base/limits.h"
#include "base/opts.h"
#include "dest/dest.h"
#include "dest/hardlinks.h"
#include "display/display.h"
#include "display/writeback.h"
#include "journal/checksums.h"
#include "run/scaling.h"
#include "run/work.h"
#include "run/worker.h"
#include "sys/flush.h"

#include <signal.h>

struct machine;

/** Workers that get a whole window each. */
#define WIDE_WORKERS 4

/**
 * Further workers only hide latency, so they are kept small: one chunk of FURTHER_CHUNK bytes, or up to FURTHER_DEPTH
 * small files of FURTHER_WINDOW bytes in total. All of them together use less than 64 MiB.
 */
#define FURTHER_DEPTH 16u
#define FURTHER_WINDOW ((size_t)64 << 10)
#define FURTHER_CHUNK ((size_t)256 << 10)

/** Work per second (256 MiB/s, or 4096 small files/s) above which the source is fast: reading it again is cheap. */
#define COORDINATOR_FAST 4096.0

/** The thread that takes the signals that end a run: it notices them whatever the other threads wait for. */
struct guard {
	/** The signals it waits for: those of the deadly ones that are not ignored. And the signal mask from before. */
	sigset_t deadly;
	sigset_t before;
	/** The main thread, which has to be woken, too. */
	pthread_t main;
	pthread_t thread;
	bool started;
	/** Set to end the thread. */
	atomic_bool over;
	/** Guards guard::working: whether there are workers to be stopped. */
	pthread_mutex_t lock;
	bool working;
};

/** How the sources are read (medium.c). */
struct medium {
	struct head_choice choice;
	struct head_facts facts;
	/** The time of the last look at the work, and the work done by then. */
	double since;
	double done;
};

/** Everything a run consists of. */
struct run {
	struct writeback writeback;
	/** The user's, or run::adapted: with -f and a backup, a file copied onto itself is copied to run::onto[1]. */
	const struct opts *opts;
	struct opts adapted;
	char *onto[2];
	struct limits limits;
	struct report *report;
	struct flush flush;
	struct checksums checksums;
	struct trees trees;
	struct hardlinks hardlinks;
	struct dest dest;
	struct files files;
	struct work work;
	struct display display;

	struct rate_file rate_file;
	struct worker *workers;
	struct counters *counters;
	/** How many workers were started, how many there may be, and how many of them are to work. */
	atomic_uint worker_count;
	unsigned most_workers;
	unsigned wanted;
	/** Whether the only worker is this thread. */
	bool alone;
	/** Whether the user was warned that progress cannot be shown. */
	bool blind;

	struct guard guard;
	/** The signals that do not end the run. */
	sigset_t questions;
	/** The signal that ends the run, or 0. */
	atomic_int signal;
	double start;
	struct scaling scaling;
	struct medium medium;
};

/** Block the signals we wait for, except those that were ignored before (as by nohup), and start the guard. */
void coordinator_take_signals(struct run *run);

/** End the guard. Returns the signal that ended the run, or 0. Signals that come later have their usual effect. */
int coordinator_give_signals(struct run *run);

/** Stop everything, and wake all threads that sleep in the kernel. SIGNAL: the reason, or 0. May be called again. */
void coordinator_cancel(struct run *run, int signal);

/** Handle SIGNAL, one of run::questions. */
void coordinator_obey(struct run *run, int signal);

/** Flush everything that was not flushed file by file (--fsync), and display that. */
void coordinator_flush(struct run *run);

/** Print what the rings did (--debug). */
void coordinator_explain(struct run *run);

/** Print what was done. */
void coordinator_sum_up(struct run *run);

/** The work done: names and directories handled, and bytes copied. */
double coordinator_work_done(const struct run *run);

/** Find out whether the sources may be on a medium with a head. The first one stands for all. */
void coordinator_look_for_head(struct run *run);

/** Choose how the sources are read, by what the workers found out since. To be called often. */
void coordinator_choose_way(struct run *run);

/** Choose what the machine allows: threads, what they keep in flight, descriptors and memory. */
struct limits coordinator_choose_limits(const struct opts *opts, const struct machine *machine);

/** Whether a limit leaves so few tasks that they are better left to other programs. */
bool coordinator_tasks_are_few(const struct limits *limits);

/**
 * Whether all there is to do is to copy one small cached file between file systems of this machine. No system call
 * waits for others then, so no thread is needed for signals or progress.
 */
bool coordinator_is_done_at_once(const struct opts *opts);

/**
 * With OPT_MOVE: whether the sources that are large or directories will have to be copied, or some of them. Such a move
 * keeps a journal, so that it goes on if it was interrupted.
 */
bool coordinator_crosses(const struct opts *opts);

/**
 * Run a worker in this thread, if no other thread is needed, or a limit allows none (pids.max). It shows no progress. A
 * signal of DEADLY cancels the copy; a second one ends the program, except with LIMITS_AT_ONCE.
 *
 * @return That signal, or 0.
 */
int coordinator_work_alone(struct worker *worker, const sigset_t *deadly);

/**
 * Print what can be done about the reported errors, if it is not obvious.
 *
 * @param sum       What was done.
 * @param withheld  Whether --delete removed nothing from some directory, as something failed there.
 */
void coordinator_give_hints(const struct opts *opts, struct report *report, const struct counters *sum, bool withheld);

/** Print why io_uring may be missing. ERR: the error of opening a ring. */
void coordinator_hint_ring(struct report *report, int err);

#endif // UCP_COORDINATOR_IMPL_H
