// SPDX-License-Identifier: MIT
/**
 * Arrays that grow.
 */

#ifndef UCP_ARRAY_H
#define UCP_ARRAY_H

#include <stddef.h>

/**
 * Allocate twice as many items as an array has, or the first ones.
 *
 * @param array  The address of the pointer to its items, which is set.
 * @param size   For how many items there is room, which is set.
 * @param item   Bytes of an item.
 * @return 0 or -ENOMEM; then the array stays as it was.
 */
int array_grow(void *array, size_t *size, size_t item);

/**
 * Make room for one more item behind the first COUNT of an array. ARRAY and SIZE are the variables that array_grow()
 * sets. Returns as it does.
 */
#define array_reserve(array, count, size) ((count) < (size) ? 0 : array_grow(&(array), &(size), sizeof((array)[0])))

#endif // UCP_ARRAY_H
