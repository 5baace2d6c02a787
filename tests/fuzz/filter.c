// SPDX-License-Identifier: MIT
/**
 * A libFuzzer target for the patterns: no input may crash, read beyond its end, or take long.
 *
 *     clang -g -O1 -fsanitize=fuzzer,address,undefined -std=gnu17 -Isrc -include src/prelude.h \
 *         tests/fuzz/filter.c src/filter.c src/filter-glob.c -o build/fuzz-filter && build/fuzz-filter -max_len=512
 *
 * The input: one byte that chooses the rules, a path up to the first NUL, and the lines of a list.
 */

#include "filter/rules.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** A copy that ends where the bytes end, so that reading on is noticed. */
static char *copy(const uint8_t *data, size_t size) {
	char *text = malloc(size ? size : 1);
	if (!text) {
		abort();
	}
	memcpy(text, data, size);
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	if (size < 1) {
		return 0;
	}
	uint8_t kind = *data++;
	--size;
	const uint8_t *nul = memchr(data, 0, size);
	size_t path_len = nul ? (size_t)(nul - data) : size;
	size_t list_len = nul ? size - path_len - 1 : 0;
	char *path = copy(data, path_len);
	char *list = copy(nul ? nul + 1 : data, list_len);

	struct filter filter = {.kind = kind & 1 ? FILTER_GIT : FILTER_RSYNC};
	if (filter_add_text(&filter, list, list_len, kind & 2 ? '\0' : '\n') == 0) {
		enum filter_verdict file = filter_match(&filter, path, path_len, false);
		enum filter_verdict dir = filter_match(&filter, path, path_len, true);
		if (file > FILTER_EXCLUDE || dir > FILTER_EXCLUDE) {
			abort();
		}
	}
	filter_glob(list, list_len, path, path_len, kind & 4 ? FILTER_GLOB_GIT : 0);
	filter_free(&filter);
	free(path);
	free(list);
	return 0;
}
