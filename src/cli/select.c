// SPDX-License-Identifier: MIT
#include "cli/cli-impl.h"

#include "base/buf.h"
#include "base/inode.h"
#include "base/io.h"
#include "base/opts.h"
#include "base/size.h"
#include "filter/filelist.h"
#include "filter/select.h"
#include "report/report.h"
#include "sys/machine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/** Bytes of a list that are read before they are checked. */
#define READ_AT_ONCE (1u << 20)

/** An option that chooses what is copied. As their order matters, they are put together when all are known. */
struct choice {
	int key;
	const char *arg;
};

static error_t out_of_memory(struct parser *p) {
	return cli_complain(p, "memory exhausted", NULL);
}

error_t cli_parse_select(struct parser *p, int key, const char *arg) {
	switch (key) {
	case '0':
		p->null = true;
		return 0;
	case KEY_EXCLUDE:
	case KEY_INCLUDE:
	case KEY_EXCLUDE_FROM:
	case KEY_EXCLUDE_VCS:
	case KEY_FILES_FROM:
	case KEY_GITIGNORE:
	case KEY_MAX_SIZE:
	case KEY_MIN_SIZE:
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	struct choice *choices = reallocarray(p->choices, p->choice_count + 1, sizeof(*choices));
	if (!choices) {
		return out_of_memory(p);
	}
	p->choices = choices;
	p->choices[p->choice_count++] = (struct choice) {.key = key, .arg = arg};
	return 0;
}

/** Report an error of a list. WHAT: the message, with %s for PATH. */
static void refuse(struct parser *p, enum error_op op, int err, const char *what, const char *path) {
	report_error(p->report, op, err, what, path, NULL);
	p->failed = true;
}

/**
 * Whether FD is standard input, even under another name. A regular file opened by its name is read from its start, and
 * does not count.
 */
static bool is_stdin(int fd) {
	struct stat st;
	struct stat in;
	return fd == STDIN_FILENO
		|| (fstat(fd, &st) == 0 && !S_ISREG(st.st_mode) && fstat(STDIN_FILENO, &in) == 0
			&& inode_same(inode_of(&st), inode_of(&in)));
}

/** The largest list that is read, so that one without an end does not take all memory. */
struct list_limit {
	size_t text;
	/** The highest sum of filelist_memory(); 0: no limit. */
	size_t memory;
};

/** Read a list up to its end, or to the first error in it. */
static struct error read_all(struct parser *p, int fd, struct list_limit most, struct buf *text) {
	const char end = p->null ? '\0' : '\n';
	size_t memory = 0;
	int ret = -EFBIG;
	while (ret == -EFBIG) {
		size_t len = text->len;
		if (len > most.text || memory > most.memory) {
			return error_make(ERROR_USAGE, 0, "the list %s is too large");
		}
		ret = buf_read(text, fd, len + READ_AT_ONCE);
		if (ret < 0 && ret != -EFBIG) {
			return error_make(ERROR_READ, ret, "error reading %s");
		}
		// Do not wait for the end, which may never come
		if (!p->null && memchr(text->data + len, '\0', text->len - len)) {
			return error_make(ERROR_USAGE, 0, "%s has NUL bytes: use -0");
		}
		memory += most.memory > 0 ? filelist_memory(text->data + len, text->len - len, end) : 0;
	}
	return NO_ERROR;
}

/** Read a list from a file, or from standard input if PATH is "-". Returns whether that worked; errors are reported. */
static bool read_list(struct parser *p, const char *path, struct list_limit most, struct buf *text) {
	int fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_NOCTTY | O_CLOEXEC);
	if (fd < 0) {
		refuse(p, ERROR_OPEN, errno, "cannot open %s for reading", path);
		return false;
	}
	struct error error;
	struct stat st;
	bool in = is_stdin(fd);
	if (fstat(fd, &st) != 0 || inode_set_add(&p->opts->select->lists, inode_of(&st)) < 0) {
		error = error_make(ERROR_READ, errno, "error reading %s");
	} else if (in && p->stdin_read) {
		error = error_make(ERROR_USAGE, 0, "only one list can be read from standard input");
	} else {
		p->stdin_read |= in;
		error = read_all(p, fd, most, text);
	}
	if (fd != STDIN_FILENO) {
		close_fd(&fd);
	}
	if (error.text) {
		refuse(p, error.op, error.err, error.text, path);
	}
	return !error.text;
}

