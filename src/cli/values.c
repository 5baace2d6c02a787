// SPDX-License-Identifier: MIT
#include "cli/cli-impl.h"

#include "base/buf.h"
#include "base/opts.h"
#include "base/size.h"
#include "report/report.h"
#include "sys/meta.h"

#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/** A word that an option accepts, and its meaning. */
struct word {
	const char *name;
	unsigned value;
};

static const struct word when_words[] = {{"auto", WHEN_AUTO}, {"always", WHEN_ALWAYS}, {"never", WHEN_NEVER}, {0}};

static const struct word progress_words[] = {
	{"auto", PROGRESS_AUTO},
	{"always", PROGRESS_ALWAYS},
	{"never", PROGRESS_NEVER},
	{"plain", PROGRESS_PLAIN},
	{"synced", PROGRESS_SYNCED},
	{0},
};

static const struct word sparse_words[] = {{"never", WHEN_NEVER}, {"auto", WHEN_AUTO}, {"always", WHEN_ALWAYS}, {0}};

static const struct word update_words[] = {{"all", UPDATE_ALL}, {"none", UPDATE_NONE}, {"none-fail", UPDATE_NONE_FAIL},
	{"older", UPDATE_OLDER}, {"differ", UPDATE_DIFFER}, {"checksum", UPDATE_CHECKSUM}, {0}};

static const struct word backup_words[] = {
	{"none", BACKUP_NONE},
	{"off", BACKUP_NONE},
	{"simple", BACKUP_SIMPLE},
	{"never", BACKUP_SIMPLE},
	{"existing", BACKUP_EXISTING},
	{"nil", BACKUP_EXISTING},
	{"numbered", BACKUP_NUMBERED},
	{"t", BACKUP_NUMBERED},
	{0},
};

static const struct word engine_words[] = {{"auto", ENGINE_AUTO}, {"uring", ENGINE_URING}, {"sync", ENGINE_SYNC}, {0}};

static const struct word preserve_words[] = {
	{"mode", PRESERVE_MODE},
	{"timestamps", PRESERVE_TIMESTAMPS},
	{"ownership", PRESERVE_OWNERSHIP},
	{"links", PRESERVE_LINKS},
	{"context", PRESERVE_CONTEXT},
	{"xattr", PRESERVE_XATTR | PRESERVE_XATTR_REQUIRED},
	{"all", PRESERVE_ALL},
	{0},
};

static const struct word inject_words[] = {
	{"short-read", INJECT_SHORT_READ},
	{"short-write", INJECT_SHORT_WRITE},
	{"no-cqe-skip", INJECT_NO_CQE_SKIP},
	{"no-fixed-buffers", INJECT_NO_FIXED_BUFFERS},
	{"no-fixed-files", INJECT_NO_FIXED_FILES},
	{"no-single-issuer", INJECT_NO_SINGLE_ISSUER},
	{"no-ring", INJECT_NO_RING},
	{"no-direct", INJECT_NO_DIRECT},
	{"corrupt", INJECT_CORRUPT},
	{"little-memory", INJECT_LITTLE_MEMORY},
	{"no-unnamed", INJECT_NO_UNNAMED},
	{0},
};

/** List the words that an option accepts, those of one meaning on one line. */
static void list_words(struct buf *buf, const struct word *words) {
	for (const struct word *w = words; w->name; ++w) {
		bool same = w > words && w[-1].value == w->value;
		if (w > words) {
			buf_str(buf, same ? ", " : "\n");
		}
		buf_str(buf, same ? "" : "  - ");
		quote_name(buf, w->name);
	}
	buf_char(buf, '\n');
}

/** Find a word, which may be cut short if it stays unambiguous. Returns false if there is none, which is reported. */
static bool find_word(struct parser *p, const char *option, const char *arg, const struct word *words,
	unsigned *value) {
	struct buf choices = {0};
	const struct word *found = NULL;
	bool ambiguous = false;

	for (const struct word *w = words; w->name; ++w) {
		if (strncmp(w->name, arg, strlen(arg)) != 0) {
			continue;
		}
		if (strlen(w->name) == strlen(arg)) {
			*value = w->value;
			return true;
		}
		ambiguous |= found && found->value != w->value;
		found = w;
	}
	if (found && !ambiguous) {
		*value = found->value;
		return true;
	}
	const char *what = ambiguous ? "ambiguous argument %s for %d" : "invalid argument %s for %d";
	list_words(&choices, words);
	report_usage(p->report, what, arg, option, choices.data);
	buf_free(&choices);
	p->failed = true;
	return false;
}

