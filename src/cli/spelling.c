// SPDX-License-Identifier: MIT
#include "cli/cli-impl.h"

#include "base/buf.h"
#include "base/opts.h"
#include "report/report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/** Longer names are not compared with misspelt ones. */
#define MOST_LETTERS 32

/** The long options of cp 9.11. An abbreviation that is unambiguous for cp means the same here. */
static const char *const names_of_cp[] = {"archive", "attributes-only", "backup", "context", "copy-contents", "debug",
	"dereference", "force", "help", "interactive", "keep-directory-symlink", "link", "no-clobber", "no-dereference",
	"no-preserve", "no-target-directory", "one-file-system", "parents", "path", "preserve", "recursive", "reflink",
	"remove-destination", "sparse", "strip-trailing-slashes", "suffix", "symbolic-link", "target-directory", "update",
	"verbose", "version"};

/** Names that users know from another program, with the same hint. */
struct habits {
	/** They end with NULL. */
	const char *const *names;
	/** Our option that they may be cut short to, besides one of the same name; or NULL. */
	const char *same;
	/** The hint for users who give such a name, if it is no option of ours. */
	const char *hint;
	/** The hint if "no-" is in front of it, by which rsync revokes nearly each option. */
	const char *revoked;
};

#define NOTHING_LIKE_IT "ucp has nothing like this option of rsync"
#define NAMES(...) \
	(const char *const[]) { \
		__VA_ARGS__, NULL \
	}
#define HABITS(text, ...) \
	{ \
		.names = NAMES(__VA_ARGS__), .hint = text, .revoked = NOTHING_LIKE_IT \
	}
#define ATTRIBUTES(text, ...) \
	{ \
		.names = NAMES(__VA_ARGS__), .hint = text, .revoked = "see --no-preserve" \
	}

