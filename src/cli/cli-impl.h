/**
 * What the parts of cli share.
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
	KEY_BENEATH,
	KEY_COPY_CONTENTS,
	KEY_KEEP_DIRECTORY_SYMLINK,
	KEY_PARENTS,
	KEY_REMOVE_DESTINATION,
	KEY_STRIP_TRAILING_SLASHES,
	KEY_UPDATE,
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
	KEY_MAX_SIZE,
	KEY_MIN_SIZE,
	KEY_HELP,
};

/** What parsing works with. */
struct parser {
	struct opts *opts;
	struct report *report;
	/** Nothing is left to be done: --help or --version. */
	bool done;
	/** Something was wrong, and reported. */
	bool failed;
	/** What -i and -n said last. */
	int asking;
	/** Whether backups are made, and how (CONTROL), as far as said. */
	bool backups;
	const char *control;
	const char *suffix;
	/** The rate as it was given, if that is a number alone, or NULL. */
	const char *bare_rate;
	/** Lists end their lines with NUL (-0). */
	bool null;
	/** A list was read from standard input. */
	bool stdin_read;
	/** Options that say what is copied, in the order given. */
	struct choice *choices;
	size_t choice_count;
	/** Where argp's hint to options we do not have goes. */
	FILE *unheard;
};

/** All options. */
extern const struct argp_option cli_options[];

/**
 * Find a long option by its name, which may be cut short: to what is clear for cp, and to what is clear among all options
 * and the beginning of no option of rsync that means something else.
 *
 * @param why  What is wrong with the name, as far as there is more to say than that it is unknown or ambiguous; its %s is
 *             the word.
 * @return NULL if there is no such option, or several.
 */
const struct argp_option *cli_find_option(const char *name, size_t len, struct buf *why);

/**
 * Spell out the long options of a command line, so that nobody else has to know what they may be cut short to.
 *
 * @return The words, opts::words; NULL if something is wrong with one, and reported.
 */
char **cli_spell_out(struct parser *p, int argc, char **argv);

/** Take the value of an option that has one, or that is more than a switch. Returns 0 or an errno; ARGP_ERR_UNKNOWN if it is none. */
error_t cli_parse_value(struct parser *p, int key, char *arg);

/** Take an option that says what is copied. Returns 0 or an errno; ARGP_ERR_UNKNOWN if it is none. */
error_t cli_parse_select(struct parser *p, int key, const char *arg);

/** Put together what is copied, once all options are known. Returns whether it went well; if not, it is reported. */
bool cli_settle_select(struct parser *p);

/** Turn what --backup or $VERSION_CONTROL say into an enum backup. Returns whether it is one; if not, it is reported. */
bool cli_backup_control(struct parser *p, const char *option, const char *control, unsigned *value);

/** Report what is wrong with an argument (%s in @what). Returns EINVAL. */
error_t cli_complain(struct parser *p, const char *what, const char *arg);

#endif // UCP_CLI_IMPL_H
