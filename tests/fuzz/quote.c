// SPDX-License-Identifier: MIT
/** quote_name(): whatever a name is made of, what is shown has nothing a terminal would obey, and is one line. */

#include "fuzz.h"

#include "base/buf.h"
#include "report/report.h"

#include <locale.h>

static void check_shown(const struct buf *buf) {
	MUST(!buf->failed && buf->data);
	for (size_t i = 0; i < buf->len; ++i) {
		unsigned char c = (unsigned char)buf->data[i];
		MUST(c >= ' ' && c != 0x7f);
		// The control characters of ISO 6429, as UTF-8 writes them
		MUST(c != 0xc2 || i + 1 == buf->len || (unsigned char)buf->data[i + 1] >= 0xa0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	char *text = fuzz_string(data, size);
	void (*const ways[])(struct buf *, const char *) = {quote_name, quote_name_if_needed, quote_in_template};
	setlocale(LC_ALL, size % 2 ? "C" : "C.UTF-8");
	for (size_t i = 0; i < countof(ways); ++i) {
		struct buf buf = {0};
		ways[i](&buf, text);
		if (buf.len > 0) {
			check_shown(&buf);
		}
		buf_free(&buf);
	}
	free(text);
	return 0;
}
