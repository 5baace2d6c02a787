// SPDX-License-Identifier: MIT
/**
 * Sets of names.
 */

#ifndef UCP_NAME_SET_H
#define UCP_NAME_SET_H

/** A set of names. Zero-initialise. Not locked. */
struct name_set {
	/** The root of a tsearch(3) tree. */
	void *root;
};

/** Add a copy of a name. Returns 1 if it is new, 0 if it was in the set, or -ENOMEM. */
int name_set_add(struct name_set *set, const char *name);

/** Empty the set. */
void name_set_clear(struct name_set *set);

#endif // UCP_NAME_SET_H