/** The long options of rsync 3.2 that cp does not have, and others that users try. */
static const struct habits habits[] = {
	HABITS("ucp does not copy to other machines", "address", "blocking-io", "compress", "compress-choice",
		"compress-level", "contimeout", "daemon", "early-input", "ipv4", "ipv6", "old-args", "password-file", "port",
		"protect-args", "protocol", "remote-option", "rsh", "rsync-path", "secluded-args", "skip-compress", "sockopts",
		"timeout", "trust-sender"),
	HABITS(NOTHING_LIKE_IT, "backup-dir", "block-size", "bwlimit", "chmod", "chown", "copy-as", "copy-dirlinks",
		"copy-unsafe-links", "crtimes", "delete", "delete-excluded", "delete-missing-args", "dirs", "dry-run",
		"exclude", "exclude-from", "existing", "fake-super", "files-from", "fsync", "fuzzy", "iconv",
		"ignore-missing-args", "ignore-non-existing", "include", "link-dest", "log-file", "max-alloc", "max-delete",
		"max-size", "min-size", "modify-window", "munge-links", "old-dirs", "omit-dir-times", "omit-link-times",
		"only-write-batch", "open-noatime", "outbuf", "preallocate", "progress", "prune-empty-dirs", "read-batch",
		"safe-links", "size-only", "stats", "stderr", "stop-after", "stop-at", "super", "temp-dir", "time-limit",
		"write-batch", "write-devices"),
	ATTRIBUTES("see --preserve=mode", "acls", "executability", "perms"),
	ATTRIBUTES("see --preserve=timestamps", "atimes", "times"),
	ATTRIBUTES("see --preserve=ownership", "group", "owner"),
	ATTRIBUTES("see --preserve=links", "hard-links"),
	ATTRIBUTES("see --preserve=xattr", "xattrs"),
	HABITS("see --resume", "append", "append-verify", "partial", "partial-dir"),
	HABITS("see --update=checksum for comparing contents, --verify for a check of the copy", "checksum",
		"checksum-choice", "checksum-seed"),
	HABITS("see --link-dest", "compare-dest"),
	HABITS("see --reflink-dest and --link-dest", "copy-dest"),
	HABITS("see --copy-contents", "copy-devices"),
	HABITS("see --dereference", "copy-links"),
	HABITS("see --exclude-vcs", "cvs-exclude"),
	HABITS("see --delete, which removes when a directory is copied without an error", "del", "delete-after",
		"delete-before", "delete-delay", "delete-during"),
	HABITS("see --atomic", "delay-updates"),
	HABITS("see --recursive", "devices", "specials"),
	HABITS("see --exclude, --include and --exclude-from", "filter"),
	HABITS("see --null", "from0"),
	HABITS("see --chown, which gives all copies one group", "groupmap"),
	HABITS("ucp always prints human-readable sizes", "human-readable"),
	HABITS("--delete removes nothing where something failed", "ignore-errors"),
	HABITS("see --no-clobber", "ignore-existing"),
	HABITS("ucp copies all unless --update says otherwise; see --update=all", "ignore-times"),
	HABITS("see --progress, --stats and --verbose", "info"),
	HABITS("ucp writes into the file that is there unless told otherwise", "inplace"),
	HABITS("see --itemize", "itemize-changes"),
	HABITS("see --keep-directory-symlink", "keep-dirlinks"),
	HABITS("see --no-dereference", "links"),
	HABITS("see --dry-run", "list-only"),
	HABITS("see --log-file", "log-file-format"),
	HABITS("see --parents", "mkpath", "relative"),
	HABITS("see --progress=never", "no-progress"),
	HABITS("ucp copies the numbers of owners as they are", "numeric-ids"),
	HABITS("see --json", "out-format"),
	HABITS("ucp says only what went wrong; see --progress=never", "quiet"),
	HABITS("see --move", "remove-source-files"),
	HABITS("see --chown, which gives all copies one owner", "usermap"),
	HABITS("ucp copies whole files", "whole-file"),
	{.names = NAMES("inc-recursive"), .same = "include", .hint = NOTHING_LIKE_IT, .revoked = NOTHING_LIKE_IT},
	{.names = NAMES("include-from"),
		.same = "include",
		.hint = "see --exclude-from, of which a line that begins with a plus sign and a blank includes",
		.revoked = NOTHING_LIKE_IT},
};

/** The letters of rsync that cp does not have, if there is a hint for them. */
static const struct {
	char letter;
	const char *name;
} letters_of_rsync[] = {
	{'A', "acls"},
	{'C', "cvs-exclude"},
	{'D', "devices"},
	{'E', "executability"},
	{'F', "filter"},
	{'I', "ignore-times"},
	{'K', "keep-dirlinks"},
	{'U', "atimes"},
	{'W', "whole-file"},
	{'X', "xattrs"},
	{'c', "checksum"},
	{'e', "rsh"},
	{'f', "filter"},
	{'g', "group"},
	{'o', "owner"},
	{'q', "quiet"},
	{'z', "compress"},
};

/** Whether this is the end of a table of options. */
static bool is_end(const struct argp_option *option) {
	return !option->name && !option->key && !option->doc;
}

static bool begins_with(const char *name, const char *start, size_t len) {
	return strncmp(name, start, len) == 0;
}

static const struct argp_option *find_exactly(const char *name, size_t len) {
	for (const struct argp_option *o = cli_options; !is_end(o); ++o) {
		if (o->name && begins_with(o->name, name, len) && o->name[len] == '\0') {
			return o;
		}
	}
	return NULL;
}

/** Find the only option of cp that a name can stand for. Returns NULL if there is none, or several. */
static const struct argp_option *find_for_cp(const char *name, size_t len) {
	const struct argp_option *found = NULL;
	for (size_t i = 0; i < countof(names_of_cp); ++i) {
		if (!begins_with(names_of_cp[i], name, len)) {
			continue;
		}
		const struct argp_option *option = find_exactly(names_of_cp[i], strlen(names_of_cp[i]));
		if (found && option->key != found->key) {
			return NULL;
		}
		found = option;
	}
	return found;
}

