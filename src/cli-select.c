#include "cli-impl.h"

#include "opts.h"
#include "report.h"
#include "select.h"
#include "std.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/** An option that says what is copied. Their order counts, so they are put together when all are known. */
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

/** Read a file, or standard input if it is "-". Returns whether that went well; if not, it is reported. */
static bool read_list(struct parser *p, const char *path, struct buf *text) {
	int fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		report_error(p->report, errno, "cannot open %s for reading", path, NULL);
		p->failed = true;
		return false;
	}
	int ret = buf_read(text, fd);
	if (ret < 0) {
		report_error(p->report, -ret, "error reading %s", path, NULL);
		p->failed = true;
	}
	if (fd != STDIN_FILENO) {
		close_fd(&fd);
	}
	return ret == 0;
}

static int add_patterns_from(struct parser *p, struct filter *filter, const char *path) {
	struct buf text = {0};
	int ret = 0;
	if (read_list(p, path, &text)) {
		ret = filter_add_text(filter, text.data, text.len, p->null ? '\0' : '\n');
	}
	buf_free(&text);
	return ret;
}

static int take_names(struct parser *p, struct select *select, const char *path) {
	struct buf text = {0};
	char *bad = NULL;
	bool recursive = p->opts->flags & OPT_RECURSIVE;
	if (select->names) {
		cli_complain(p, "only one --files-from can be given", NULL);
		return 0;
	}
	if (!read_list(p, path, &text)) {
		buf_free(&text);
		return 0;
	}
	select->names = names_parse(text.data, text.len, p->null ? '\0' : '\n', recursive, &bad);
	buf_free(&text);
	if (bad) {
		report_error(p->report, 0, "the name %s in %d leads out of the source", bad, path);
		p->failed = true;
		free(bad);
		return 0;
	}
	return select->names ? 0 : -ENOMEM;
}

static int take_size(struct parser *p, const char *arg, uint64_t *size) {
	int ret = parse_size(arg, size);
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
		return filter_add(&select->filter, choice->arg, FILTER_INCLUDE);
	case KEY_EXCLUDE:
		return filter_add(&select->filter, choice->arg, FILTER_EXCLUDE);
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

bool cli_settle_select(struct parser *p) {
	if (p->choice_count == 0) {
		return true;
	}
	struct select *select = p->opts->select = select_new();
	int ret = select ? 0 : -ENOMEM;
	for (size_t i = 0; i < p->choice_count && ret == 0 && !p->failed; ++i) {
		ret = take_choice(p, select, &p->choices[i]);
	}
	if (ret < 0) {
		out_of_memory(p);
	}
	if (select) {
		select->whole_names = p->opts->flags & OPT_PARENTS;
	}
	return !p->failed;
}
