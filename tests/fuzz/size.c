// SPDX-License-Identifier: MIT
/** parse_size(): whatever it takes is a number that means the same when written out. */

#include "fuzz.h"

#include "base/size.h"

#include <ctype.h>
#include <errno.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	char *text = fuzz_string(data, size);
	bool is_whole = false;
	for (int form = SIZE_WHOLE; form <= SIZE_RATE; ++form) {
		uint64_t bytes = 42;
		int ret = parse_size(text, (enum size_form)form, &bytes);

		MUST(ret == 0 || ret == -EINVAL || ret == -ERANGE);
		// What one form takes, the next one takes as well
		MUST(!is_whole || ret == 0);
		is_whole = ret == 0;
		if (ret == 0) {
			char digits[24];
			uint64_t again;
			snprintf(digits, sizeof(digits), "%llu", (unsigned long long)bytes);
			MUST(parse_size(digits, SIZE_WHOLE, &again) == 0 && again == bytes);
			MUST(isdigit((unsigned char)text[0]) || text[0] == '.');
			MUST(text[strspn(text, "0123456789")] != '\0' || strtoull(text, NULL, 10) == bytes);
		}
	}
	free(text);
	return 0;
}
