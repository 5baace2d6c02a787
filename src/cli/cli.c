// SPDX-License-Identifier: MIT
#include "cli/cli-impl.h"
#include "cli/cli.h"

#include "base/modes.h"
#include "base/opts.h"
#include "base/path.h"
#include "display/display.h"
#include "display/progress.h"
#include "engine/ring.h"
#include "filter/select.h"
#include "report/report.h"
#include "sys/meta.h"

#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/** A rate without a unit that is below this, in bytes per second, may have been meant in KiB. */
#define LOW_RATE (64u << 10)

static const char usage[] = "SOURCE DEST\nSOURCE... DIRECTORY\n-t DIRECTORY SOURCE...";

static const char doc[] =
	"Copy SOURCE to DEST, or several SOURCEs into DIRECTORY, on many threads with io_uring.\v"
	"SIZE is a number with an optional suffix: K, M, G, T (powers of 1024), or kB, MB, GB, TB (powers of 1000); small "
	"letters are allowed. SIZE and RATE may have decimals, except for --chunk-size; RATE may end in /s: 1.5MB/s.\n\n"
	"Full documentation: man ucp";

/** The help of -h: one screen of 24 lines. */
// clang-format off
static const char short_help[] =
	"Usage: ucp [OPTION]... SOURCE DEST   or   ucp [OPTION]... SOURCE... DIRECTORY\n"
	"Copies files and directory trees by the rules of cp, on many threads.\n"
	"\n"
	"  -a                  copy a tree as it is, with all attributes\n"
	"  -r                  copy a tree; -p: with mode, owner and times\n"
	"  -T                  copy the contents of SOURCE into DEST, not SOURCE itself\n"
	"  -n, -i, -u          existing files: keep, ask, or replace only older ones\n"
	"  -x                  do not enter other file systems\n"
	"  -v                  print what is being done\n"
	"  --dry-run           only print what would be done\n"
	"  --exclude=PATTERN   do not copy what matches; --gitignore: what git ignores\n"
	"  --progress          show progress, even without a terminal\n"
	"  --resume            continue an interrupted copy that was made with --resume\n"
	"  --atomic            let files appear only when they are complete\n"
	"  --verify, --fsync   compare copies with sources; wait until all is on disk\n"
	"\n"
	"Examples:\n"
	"  ucp -a photos /mnt                    copy a tree to /mnt/photos\n"
	"  ucp -aT photos backup                 copy the contents of photos into backup\n"
	"  ucp -au --exclude='*.tmp' src /mnt    copy only newer files, but no *.tmp\n"
	"  ucp -a --fsync --verify photos /mnt   then you can unplug the disk\n"
	"\n"
	"ucp --help shows all options, man ucp explains them.\n";
// clang-format on

/** What -a sets. */
#define ARCHIVE OPT_RECURSIVE, PRESERVE_ALL | PRESERVE_XATTR_QUIET, DEREF_NEVER

