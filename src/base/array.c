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
	items = reallocarray(items, more, item);
	if (!items) {
		return -ENOMEM;
	}
	memcpy(array, &items, sizeof(items));
	*size = more;
	return 0;
}
