// SPDX-License-Identifier: MIT
/**
 * What the files of cli/ share.
 */

#ifndef UCP_CLI_IMPL_H
#define UCP_CLI_IMPL_H

#include "base/buf.h"

#include <argp.h>
#include <stdio.h>

struct buf;
struct choice;
struct opts;
struct report;

/** Options without a letter. */
enum {
	KEY_ATTRIBUTES_ONLY = 0x100,
	KEY_ATOMIC,
	KEY_BACKUP,
	KEY_BACKUP_DIR,
	KEY_BENEATH,
	KEY_BEST_EFFORT,
	KEY_COPY_CONTENTS,
	KEY_KEEP_DIRECTORY_SYMLINK,
	KEY_PARENTS,
	KEY_REMOVE_DESTINATION,
	KEY_STRIP_TRAILING_SLASHES,
	KEY_UPDATE,
	KEY_CHMOD,
	KEY_CHOWN,
	KEY_CONTEXT,
	KEY_PRESERVE,
	KEY_NO_PRESERVE,
	KEY_REFLINK,
	KEY_DIRECT,
	KEY_SPARSE,
	KEY_DEBUG,
	KEY_ENGINE,
	KEY_QUEUE_DEPTH,
	KEY_CHUNK_SIZE,
	KEY_PROGRESS,
	KEY_FSYNC,
	KEY_VERIFY,
	KEY_CHECKSUMS,
	KEY_STATS,
	KEY_JSON,
	KEY_BWLIMIT,
	KEY_INJECT,
	KEY_RESUME,
	KEY_EXCLUDE,
	KEY_INCLUDE,
	KEY_EXCLUDE_FROM,
	KEY_EXCLUDE_VCS,
	KEY_FILES_FROM,
	KEY_GITIGNORE,
	KEY_IDLE,
	KEY_DRY_RUN,
	KEY_ITEMIZE,
	KEY_LINK_DEST,
	KEY_XATTRS,
	KEY_LOG_FILE,
	KEY_REFLINK_DEST,
	KEY_DELETE,
	KEY_DELETE_EXCLUDED,
	KEY_MIRROR,
	KEY_MOVE,
	KEY_MAX_DELETE,
	KEY_MAX_ERRORS,
	KEY_MAX_SIZE,
	KEY_MIN_SIZE,
	KEY_HELP,
};

/** The state of parsing. */
struct parser {
	struct opts *opts;
	struct report *report;
	/** Nothing is left to do, after --help or --version. */
	bool done;
	/** An error was reported. */
	bool failed;
	/** The last of -i and -n. */
	int asking;
	/** Whether -f came after them. */
	bool forced;
	/** Whether backups are made; the arguments of --backup and --suffix, or NULL. */
	bool backups;
	const char *control;
	const char *suffix;
	/** Whether --xattrs was given. */
	bool xattrs;
	/** The rate as it was given, if it has no unit, or NULL. */
	const char *bare_rate;
	/** Lines of lists end with NUL (-0). */
	bool null;
	/** A list was read from standard input. */
	bool stdin_read;
	/** Options that choose what is copied, in the order given. */
	struct choice *choices;
	size_t choice_count;
	/** Swallows argp's hint at options that ucp does not have. */
	FILE *unheard;
};

/** What cli_look_ahead() finds in a command line before it is parsed. */
struct ahead {
	/** Whether errors are events, too (--json); not with --help or --version. */
	bool json;
	bool dry_run;
	int operands;
};

/** All options. */
extern const struct argp_option cli_options[];

/**
 * Find a long option by its name. NAME may be cut short if it is unambiguous for cp. It may also be cut short if it is
 * unambiguous among all options, and no option of rsync that means something else begins with it.
 *
 * @param why  Set to what is wrong with the name, beyond being unknown or ambiguous; its %s is the word.
 * @return NULL if there is no such option, or several.
 */
const struct argp_option *cli_find_option(const char *name, size_t len, struct buf *why);

/** The option with a letter, or NULL. */
const struct argp_option *cli_find_letter(char letter);

/** Whether an option needs an argument, which may be the next word. */
bool cli_needs_argument(const struct argp_option *option);

/**
 * Spell out the long options of a command line, so that nothing else has to know how they may be cut short.
 *
 * @return The words, opts::words; NULL if one is wrong, which is reported.
 */
char **cli_spell_out(struct parser *p, int argc, char **argv);

/** Look through a command line, whatever may be wrong with it. With POSIX no option comes after the first operand. */
struct ahead cli_look_ahead(int argc, char **argv, bool posix);

/**
 * Handle an option that has a value, or is more than a switch. Returns 0 or an errno; ARGP_ERR_UNKNOWN if KEY is none.
 */
error_t cli_parse_value(struct parser *p, int key, char *arg);

/** Handle an option that names owner or mode. Returns 0 or an errno; ARGP_ERR_UNKNOWN if KEY is none. */
error_t cli_parse_owner(struct parser *p, int key, const char *arg);

/** Apply what the options name as owner and mode. Returns whether that is possible; if not, it is reported. */
bool cli_settle_owner(struct parser *p);

/** Note an option that chooses what is copied. Returns 0 or an errno; ARGP_ERR_UNKNOWN if KEY is none. */
error_t cli_parse_select(struct parser *p, int key, const char *arg);

/**
 * Put together what is copied, once all options are known. Returns whether that worked; if not, the error is reported.
 */
bool cli_settle_select(struct parser *p);

/**
 * Turn CONTROL, given by --backup or $VERSION_CONTROL, into an enum backup. Returns whether it is valid; if not, the
 * error is reported.
 */
bool cli_backup_control(struct parser *p, const char *option, const char *control, unsigned *value);

/** Report what is wrong with an argument. WHAT: the message, with %s for ARG. Returns EINVAL. */
error_t cli_complain(struct parser *p, const char *what, const char *arg);

#endif // UCP_CLI_IMPL_H