/** The options that only set something. */
static const struct {
	int key;
	unsigned flags;
	unsigned preserve;
	enum deref deref;
} switches[] = {
	{'a', ARCHIVE},
	{'d', 0, PRESERVE_LINKS, DEREF_NEVER},
	{'f', OPT_FORCE, 0, 0},
	{'H', 0, 0, DEREF_OPERANDS},
	{'l', OPT_HARD_LINK, 0, 0},
	{'L', 0, 0, DEREF_ALWAYS},
	{'p', 0, PRESERVE_MODE | PRESERVE_OWNERSHIP | PRESERVE_TIMESTAMPS, 0},
	{'P', 0, 0, DEREF_NEVER},
	{'r', OPT_RECURSIVE, 0, 0},
	{'R', OPT_RECURSIVE, 0, 0},
	{'s', OPT_SYMBOLIC_LINK, 0, 0},
	{'T', OPT_NO_TARGET_DIRECTORY, 0, 0},
	{'v', OPT_VERBOSE, 0, 0},
	{'x', OPT_ONE_FILE_SYSTEM, 0, 0},
	{KEY_ATOMIC, OPT_ATOMIC, 0, 0},
	{KEY_ATTRIBUTES_ONLY, OPT_ATTRIBUTES_ONLY, 0, 0},
	{KEY_BENEATH, OPT_BENEATH, 0, 0},
	{KEY_BEST_EFFORT, OPT_BEST_EFFORT, 0, 0},
	{KEY_COPY_CONTENTS, OPT_COPY_CONTENTS, 0, 0},
	{KEY_DEBUG, OPT_VERBOSE | OPT_DEBUG, 0, 0},
	{KEY_DELETE, OPT_DELETE, 0, 0},
	{KEY_DELETE_EXCLUDED, OPT_DELETE | OPT_DELETE_EXCLUDED, 0, 0},
	{KEY_DRY_RUN, OPT_VERBOSE | OPT_DRY_RUN, 0, 0},
	{KEY_FSYNC, OPT_FSYNC, 0, 0},
	{KEY_IDLE, OPT_IDLE, 0, 0},
	{KEY_JSON, OPT_JSON, 0, 0},
	{KEY_KEEP_DIRECTORY_SYMLINK, OPT_KEEP_DIRECTORY_SYMLINK, 0, 0},
	{KEY_MIRROR, OPT_NO_TARGET_DIRECTORY | OPT_DELETE | ARCHIVE},
	{KEY_MOVE, OPT_MOVE | OPT_ATOMIC | OPT_REMOVE_DESTINATION | ARCHIVE},
	{KEY_PARENTS, OPT_PARENTS, 0, 0},
	{KEY_REMOVE_DESTINATION, OPT_REMOVE_DESTINATION, 0, 0},
	{KEY_RESUME, OPT_RESUME | OPT_ATOMIC, 0, 0},
	{KEY_STATS, OPT_STATS, 0, 0},
	{KEY_STRIP_TRAILING_SLASHES, OPT_STRIP_TRAILING_SLASHES, 0, 0},
	{KEY_VERIFY, OPT_VERIFY, 0, 0},
};

/** Handle an option that only sets something. Returns whether KEY is one. */
static bool parse_switch(struct opts *opts, int key) {
	for (size_t i = 0; i < countof(switches); ++i) {
		if (switches[i].key == key) {
			opts->flags |= switches[i].flags;
			opts->preserve |= switches[i].preserve;
			opts->deref = switches[i].deref ? switches[i].deref : opts->deref;
			opts->update = key == KEY_MIRROR ? UPDATE_DIFFER : opts->update;
			return true;
		}
	}
	return false;
}

/** Print the help through report, so that a failure to write it is reported. */
static void show_help(struct parser *p, struct argp_state *state) {
	char *text = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&text, &size);
	if (stream) {
		argp_state_help(state, stream, ARGP_HELP_STD_HELP & ~(unsigned)ARGP_HELP_EXIT_OK);
	}
	if (!stream || fclose(stream) != 0) {
		report_error(p->report, ERROR_START, 0, "memory exhausted", NULL, NULL);
	} else {
		report_text(p->report, "%s", text);
	}
	free(text);
}

/** Print versions and, if --debug came before, the features of the kernel. */
static void show_version(struct parser *p) {
	const char *library = ring_library();
	char features[RING_FEATURES];

	report_text(p->report, "ucp " UCP_VERSION "\n");
	if (library) {
		report_text(p->report, "liburing %s\n", library);
	}
	if (p->opts->flags & OPT_DEBUG) {
		ring_features(features, sizeof(features));
		report_text(p->report, "%s\n", features);
	}
}

static error_t parse_option(int key, char *arg, struct argp_state *state) {
	struct parser *p = state->input;

	if (p->done || p->failed) {
		return key == ARGP_KEY_FINI || key == ARGP_KEY_ERROR ? 0 : EINVAL;
	}
	p->forced |= key == 'f';
	if (parse_switch(p->opts, key)) {
		return 0;
	}
	switch (key) {
	case ARGP_KEY_INIT:
		if (p->unheard) {
			state->err_stream = p->unheard;
		}
		return 0;
	case ARGP_KEY_ARGS:
		p->opts->operands = state->argv + state->next;
		p->opts->operand_count = state->argc - state->next;
		return 0;
	case KEY_HELP:
		p->done = true;
		show_help(p, state);
		return EINVAL;
	case 'h':
		p->done = true;
		report_text(p->report, "%s", short_help);
		return EINVAL;
	case 'V':
		p->done = true;
		show_version(p);
		return EINVAL;
	default:
		break;
	}
	error_t err = cli_parse_value(p, key, arg);
	err = err == ARGP_ERR_UNKNOWN ? cli_parse_owner(p, key, arg) : err;
	return err == ARGP_ERR_UNKNOWN ? cli_parse_select(p, key, arg) : err;
}

