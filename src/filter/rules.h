// SPDX-License-Identifier: MIT
/**
 * Lists of patterns, and matching paths against them. Pure: does not access files.
 *
 * A list follows the rules of rsync (the first matching pattern decides) or of git (the last one decides). Paths have
 * no slash at either end, and are relative to the directory at which patterns with a leading slash are anchored.
 */

#ifndef UCP_RULES_H
#define UCP_RULES_H

#include <limits.h>
#include <sys/types.h>

/** The answer of a list about a path. */
enum filter_verdict {
	/** No pattern matches. */
	FILTER_SILENT,
	/** Copy it. */
	FILTER_INCLUDE,
	/** Leave it out, with everything in it. */
	FILTER_EXCLUDE,
};

/** The rules that a list follows. */
enum filter_kind {
	FILTER_RSYNC,
	FILTER_GIT,
};

/** Most patterns in a list: more would need too much memory, and too much time to match. */
#define FILTER_MOST (1u << 20)

/** A list of patterns. Zero-initialised it is empty and follows rsync. Matching does not change it. */
struct filter {
	enum filter_kind kind;
	struct filter_rule *rules;
	size_t count;
	size_t size;
	/** How many of the last components of a path filter_match() needs, or FILTER_ALL. */
	unsigned components;
};

/** All components of a path. */
#define FILTER_ALL UINT_MAX

/**
 * Append a pattern by rsync's rules, as for --exclude and --include: a leading "+ " or "- " overrides VERDICT, and "!"
 * alone empties the list. An empty pattern is ignored.
 *
 * @param verdict  The answer if the pattern matches.
 * @return 0; -EINVAL if nothing follows "+ " or "- "; -E2BIG if the list has FILTER_MOST patterns; -ENOMEM.
 */
int filter_add(struct filter *filter, const char *pattern, enum filter_verdict verdict);

/**
 * Append the lines of a file. With rsync's rules these are patterns to exclude, and comments that start with # or ;.
 * With git's rules they are the lines of a .gitignore.
 *
 * @param end  The byte that ends a line: '\n', or '\0', with which there are no comments. Git's rules allow only '\n'.
 * @return 0 or an error of filter_add(); earlier lines stay appended.
 */
int filter_add_text(struct filter *filter, const char *text, size_t len, char end);

/** Append the files and directories of version control systems (--exclude-vcs). Returns 0 or -ENOMEM. */
int filter_add_vcs(struct filter *filter);

/** Whether some pattern excludes names. */
bool filter_excludes(const struct filter *filter);

/**
 * The answer of a list about a path of LEN bytes, or about its last components, of which there must be
 * filter::components or all there are.
 */
enum filter_verdict filter_match(const struct filter *filter, const char *path, size_t len, bool is_dir);

/** Free the patterns and empty the list. */
void filter_free(struct filter *filter);

/** Switches of filter_glob(). */
enum filter_glob_flags {
	/** Two asterisks match slashes only if they are a whole component (git). */
	FILTER_GLOB_GIT = 1 << 0,
	/** The match may start after any slash, too. */
	FILTER_GLOB_ANYWHERE = 1 << 1,
};

/**
 * Match a whole text against a glob: ? and [class] match one byte except a slash, * any number of such bytes, ** any
 * bytes; a backslash makes the next byte literal. At worst the time is proportional to the pattern's length times the
 * text's. Uses no memory.
 */
bool filter_glob(const char *pattern, size_t pattern_len, const char *text, size_t len, enum filter_glob_flags flags);

#endif // UCP_RULES_H
