// SPDX-License-Identifier: MIT
/**
 * What every fuzz target offers: libFuzzer calls it, or (without libFuzzer) main() of tests/tools/fuzz-main.c for each file
 * it is given.
 */

#ifndef UCP_FUZZ_H
#define UCP_FUZZ_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** Try an input. Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** What must hold for every input. */
#define MUST(condition) \
	do { \
		if (!(condition)) { \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
			abort(); \
		} \
	} while (0)

/** The input as a string, to be freed. */
static inline char *fuzz_string(const uint8_t *data, size_t size) {
	char *text = malloc(size + 1);
	MUST(text);
	if (size > 0) {
		memcpy(text, data, size);
	}
	text[size] = '\0';
	return text;
}

#endif // UCP_FUZZ_H
