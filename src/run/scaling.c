#include "run/scaling.h"

/** With less of the processors in use the workers wait more than they work. */
#define BUSY_SHARE 0.6

/** What the work done a second must rise by to go on. */
#define RISE 1.1

/** About how many looks growth::now is of. */
#define NOW_LOOKS 8

/** Looks before more are tried again, before fewer are, and what these are multiplied by each time. */
#define FIRST_PATIENCE 5
#define FIRST_REST 10
#define MORE_PATIENCE 4

/** What of the work before must be done by more workers, and by fewer. */
#define KEPT_BY_MORE 0.9
#define KEPT_BY_FEWER 0.97

/** Most work a second in the last looks. */
static double peak(const struct growth *growth) {
	double most = 0;
	for (unsigned i = 0; i < GROWTH_TRIAL && i < growth->looks; ++i) {
		most = growth->rates[i] > most ? growth->rates[i] : most;
	}
	return most;
}

/** Begin with another number of workers, on trial if BEFORE is not 0. */
static void change(struct growth *growth, unsigned before, double rate) {
	growth->before = before;
	growth->rate = rate;
	growth->looks = 0;
	growth->share = -1;
}

/** End a trial. Returns how many workers more than WORKERS there are to be. */
static int judge(struct growth *growth, unsigned workers) {
	unsigned before = growth->before;
	bool fewer = workers < before;
	double most = peak(growth);
	bool kept = most >= (fewer ? KEPT_BY_FEWER : KEPT_BY_MORE) * growth->before_peak;

	growth->before = 0;
	growth->enough = fewer ? kept : most <= RISE * growth->before_peak;
	if (growth->enough) {
		growth->patience *= MORE_PATIENCE;
		growth->rate = kept ? most : growth->before_peak;
	}
	if (kept) {
		growth->rest = FIRST_REST;
		return 0;
	}
	if (fewer) {
		growth->rest *= MORE_PATIENCE;
	}
	change(growth, 0, growth->rate);
	return (int)before - (int)workers;
}

/** Whether more are wanted, where less of the processors is used than could be. */
static bool more_wanted(struct growth *growth, double rate, unsigned workers) {
	if (workers >= growth->most) {
		return false;
	}
	if ((workers < growth->freely && !growth->enough) || rate > RISE * growth->rate) {
		growth->patience = FIRST_PATIENCE;
	} else if (growth->looks < growth->patience) {
		return false;
	} else {
		growth->patience *= MORE_PATIENCE;
	}
	return true;
}

int growth_look(struct growth *growth, double t, double used, double done, unsigned workers) {
	double seconds = t - growth->time;
	double share = (used - growth->used) / (seconds * growth->processors);
	double rate = (done - growth->done) / seconds;

	growth->time = t;
	growth->used = used;
	growth->done = done;
	// A moment in which all wait for the journal of a file system tells little
	growth->share = growth->share < 0 ? share : (growth->share + share) / 2;
	growth->now += (rate - growth->now) / NOW_LOOKS;
	growth->rates[growth->looks++ % GROWTH_TRIAL] = rate;
	if (growth->before != 0 && growth->before != workers && growth->looks >= GROWTH_TRIAL) {
		return judge(growth, workers);
	}
	if (growth->before > workers) {
		// Fewer are on trial: waiting is what was to be expected of them
		return 0;
	}
	if (growth->share <= BUSY_SHARE && more_wanted(growth, rate, workers)) {
		unsigned best = growth->before;
		if (best == 0 || peak(growth) > growth->before_peak) {
			best = workers;
			growth->before_peak = peak(growth);
		}
		change(growth, best, rate);
		growth->rest = FIRST_REST;
		return (int)(workers < growth->most - workers ? workers : growth->most - workers);
	}
	if (workers > growth->processors && growth->looks >= growth->rest) {
		unsigned fewer = workers / 2 > growth->processors ? workers / 2 : growth->processors;
		growth->before_peak = peak(growth);
		change(growth, workers, growth->rate);
		return (int)fewer - (int)workers;
	}
	return 0;
}
