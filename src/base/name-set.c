// SPDX-License-Identifier: MIT
#include "base/name-set.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b) {
	return strcmp(a, b);
}

int name_set_add(struct name_set *set, const char *name) {
	if (tfind(name, &set->root, compare)) {
		return 0;
	}
	char *copy = strdup(name);
	if (!copy || !tsearch(copy, &set->root, compare)) {
		free(copy);
		return -ENOMEM;
	}
	return 1;
}

void name_set_clear(struct name_set *set) {
	tdestroy(set->root, free);
	set->root = NULL;
}
