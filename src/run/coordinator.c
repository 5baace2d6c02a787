// SPDX-License-Identifier: MIT
#include "run/coordinator-impl.h"
#include "run/coordinator.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/opts.h"
#include "dest/remove.h"
#include "report/report.h"
#include "sys/machine.h"
#include "sys/output.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/** Nanoseconds between ticks: SHORT_TICK in the first EARLY seconds while more workers may be needed, else TICK. */
#define TICK 100000000L
#define SHORT_TICK 20000000L
#define EARLY 1.0

/** Most workers worth having if only big files are left. */
#define FILE_WORKERS 8u

/** Workers per processor that are added without proof that they help: if names are left, and if only big files are. */
#define FREE_FOR_NAMES 4
#define FREE_FOR_FILES 2

/** Batches into which the operands are split for each worker, and the fewest names of a batch. */
#define BATCHES_EACH 4
#define LEAST_BATCH 8

/** With --engine=uring, check that there is one. */
static bool engine_ok(const struct run *run) {
	struct ring *ring;
	struct ring_params params = {.depth = 1, .chunk_size = 4096, .inject = run->opts->inject};
	if (run->opts->engine != ENGINE_URING) {
		return true;
	}
	int ret = ring_open(&ring, &params);
	if (ret < 0) {
		report_error(run->report, ERROR_START, -ret, "cannot use io_uring, which --engine=uring asks for", NULL, NULL);
		coordinator_hint_ring(run->report, -ret);
		return false;
	}
	ring_close(ring);
	return true;
}

/** Hand COUNT operands to the workers. Returns 0 or -ENOMEM. */
static int push_batch(struct run *run, const struct listed *listed, size_t count) {
	struct batch *batch = batch_new(run->dest.base, listed, count);
	if (!batch) {
		return -ENOMEM;
	}
	if ((run->dest.flags & DEST_SERIAL) || !work_push(&run->work, batch)) {
		work_push_later(&run->work, batch);
	}
	return 0;
}

/** Hand the operands to the workers. Returns 0 or -ENOMEM. */
static int push_operands(struct run *run) {
	struct listing *listing = &run->dest.base->listing;
	size_t count = listing->file_count;
	int ret = 0;

	if (run->dest.flags & DEST_SERIAL) {
		for (size_t at = 0; at < count && ret == 0; ++at) {
			ret = push_batch(run, listing->files + at, 1);
		}
		return ret;
	}
	// Several batches for each worker. The batch pushed last is taken first
	size_t share = max(count / ((size_t)run->limits.threads * BATCHES_EACH), (size_t)LEAST_BATCH);
	size_t size = min(share, (size_t)run->opts->batch_size);
	for (size_t left = count; left > 0 && ret == 0;) {
		size_t n = left % size > 0 ? left % size : size;
		left -= n;
		ret = push_batch(run, listing->files + left, n);
	}
	return ret;
}

/** Start one more worker. Returns 0 or -errno. */
static int start_worker(struct run *run) {
	unsigned i = run->worker_count;
	struct worker *worker = &run->workers[i];
	bool wide = i < WIDE_WORKERS;
	if (!run->files.writeback) {
		memset(&run->counters[i], 0, sizeof(run->counters[i]));
	}
	*worker = (struct worker) {
		.opts = run->opts,
		.report = run->report,
		.work = &run->work,
		.files = &run->files,
		.counters = &run->counters[i],
		.index = i,
		.alone = run->limits.max_threads == 1,
		.narrow = !wide,
		.chunk_size = wide ? run->limits.chunk_size : min(run->limits.chunk_size, FURTHER_CHUNK),
		.depth = wide ? run->limits.queue_depth : min(run->limits.queue_depth, FURTHER_DEPTH),
		.window = wide ? run->limits.window : FURTHER_WINDOW,
		.coordinator = pthread_self(),
	};
	int err = run->limits.flags & LIMITS_ALONE ? EAGAIN : pthread_create(&worker->thread, NULL, worker_run, worker);
	if (err == 0) {
		++run->worker_count;
	}
	return -err;
}

