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

unsigned growth_look(struct growth *growth, double t, double used, double done, unsigned workers, unsigned freely) {
	double seconds = t - growth->time;
	double share = (used - growth->used) / (seconds * growth->processors);
	double rate = (done - growth->done) / seconds;

	growth->time = t;
	growth->used = used;
	growth->done = done;
	// A moment in which all wait for the journal of a file system tells little
	growth->share = growth->share < 0 ? share : (growth->share + share) / 2;
	growth->now += (rate - growth->now) / NOW_LOOKS;
	if (growth->share > BUSY_SHARE) {
		return 0;
	}
	++growth->looks;
	if (workers < freely || rate > RISE * growth->rate) {
		growth->patience = FIRST_PATIENCE;
	} else if (growth->looks < growth->patience) {
		return 0;
	} else {
		growth->patience *= MORE_PATIENCE;
	}
	growth->rate = rate;
	growth->looks = 0;
	return workers;
}
