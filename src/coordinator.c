#include "coordinator.h"
#include "coordinator-impl.h"

#include "dest.h"
#include "flush.h"
#include "growth.h"
#include "links.h"
#include "machine.h"
#include "medium.h"
#include "opts.h"
#include "report.h"
#include "show.h"
#include "std.h"
#include "sums.h"
#include "work.h"
#include "worker.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/** Nanoseconds between two looks at what the workers have done; shorter as long as more of them may be needed soon. */
#define TICK 100000000L
#define SHORT_TICK 20000000L
#define EARLY 1.0

/** Most workers that are worth having for big files alone. */
#define FILE_WORKERS 8u

/** Workers for each processor up to which nobody asks whether they help: where there are names, and big files alone. */
#define FREE_FOR_NAMES 4
#define FREE_FOR_FILES 2

/** Bytes that count as much work as a file. */
#define WORK_BYTES 65536.0

/** Work a second, 256 MiB or so many small files, that hardly a disk with a head does: what was read is soon read again. */
#define FAST_WORK 4096.0

/** Everything a run consists of. */
struct run {
	struct medium medium;
	struct opts *opts;
	struct report *report;
	struct flush flush;
	struct sums sums;
	struct trees trees;
	struct links links;
	struct dest dest;
	struct files files;
	struct work work;
	struct show show;

	struct rate_file rate_file;
	struct worker *workers;
	struct counters *counters;
	/** How many were started, how many there may be, and how many of them are to work. */
	unsigned worker_count;
	unsigned most_workers;
	unsigned wanted;
	/** Whether the only one is this thread. */
	bool alone;

	/** The signals waited for, and those of them that do not end it, and that do. */
	sigset_t signals;
	sigset_t questions;
	sigset_t deadly;
	/** The one that ends it all, or 0. */
	int signal;
	double start;
	struct growth growth;
};

static void on_wake(int signal) {
	(void)signal;
}