/** Warn once that progress cannot be shown although the user asks for it, because no thread can start. ERR: why. */
static void say_blind(struct run *run, int err) {
	if (run->opts->progress != PROGRESS_AUTO && run->opts->progress != PROGRESS_NEVER && !run->blind) {
		run->blind = true;
		report_warn(run->report, ERROR_START, err, "warning: cannot start a thread, so no progress is shown", NULL,
			NULL);
	}
}

/** Start bringing data to the medium (--progress=synced). */
static void start_writeback(struct run *run) {
	if (run->opts->progress != PROGRESS_SYNCED) {
		return;
	}
	writeback_init(&run->writeback, &run->files.throttle, &run->files.cancelled, NULL);
	run->files.writeback = &run->writeback;
	// The counters of all workers are read from now on
	memset(run->counters, 0, run->most_workers * sizeof(*run->counters));
	int ret = run->limits.flags & LIMITS_ALONE ? -EAGAIN
											   : writeback_start(&run->writeback, run->counters, run->most_workers);
	if (ret < 0) {
		say_blind(run, -ret);
	}
}

/** Start up to COUNT more workers. If that fails, or other programs need the tasks, the existing workers will do. */
static void add_workers(struct run *run, unsigned count) {
	count = min(count, run->most_workers - run->worker_count);
	if (count > 0 && coordinator_tasks_are_few(&run->limits)) {
		run->most_workers = run->worker_count;
		return;
	}
	for (; count > 0; --count) {
		work_join(&run->work, 1);
		if (start_worker(run) < 0) {
			work_leave(&run->work, 1);
			run->most_workers = run->worker_count;
			return;
		}
	}
}

/** Start the first workers. Returns false if there are none. */
static bool start_workers(struct run *run) {
	const struct opts *opts = run->opts;
	unsigned most = run->limits.max_threads;
	run->most_workers = most;
	// Each worker is initialised when it starts: to touch all of this memory would take longer than a small copy
	run->workers = reallocarray(NULL, most, sizeof(*run->workers));
	run->counters = aligned_alloc(_Alignof(struct counters), most * sizeof(*run->counters));
	if (!run->workers || !run->counters) {
		report_error(run->report, ERROR_START, ENOMEM, "cannot start", NULL, NULL);
		return false;
	}
	start_writeback(run);
	work_join(&run->work, 1);
	int ret = start_worker(run);
	if (ret < 0) {
		run->worker_count = run->most_workers = 1;
		run->alone = true;
		say_blind(run, -ret);
		sigset_t none;
		sigemptyset(&none);
		int signal = coordinator_work_alone(&run->workers[0], run->guard.started ? &none : &run->guard.deadly);
		if (signal != 0) {
			coordinator_cancel(run, signal);
		}
		return true;
	}
	// A single file is no work for other workers before it is shared
	if ((opts->flags & OPT_RECURSIVE) || opts->operand_count > 2) {
		add_workers(run, run->limits.threads - 1);
	}
	return true;
}