/**
 * Find the only option that a name can stand for. Returns NULL if there is none or, with SEVERAL set, more than one.
 * Hidden options have no abbreviations.
 */
static const struct argp_option *find_short(const char *name, size_t len, bool *several) {
	const struct argp_option *found = NULL;
	for (const struct argp_option *o = cli_options; !is_end(o); ++o) {
		if (o->name && !(o->flags & OPTION_HIDDEN) && begins_with(o->name, name, len)) {
			*several |= found && o->key != found->key;
			found = o;
		}
	}
	return *several ? NULL : found;
}

/** Whether a hidden option begins with a name. */
static bool begins_hidden(const char *name, size_t len) {
	for (const struct argp_option *o = cli_options; !is_end(o); ++o) {
		if ((o->flags & OPTION_HIDDEN) && begins_with(o->name, name, len)) {
			return true;
		}
	}
	return false;
}

/** Find what an abbreviation could mean for rsync other than MEANT: the first by the alphabet. NULL: nothing. */
static const char *find_rival(const char *name, size_t len, const char *meant) {
	const char *rival = NULL;
	for (size_t i = 0; i < countof(habits); ++i) {
		if (habits[i].same && strcmp(habits[i].same, meant) == 0) {
			continue;
		}
		for (const char *const *n = habits[i].names; *n; ++n) {
			if (begins_with(*n, name, len) && strcmp(*n, meant) != 0 && (!rival || strcmp(*n, rival) < 0)) {
				rival = *n;
			}
		}
	}
	return rival;
}

/** The number of letters to add, remove, replace or swap with the next one to turn one name into the other. */
static size_t distance(const char *a, size_t a_len, const char *b) {
	size_t rows[3][MOST_LETTERS + 1];
	size_t b_len = strlen(b);
	for (size_t k = 0; k <= b_len; ++k) {
		rows[0][k] = k;
	}
	for (size_t i = 1; i <= a_len; ++i) {
		size_t *row = rows[i % 3];
		const size_t *last = rows[(i + 2) % 3];
		row[0] = i;
		for (size_t k = 1; k <= b_len; ++k) {
			row[k] = min(min(last[k], row[k - 1]) + 1, last[k - 1] + (a[i - 1] != b[k - 1]));
			if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1]) {
				row[k] = min(row[k], rows[(i + 1) % 3][k - 2] + 1);
			}
		}
	}
	return rows[a_len % 3][b_len];
}

/** Find the option whose name is most like an unknown one. Returns NULL if none is similar. */
static const char *find_alike(const char *name, size_t len) {
	const char *found = NULL;
	size_t least = len < 5 ? 1 : 2;
	for (const struct argp_option *o = cli_options; !is_end(o) && len <= MOST_LETTERS; ++o) {
		if (!o->name || (o->flags & OPTION_HIDDEN) || strlen(o->name) > MOST_LETTERS) {
			continue;
		}
		size_t far = distance(name, len, o->name);
		if (far < least || (far == least && !found)) {
			least = far;
			found = o->name;
		}
	}
	return found;
}

/** Find a name among the habits. Returns NULL if it is not there. */
static const struct habits *find_habit(const char *name, size_t len) {
	for (size_t i = 0; i < countof(habits); ++i) {
		for (const char *const *n = habits[i].names; *n; ++n) {
			if (begins_with(*n, name, len) && (*n)[len] == '\0') {
				return &habits[i];
			}
		}
	}
	return NULL;
}

/** The hint for a name that is known from another program, or NULL. */
static const char *find_hint(const char *name, size_t len) {
	const struct habits *habit = find_habit(name, len);
	if (habit) {
		return habit->hint;
	}
	habit = len > 3 && begins_with(name, "no-", 3) ? find_habit(name + 3, len - 3) : NULL;
	return habit ? habit->revoked : NULL;
}

