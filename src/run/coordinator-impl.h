/**
 * What the parts of coordinator share; for the coordinator room only.
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

/** Those that have a whole window each. */
#define WIDE_WORKERS 4

/**
 * Further ones are for what waits long, and there memory counts, that of each slot: one small chunk in flight or so many
 * small files, of so many bytes together. All of them have less than 64 MiB.
 */
#define FURTHER_DEPTH 16u
#define FURTHER_WINDOW ((size_t)64 << 10)
#define FURTHER_CHUNK ((size_t)256 << 10)

/** Who takes the signals that end a run: a thread of its own, so that they are heard whatever the others wait for. */
struct guard {
	/** What it waits for: of the deadly signals those that are not ignored; and what was blocked before. */
	sigset_t deadly;
	sigset_t before;
	/** The main thread, which is woken too. */
	pthread_t main;
	pthread_t thread;
	bool started;
	/** Set to end it. */
	atomic_bool over;
	/** Guards guard::working: only while there are workers they can be told to stop. */
	pthread_mutex_t lock;
	bool working;
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
	/** How many were started, how many there may be, and how many of them are to work. */
	atomic_uint worker_count;
	unsigned most_workers;
	unsigned wanted;
	/** Whether the only one is this thread. */
	bool alone;
	/** Whether it was said that progress cannot be shown. */
	bool blind;

	struct guard guard;
	/** The signals that do not end it. */
	sigset_t questions;
	/** The one that ends it all, or 0. */
	atomic_int signal;
	double start;
	struct scaling scaling;
};

/** Take the signals we wait for, those aside that are ignored as nohup does, and start the guard. */
void coordinator_take_signals(struct run *run);

/** End the guard. Returns the signal that ended the run, if it came by now, or 0; later ones have their usual effect. */
int coordinator_give_signals(struct run *run);

/** Stop everything, and see that nobody sleeps in the kernel for ever. SIGNAL is why, or 0. May be called again. */
void coordinator_cancel(struct run *run, int signal);

/** Do what a signal asks for that does not end the run: one of run::questions. */
void coordinator_obey(struct run *run, int signal);

/** See that everything is on its medium, as far as that is not done file by file (--fsync), and show that meanwhile. */
void coordinator_flush(struct run *run);

/** Say what the rings did (--debug). */
void coordinator_explain(struct run *run);

/** Say what was done. */
void coordinator_sum_up(struct run *run);

/** What the machine allows: threads, what they keep in flight, descriptors and memory. */
struct limits coordinator_choose_limits(const struct opts *opts, const struct machine *machine);

/** Whether a limit leaves so few tasks by now that they are better left to others. */
bool coordinator_tasks_are_few(const struct limits *limits);

/**
 * Whether all there is to do is one small file that is in the page cache, from and to file systems of this machine, so that
 * no system call waits for others: then no thread has to be there for signals, and none for progress.
 */
bool coordinator_is_done_at_once(const struct opts *opts);

/**
 * Run a worker in this thread, if there is no need of another, or a limit leaves no room for one (pids.max): without progress,
 * and a signal of DEADLY cancels the copy. Without LIMITS_AT_ONCE a second one ends the program.
 *
 * @return That signal, or 0.
 */
int coordinator_work_alone(struct worker *worker, const sigset_t *deadly);

/**
 * Say what can be done about errors that were reported, where it is not obvious. SUM: what was done.
 */
void coordinator_give_hints(const struct opts *opts, struct report *report, const struct counters *sum);

/** Say why there may be no io_uring, where the error of opening one was ERR. */
void coordinator_hint_ring(struct report *report, int err);

#endif // UCP_COORDINATOR_IMPL_H
