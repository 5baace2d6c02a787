// SPDX-License-Identifier: MIT
#include "run/coordinator-impl.h"

#include "base/opts.h"
#include "report/report.h"

#include <errno.h>
#include <string.h>
#include <time.h>

/** Nanoseconds between two checks whether everything is on the medium. */
#define TICK 100000000L

void coordinator_flush(struct run *run) {
	struct flush *flush = &run->flush;
	sigset_t signals = run->questions;
	const struct timespec interval = {.tv_nsec = TICK};
	struct counters sum;
	int ret;

	// Not after a signal that ends the run, as this may take long
	if (!(run->opts->flags & OPT_FSYNC) || atomic_load(&run->files.cancelled)) {
		return;
	}
	counters_sum(&sum, run->counters, run->worker_count);
	sigaddset(&signals, WAKE_SIGNAL);
	sigaddset(&signals, SIGCHLD);
	display_flushing(&run->display);
	for (unsigned i = 0; i < flush->count; ++i) {
		flush_whole_begin(&flush->fs[i]);
	}
	for (unsigned i = 0; i < flush->count; ++i) {
		while ((ret = flush_whole_end(&flush->fs[i])) == -EAGAIN && run->signal == 0) {
			coordinator_obey(run, sigtimedwait(&signals, NULL, &interval));
			display_tick(&run->display, &sum);
		}
		if (ret < 0 && ret != -EAGAIN) {
			report_error(run->report, ERROR_SYNC, -ret, "error syncing the file system of %d", NULL, flush->fs[i].path);
			journal_doubt(&run->files.journal, ret);
		}
	}
}

void coordinator_explain(struct run *run) {
	static const char *const ways[] = {
		[HEAD_FREE] = "by all workers",
		[HEAD_CAREFUL] = "by one worker",
		[HEAD_SWEEP] = "in sweeps along the medium",
	};
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
		run->limits.queue_depth, run->limits.chunk_size);
	report_text(run->report, "reading: %s: %s\n", ways[run->medium.choice.way], run->medium.choice.why);
	report_text(run->report, "engine: %s\n", engine);
	ring_features(features, sizeof(features));
	report_text(run->report, "kernel: %s\n", features);
	report_text(run->report,
		"requests: %llu linked pairs (%llu cut short), %llu reads, %llu writes, %llu enters, "
		"%llu made again by system calls\n",
		(unsigned long long)sum.pairs, (unsigned long long)sum.cut, (unsigned long long)sum.reads,
		(unsigned long long)sum.writes, (unsigned long long)sum.enters, (unsigned long long)sum.again);
	report_text(run->report, "registered: %llu requests on registered buffers, %llu on registered files\n",
		(unsigned long long)sum.fixed_buffer, (unsigned long long)sum.fixed_file);
	report_text(run->report,
		"files: %llu, of them %llu shared by workers, %llu small and cached, %llu cloned, "
		"%llu streamed; %llu bytes\n",
		(unsigned long long)counter_get(&counters.files), (unsigned long long)counter_get(&counters.shared),
		(unsigned long long)counter_get(&counters.cached), (unsigned long long)counter_get(&counters.clones),
		(unsigned long long)counter_get(&counters.streams), (unsigned long long)counter_get(&counters.bytes));
}

void coordinator_sum_up(struct run *run) {
	struct counters sum;
	struct summary summary = {
		.sum = &sum,
		.directories = counter_get(&run->trees.created),
		.removed = counter_get(&run->dest.removed),
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
	display_summary(&run->display, &summary);
}