/**
 * Apply what -b, -S, -n and the environment ask of backups. Returns whether that is possible; if not, it is reported.
 */
static bool settle_backups(struct parser *p) {
	struct opts *opts = p->opts;
	const char *suffix = p->suffix ? p->suffix : getenv("SIMPLE_BACKUP_SUFFIX");
	const char *option = "backup type";
	const char *control = p->control;

	if (suffix && suffix[0] != '\0' && last_component(suffix) == suffix) {
		opts->suffix = suffix;
	}
	if (!p->backups) {
		return true;
	}
	if (opts->backup_dir && !suffix) {
		opts->suffix = "";
	}
	if (opts->update == UPDATE_NONE || opts->update == UPDATE_NONE_FAIL) {
		report_usage(p->report, "--backup is mutually exclusive with -n or --update=none-fail", NULL, NULL, NULL);
		return false;
	}
	if (!control || control[0] == '\0') {
		control = getenv("VERSION_CONTROL");
		option = "$VERSION_CONTROL";
	}
	unsigned value = opts->backup_dir ? BACKUP_SIMPLE : BACKUP_EXISTING;
	if (control && control[0] != '\0' && !cli_backup_control(p, option, control, &value)) {
		return false;
	}
	opts->backup = value;
	return true;
}

/** Options that cannot be used together. */
struct clash {
	bool given;
	const char *what;
};

/** Report the first of COUNT clashes. Returns whether there is none. */
static bool check(struct parser *p, const struct clash *clashes, size_t count) {
	for (size_t i = 0; i < count; ++i) {
		if (clashes[i].given) {
			report_usage(p->report, clashes[i].what, NULL, NULL, NULL);
			return false;
		}
	}
	return true;
}

/** Check what cannot go with --link-dest or --reflink-dest. Returns whether nothing does; if not, it is reported. */
static bool check_earlier(struct parser *p) {
	const unsigned kept = PRESERVE_MODE | PRESERVE_OWNERSHIP | PRESERVE_TIMESTAMPS;
	const struct opts *opts = p->opts;
	const bool links = opts->link_dests.count > 0;
	const bool clones = opts->reflink_dests.count > 0;
	const struct clash clashes[] = {
		{links && opts->checksums, "--checksums cannot list files that --link-dest does not read"},
		{clones && opts->checksums, "--checksums cannot list files that --reflink-dest does not read"},
		{clones && opts->reflink == WHEN_NEVER,
			"--reflink-dest cannot be used with --reflink=never, --sparse=never or --verify"},
		{links && (opts->flags & (OPT_ATTRIBUTES_ONLY | OPT_HARD_LINK | OPT_SYMBOLIC_LINK)),
			"--link-dest cannot be used with --attributes-only, --link or --symbolic-link"},
		{links && (opts->preserve & kept) != kept,
			"--link-dest needs -a or -p: a link has all attributes of the file it leads to"},
	};
	return check(p, clashes, countof(clashes));
}

/** Check what cannot go with --move. Returns whether nothing does; if not, it is reported. */
static bool check_move(struct parser *p) {
	const struct opts *opts = p->opts;
	const unsigned flags = opts->flags;
	const bool changed = (opts->preserve & (PRESERVE_ALL | PRESERVE_MODE_NOT)) != PRESERVE_ALL || opts->uid != (uid_t)-1
		|| opts->gid != (gid_t)-1 || opts->modes || p->xattrs;
	const struct clash clashes[] = {
		{opts->link_dests.count > 0 || opts->reflink_dests.count > 0,
			"--move cannot be used with --link-dest or --reflink-dest"},
		{opts->checksums, "--move cannot be used with --checksums: what is renamed is not read"},
		{opts->deref != DEREF_NEVER, "--move moves symbolic links themselves: it cannot be used with -H or -L"},
		{changed, "--move keeps all attributes: it cannot be used with --no-preserve, --chown, --chmod or --xattrs"},
		{opts_compare(opts), "--move cannot be used with --update=differ or --update=checksum"},
		{flags & (OPT_HARD_LINK | OPT_SYMBOLIC_LINK), "--move cannot be used with --link or --symbolic-link"},
		{flags & (OPT_ATTRIBUTES_ONLY | OPT_COPY_CONTENTS),
			"--move cannot be used with --attributes-only or --copy-contents"},
		{flags & OPT_DELETE, "--move cannot be used with --delete: a source that is moved would have nothing left"},
		{flags & OPT_PARENTS, "--move cannot be used with --parents"},
		{flags & OPT_KEEP_DIRECTORY_SYMLINK, "--move cannot be used with --keep-directory-symlink"},
	};
	return !(flags & OPT_MOVE) || check(p, clashes, countof(clashes));
}

