// SPDX-License-Identifier: MIT
#include "run/scaling.h"

/** Below this share of the processors in use, the workers wait more than they work. */
#define BUSY_SHARE 0.6

/** The factor by which work per second must rise to add more workers. */
#define RISE 1.1

/** About how many looks scaling::now averages. */
#define NOW_LOOKS 8

/** Looks before more workers are tried again, and before fewer are; the factor by which both grow each time. */
#define FIRST_PATIENCE 5
#define FIRST_REST 10
#define MORE_PATIENCE 4

/** The share of the previous work per second that more workers, or fewer, have to reach. */
#define KEPT_BY_MORE 0.9
#define KEPT_BY_FEWER 0.97

/** The highest work per second in the last looks. */
static double peak(const struct scaling *scaling) {
	double most = 0;
	for (unsigned i = 0; i < SCALING_TRIAL && i < scaling->looks; ++i) {
		most = scaling->rates[i] > most ? scaling->rates[i] : most;
	}
	return most;
}

/** Begin with another number of workers, on trial if BEFORE is not 0. */
static void change(struct scaling *scaling, unsigned before, double rate) {
	scaling->before = before;
	scaling->rate = rate;
	scaling->looks = 0;
	scaling->share = -1;
}

/** End a trial. Returns how many workers to add to WORKERS; below 0, how many to remove. */
static int judge(struct scaling *scaling, unsigned workers) {
	unsigned before = scaling->before;
	bool fewer = workers < before;
	double most = peak(scaling);
	bool kept = most >= (fewer ? KEPT_BY_FEWER : KEPT_BY_MORE) * scaling->before_peak;

	scaling->before = 0;
	scaling->enough = fewer ? kept : most <= RISE * scaling->before_peak;
	if (scaling->enough) {
		scaling->patience *= MORE_PATIENCE;
		scaling->rate = kept ? most : scaling->before_peak;
	}
	if (kept) {
		scaling->rest = FIRST_REST;
		return 0;
	}
	if (fewer) {
		scaling->rest *= MORE_PATIENCE;
	}
	change(scaling, 0, scaling->rate);
	return (int)before - (int)workers;
}

/** Whether more workers are wanted, given that the processors are not in full use. */
static bool more_wanted(struct scaling *scaling, double rate, unsigned workers) {
	if (workers >= scaling->most) {
		return false;
	}
	if ((workers < scaling->freely && !scaling->enough) || rate > RISE * scaling->rate) {
		scaling->patience = FIRST_PATIENCE;
	} else if (scaling->looks < scaling->patience) {
		return false;
	} else {
		scaling->patience *= MORE_PATIENCE;
	}
	return true;
}

int scaling_step(struct scaling *scaling, double t, double used, double done, unsigned workers) {
	double seconds = t - scaling->time;
	double share = (used - scaling->used) / (seconds * scaling->processors);
	double rate = (done - scaling->done) / seconds;

	scaling->time = t;
	scaling->used = used;
	scaling->done = done;
	// Smooth over one look: a journal commit stalls every worker for a moment
	scaling->share = scaling->share < 0 ? share : (scaling->share + share) / 2;
	scaling->now += (rate - scaling->now) / NOW_LOOKS;
	scaling->rates[scaling->looks++ % SCALING_TRIAL] = rate;
	if (scaling->before != 0 && scaling->before != workers && scaling->looks >= SCALING_TRIAL) {
		return judge(scaling, workers);
	}
	if (scaling->before > workers) {
		// Fewer workers are on trial: that these use less of the processors was expected
		return 0;
	}
	if (scaling->share <= BUSY_SHARE && more_wanted(scaling, rate, workers)) {
		unsigned best = scaling->before;
		if (best == 0 || peak(scaling) > scaling->before_peak) {
			best = workers;
			scaling->before_peak = peak(scaling);
		}
		change(scaling, best, rate);
		scaling->rest = FIRST_REST;
		return (int)(workers < scaling->most - workers ? workers : scaling->most - workers);
	}
	if (workers > scaling->processors && scaling->looks >= scaling->rest) {
		unsigned fewer = workers / 2 > scaling->processors ? workers / 2 : scaling->processors;
		scaling->before_peak = peak(scaling);
		change(scaling, workers, scaling->rate);
		return (int)fewer - (int)workers;
	}
	return 0;
}
