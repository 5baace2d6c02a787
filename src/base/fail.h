/**
 * Why something could not be done, from where it is known to where it is reported.
 */

#ifndef UCP_FAIL_H
#define UCP_FAIL_H

/** Why something could not be done. All zero: nothing failed. */
struct fail {
	/** A positive errno, or 0 where the text says it all. */
	int err;
	/** The text, a constant in which %s is the source's name and %d the destination's. */
	const char *what;
	/** Whether it is only worth a warning: the exit status stays. */
	bool warning;
};

/** Nothing failed. */
#define FAIL_NONE ((struct fail) {0})

/** Make a fail. */
static inline struct fail fail_make(int err, const char *what) {
	return (struct fail) {.err = err < 0 ? -err : err, .what = what};
}

#endif // UCP_FAIL_H
