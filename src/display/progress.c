// SPDX-License-Identifier: MIT
#include "display/progress.h"

#include <string.h>

/** Work of a file besides its bytes: opening, creating and closing takes about as long as moving this many bytes. */
#define FILE_WORK (32.0 * 1024)

/** Seconds over which the displayed rate is averaged. */
#define RATE_MEMORY 3.0

/** Seconds over which the pace is averaged: the time since the start divided by PACE_PART, within limits. */
#define PACE_PART 4
#define PACE_LEAST 3.0
#define PACE_MOST 60.0

/** Shorter intervals do not measure a rate. */
#define MOMENT 0.05

/** A longer time left is not shown. */
#define FOREVER (100.0 * 24 * 3600)

void progress_init(struct progress *progress, double t) {
	*progress = (struct progress) {.start = t, .last_time = t};
}

void progress_resume(struct progress *progress, double t) {
	progress->start += t - progress->last_time;
	progress->last_time = t;
}

void counters_sum(struct counters *sum, const struct counters *counters, unsigned count) {
	// The members are nothing but counters; what aligns the struct is not used
	counter *sums = (counter *)sum;
	memset(sum, 0, sizeof(*sum));
	for (unsigned i = 0; i < count; ++i) {
		const counter *own = (const counter *)&counters[i];
		for (size_t k = 0; k < sizeof(*sum) / sizeof(*sums); ++k) {
			counter_add(&sums[k], counter_get(&own[k]));
		}
	}
}

/** Add AMOUNT, done in DT seconds; MEMORY is the time constant in seconds. */
static void flow_add(struct flow *flow, double amount, double dt, double memory) {
	double keep = memory / (memory + dt);
	flow->sum = flow->sum * keep + amount / dt * (1 - keep);
	flow->weight = flow->weight * keep + (1 - keep);
}

/** The average since the first flow_add(). */
static double flow_get(const struct flow *flow) {
	return flow->weight > 0 ? flow->sum / flow->weight : 0;
}

/** Measure the progress since the last call. */
static void measure(struct progress *progress, double t, double bytes, double work) {
	double dt = t - progress->last_time;
	if (dt < MOMENT) {
		return;
	}
	double memory = min(max((t - progress->start) / PACE_PART, PACE_LEAST), PACE_MOST);
	flow_add(&progress->bytes, max(bytes - progress->last_bytes, 0.0), dt, RATE_MEMORY);
	flow_add(&progress->work, max(work - progress->last_work, 0.0), dt, memory);
	progress->last_time = t;
	progress->last_bytes = bytes;
	progress->last_work = work;
}

/** At the end only failures keep the share below 1. */
static double last_share(uint64_t failed, double done, double total) {
	if (failed == 0) {
		return 1;
	}
	return total > done ? done / total : 0.99;
}

struct view progress_look(struct progress *progress, double t, const struct counters *sum, const struct totals *totals,
	bool last) {
	// Bytes of files that failed later count only until the end
	uint64_t copied = counter_get(last ? &sum->data : &sum->bytes);
	uint64_t shared = min(counter_get(&sum->clone_bytes), copied);
	uint64_t moved = copied - shared;
	uint64_t failed = counter_get(&sum->failed);
	uint64_t skipped_bytes = counter_get(&sum->skipped_bytes);
	uint64_t files = counter_get(&sum->files);
	uint64_t dealt = files + counter_get(&sum->skipped) + failed;
	double work = (double)(copied + skipped_bytes) + FILE_WORK * (double)dealt;
	double all = (double)totals->bytes + FILE_WORK * (double)totals->files;
	struct view view = {.elapsed = max(t - progress->start, 0.0),
		.totals = *totals,
		.share = -1,
		.left = -1,
		.last = last};

	measure(progress, t, (double)moved, work);
	view.bytes = last ? copied : copied + skipped_bytes;
	view.files = last ? files : dealt;
	view.shared = shared;
	view.failed = failed;
	view.skipped = counter_get(&sum->skipped);
	view.rate = flow_get(&progress->bytes);
	if (last) {
		view.rate = view.elapsed > 0 ? (double)moved / view.elapsed : 0;
		view.share = last_share(failed, (double)copied + FILE_WORK * (double)files, all);
		view.left = 0;
	} else if (totals->final) {
		// With more work than was counted, the rest is unknown
		double share = all > 0 ? min(work / all, 1.0) : 0;
		progress->share = max(progress->share, share);
		view.share = progress->share;
		double pace = flow_get(&progress->work);
		double left = pace > 0 ? (all - work) / pace : -1;
		view.left = work <= all && left < FOREVER ? left : -1;
	}
	view.rate = shared > 0 && moved == 0 ? -1 : view.rate;
	return view;
}
