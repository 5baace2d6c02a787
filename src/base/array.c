// SPDX-License-Identifier: MIT
#include "base/array.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/** Items that are allocated first. */
#define FIRST 16

int array_grow(void *array, size_t *size, size_t item) {
	void *items;
	size_t more = *size ? *size * 2 : FIRST;
	// The pointer has the type of its items
	memcpy(&items, array, sizeof(items));
	void *bigger = reallocarray(items, more, item);
	if (!bigger) {
		return -ENOMEM;
	}
	memcpy(array, &bigger, sizeof(bigger));
	*size = more;
	// cppcheck-suppress memleak ; ARRAY has it now
	return 0;
}
