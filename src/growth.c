#include "growth.h"

/** With less of the processors in use the workers wait more than they work. */
#define BUSY_SHARE 0.6

/** What the work done a second must rise by to go on. */
#define RISE 1.1

/** About how many looks growth::now is of. */
#define NOW_LOOKS 8

/** Looks before it is tried again, and what they are multiplied by each time. */
#define FIRST_PATIENCE 5
#define MORE_PATIENCE 4

/** Looks that more workers have to show what they get done, and what of the work before must be reached. */
#define TRIAL_LOOKS 5
#define KEPT 0.9

/** Begin with another number of workers. */
static void change(struct growth *growth, double rate) {
	growth->rate = rate;
	growth->looks = 0;
	growth->peak = 0;
}

/** Whether the workers on trial get less done than fewer did; it is over then. */
static bool have_hurt(struct growth *growth, unsigned workers) {
	if (growth->fewer == 0 || growth->looks < TRIAL_LOOKS) {
		return false;
	}
	growth->hurt = growth->fewer < workers && growth->peak < KEPT * growth->fewer_peak;
	if (!growth->hurt) {
		growth->fewer = 0;
	}
	return growth->hurt;
}

int growth_look(struct growth *growth, double t, double used, double done, unsigned workers, unsigned freely) {
	double seconds = t - growth->time;
	double share = (used - growth->used) / (seconds * growth->processors);
	double rate = (done - growth->done) / seconds;

	growth->time = t;
	growth->used = used;
	growth->done = done;
	// A moment in which all wait for the journal of a file system tells little
	growth->share = growth->share < 0 ? share : (growth->share + share) / 2;
	growth->now += (rate - growth->now) / NOW_LOOKS;
	growth->peak = rate > growth->peak ? rate : growth->peak;
	++growth->looks;
	if (have_hurt(growth, workers)) {
		unsigned fewer = growth->fewer;
		growth->patience *= MORE_PATIENCE;
		growth->fewer = 0;
		change(growth, growth->fewer_peak);
		return (int)fewer - (int)workers;
	}
	if (growth->share > BUSY_SHARE) {
		return 0;
	}
	if ((workers < freely && !growth->hurt) || rate > RISE * growth->rate) {
		growth->patience = FIRST_PATIENCE;
	} else if (growth->looks < growth->patience) {
		return 0;
	} else {
		growth->patience *= MORE_PATIENCE;
	}
	if (growth->fewer == 0 || growth->peak > growth->fewer_peak) {
		growth->fewer = workers;
		growth->fewer_peak = growth->peak;
	}
	change(growth, rate);
	return (int)workers;
}
