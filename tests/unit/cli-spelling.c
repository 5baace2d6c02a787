// SPDX-License-Identifier: MIT
/**
 * cli-spelling.c: what long options may be cut short to, and what is said of those that are none.
 */

#include "unit.h"

#include "base/buf.h"
#include "cli/cli-impl.h"

#include <stdlib.h>

/** The long options of cp 9.11; those of one number are one. */
static const struct {
	const char *name;
	int number;
} of_cp[] = {
	{"archive", 0}, {"attributes-only", 1}, {"backup", 2}, {"context", 3}, {"copy-contents", 4}, {"debug", 5},
	{"dereference", 6}, {"force", 7}, {"help", 8}, {"interactive", 9}, {"keep-directory-symlink", 10}, {"link", 11},
	{"no-clobber", 12}, {"no-dereference", 13}, {"no-preserve", 14}, {"no-target-directory", 15},
	{"one-file-system", 16}, {"parents", 17}, {"path", 17}, {"preserve", 18}, {"recursive", 19}, {"reflink", 20},
	{"remove-destination", 21}, {"sparse", 22}, {"strip-trailing-slashes", 23}, {"suffix", 24},
	{"symbolic-link", 25}, {"target-directory", 26}, {"update", 27}, {"verbose", 28}, {"version", 29},
};

/** Our own, and the shortest that stands for each: what is shorter means something else, or several things. */
static const struct {
	const char *name;
	const char *shortest;
} ours[] = {
	{"atomic", "ato"}, {"backup-dir", "backup-"}, {"beneath", "ben"}, {"best-effort", "bes"}, {"bwlimit", "bw"},
	{"checksums", "checksums"}, {"chmod", "chm"}, {"chown", "cho"}, {"chunk-size", "chu"}, {"link-dest", "link-"},
	{"delete", "delete"}, {"delete-excluded", "delete-e"}, {"max-delete", "max-d"}, {"max-errors", "max-e"},
	{"mirror", "mir"}, {"move", "mov"}, {"itemize", "itemize"}, {"log-file", "log-file"}, {"reflink-dest", "reflink-"},
	{"xattrs", "x"},
	{"direct", "dire"}, {"dry-run", "dr"}, {"engine", "en"}, {"exclude", "exclude"}, {"exclude-from", "exclude-f"},
	{"exclude-vcs", "exclude-v"}, {"files-from", "file"}, {"fsync", "fs"}, {"gitignore", "gi"}, {"idle", "id"},
	{"include", "inc"}, {"json", "j"},
	{"max-size", "max-s"}, {"min-size", "min"}, {"null", "nul"},
	{"progress", "prog"}, {"queue-depth", "que"}, {"resume", "res"}, {"stats", "sta"}, {"threads", "th"},
	{"verify", "veri"},
};

/** What the first LEN bytes of a name stand for, or NULL; and whether there is more to say of it. */
static const struct argp_option *find(const char *name, size_t len, bool *said) {
	struct buf why = {0};
	const struct argp_option *found = cli_find_option(name, len, &why);
	CHECK(!found || why.len == 0);
	*said = why.len > 0;
	buf_free(&why);
	return found;
}

/** What is clear for cp: the index in of_cp, or -1. */
static int clear_for_cp(const char *name, size_t len) {
	int found = -1;
	for (size_t i = 0; i < countof(of_cp); ++i) {
		if (strncmp(of_cp[i].name, name, len) != 0) {
			continue;
		}
		if (of_cp[i].name[len] == '\0') {
			return (int)i;
		}
		if (found >= 0 && of_cp[found].number != of_cp[i].number) {
			return -1;
		}
		found = (int)i;
	}
	return found;
}

TEST(what_is_clear_for_cp_is_clear) {
	bool said;
	for (size_t i = 0; i < countof(of_cp); ++i) {
		for (size_t len = 1; len <= strlen(of_cp[i].name); ++len) {
			int wanted = clear_for_cp(of_cp[i].name, len);
			const struct argp_option *found = find(of_cp[i].name, len, &said);
			if (wanted >= 0) {
				REQUIRE(found);
				CHECK_EQ(found->key, find(of_cp[wanted].name, strlen(of_cp[wanted].name), &said)->key);
			} else {
				CHECK(!found);
			}
		}
	}
}

TEST(ours_may_be_cut_short_unless_they_become_something_else) {
	bool said;
	for (size_t i = 0; i < countof(ours); ++i) {
		const char *name = ours[i].name;
		for (size_t len = 1; len <= strlen(name); ++len) {
			const struct argp_option *found = find(name, len, &said);
			bool is_ours = found && strcmp(found->name, name) == 0;
			CHECK_EQ(is_ours, len >= strlen(ours[i].shortest));
			CHECK(is_ours || !found || found->name[len] == '\0' || clear_for_cp(name, len) >= 0);
		}
	}
}

TEST(all_options_are_in_these_tables) {
	for (const struct argp_option *o = cli_options; o->name || o->key || o->doc; ++o) {
		bool known = !o->name || (o->flags & OPTION_HIDDEN) || clear_for_cp(o->name, strlen(o->name)) >= 0;
		for (size_t i = 0; i < countof(ours) && !known; ++i) {
			known = strcmp(ours[i].name, o->name) == 0;
		}
		CHECK(known);
	}
}

TEST(unknown_ones_are_explained) {
	static const struct {
		const char *name;
		const char *why;
	} unknown[] = {
		{"recusive", "unrecognized option %s; did you mean '--recursive'?"},
		{"excldue", "unrecognized option %s; did you mean '--exclude'?"},
		{"hlep", "unrecognized option %s; did you mean '--help'?"},
		{"verfy", "unrecognized option %s; did you mean '--verify'?"},
		{"threadss", "unrecognized option %s; did you mean '--threads'?"},
		{"delete-during", "unrecognized option %s; see --delete, which removes when a directory is copied without an error"},
		{"links", "unrecognized option %s; see --no-dereference"},
		{"compare-dest", "unrecognized option %s; see --link-dest"},
		{"temp-dir", "unrecognized option %s; ucp has nothing like this option of rsync"},
		{"no-perms", "unrecognized option %s; see --no-preserve"},
		{"no-compress", "unrecognized option %s; ucp has nothing like this option of rsync"},
		{"checksum", "unrecognized option %s; see --update=checksum for comparing contents, "
			"--verify for a check of the copy"},
		{"max", NULL},
		{"di", "unrecognized option %s; write --direct if that is meant, and not --dirs of rsync"},
		// A hidden option is neither proposed nor abbreviated
		{"x-", "unrecognized option %s"},
		{"x-in", "unrecognized option %s"},
		{"x-injec", "unrecognized option %s"},
		{"x-injects", NULL},
		{"x-injext", NULL},
		{"inject", NULL},
		// Nothing is like these, or getopt says all there is to say
		{"foo", NULL},
		{"ex", NULL},
		{"no", NULL},
		{"a-name-that-is-longer-than-any-option-has", NULL},
		{"", NULL},
	};
	for (size_t i = 0; i < countof(unknown); ++i) {
		struct buf why = {0};
		CHECK(!cli_find_option(unknown[i].name, strlen(unknown[i].name), &why));
		CHECK_STR(why.data ? why.data : "", unknown[i].why ? unknown[i].why : "");
		buf_free(&why);
	}
}

UNIT_MAIN
