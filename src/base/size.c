// SPDX-License-Identifier: MIT
#include "base/size.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/** A letter in lower case, in any locale. */
static char small(char letter) {
	return (char)(letter | 0x20);
}

/** The factor of a suffix of LEN letters, or 0 if it is invalid. */
static uint64_t suffix_factor(const char *suffix, size_t len) {
	static const char letters[] = "kmgtpe";
	uint64_t base = 1024;

	if (len == 0 || (len == 1 && small(*suffix) == 'b')) {
		return 1;
	}
	const char *letter = strchr(letters, small(*suffix));
	if (len == 2 && small(suffix[1]) == 'b') {
		base = 1000;
	} else if (len > 1 && !(len == 3 && small(suffix[1]) == 'i' && small(suffix[2]) == 'b')) {
		return 0;
	}
	uint64_t factor = 1;
	for (const char *l = letters; letter && l <= letter; ++l) {
		factor *= base;
	}
	return letter ? factor : 0;
}

int parse_size(const char *str, enum size_form form, uint64_t *size) {
	static const char all_digits[] = "0123456789";
	size_t whole = strspn(str, all_digits);
	const char *fraction = str + whole + 1;
	size_t digits = form != SIZE_WHOLE && str[whole] == '.' ? strspn(fraction, all_digits) : 0;
	if (whole == 0 && digits == 0) {
		return -EINVAL;
	}
	const char *suffix = digits > 0 ? fraction + digits : str + whole;
	size_t len = strlen(suffix);
	if (form == SIZE_RATE && len >= 2 && suffix[len - 2] == '/' && small(suffix[len - 1]) == 's') {
		len -= 2;
	}
	uint64_t factor = suffix_factor(suffix, len);
	if (factor == 0) {
		return -EINVAL;
	}
	uint64_t rest = 0;
	bool is_nothing = strspn(str, "0.") >= (size_t)(suffix - str);
	for (size_t i = digits; i-- > 0;) {
		// Rounding down at each digit is exact: only a fraction of a byte is lost
		rest = ((uint64_t)(fraction[i] - '0') * factor + rest) / 10;
	}
	errno = 0;
	uintmax_t n = strtoumax(str, NULL, 10);
	if (errno == ERANGE || __builtin_mul_overflow(n, factor, &n) || __builtin_add_overflow(n, rest, size)) {
		return -ERANGE;
	}
	return *size == 0 && !is_nothing ? -EINVAL : 0;
}