/** Turn the attributes of a comma-separated list on or off; without a list turn those of -p on. */
static error_t parse_preserve(struct parser *p, int key, const char *list) {
	bool on = key == KEY_PRESERVE;
	struct opts *opts = p->opts;
	if (!list) {
		opts->preserve |= PRESERVE_MODE | PRESERVE_OWNERSHIP | PRESERVE_TIMESTAMPS;
		return 0;
	}
	char *copy = strdup(list);
	char *rest = copy;
	error_t ret = copy ? 0 : ENOMEM;

	for (char *word; ret == 0 && (word = strsep(&rest, ","));) {
		unsigned bits;
		if (!find_word(p, on ? "--preserve" : "--no-preserve", word, preserve_words, &bits)) {
			ret = EINVAL;
		} else if (on) {
			opts->preserve |= bits;
			opts->preserve &= bits & PRESERVE_MODE ? ~(unsigned)PRESERVE_MODE_NOT : ~0u;
		} else {
			opts->preserve &= ~bits;
			opts->preserve |= bits & PRESERVE_MODE ? PRESERVE_MODE_NOT : 0;
		}
	}
	free(copy);
	return ret;
}

static error_t parse_number(struct parser *p, const char *arg, unsigned most, unsigned *number, const char *what) {
	uint64_t n;
	if (parse_size(arg, SIZE_WHOLE, &n) < 0 || n < 1 || n > most) {
		return cli_complain(p, what, arg);
	}
	*number = (unsigned)n;
	return 0;
}

/** As parse_number(), for any number. */
static error_t parse_count(struct parser *p, const char *arg, uint64_t *count) {
	return parse_size(arg, SIZE_WHOLE, count) < 0 ? cli_complain(p, "invalid number: %s", arg) : 0;
}

static error_t parse_chunk_size(struct parser *p, const char *arg) {
	uint64_t size;
	if (parse_size(arg, SIZE_WHOLE, &size) < 0 || size < 512 || size > (64u << 20)) {
		return cli_complain(p, "invalid chunk size: %s (512 to 64M)", arg);
	}
	p->opts->chunk_size = size;
	return 0;
}

static error_t parse_rate(struct parser *p, const char *arg) {
	p->opts->rate = 0;
	p->opts->rate_file = arg[0] == '@' && arg[1] != '\0' ? arg + 1 : NULL;
	if (!p->opts->rate_file && parse_size(arg, SIZE_RATE, &p->opts->rate) < 0) {
		return cli_complain(p, "invalid rate: %s (bytes a second, as 20M or 500K, or @FILE)", arg);
	}
	p->bare_rate = arg[strspn(arg, "0123456789.")] == '\0' ? arg : NULL;
	return 0;
}

static error_t parse_earlier(struct parser *p, int key, const char *arg) {
	bool links = key == KEY_LINK_DEST;
	struct opts_dirs *dirs = links ? &p->opts->link_dests : &p->opts->reflink_dests;
	const char *option = links ? "--link-dest" : "--reflink-dest";
	if (dirs->count == countof(dirs->paths)) {
		return cli_complain(p, "too many directories for %s (at most 20)", option);
	}
	dirs->paths[dirs->count++] = arg;
	// A file that shares its data with an earlier copy must be replaced, never written into
	p->opts->flags |= links ? OPT_ATOMIC : 0;
	return 0;
}

static error_t parse_inject(struct parser *p, const char *list) {
	char *copy = strdup(list);
	char *rest = copy;
	error_t ret = copy ? 0 : ENOMEM;

	for (char *word; ret == 0 && (word = strsep(&rest, ","));) {
		unsigned bits = 0;
		if (strncmp(word, "seed=", 5) == 0) {
			p->opts->seed = strtoull(word + 5, NULL, 10);
		} else if (!find_word(p, "--x-inject", word, inject_words, &bits)) {
			ret = EINVAL;
		}
		p->opts->inject |= bits;
	}
	free(copy);
	return ret;
}

static error_t parse_target(struct parser *p, const char *arg) {
	if (p->opts->target_directory) {
		return cli_complain(p, "multiple target directories specified", NULL);
	}
	p->opts->target_directory = arg;
	return 0;
}

bool cli_backup_control(struct parser *p, const char *option, const char *control, unsigned *value) {
	return find_word(p, option, control, backup_words, value);
}