/** Choose which lines are printed where. With --dry-run write no other files, and wait for nothing. */
static void settle_output(struct opts *opts) {
	if (opts->itemize && (opts->flags & OPT_DRY_RUN) && !(opts->flags & OPT_DEBUG)) {
		opts->flags &= ~(unsigned)OPT_VERBOSE;
	}
	if (opts->log_file && !(opts->flags & OPT_VERBOSE)) {
		opts->flags |= OPT_VERBOSE | OPT_LOG_ONLY;
	}
	if (opts->flags & OPT_DRY_RUN) {
		opts->flags &= ~(unsigned)(OPT_FSYNC | OPT_VERIFY);
		opts->progress = PROGRESS_NEVER;
		opts->checksums = NULL;
		opts->rate_file = NULL;
	}
}

/** Choose which links are followed, and copy trees if there is a list of names. */
static void settle_tree(struct opts *opts) {
	bool names = opts->select && opts->select->filelist;
	if (opts->deref == DEREF_UNDEFINED && names) {
		// A list names files of the source, and no link may lead out of that: follow only the operand
		opts->deref = DEREF_OPERANDS;
	} else if (opts->deref == DEREF_UNDEFINED) {
		bool never = (opts->flags & OPT_RECURSIVE) && !(opts->flags & OPT_HARD_LINK);
		opts->deref = never ? DEREF_NEVER : DEREF_ALWAYS;
	}
	// The list says how deep to go; everything else is as in any tree
	opts->flags |= names ? OPT_RECURSIVE : 0;
}

/** Read which extended attributes are not copied, or are permissions. Without such rules all are copied. */
static void read_rules(struct parser *p) {
	struct opts *opts = p->opts;
	if (p->xattrs && !(opts->preserve & PRESERVE_XATTR)) {
		opts->preserve |= PRESERVE_XATTR | PRESERVE_XATTR_REQUIRED;
	}
	int ret = opts->preserve & (PRESERVE_XATTR | PRESERVE_MODE) ? meta_rules_read(META_RULES, &opts->rules) : 0;
	if (ret < 0) {
		report_warn(p->report, ERROR_COPY, -ret, "warning: ignoring %s", META_RULES, NULL);
	}
}

/** Give a hint about a rate so low that it may be meant in other units. */
static void hint_rate(const struct parser *p) {
	char rate[32];
	if (p->bare_rate && p->opts->rate > 0 && p->opts->rate < LOW_RATE) {
		report_localize(p->report);
		progress_format_bytes(rate, sizeof(rate), (double)p->opts->rate);
		report_hint(p->report, "--bwlimit=%s means %s a second; rsync counts in KiB, which is --bwlimit=%sK here",
			p->bare_rate, rate, p->bare_rate);
	}
}

/** Apply the last of -i and -n. With --move, as with mv, -f after them takes them back. */
static void settle_asking(struct parser *p) {
	struct opts *opts = p->opts;
	if ((opts->flags & OPT_MOVE) && p->forced) {
		return;
	}
	if (p->asking == 'n') {
		opts->update = UPDATE_NONE;
	} else if (p->asking == 'i') {
		opts->flags |= OPT_INTERACTIVE;
	}
}

