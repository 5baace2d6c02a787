// SPDX-License-Identifier: MIT
/**
 * unit.h: the frame of a unit test program.
 *
 *     #include "unit.h"
 *
 *     TEST(adds) {
 *         CHECK(1 + 1 == 2);
 *         CHECK_EQ(add(1, 1), 2);
 *     }
 *
 *     UNIT_MAIN
 *
 * Prints one line a test, `ok NAME`, `not ok NAME` or `ok NAME # SKIP why`, and what failed before it as
 * `# file:line: …`. Exit status 1 if anything failed. Arguments are substrings of the names to run.
 *
 * CHECK notes a failure and goes on, from any thread; REQUIRE and SKIP leave the test at once, so they belong
 * to the thread that runs it.
 */
#ifndef UCP_UNIT_H
#define UCP_UNIT_H

#include <dirent.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct unit_test {
	const char *name;
	void (*run)(void);
	struct unit_test *next;
};

static struct unit_test *unit_first, **unit_end = &unit_first;
static atomic_uint unit_failures; /* of the test that runs */
static const char *unit_skipped;
static jmp_buf unit_leave;

enum { UNIT_SHOWN = 10 }; /* a loop of millions may fail each time: that many are shown */

/** A test: registered before main runs, in the order of the file. */
#define TEST(test_name)                                                                 \
	static void test_##test_name(void);                                             \
	__attribute__((constructor)) static void unit_add_##test_name(void) {           \
		static struct unit_test test = {#test_name, test_##test_name, NULL};    \
		*unit_end = &test;                                                      \
		unit_end = &test.next;                                                  \
	}                                                                               \
	static void test_##test_name(void)

/** Note a failure if COND is false, and go on. */
#define CHECK(cond) ((cond) ? (void)0 : unit_note(__FILE__, __LINE__, "not so: %s", #cond))

/** Like CHECK(COND), with a printf-like message that says more. */
#define CHECK_MSG(cond, ...) ((cond) ? (void)0 : unit_note(__FILE__, __LINE__, __VA_ARGS__))

/** Two integers are equal. Both are shown. */
#define CHECK_EQ(a, b) unit_check_eq(__FILE__, __LINE__, #a, (intmax_t)(a), (intmax_t)(b))

/** Two strings are equal. Both are shown. */
#define CHECK_STR(a, b) unit_check_str(__FILE__, __LINE__, #a, (a), (b))

/** LEN bytes are equal. The first difference is shown. */
#define CHECK_MEM(a, b, len) unit_check_mem(__FILE__, __LINE__, #a, (a), (b), (len))

/** Note a failure if COND is false, and leave the test. */
#define REQUIRE(cond)                                                                   \
	do {                                                                            \
		if (!(cond)) {                                                          \
			unit_note(__FILE__, __LINE__, "not so: %s", #cond);             \
			longjmp(unit_leave, 1);                                         \
		}                                                                       \
	} while (0)

/** Leave the test: it cannot run here. */
#define SKIP(why)                                                                       \
	do {                                                                            \
		unit_skipped = (why);                                                   \
		longjmp(unit_leave, 1);                                                 \
	} while (0)

__attribute__((format(printf, 3, 4)))
static inline void unit_note(const char *file, int line, const char *format, ...) {
	unsigned nth = atomic_fetch_add(&unit_failures, 1);
	if (nth > UNIT_SHOWN) {
		return;
	}
	char text[512];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	printf("# %s:%d: %s\n", file, line, nth < UNIT_SHOWN ? text : "… and more");
}

static inline void unit_check_eq(const char *file, int line, const char *what, intmax_t a, intmax_t b) {
	if (a != b) {
		unit_note(file, line, "%s is %" PRIdMAX ", not %" PRIdMAX, what, a, b);
	}
}

static inline void unit_check_str(const char *file, int line, const char *what, const char *a, const char *b) {
	if (!a || !b ? a != b : strcmp(a, b) != 0) {
		unit_note(file, line, "%s is \"%s\", not \"%s\"", what, a ? a : "(null)", b ? b : "(null)");
	}
}

static inline void unit_check_mem(const char *file, int line, const char *what, const void *a, const void *b,
				  size_t len) {
	const unsigned char *x = a;
	const unsigned char *y = b;
	for (size_t i = 0; i < len; i++) {
		if (x[i] != y[i]) {
			unit_note(file, line, "%s: byte %zu is 0x%02x, not 0x%02x", what, i, x[i], y[i]);
			return;
		}
	}
}

static inline bool unit_chosen(const char *name, int argc, char **argv) {
	for (int i = 1; i < argc; i++) {
		if (strstr(name, argv[i])) {
			return true;
		}
	}
	return argc < 2;
}

/* Whether it passed. By itself, so that no variable of the loop is live across setjmp. */
static inline bool unit_run(const struct unit_test *test) {
	atomic_store(&unit_failures, 0);
	unit_skipped = NULL;
	if (setjmp(unit_leave) == 0) {
		test->run();
	}
	if (atomic_load(&unit_failures) > 0) {
		printf("not ok %s\n", test->name);
		return false;
	}
	printf("ok %s%s%s\n", test->name, unit_skipped ? " # SKIP " : "", unit_skipped ? unit_skipped : "");
	return true;
}

static inline int unit_run_all(int argc, char **argv) {
	bool passed = true;
	setvbuf(stdout, NULL, _IOLBF, 0); /* a crash must not swallow what was said before it */
	for (const struct unit_test *test = unit_first; test; test = test->next) {
		if (unit_chosen(test->name, argc, argv)) {
			passed = unit_run(test) && passed;
		}
	}
	return passed ? 0 : 1;
}

/** How many descriptors are open, and always the same number more. */
static inline unsigned open_fds(void) {
	unsigned count = 0;
	DIR *dir = opendir("/proc/self/fd");
	REQUIRE(dir);
	while (readdir(dir)) {
		++count;
	}
	closedir(dir);
	return count;
}

/** Once at the end of a program. */
#define UNIT_MAIN                                                                       \
	int main(int argc, char **argv) {                                               \
		return unit_run_all(argc, argv);                                        \
	}

#endif // UCP_UNIT_H