/** Parse an option whose value is one of several words. */
static error_t parse_choice(struct parser *p, int key, const char *arg) {
	struct opts *opts = p->opts;
	const struct {
		const char *name;
		const struct word *words;
		unsigned *value;
		int key;
		unsigned missing;
	} choices[] = {
		{"--reflink", when_words, &opts->reflink, KEY_REFLINK, WHEN_ALWAYS},
		{"--direct", when_words, &opts->direct, KEY_DIRECT, WHEN_ALWAYS},
		{"--sparse", sparse_words, &opts->sparse, KEY_SPARSE, WHEN_ALWAYS},
		{"--progress", progress_words, &opts->progress, KEY_PROGRESS, PROGRESS_ALWAYS},
		{"--engine", engine_words, &opts->engine, KEY_ENGINE, ENGINE_AUTO},
		{"--update", update_words, &opts->update, KEY_UPDATE, UPDATE_OLDER},
		{"--update", update_words, &opts->update, 'u', UPDATE_OLDER},
	};
	if (key == KEY_PRESERVE || key == KEY_NO_PRESERVE) {
		return parse_preserve(p, key, arg);
	}
	for (size_t i = 0; i < countof(choices); ++i) {
		if (choices[i].key == key) {
			*choices[i].value = choices[i].missing;
			return !arg || find_word(p, choices[i].name, arg, choices[i].words, choices[i].value) ? 0 : EINVAL;
		}
	}
	return ARGP_ERR_UNKNOWN;
}

static error_t parse_context(struct parser *p, const char *arg) {
	if (arg) {
		report_warn(p->report, ERROR_USAGE, 0, "warning: ignoring --context; it requires an SELinux-enabled kernel",
			NULL, NULL);
	}
	return 0;
}

static error_t parse_xattrs(struct parser *p, const char *arg) {
	int ret = meta_rules_choose(&p->opts->rules, arg);
	if (ret == -EINVAL) {
		return cli_complain(p, "invalid patterns of extended attributes: %s (as user.* or -user.tmp,-trusted.*)", arg);
	}
	p->xattrs = true;
	return -ret;
}

/** Parse an option about backups. */
static error_t parse_backup(struct parser *p, int key, const char *arg) {
	p->backups = true;
	if (key == KEY_BACKUP) {
		p->control = arg ? arg : p->control;
	} else if (key == 'S') {
		p->suffix = arg;
	} else if (key == KEY_BACKUP_DIR) {
		p->opts->backup_dir = arg;
		return arg[0] ? 0 : cli_complain(p, "invalid directory for backups: %s", arg);
	}
	return 0;
}

/** Parse an option whose value is a number. */
static error_t parse_measure(struct parser *p, int key, char *arg) {
	struct opts *opts = p->opts;
	switch (key) {
	case 'j':
		return parse_number(p, arg, 1024, &opts->threads, "invalid number of threads: %s (1 to 1024)");
	case KEY_QUEUE_DEPTH:
		return parse_number(p, arg, 4096, &opts->queue_depth, "invalid queue depth: %s (1 to 4096)");
	case KEY_CHUNK_SIZE:
		return parse_chunk_size(p, arg);
	case KEY_MAX_DELETE:
		opts->flags |= OPT_MAX_DELETE;
		return parse_count(p, arg, &opts->max_delete);
	case KEY_MAX_ERRORS:
		return parse_number(p, arg, UINT32_MAX, &opts->max_errors, "invalid number of errors: %s (1 or more)");
	case KEY_BWLIMIT:
		return parse_rate(p, arg);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

error_t cli_parse_value(struct parser *p, int key, char *arg) {
	struct opts *opts = p->opts;
	error_t err = parse_choice(p, key, arg);
	err = err == ARGP_ERR_UNKNOWN ? parse_measure(p, key, arg) : err;
	if (err != ARGP_ERR_UNKNOWN) {
		return err;
	}
	switch (key) {
	case KEY_BACKUP:
	case KEY_BACKUP_DIR:
	case 'b':
	case 'S':
		return parse_backup(p, key, arg);
	case 'i':
	case 'n':
		p->asking = key;
		p->forced = false;
		return 0;
	case 'Z':
		return 0;
	case KEY_CONTEXT:
		return parse_context(p, arg);
	case 't':
		return parse_target(p, arg);
	case KEY_CHECKSUMS:
		opts->checksums = arg;
		return 0;
	case KEY_XATTRS:
		return parse_xattrs(p, arg);
	case KEY_ITEMIZE:
		opts->itemize = true;
		return 0;
	case KEY_LOG_FILE:
		opts->log_file = arg;
		return 0;
	case KEY_LINK_DEST:
	case KEY_REFLINK_DEST:
		return parse_earlier(p, key, arg);
	case KEY_INJECT:
		return parse_inject(p, arg);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}