/** Apply what depends on several options. Returns whether they are compatible; if not, that is reported. */
static bool settle(struct parser *p) {
	struct opts *opts = p->opts;
	const struct clash clashes[] = {
		{(opts->flags & OPT_HARD_LINK) && (opts->flags & OPT_SYMBOLIC_LINK),
			"cannot make both hard and symbolic links"},
		{opts->reflink == WHEN_ALWAYS && opts->sparse != WHEN_AUTO, "--reflink can be used only with --sparse=auto"},
		{(opts->flags & OPT_JSON) && opts->checksums && strcmp(opts->checksums, "-") == 0,
			"--json and --checksums=- both need standard output"},
	};
	settle_asking(p);
	if (!check(p, clashes, countof(clashes))) {
		return false;
	}
	// A verified copy must not share its data, and what is not read has no checksum
	if (opts->reflink == WHEN_AUTO && (opts->sparse == WHEN_NEVER || (opts->flags & OPT_VERIFY) || opts->checksums)) {
		opts->reflink = WHEN_NEVER;
	}
	if (opts->preserve & PRESERVE_CONTEXT) {
		cli_complain(p, "cannot preserve security context without an SELinux-enabled kernel", NULL);
		return false;
	}
	settle_output(opts);
	if (!check_earlier(p) || !check_move(p) || !cli_settle_owner(p) || !settle_backups(p) || !cli_settle_select(p)) {
		return false;
	}
	settle_tree(opts);
	read_rules(p);
	hint_rate(p);
	return true;
}

static void set_defaults(struct opts *opts) {
	*opts = (struct opts) {
		.reflink = WHEN_AUTO,
		.direct = WHEN_AUTO,
		.sparse = WHEN_AUTO,
		.progress = PROGRESS_AUTO,
		.suffix = "~",
		.queue_depth = 64,
		.chunk_size = 1u << 20,
		.range_size = 32u << 20,
		.window = 4u << 20,
		.batch_size = 512,
		.umask = umask(0),
		.uid = (uid_t)-1,
		.gid = (gid_t)-1,
	};
	umask(opts->umask);
	opts->flags |= geteuid() == 0 ? OPT_PRIVILEGED : 0;
	opts->flags |= getenv("POSIXLY_CORRECT") ? OPT_POSIX : 0;
}

/** Report in our way what getopt has said: a line that begins with our name. */
static void report_said(struct report *report, const char *said) {
	struct buf what = {0};
	const char *start = said ? strchr(said, ' ') : NULL;
	for (const char *p = start ? start + 1 : ""; *p && *p != '\n'; ++p) {
		buf_str(&what, *p == '%' ? "%" : "");
		buf_char(&what, *p);
	}
	report_usage(report, what.failed ? NULL : what.data, NULL, NULL, NULL);
	buf_free(&what);
}

/** Take options and operands from words that are spelled out. Returns 0 or an errno. */
static error_t parse_words(struct parser *p, int argc, char **words) {
	const struct argp argp = {.options = cli_options, .parser = parse_option, .args_doc = usage, .doc = doc};
	char *hint = NULL;
	char *said = NULL;
	size_t size = 0;
	FILE *standard = stderr;
	FILE *heard = open_memstream(&said, &size);

	p->unheard = open_memstream(&hint, &size);
	stderr = heard ? heard : stderr;
	error_t err = argp_parse(&argp, argc, words, ARGP_NO_HELP | ARGP_NO_EXIT, NULL, p);
	stderr = standard;
	if (p->unheard) {
		fclose(p->unheard);
	}
	if (heard) {
		fclose(heard);
	}
	if (err != 0 && !p->failed && !p->done) {
		report_said(p->report, said);
	}
	free(hint);
	free(said);
	return err;
}

bool cli_parse(struct opts *opts, struct report *report, int argc, char **argv) {
	struct parser p = {.opts = opts, .report = report};

	set_defaults(opts);
	if (argc > 0 && strcmp(last_component(argv[0]), "umv") == 0) {
		parse_switch(opts, KEY_MOVE);
	}
	struct ahead ahead = cli_look_ahead(argc, argv, opts->flags & OPT_POSIX);
	report->json = ahead.json;
	display_started(report, (uint64_t)ahead.operands, ahead.dry_run);
	char **words = cli_spell_out(&p, argc, argv);
	if (!words) {
		return false;
	}
	error_t err = parse_words(&p, argc, words);
	bool fine = err == 0 && !p.failed && !p.done && settle(&p);
	free(p.choices);
	return fine;
}

void cli_free(struct opts *opts) {
	select_free(opts->select);
	opts->select = NULL;
	meta_rules_free(opts->rules);
	opts->rules = NULL;
	modes_free(opts->modes);
	opts->modes = NULL;
	free(opts->words);
	opts->words = NULL;
}