/** Explain a name with which no option begins, if there is more to report than getopt does. */
static void explain_unknown(const char *name, size_t len, struct buf *why) {
	const char *hint = find_hint(name, len);
	const char *alike = hint ? NULL : find_alike(name, len);
	if (hint) {
		buf_str(why, "unrecognized option %s; ");
		buf_str(why, hint);
	} else if (alike) {
		buf_str(why, "unrecognized option %s; did you mean '--");
		buf_str(why, alike);
		buf_str(why, "'?");
	}
}

const struct argp_option *cli_find_option(const char *name, size_t len, struct buf *why) {
	const struct argp_option *found = find_exactly(name, len);
	bool several = false;
	found = found ? found : find_for_cp(name, len);
	if (found) {
		return found;
	}
	found = find_short(name, len, &several);
	const char *rival = found ? find_rival(name, len, found->name) : NULL;
	if (!found && (!several || find_habit(name, len))) {
		explain_unknown(name, len, why);
	}
	if (!found && !several && why->len == 0 && begins_hidden(name, len)) {
		// getopt would take it for an abbreviation
		buf_str(why, "unrecognized option %s");
	}
	if (!rival) {
		return found;
	}
	if (rival[len] == '\0') {
		explain_unknown(name, len, why);
	}
	if (why->len == 0) {
		buf_str(why, "unrecognized option %s; write --");
		buf_str(why, found->name);
		buf_str(why, " if that is meant, and not --");
		buf_str(why, rival);
		buf_str(why, " of rsync");
	}
	return NULL;
}

bool cli_needs_argument(const struct argp_option *option) {
	return option->arg && !(option->flags & OPTION_ARG_OPTIONAL);
}

const struct argp_option *cli_find_letter(char letter) {
	for (const struct argp_option *o = cli_options; !is_end(o); ++o) {
		if (o->key == letter) {
			return o;
		}
	}
	return NULL;
}

/** A command line that is being spelled out. */
struct spelling {
	struct parser *parser;
	/** The current word; the next ones follow. */
	char **word;
	/** Whether there is only one word. */
	bool alone;
	/** Where the next word that gets longer is stored. */
	char *room;
};

/** What to do after a word. */
enum reading {
	/** Go on with the next word. */
	READ_ON,
	/** Skip the next word, which is an argument. */
	READ_PAST_NEXT,
	/** Leave all other words as they are. */
	READ_NO_MORE,
	/** Stop: an error was reported. */
	READ_FAILED,
};

/** Whether getopt may print a word as it is. */
static bool is_printable(const char *word) {
	for (; *word; ++word) {
		if (*word < ' ' || *word == '\x7f') {
			return false;
		}
	}
	return true;
}

/**
 * The error if an option has no argument in its own word, or NULL. A user who means the option of another program must
 * not lose the next operand to this one.
 */
static const char *needs_equals(int key) {
	switch (key) {
	case KEY_CHECKSUMS:
		return "option %s takes its FILE behind '=', as in --checksums=FILE";
	case KEY_XATTRS:
		return "option %s takes PATTERNS behind '=', as in --xattrs='user.*'; -a preserves all";
	default:
		return NULL;
	}
}