/** Seconds of processor time used by all threads, in the kernel, too. */
static double processor_time(void) {
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
		+ (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/** Let one more worker work, if there is work for it. Returns whether there was. */
static bool want_more(struct run *run) {
	if (work_pending(&run->work) == WORK_NONE) {
		return false;
	}
	++run->wanted;
	if (run->wanted > run->worker_count) {
		add_workers(run, run->wanted - run->worker_count);
	}
	return true;
}

/**
 * Adjust the number of working threads. Start the initial ones when there is work for them; add more while the existing
 * ones mostly wait; park some if they slow each other down.
 */
static void adapt(struct run *run) {
	struct scaling *scaling = &run->scaling;
	double t = now();
	bool cancelled = atomic_load(&run->files.cancelled);

	if (run->worker_count < run->limits.threads && !cancelled && work_pending(&run->work) != WORK_NONE) {
		add_workers(run, run->limits.threads - run->worker_count);
	}
	coordinator_choose_way(run);
	if (t - scaling->time < SHORT_TICK / 2e9) {
		return;
	}
	bool names = work_pending(&run->work) != WORK_FILE;
	scaling->freely = scaling->processors * (names ? FREE_FOR_NAMES : FREE_FOR_FILES);
	scaling->most = names ? run->most_workers : min(run->most_workers, FILE_WORKERS);
	int more = scaling_step(scaling, t, processor_time(), coordinator_work_done(run), run->wanted);
	atomic_store(&run->files.fast, scaling->now >= COORDINATOR_FAST);
	bool fixed = run->limits.max_threads == run->limits.threads;
	work_urge(&run->work);
	bool careful = run->medium.choice.way == HEAD_CAREFUL;
	if (more == 0 || fixed || cancelled || careful || throttle_is_active(&run->files.throttle)) {
		return;
	}
	run->wanted -= (unsigned)max(-more, 0);
	while (more > 0 && want_more(run)) {
		--more;
	}
	work_limit(&run->work, run->wanted);
}

static bool all_done(const struct run *run) {
	for (unsigned i = 0; i < run->worker_count; ++i) {
		if (!atomic_load(&run->workers[i].done)) {
			return false;
		}
	}
	return true;
}

/** Whether nobody reads standard output any more, and that is to end the run. */
static bool is_unread(struct run *run) {
	if (run->signal != 0 || report_flush(run->report) != -EPIPE || !sigismember(&run->guard.deadly, SIGPIPE)) {
		return false;
	}
	report_out_silent(run->report);
	return true;
}

/** Follow the file that limits the rate (--bwlimit), if any. Returns 0, or -errno if it cannot be read. */
static int follow_rate(struct run *run) {
	uint64_t rate;
	if (!run->rate_file.path) {
		return 0;
	}
	int ret = rate_file_read(&run->rate_file, &rate);
	if (ret > 0) {
		throttle_set_rate(&run->files.throttle, rate);
	} else if (ret == -EINVAL) {
		report_warn(run->report, ERROR_COPY, 0, "ignoring %s: it holds no rate", run->rate_file.path, NULL);
	}
	return ret == -EINVAL ? 0 : min(ret, 0);
}

/** Limit the rate as the user wants. Returns whether that worked; if not, the error is reported. */
static bool limit_rate(struct run *run) {
	run->rate_file.path = run->opts->rate_file;
	throttle_set_rate(&run->files.throttle, run->opts->rate);
	int ret = follow_rate(run);
	if (ret < 0) {
		report_error(run->report, ERROR_OPEN, -ret, "cannot open %s for reading", run->rate_file.path, NULL);
		return false;
	}
	return true;
}

/** Sum up what is done: what was copied or, with --progress=synced, what is on the medium. */
static void count(struct run *run, struct counters *sum) {
	if (run->files.writeback) {
		writeback_synced(&run->writeback, sum);
	} else {
		counters_sum(sum, run->counters, run->worker_count);
	}
}

/** Whether there is nothing left to wait for. */
static bool is_over(struct run *run) {
	return all_done(run) && (!run->files.writeback || run->signal != 0 || writeback_finish(&run->writeback));
}

/** Stop bringing data to the medium, and report if that failed. Without a thread for it, sync first. */
static void stop_writeback(struct run *run) {
	if (run->files.writeback && run->signal == 0) {
		writeback_catch_up(&run->writeback);
	}
	int ret = run->files.writeback ? writeback_stop(&run->writeback) : 0;
	if (ret < 0) {
		report_error(run->report, ERROR_SYNC, -ret, "cannot sync the destination", NULL, NULL);
	}
	run->files.writeback = NULL;
}

/** Tick until all workers are done. */
static void tick(struct run *run) {
	sigset_t signals = run->questions;
	struct counters sum;

	sigaddset(&signals, WAKE_SIGNAL);
	while (!is_over(run)) {
		bool early = run->wanted < run->most_workers && now() - run->start < EARLY;
		const struct timespec interval = {.tv_nsec = early ? SHORT_TICK : TICK};
		coordinator_obey(run, sigtimedwait(&signals, NULL, &interval));
		if (is_unread(run)) {
			coordinator_cancel(run, SIGPIPE);
		} else if (atomic_load(&run->files.cancelled)) {
			coordinator_cancel(run, 0);
		}
		follow_rate(run);
		adapt(run);
		count(run, &sum);
		files_current(&run->files, run->display.current, sizeof(run->display.current));
		display_tick(&run->display, &sum);
	}
	stop_writeback(run);
}

/** Set whether there are workers to be stopped. */
static void let_cancel(struct run *run, bool can) {
	mutex_lock(&run->guard.lock);
	run->guard.working = can;
	mutex_unlock(&run->guard.lock);
}

/** Copy, after everything was set up. */
static void copy(struct run *run) {
	if (run->dest.base->fd[DST] != AT_FDCWD) {
		files_resume_in(&run->files, run->dest.base, run->dest.base->fd[DST], NULL);
	}
	work_init(&run->work);
	run->report->most_errors = run->opts->max_errors;
	let_cancel(run, true);
	run->start = now();
	run->scaling.time = run->start;
	run->scaling.used = processor_time();
	run->wanted = run->limits.threads;
	coordinator_look_for_head(run);
	bool looks = run->display.style != DISPLAY_NOTHING || (run->opts->flags & OPT_DRY_RUN);
	display_start(&run->display, (int)run->dest.base->listing.file_count,
		looks ? dest_bytes_over(&run->dest) : DEST_OVER_UNKNOWN);
	if (push_operands(run) < 0) {
		report_error(run->report, ERROR_START, ENOMEM, "cannot start", NULL, NULL);
	} else if (start_workers(run)) {
		tick(run);
	}
	let_cancel(run, false);
	for (unsigned i = run->alone ? 1 : 0; i < run->worker_count; ++i) {
		thread_must(pthread_join(run->workers[i].thread, NULL));
	}
	stop_writeback(run);
	work_destroy(&run->work);
	files_remove_sources(&run->files);
	dest_release_surplus(&run->dest);
}

/** Report that there were too many errors to go on. */
static void say_enough(struct run *run) {
	char text[80];
	if (report_has_enough(run->report)) {
		snprintf(text, sizeof(text), "reached --max-errors=%u: no more files were begun", run->opts->max_errors);
		report_warn(run->report, ERROR_COPY, 0, text, NULL, NULL);
	}
}

/** End the run after all workers are done, and print what happened. */
static void finish(struct run *run) {
	const struct timespec at_once = {0};
	struct counters sum;
	int signal;

	coordinator_flush(run);
	counters_sum(&sum, run->counters, run->worker_count);
	bool begun = counter_get(&sum.files) > 0 || counter_get(&sum.bytes) > 0 || counter_get(&run->trees.created) > 0;
	files_resume_end(&run->files, begun);
	while ((signal = sigtimedwait(&run->questions, NULL, &at_once)) > 0) {
		coordinator_obey(run, signal);
	}
	if (run->worker_count > 0) {
		display_end(&run->display, &sum, run->signal == 0);
	}
	scan_stop(&run->display.scan);
	report_excused(run->report);
	if ((run->opts->flags & OPT_DEBUG) && run->worker_count > 0) {
		coordinator_explain(run);
	}
	if (run->signal == 0) {
		coordinator_give_hints(run->opts, run->report, &sum, atomic_load(&run->dest.withheld));
		say_enough(run);
	}
}

/** Begin the list of checksums, which must not overwrite a source. Returns whether that worked. */
static bool begin_checksums(struct run *run) {
	struct checksums *checksums = &run->checksums;
	if (checksums->fd >= 0 && checksums->st.st_size > 0 && dest_is_source(&run->dest, &checksums->st)) {
		if (!atomic_load(&run->files.cancelled)) {
			report_error(run->report, ERROR_COPY, 0, "cannot write checksums to %d: it is to be copied", NULL,
				checksums->path);
		}
		return false;
	}
	return checksums_begin(checksums);
}

/** Begin the log with the command line. Returns whether that worked, or no log is wanted. */
static bool begin_log(struct run *run) {
	struct buf line = {0};
	if (!run->opts->log_file) {
		return true;
	}
	if (!report_log_to(run->report, output_open(run->opts->log_file, O_APPEND), run->opts->log_file)) {
		return false;
	}
	for (char **word = run->opts->words; *word; ++word) {
		buf_char(&line, ' ');
		quote_name_if_needed(&line, *word);
	}
	report_log(run->report, "begun:%s", line.failed ? "" : line.data);
	buf_free(&line);
	run->report->says_to_log = run->opts->flags & OPT_LOG_ONLY;
	return true;
}

/** With -f and a backup, copy a file that is copied onto itself to its backup. A move between file systems resumes. */
static void adapt_options(struct run *run) {
	if ((run->opts->flags & OPT_MOVE) && coordinator_crosses(run->opts)) {
		run->adapted = *run->opts;
		run->adapted.flags |= OPT_RESUME;
		run->opts = &run->adapted;
	}
	char *backup = run->opts->flags & OPT_MOVE ? NULL : dest_onto_itself(run->opts);
	if (backup) {
		run->onto[0] = run->opts->operands[0];
		run->onto[1] = backup;
		run->adapted = *run->opts;
		run->adapted.backup = BACKUP_NONE;
		run->adapted.operands = run->onto;
		run->opts = &run->adapted;
	}
}

/** Find out what the machine allows. A copy that is done at once does not take the time to look at it. */
static void choose_limits(struct run *run) {
	bool at_once = coordinator_is_done_at_once(run->opts);
	if (!at_once) {
		report_localize(run->report);
	}
	struct machine machine = at_once ? machine_least() : machine_look();
	run->scaling = (struct scaling) {.processors = machine.processors, .share = -1};
	run->limits = coordinator_choose_limits(run->opts, &machine);
	run->limits.flags |= at_once ? LIMITS_ALONE | LIMITS_AT_ONCE : 0;
	int ret = run->opts->flags & OPT_IDLE ? machine_be_idle() : 0;
	if (ret < 0) {
		report_warn(run->report, ERROR_START, -ret, "warning: cannot take the lowest priority", NULL, NULL);
	}
}

/** Prepare a run. Returns whether it may begin; if not, an error was reported. */
static bool set_up(struct run *run) {
	const struct opts *opts = run->opts;
	struct report *report = run->report;
	choose_limits(run);
	display_init(&run->display, opts, &run->limits, report);
	// Open it while a signal still ends a wait for the other end of a fifo
	bool ready = checksums_open(&run->checksums, opts->checksums, report, &run->files.cancelled) && begin_log(run);
	flush_init(&run->flush);
	trees_init(&run->trees, opts, &run->limits, report);
	bool flushes = (opts->flags & (OPT_FSYNC | OPT_MOVE)) || opts->progress == PROGRESS_SYNCED;
	run->trees.flush = flushes ? &run->flush : NULL;
	hardlinks_init(&run->hardlinks);
	files_init(&run->files, opts, &run->limits, report, &run->hardlinks, &run->dest);
	coordinator_take_signals(run);
	run->trees.cancelled = &run->files.cancelled;
	run->trees.files = &run->files;
	// The journal of a move stays until the source is gone: otherwise the same command could move that into its copy
	run->trees.closing = (opts->flags & (OPT_RESUME | OPT_MOVE)) == OPT_RESUME ? files_tree_closing : NULL;
	run->trees.moved = opts->flags & OPT_MOVE ? files_tree_moved : NULL;
	run->files.checksums = opts->checksums ? &run->checksums : NULL;
	return ready && dest_init(&run->dest, opts, report, &run->trees) == 0 && engine_ok(run) && limit_rate(run)
		&& begin_checksums(run);
}

static void tear_down(struct run *run) {
	files_destroy(&run->files);
	hardlinks_destroy(&run->hardlinks);
	dest_destroy(&run->dest);
	trees_destroy(&run->trees);
	flush_destroy(&run->flush);
	free(run->workers);
	free(run->counters);
	free(run->onto[1]);
	free(run);
}

int coordinator_run(const struct opts *opts, struct report *report) {
	struct run *run = aligned_alloc(_Alignof(struct run), sizeof(*run));
	if (!run) {
		report_error(report, ERROR_START, ENOMEM, "cannot start", NULL, NULL);
		return 0;
	}
	memset(run, 0, sizeof(*run));
	run->opts = opts;
	run->report = report;
	// dest_destroy() is called even if dest_init() is not
	run->dest.backups = -1;
	adapt_options(run);
	bool begun = set_up(run);
	if (begun) {
		copy(run);
	}
	if (run->dest.base) {
		tree_unref(run->dest.base);
	}
	if (begun) {
		finish(run);
	}
	checksums_finish(&run->checksums, run->opts->flags & OPT_FSYNC ? CHECKSUMS_FLUSH : 0);
	coordinator_sum_up(run);
	if (is_unread(run)) {
		run->signal = SIGPIPE;
	}
	int signal = coordinator_give_signals(run);
	tear_down(run);
	return signal;
}
