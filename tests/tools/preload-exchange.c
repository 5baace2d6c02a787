// SPDX-License-Identifier: MIT
/**
 * To be preloaded: exchanges two names at the worst moment, right after a call to the system that is about some name.
 *
 *   UCP_EXCHANGE="CALL NAME A B …"   after the first CALL of which the last path is NAME, exchange A with B (paths); what
 *                                    has no counterpart is moved. CALL may be "any", and NAME end in * for what begins so;
 *                                    with CALL+N after the N-th such call
 *
 * Each of up to 8 quadruples has its effect once.
 */

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RULES 8

static struct {
	char *words[4];
	/** Such calls that are still to come. */
	atomic_long left;
} rules[RULES];
static size_t rule_count;

/** Read the rules before anybody calls. */
__attribute__((constructor)) static void begin(void) {
	char *text = getenv("UCP_EXCHANGE");
	char *rest = NULL;
	text = text ? strdup(text) : NULL;
	for (char *word = text ? strtok_r(text, " \t\n", &rest) : NULL; word && rule_count < RULES; ++rule_count) {
		for (size_t i = 0; i < 4 && word; ++i) {
			rules[rule_count].words[i] = word;
			word = strtok_r(NULL, " \t\n", &rest);
		}
		char *plus = strchr(rules[rule_count].words[0], '+');
		atomic_init(&rules[rule_count].left, plus ? atol(plus + 1) : 1);
		if (plus) {
			*plus = '\0';
		}
	}
}

static bool is_meant(const char *pattern, const char *name) {
	size_t len = strlen(pattern);
	return len > 0 && pattern[len - 1] == '*' ? strncmp(name, pattern, len - 1) == 0 : strcmp(name, pattern) == 0;
}

static void exchange(const char *a, const char *b) {
	if (renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE) != 0 && renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_NOREPLACE) != 0
		&& renameat2(AT_FDCWD, b, AT_FDCWD, a, RENAME_NOREPLACE) != 0)
	{
		perror("preload-exchange");
	}
}

/** A call was made. Keeps errno. */
static void called(const char *call, const char *name) {
	int err = errno;
	for (size_t i = 0; i < rule_count; ++i) {
		char **words = rules[i].words;
		if (words[3] && (strcmp(words[0], "any") == 0 || strcmp(words[0], call) == 0) && is_meant(words[1], name)
			&& atomic_fetch_sub(&rules[i].left, 1) == 1)
		{
			exchange(words[2], words[3]);
		}
	}
	errno = err;
}

/** A function NAME(PARAMETERS) like the library's, which gets ARGUMENTS, and is about PATH. */
#define CALL(symbol, name, path, parameters, arguments)                          \
	int symbol parameters;                                                   \
	int symbol parameters {                                                  \
		int(*real) parameters = (int(*) parameters)dlsym(RTLD_NEXT, #symbol); \
		int ret = real arguments;                                        \
		called(#name, path);                                             \
		return ret;                                                      \
	}

CALL(fstatat64, fstatat, path, (int dir, const char *path, struct stat64 *st, int flags), (dir, path, st, flags))
CALL(statx, statx, path, (int dir, const char *path, int flags, unsigned mask, struct statx *st),
	(dir, path, flags, mask, st))
CALL(mkdirat, mkdirat, path, (int dir, const char *path, mode_t mode), (dir, path, mode))
CALL(mknodat, mknodat, path, (int dir, const char *path, mode_t mode, dev_t dev), (dir, path, mode, dev))
CALL(symlinkat, symlinkat, path, (const char *target, int dir, const char *path), (target, dir, path))
CALL(linkat, linkat, new, (int from, const char *old, int to, const char *new, int flags), (from, old, to, new, flags))
CALL(renameat, renameat, new, (int from, const char *old, int to, const char *new), (from, old, to, new))
CALL(unlinkat, unlinkat, path, (int dir, const char *path, int flags), (dir, path, flags))

// What openat() becomes where the program is hardened
CALL(__openat64_2, openat, path, (int dir, const char *path, int flags), (dir, path, flags)) // NOLINT

int openat64(int dir, const char *path, int flags, ...);
int openat64(int dir, const char *path, int flags, ...) {
	int (*real)(int, const char *, int, ...) = (int (*)(int, const char *, int, ...))dlsym(RTLD_NEXT, "openat64");
	va_list more;
	va_start(more, flags);
	mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;
	va_end(more);
	int ret = real(dir, path, flags, mode);
	called("openat", path);
	return ret;
}
