// SPDX-License-Identifier: MIT
/**
 * How many workers are worth having, judged by what the existing ones do. Pure.
 */

#ifndef UCP_SCALING_H
#define UCP_SCALING_H

#include <stdbool.h>

/** Looks after which workers on trial are judged. */
#define SCALING_TRIAL 5

/** State between looks. Zero-initialise; set time, used, share (-1) and the fields of the caller. */
struct scaling {
	/** Number of processors. Set by the caller. */
	unsigned processors;
	/**
	 * Most workers there may be, and most added without proof that they help. The caller sets both before each look.
	 */
	unsigned most;
	unsigned freely;
	/** The time of the last look in seconds, and by then the seconds of processor time used and the work done. */
	double time;
	double used;
	double done;
	/** The recent share of the processors in use; below 0: not known yet. */
	double share;
	/** Work per second: the recent average, and the value when workers were last added. */
	double now;
	double rate;
	/** Looks since the number of workers changed, and the work per second in the last ones. */
	unsigned looks;
	double rates[SCALING_TRIAL];
	/** Looks after which more workers are tried although they did not help, and after which fewer are tried. */
	unsigned patience;
	unsigned rest;
	/** During a trial, the best number of workers so far and its work per second; BEFORE is 0 without a trial. */
	unsigned before;
	double before_peak;
	/** More workers did not do more, or fewer did as much. */
	bool enough;
};

/**
 * Judge what was done. More workers are wanted while the processors are not in use and, from scaling::freely on, as
 * long as the work per second rises with them. Fewer are wanted if more did less, or if a trial shows that fewer do as
 * much.
 *
 * @param t        The time; later than at the last look.
 * @param used     Seconds of processor time used.
 * @param done     The work done, in any unit.
 * @param workers  The number of workers.
 * @return How many more are to work; below 0, how many fewer.
 */
int scaling_step(struct scaling *scaling, double t, double used, double done, unsigned workers);

#endif // UCP_SCALING_H