/** Spell out a long option. */
static enum reading read_long(struct spelling *s) {
	char *word = *s->word;
	const char *name = word + 2;
	size_t len = strcspn(name, "=");
	bool has_argument = name[len] == '=';
	struct buf why = {0};
	const struct argp_option *option = cli_find_option(name, len, &why);
	const char *equals = option && !has_argument ? needs_equals(option->key) : NULL;
	if (equals) {
		buf_str(&why, equals);
	}
	if (why.len > 0) {
		report_usage(s->parser->report, why.data, word, NULL, NULL);
		s->parser->failed = true;
		buf_free(&why);
		return READ_FAILED;
	}
	if (!option && !is_printable(word)) {
		report_usage(s->parser->report, "unrecognized option %s", word, NULL, NULL);
		s->parser->failed = true;
		return READ_FAILED;
	}
	if (!option || option->key == KEY_HELP || option->key == 'V') {
		return READ_NO_MORE;
	}
	if (strlen(option->name) != len) {
		*s->word = s->room;
		s->room = stpcpy(stpcpy(stpcpy(s->room, "--"), option->name), name + len) + 1;
	}
	return cli_needs_argument(option) && !has_argument ? READ_PAST_NEXT : READ_ON;
}

/** Report a letter that is no option, if there is a hint for it. Returns whether there is. */
static bool explain_letter(const struct spelling *s, char letter) {
	const char word[] = {letter, '\0'};
	static const char help[] =
		"for help use --help, or -h alone; human-readable sizes, as by -h of rsync, are always on";
	const char *hint = letter == 'h' ? help : NULL;
	struct buf why = {0};
	for (size_t i = 0; i < countof(letters_of_rsync); ++i) {
		const char *name = letters_of_rsync[i].name;
		hint = letters_of_rsync[i].letter == letter ? find_hint(name, strlen(name)) : hint;
	}
	if (hint) {
		buf_str(&why, "invalid option -- %s; ");
		buf_str(&why, hint);
		report_usage(s->parser->report, why.data, word, NULL, NULL);
		s->parser->failed = true;
		buf_free(&why);
	}
	return hint;
}

/** Read a word of letters. */
static enum reading read_letters(const struct spelling *s) {
	for (const char *letter = *s->word + 1; *letter; ++letter) {
		const struct argp_option *option = cli_find_letter(*letter);
		if (!option && !is_printable((const char[]) {*letter, '\0'})) {
			report_usage(s->parser->report, "invalid option in %s", *s->word, NULL, NULL);
			s->parser->failed = true;
			return READ_FAILED;
		}
		// Users who write -avh or -a -h, as for rsync, do not ask for help
		if (!option || (option->key == 'h' && !(s->alone && (*s->word)[2] == '\0'))) {
			return explain_letter(s, *letter) ? READ_FAILED : READ_NO_MORE;
		}
		if (cli_needs_argument(option)) {
			return letter[1] == '\0' ? READ_PAST_NEXT : READ_ON;
		}
	}
	return READ_ON;
}

static enum reading read_word(struct spelling *s) {
	const char *word = *s->word;
	if (word[0] != '-' || word[1] == '\0') {
		return s->parser->opts->flags & OPT_POSIX ? READ_NO_MORE : READ_ON;
	}
	if (word[1] != '-') {
		return read_letters(s);
	}
	return word[2] == '\0' ? READ_NO_MORE : read_long(s);
}

char **cli_spell_out(struct parser *p, int argc, char **argv) {
	size_t room = 0;
	for (int i = 1; i < argc; ++i) {
		room += strlen(argv[i]) + MOST_LETTERS;
	}
	size_t count = (size_t)argc + 1;
	char **words = p->opts->words = malloc(count * sizeof(*words) + room);
	if (!words) {
		cli_complain(p, "memory exhausted", NULL);
		return NULL;
	}
	memcpy(words, argv, (size_t)argc * sizeof(*words));
	words[argc] = NULL;
	// The messages of getopt begin with it
	static char name[] = "ucp";
	words[0] = argc > 0 ? name : NULL;
	struct spelling s = {.parser = p, .word = words + 1, .alone = argc == 2, .room = (char *)(words + count)};
	enum reading reading = READ_ON;
	for (; s.word < words + argc && reading < READ_NO_MORE; ++s.word) {
		reading = read_word(&s);
		s.word += reading == READ_PAST_NEXT;
	}
	return reading == READ_FAILED ? NULL : words;
}
