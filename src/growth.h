/**
 * How many workers are worth having, judged by what those there are do: it looks at numbers only.
 */

#ifndef UCP_GROWTH_H
#define UCP_GROWTH_H

#include <stdbool.h>

/** What was seen so far; zero but for PROCESSORS, TIME, USED and SHARE at first. */
struct growth {
	/** How many there are. */
	unsigned processors;
	/** When it was last looked, in seconds, the seconds of processor time used and the work done by then. */
	double time;
	double used;
	double done;
	/** The share of the processors in use, of late; below 0: not known yet. */
	double share;
	/** Work a second of late, and when workers were last added. */
	double now;
	double rate;
	/** How many looks ago their number changed, and after how many more are tried although they were of no use. */
	unsigned looks;
	unsigned patience;
	/** Most work a second since then. */
	double peak;
	/** While more are on trial: how few did most before, and that. */
	unsigned fewer;
	double fewer_peak;
	/** When more were last tried, less got done. */
	bool hurt;
};

/**
 * Look at what was done. More workers are wanted while the processors are not in use and, from FREELY workers on, as long as
 * the work done a second rises with them; fewer, if more have got less done.
 *
 * @param t        The time; later than the last one.
 * @param used     Seconds of processor time used.
 * @param done     The work done, in any unit.
 * @param workers  How many there are.
 * @param freely   Up to how many nobody asks whether they help, as long as none did harm.
 * @return How many more are to work; below 0, how many fewer.
 */
int growth_look(struct growth *growth, double t, double used, double done, unsigned workers, unsigned freely);

#endif // UCP_GROWTH_H
