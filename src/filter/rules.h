/**
 * Lists of patterns, and whether a path matches one. Pure: knows no file.
 *
 * A list follows the rules of rsync (the first pattern that matches decides) or of git (the last one does). Paths are
 * given without a slash at either end, relative to where patterns with a slash in front are anchored.
 */

#ifndef UCP_RULES_H
#define UCP_RULES_H

#include <sys/types.h>

/** What a list says of a path. */
enum filter_verdict {
	/** Nothing. */
	FILTER_SILENT,
	/** It is to be copied. */
	FILTER_INCLUDE,
	/** It is to be left out, with all that is in it. */
	FILTER_EXCLUDE,
};

/** Whose rules a list follows. */
enum filter_kind {
	FILTER_RSYNC,
	FILTER_GIT,
};

/** The most patterns a list may have: more would take memory that is missed elsewhere, and ages to be matched. */
#define FILTER_MOST (1u << 20)

/** A list of patterns. Zero-initialised it is empty and follows rsync. Matching only reads it. */
struct filter {
	enum filter_kind kind;
	struct filter_rule *rules;
	size_t count;
	size_t size;
};

/**
 * Append a pattern by rsync's rules, as --exclude and --include take it: "+ " and "- " in front of it say again what it
 * is for, and a "!" alone empties the list. An empty pattern matches nothing.
 *
 * @param verdict  What matching it means.
 * @return 0; -EINVAL if nothing is behind "+ " or "- "; -E2BIG if there are FILTER_MOST already; -ENOMEM.
 */
int filter_add(struct filter *filter, const char *pattern, enum filter_verdict verdict);

/**
 * Append the lines of a file: patterns to be excluded with rsync's rules, comments beginning with # or ; or the lines of
 * a .gitignore with git's.
 *
 * @param end  What ends a line: '\n', or '\0'. Then there are no comments. Git's rules know '\n' only.
 * @return 0 or what filter_add() does; the lines before are appended.
 */
int filter_add_text(struct filter *filter, const char *text, size_t len, char end);

/** Append what version control systems keep in a tree (--exclude-vcs). Returns 0 or -ENOMEM. */
int filter_add_vcs(struct filter *filter);

/** Whether a list has a pattern that leaves something out. */
bool filter_excludes(const struct filter *filter);

/** What a list says of a path of LEN bytes. */
enum filter_verdict filter_match(const struct filter *filter, const char *path, size_t len, bool is_dir);

/** Free the patterns; the list is empty then. */
void filter_free(struct filter *filter);

/** Switches of filter_glob(). */
enum filter_glob_flags {
	/** Two asterisks match slashes, too, only where they are all there is between slashes (git). */
	FILTER_GLOB_GIT = 1 << 0,
	/** The match may begin behind any slash. */
	FILTER_GLOB_ANYWHERE = 1 << 1,
};

/**
 * Match a whole text against a glob: ? and [class] match one byte that is no slash, * any number of them, ** any
 * bytes; a backslash takes the next byte as it is. Takes time in proportion to the pattern times the text at worst, and no
 * memory.
 */
bool filter_glob(const char *pattern, size_t pattern_len, const char *text, size_t len, enum filter_glob_flags flags);

#endif // UCP_RULES_H
