/**
 * How many workers are worth having, judged by what those there are do: it looks at numbers only.
 */

#ifndef UCP_SCALING_H
#define UCP_SCALING_H

#include <stdbool.h>

/** Looks that workers on trial have to show what they get done. */
#define SCALING_TRIAL 5

/** What was seen so far; zero but for TIME, USED, SHARE and what the caller sets at first. */
struct scaling {
	/** How many there are; the caller's. */
	unsigned processors;
	/** The caller's, for each look: how many workers there may be, and how many unless they did harm. */
	unsigned most;
	unsigned freely;
	/** When it was last looked, in seconds, the seconds of processor time used and the work done by then. */
	double time;
	double used;
	double done;
	/** The share of the processors in use, of late; below 0: not known yet. */
	double share;
	/** Work a second of late, and when workers were last added. */
	double now;
	double rate;
	/** How often was looked since their number changed, and what was done a second in the last of these looks. */
	unsigned looks;
	double rates[SCALING_TRIAL];
	/** After how many looks more are tried although they were of no use, and fewer. */
	unsigned patience;
	unsigned rest;
	/** While more or fewer are on trial: how many did most before, and that. */
	unsigned before;
	double before_peak;
	/** More got no more done, or fewer as much. */
	bool enough;
};

/**
 * Look at what was done. More workers are wanted while the processors are not in use and, from scaling::freely on, as long
 * as the work done a second rises with them; fewer if more got less done, or if fewer get as much done, which is tried.
 *
 * @param t        The time; later than the last one.
 * @param used     Seconds of processor time used.
 * @param done     The work done, in any unit.
 * @param workers  How many there are.
 * @return How many more are to work; below 0, how many fewer.
 */
int scaling_step(struct scaling *scaling, double t, double used, double done, unsigned workers);

#endif // UCP_SCALING_H