/** Block the signals we wait for, those aside that are ignored as nohup does; to be inherited by all threads. */
static void take_signals(struct run *run) {
	static const int deadly[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGQUIT, SIGALRM, SIGXCPU};
	struct sigaction action = {.sa_handler = on_wake};
	struct sigaction old;

	sigemptyset(&run->questions);
	sigaddset(&run->questions, SIGUSR1);
	if (run->show.style == SHOW_BAR && run->show.terminal && sigaction(SIGTSTP, NULL, &old) == 0
		&& old.sa_handler != SIG_IGN)
	{
		sigaddset(&run->questions, SIGTSTP);
	}
	run->signals = run->questions;
	sigemptyset(&run->deadly);
	for (size_t i = 0; i < countof(deadly); ++i) {
		if (sigaction(deadly[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN) {
			sigaddset(&run->signals, deadly[i]);
			sigaddset(&run->deadly, deadly[i]);
		}
	}
	pthread_sigmask(SIG_BLOCK, &run->signals, NULL);
	// Without SA_RESTART, so that it ends what blocks
	sigaction(WAKE_SIGNAL, &action, NULL);
	// A file that grows too large is an error like any other
	action.sa_handler = SIG_IGN;
	sigaction(SIGXFSZ, &action, NULL);
}

/** With --engine=uring, see that there is one. */
static bool engine_ok(const struct run *run) {
	struct ring *ring;
	struct ring_params params = {.depth = 1, .chunk_size = 4096, .inject = run->opts->inject};
	if (run->opts->engine != ENGINE_URING) {
		return true;
	}
	int ret = ring_open(&ring, &params);
	if (ret < 0) {
		report_error(run->report, -ret, "cannot use io_uring, which --engine=uring asks for", NULL, NULL);
		coordinator_hint_ring(run->report, -ret);
		return false;
	}
	ring_close(ring);
	return true;
}

/** Hand the operands to the workers. Returns 0 or -ENOMEM. */
static int push_operands(struct run *run) {
	struct tree *base = run->dest.base;
	struct listing *listing = &base->listing;
	bool serial = run->dest.flags & DEST_SERIAL;
	size_t size = serial ? 1 : run->opts->batch_size;

	for (size_t at = 0; at < listing->file_count; at += size) {
		struct batch *batch = batch_new(base, listing->files + at, min(size, listing->file_count - at));
		if (!batch) {
			return -ENOMEM;
		}
		if (serial || !work_push(&run->work, batch)) {
			work_push_later(&run->work, batch);
		}
	}
	return 0;
}

/** Start one more worker. Returns 0 or -errno. */
static int start_worker(struct run *run) {
	unsigned i = run->worker_count;
	struct worker *worker = &run->workers[i];
	bool wide = i < WIDE_WORKERS;
	*worker = (struct worker) {
		.opts = run->opts,
		.report = run->report,
		.work = &run->work,
		.files = &run->files,
		.counters = &run->counters[i],
		.index = i,
		.alone = run->opts->max_threads == 1,
		.chunk_size = wide ? run->opts->chunk_size : min(run->opts->chunk_size, FURTHER_CHUNK),
		.depth = wide ? run->opts->queue_depth : min(run->opts->queue_depth, FURTHER_DEPTH),
		.window = wide ? run->opts->window : FURTHER_WINDOW,
		.coordinator = pthread_self(),
	};
	int err = pthread_create(&worker->thread, NULL, worker_run, worker);
	if (err == 0) {
		++run->worker_count;
	}
	return -err;
}

/** Begin to see to it that what is done gets to the medium (--progress=synced). */
static void start_medium(struct run *run) {
	if (run->opts->progress != PROGRESS_SYNCED) {
		return;
	}
	medium_init(&run->medium, &run->files.throttle, NULL);
	run->files.medium = &run->medium;
	int ret = medium_start(&run->medium, run->counters, run->most_workers);
	if (ret < 0) {
		report_error(run->report, -ret, "cannot start a thread", NULL, NULL);
	}
}

/** Start up to COUNT more workers; where that fails, those there are will do. */
static void add_workers(struct run *run, unsigned count) {
	for (count = min(count, run->most_workers - run->worker_count); count > 0; --count) {
		work_join(&run->work, 1);
		if (start_worker(run) < 0) {
			work_leave(&run->work, 1);
			run->most_workers = run->worker_count;
			return;
		}
	}
}

/** Start the first workers. Returns false if there is none. */
static bool start_workers(struct run *run) {
	const struct opts *opts = run->opts;
	unsigned most = opts->max_threads;
	run->most_workers = most;
	run->workers = calloc(most, sizeof(*run->workers));
	run->counters = aligned_alloc(_Alignof(struct counters), most * sizeof(*run->counters));
	if (!run->workers || !run->counters) {
		report_error(run->report, ENOMEM, "cannot start", NULL, NULL);
		return false;
	}
	memset(run->counters, 0, most * sizeof(*run->counters));
	start_medium(run);
	run->wanted = opts->threads;
	work_join(&run->work, 1);
	if (start_worker(run) < 0) {
		run->worker_count = run->most_workers = 1;
		run->alone = true;
		run->signal = coordinator_work_alone(&run->workers[0], &run->deadly);
		return true;
	}
	// A single file has nothing for the others before it is shared
	if ((opts->flags & OPT_RECURSIVE) || opts->operand_count > 2) {
		add_workers(run, opts->threads - 1);
	}
	return true;
}

/** Seconds of processor time that all threads have used, those of the kernel on our behalf among them. */
static double processor_time(void) {
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
		+ (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/** Names and directories dealt with, and bytes copied. */
static double work_done(const struct run *run) {
	struct counters sum;
	counters_sum(&sum, run->counters, run->worker_count);
	return (double)(counter_get(&sum.files) + counter_get(&sum.skipped) + counter_get(&sum.failed)
		+ counter_get(&run->trees.created)) + (double)counter_get(&sum.bytes) / WORK_BYTES;
}

/** Have one more worker work, if there is work for it. Returns whether there was. */
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
 * Find out how many workers are best: the first ones are added once there is work for them, more while those there are
 * wait more than they work, and some only look on where they get in each other's way.
 */
static void adapt(struct run *run) {
	struct growth *growth = &run->growth;
	double t = now();
	bool cancelled = atomic_load(&run->files.cancelled);

	if (run->worker_count < run->opts->threads && !cancelled && work_pending(&run->work) != WORK_NONE) {
		add_workers(run, run->opts->threads - run->worker_count);
	}
	if (t - growth->time < SHORT_TICK / 2e9) {
		return;
	}
	bool names = work_pending(&run->work) != WORK_FILE;
	growth->freely = growth->processors * (names ? FREE_FOR_NAMES : FREE_FOR_FILES);
	growth->most = names ? run->most_workers : min(run->most_workers, FILE_WORKERS);
	int more = growth_look(growth, t, processor_time(), work_done(run), run->wanted);
	atomic_store(&run->files.fast, growth->now >= FAST_WORK);
	bool fixed = run->opts->max_threads == run->opts->threads;
	if (more == 0 || fixed || cancelled || throttle_is_active(&run->files.throttle)) {
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

/** Stop everything, and see that nobody sleeps in the kernel for ever. */
static void cancel(struct run *run, int signal) {
	if (signal != 0) {
		run->signal = signal;
	}
	atomic_store(&run->files.cancelled, true);
	work_cancel(&run->work);
	throttle_stop(&run->files.throttle);
	for (unsigned i = 0; i < run->worker_count; ++i) {
		if (!atomic_load(&run->workers[i].done)) {
			pthread_kill(run->workers[i].thread, WAKE_SIGNAL);
		}
	}
}

/** Whether nobody reads standard output any more, and that is to be the end. */
static bool is_unread(struct run *run) {
	if (run->signal != 0 || report_flush(run->report) != -EPIPE || !sigismember(&run->signals, SIGPIPE)) {
		return false;
	}
	report_out_silent(run->report);
	return true;
}

/** Stop as the terminal asks for (SIGTSTP), and go on. */
static void stop(struct run *run) {
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTSTP);
	show_suspend(&run->show);
	raise(SIGTSTP);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	show_resume(&run->show);
}

/** Do what a signal asks for; 0 if there was none. */
static void obey(struct run *run, int signal) {
	if (signal == SIGUSR1) {
		show_ask(&run->show);
	} else if (signal == SIGTSTP) {
		stop(run);
	} else if (signal > 0 && signal != WAKE_SIGNAL && run->signal == 0) {
		cancel(run, signal);
	} else if (atomic_load(&run->files.cancelled) && signal != WAKE_SIGNAL) {
		cancel(run, 0);
	}
}

/** See what the file says that limits the rate (--bwlimit). Returns 0, or -errno if it cannot be read. */
static int follow_rate(struct run *run) {
	uint64_t rate;
	if (!run->rate_file.path) {
		return 0;
	}
	int ret = rate_file_read(&run->rate_file, &rate);
	if (ret > 0) {
		throttle_set_rate(&run->files.throttle, rate);
	} else if (ret == -EINVAL) {
		report_warn(run->report, 0, "ignoring %s: it holds no rate", run->rate_file.path, NULL);
	}
	return ret == -EINVAL ? 0 : min(ret, 0);
}

/** Limit the rate as the user wants. Returns whether that is possible; if not, it is reported. */
static bool limit_rate(struct run *run) {
	run->rate_file.path = run->opts->rate_file;
	throttle_set_rate(&run->files.throttle, run->opts->rate);
	int ret = follow_rate(run);
	if (ret < 0) {
		report_error(run->report, -ret, "cannot open %s for reading", run->rate_file.path, NULL);
		return false;
	}
	return true;
}

/** What is done, as far as the user wants to count it. */
static void count(struct run *run, struct counters *sum) {
	if (run->files.medium) {
		medium_synced(&run->medium, sum);
	} else {
		counters_sum(sum, run->counters, run->worker_count);
	}
}

/** Whether there is nothing to wait for any more. */
static bool is_over(struct run *run) {
	return all_done(run) && (!run->files.medium || run->signal != 0 || medium_finish(&run->medium));
}

/** Let go of the medium. */
static void stop_medium(struct run *run) {
	int ret = run->files.medium ? medium_stop(&run->medium) : 0;
	if (ret < 0) {
		report_error(run->report, -ret, "cannot sync the destination", NULL, NULL);
	}
	run->files.medium = NULL;
}

/** Tick until all workers are done. */
static void tick(struct run *run) {
	const struct timespec at_once = {0};
	sigset_t signals = run->signals;
	struct counters sum;
	int signal;

	sigaddset(&signals, WAKE_SIGNAL);
	while (!is_over(run)) {
		bool early = run->wanted < run->most_workers && now() - run->start < EARLY;
		const struct timespec interval = {.tv_nsec = early ? SHORT_TICK : TICK};
		signal = sigtimedwait(&signals, NULL, &interval);
		obey(run, max(signal, 0));
		if (is_unread(run)) {
			cancel(run, SIGPIPE);
		}
		follow_rate(run);
		adapt(run);
		count(run, &sum);
		files_current(&run->files, run->show.current, sizeof(run->show.current));
		show_tick(&run->show, &sum);
	}
	stop_medium(run);
	while ((signal = sigtimedwait(&run->questions, NULL, &at_once)) > 0) {
		obey(run, signal);
	}
	counters_sum(&sum, run->counters, run->worker_count);
	show_end(&run->show, &sum, run->signal == 0);
}

/** Say what the rings did (--debug). */
static void explain(struct run *run) {
	struct ring_stats sum = {0};
	struct counters counters;
	const char *engine = "no ring was needed";
	char features[RING_FEATURES];

	counters_sum(&counters, run->counters, run->worker_count);
	for (unsigned i = 0; i < run->worker_count; ++i) {
		const struct ring_stats *stats = &run->workers[i].stats;
		sum.pairs += stats->pairs;
		sum.reads += stats->reads;
		sum.writes += stats->writes;
		sum.cut += stats->cut;
		sum.fixed_buffer += stats->fixed_buffer;
		sum.fixed_file += stats->fixed_file;
		sum.enters += stats->enters;
		sum.again += stats->again;
		if (run->workers[i].engine) {
			engine = run->workers[i].engine_details;
		}
	}
	report_text(run->report, "workers: %u, each up to %u chunks of %zu bytes in flight\n", run->worker_count,
		run->opts->queue_depth, run->opts->chunk_size);
	report_text(run->report, "engine: %s\n", engine);
	ring_features(features, sizeof(features));
	report_text(run->report, "kernel: %s\n", features);
	report_text(run->report, "requests: %llu linked pairs (%llu cut short), %llu reads, %llu writes, %llu enters, "
		"%llu made again by system calls\n",
		(unsigned long long)sum.pairs, (unsigned long long)sum.cut, (unsigned long long)sum.reads,
		(unsigned long long)sum.writes, (unsigned long long)sum.enters, (unsigned long long)sum.again);
	report_text(run->report, "registered: %llu requests on registered buffers, %llu on registered files\n",
		(unsigned long long)sum.fixed_buffer, (unsigned long long)sum.fixed_file);
	report_text(run->report, "files: %llu, of them %llu shared by workers, %llu small and cached, %llu cloned, "
		"%llu streamed; %llu bytes\n",
		(unsigned long long)counter_get(&counters.files), (unsigned long long)counter_get(&counters.shared),
		(unsigned long long)counter_get(&counters.cached),
		(unsigned long long)counter_get(&counters.clones), (unsigned long long)counter_get(&counters.streams),
		(unsigned long long)counter_get(&counters.bytes));
}

/** Say what was done. */
static void sum_up(struct run *run) {
	struct counters sum;
	struct summary summary = {
		.sum = &sum,
		.directories = counter_get(&run->trees.created),
		.workers = run->worker_count,
		.signal = run->signal,
	};
	counters_sum(&sum, run->counters, run->worker_count);
	for (unsigned i = 0; i < run->worker_count; ++i) {
		if (run->workers[i].engine) {
			summary.engine = run->workers[i].engine;
			summary.engine_details = run->workers[i].engine_details;
		}
	}
	show_summary(&run->show, &summary);
}

/** Copy, with everything set up. */
static void copy(struct run *run) {
	struct opts *opts = run->opts;

	if (run->dest.base->fd[DST] != AT_FDCWD) {
		files_resume_in(&run->files, run->dest.base, run->dest.base->fd[DST]);
	}
	work_init(&run->work);
	run->start = now();
	run->growth.time = run->start;
	run->growth.used = processor_time();
	show_start(&run->show, (int)run->dest.base->listing.file_count);
	run->files.watched = run->show.style == SHOW_BAR;
	if (push_operands(run) < 0) {
		report_error(run->report, ENOMEM, "cannot start", NULL, NULL);
	} else if (start_workers(run)) {
		tick(run);
	}
	for (unsigned i = run->alone ? 1 : 0; i < run->worker_count; ++i) {
		thread_must(pthread_join(run->workers[i].thread, NULL));
	}
	scan_stop(&run->show.scan);
	stop_medium(run);
	if ((opts->flags & OPT_DEBUG) && run->worker_count > 0) {
		explain(run);
	}
	files_resume_end(&run->files);
	if (run->signal == 0) {
		struct counters sum;
		counters_sum(&sum, run->counters, run->worker_count);
		coordinator_give_hints(opts, run->report, counter_get(&sum.roomless));
	}
	work_destroy(&run->work);
}

/** Begin the list of checksums. What it overwrites must not be a source. */
static bool begin_sums(struct run *run) {
	struct sums *sums = &run->sums;
	if (sums->fd >= 0 && sums->st.st_size > 0 && dest_is_source(&run->dest, &sums->st)) {
		report_error(run->report, 0, "cannot write checksums to %d: it is to be copied", NULL, sums->path);
		return false;
	}
	return sums_begin(sums);
}

/** See that everything is on its medium, as far as that is not done file by file (--fsync). */
static void flush_all(struct run *run) {
	for (unsigned i = 0; i < run->flush.count; ++i) {
		int ret = flush_whole(&run->flush.fs[i]);
		if (ret < 0) {
			report_error(run->report, -ret, "error syncing the file system of %d", NULL, run->flush.fs[i].path);
		}
	}
}

int coordinator_run(struct opts *opts, struct report *report) {
	struct run *run = aligned_alloc(_Alignof(struct run), sizeof(*run));
	if (!run) {
		report_error(report, ENOMEM, "cannot start", NULL, NULL);
		return 0;
	}
	memset(run, 0, sizeof(*run));
	run->opts = opts;
	run->report = report;
	struct machine machine = machine_look();
	run->growth = (struct growth) {.processors = machine.processors, .share = -1};
	coordinator_choose_limits(opts, &machine);
	if (opts->flags & OPT_IDLE) {
		int ret = machine_be_idle();
		if (ret < 0) {
			report_warn(report, -ret, "warning: cannot take the lowest priority", NULL, NULL);
		}
	}
	show_init(&run->show, opts, report);
	// While a signal still ends a wait for the other end of a fifo
	bool ready = sums_open(&run->sums, opts->checksums, report, &run->files.cancelled);
	take_signals(run);
	flush_init(&run->flush);
	trees_init(&run->trees, opts, report);
	bool flushes = (opts->flags & OPT_FSYNC) || opts->progress == PROGRESS_SYNCED;
	run->trees.flush = flushes ? &run->flush : NULL;
	links_init(&run->links);
	files_init(&run->files, opts, report, &run->links, &run->dest);
	if (opts->flags & OPT_RESUME) {
		run->trees.closing = files_tree_closing;
		run->trees.files = &run->files;
	}

	char *renamed = dest_onto_itself(opts);
	run->files.sums = opts->checksums ? &run->sums : NULL;
	if (ready && dest_init(&run->dest, opts, report, &run->trees) == 0 && engine_ok(run) && limit_rate(run)
		&& begin_sums(run))
	{
		copy(run);
	}
	if (run->dest.base) {
		tree_unref(run->dest.base);
	}
	// Not when a signal wants an end, as this may take long
	if ((opts->flags & OPT_FSYNC) && !atomic_load(&run->files.cancelled)) {
		flush_all(run);
	}
	sums_finish(&run->sums, opts->flags & OPT_FSYNC ? SUMS_FLUSH : 0);
	sum_up(run);
	if (is_unread(run)) {
		run->signal = SIGPIPE;
	}
	files_destroy(&run->files);
	links_destroy(&run->links);
	dest_destroy(&run->dest);
	trees_destroy(&run->trees);
	flush_destroy(&run->flush);
	int signal = run->signal;
	free(run->workers);
	free(run->counters);
	free(renamed);
	free(run);
	return signal;
}