static int add_patterns_from(struct parser *p, struct filter *filter, const char *path) {
	struct buf text = {0};
	int ret = 0;
	if (read_list(p, path, (struct list_limit) {.text = SELECT_IGNORE_MOST}, &text)) {
		ret = filter_add_text(filter, text.data, text.len, p->null ? '\0' : '\n');
	}
	buf_free(&text);
	if (ret == -EINVAL) {
		refuse(p, ERROR_USAGE, 0, "unexpected end of filter rule in %s", path);
	}
	return ret == -EINVAL ? 0 : ret;
}

static int add_pattern(struct parser *p, struct filter *filter, const char *pattern, enum filter_verdict verdict) {
	int ret = filter_add(filter, pattern, verdict);
	if (ret == -EINVAL) {
		refuse(p, ERROR_USAGE, 0, "unexpected end of filter rule: %s", pattern);
	}
	return ret == -EINVAL ? 0 : ret;
}

/** The largest list of names that is read. */
static struct list_limit most_names(void) {
	struct machine machine = machine_look();
	struct rlimit space;
	bool limited = getrlimit(RLIMIT_AS, &space) == 0 && space.rlim_cur != RLIM_INFINITY;
	uint64_t memory = limited ? min(machine.memory, (uint64_t)space.rlim_cur) : machine.memory;
	memory = min(max(memory, (uint64_t)(256u << 20)), (uint64_t)SIZE_MAX);
	return (struct list_limit) {.text = (size_t)(memory / 16), .memory = (size_t)(memory / 2)};
}

static int take_names(struct parser *p, struct select *select, const char *path) {
	struct buf text = {0};
	char *bad = NULL;
	bool recursive = p->opts->flags & OPT_RECURSIVE;
	if (select->filelist) {
		cli_complain(p, "only one --files-from can be given", NULL);
		return 0;
	}
	if (!read_list(p, path, most_names(), &text)) {
		buf_free(&text);
		return 0;
	}
	select->filelist = filelist_parse(text.data, text.len, p->null ? '\0' : '\n', recursive, &bad);
	if (bad) {
		report_error(p->report, ERROR_USAGE, 0, "the name %s in %d leads out of the source", bad, path);
		p->failed = true;
		free(bad);
		return 0;
	}
	return select->filelist ? 0 : -ENOMEM;
}

static int take_size(struct parser *p, const char *arg, uint64_t *size) {
	int ret = parse_size(arg, SIZE_DECIMAL, size);
	if (ret == -ERANGE) {
		// No file is that large
		*size = UINT64_MAX;
	} else if (ret < 0) {
		cli_complain(p, "invalid size: %s", arg);
	}
	return 0;
}

static int take_choice(struct parser *p, struct select *select, const struct choice *choice) {
	switch (choice->key) {
	case KEY_INCLUDE:
		return add_pattern(p, &select->filter, choice->arg, FILTER_INCLUDE);
	case KEY_EXCLUDE:
		return add_pattern(p, &select->filter, choice->arg, FILTER_EXCLUDE);
	case KEY_EXCLUDE_VCS:
		return filter_add_vcs(&select->filter);
	case KEY_EXCLUDE_FROM:
		return add_patterns_from(p, &select->filter, choice->arg);
	case KEY_FILES_FROM:
		return take_names(p, select, choice->arg);
	case KEY_GITIGNORE:
		select->gitignore = true;
		return 0;
	case KEY_MAX_SIZE:
		return take_size(p, choice->arg, &select->max_size);
	case KEY_MIN_SIZE:
		return take_size(p, choice->arg, &select->min_size);
	default:
		return 0;
	}
}

/** Give a hint about options that make no difference, or exclude all files. */
static void hint_vain(const struct parser *p, const struct select *select) {
	if (!p->failed && select->filter.count > 0 && !select->gitignore && !filter_excludes(&select->filter)) {
		report_hint(p->report,
			"--include leaves out nothing by itself: --exclude does, as in --include='*/' "
			"--include='*.c' --exclude='*'");
	}
	if (!p->failed && select->min_size > select->max_size) {
		report_hint(p->report, "no regular file is copied: --min-size is larger than --max-size");
	}
}

bool cli_settle_select(struct parser *p) {
	if (p->choice_count == 0) {
		return true;
	}
	struct select *select = p->opts->select = select_new();
	int ret = select ? 0 : -ENOMEM;
	for (size_t i = 0; i < p->choice_count && ret == 0 && !p->failed; ++i) {
		ret = take_choice(p, select, &p->choices[i]);
	}
	if (ret == -E2BIG) {
		cli_complain(p, "there are too many patterns", NULL);
	} else if (ret < 0) {
		out_of_memory(p);
	}
	if (select) {
		select->whole_names = p->opts->flags & OPT_PARENTS;
		hint_vain(p, select);
	}
	return !p->failed;
}
