// SPDX-License-Identifier: MIT
#include "dest/dest-impl.h"

#include "base/io.h"
#include "base/opts.h"
#include "base/path.h"
#include "dest/remove.h"
#include "filter/select.h"
#include "journal/journal.h"
#include "report/report.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/** Whether only names in a list are copied. */
static bool has_names(const struct opts *opts) {
	return opts->select && opts->select->filelist;
}

/** Open a destination directory, only for searching if it is unreadable. Returns a descriptor or -errno. */
static int open_target(const char *path) {
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && errno == EACCES) {
		fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	}
	return or_errno(fd);
}

/** The name an operand gets in a directory; the caller frees it. */
static char *name_in_directory(const char *operand) {
	char *name = strdup(last_component(operand));
	if (name) {
		size_t len = strlen(name);
		while (len > 0 && name[len - 1] == '/') {
			name[--len] = '\0';
		}
		// "DIR/.." names no new directory in the destination
		if (strcmp(name, "..") == 0) {
			name[0] = '\0';
		}
	}
	return name;
}

/** The name an operand gets with --parents; the caller frees it. */
static char *name_with_parents(const char *operand) {
	while (*operand == '/') {
		++operand;
	}
	char *name = strdup(operand);
	if (name) {
		strip_slashes(name);
	}
	return name;
}

/** Add COUNT operands to the base's listing, with DST as the destination of all; NULL: each with its own name. */
static int add_operands(struct dest *dest, int count, const char *dst) {
	const struct opts *opts = dest->opts;
	for (int i = 0; i < count; ++i) {
		char *operand = opts->operands[i];
		// cp strips slashes only with a target directory
		if ((opts->flags & OPT_STRIP_TRAILING_SLASHES) && !dst) {
			strip_slashes(operand);
		}
		char *name;
		if (dst) {
			name = strdup(dst);
		} else {
			name = opts->flags & OPT_PARENTS ? name_with_parents(operand) : name_in_directory(operand);
		}
		int ret = name ? listing_add(&dest->base->listing, operand, name, 0, DT_UNKNOWN) : -ENOMEM;
		free(name);
		if (ret < 0) {
			return ret;
		}
	}
	return 0;
}

static int by_name(const void *a, const void *b) {
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/** Whether two operands get the same destination name, or one gets the directory itself. Returns 1, 0 or -ENOMEM. */
static int operands_meet(const struct listing *listing) {
	const char **names = malloc(listing->file_count * sizeof(*names));
	if (!names) {
		return -ENOMEM;
	}
	bool meet = false;
	for (size_t i = 0; i < listing->file_count; ++i) {
		names[i] = listing_entry(&listing->files[i]).dst_name;
		meet |= names[i][0] == '\0' || strcmp(names[i], ".") == 0;
	}
	qsort(names, listing->file_count, sizeof(*names), by_name);
	for (size_t i = 1; i < listing->file_count; ++i) {
		meet |= strcmp(names[i - 1], names[i]) == 0;
	}
	free(names);
	return meet;
}

static int out_of_memory(struct dest *dest) {
	report_error(dest->report, ERROR_START, 0, "memory exhausted", NULL, NULL);
	return -1;
}

/** Copy every operand except the target into a directory. */
static int into_directory(struct dest *dest, struct trees *trees, int fd, const char *path, int count) {
	dest->base = tree_base(trees, fd, path);
	if (!dest->base || add_operands(dest, count, NULL) < 0) {
		return out_of_memory(dest);
	}
	if (count > 1) {
		dest->flags |= DEST_SEVERAL;
		// With --parents one operand may be inside a directory that another one makes
		int meet = dest->opts->flags & OPT_PARENTS ? 1 : operands_meet(&dest->base->listing);
		if (meet < 0) {
			return out_of_memory(dest);
		}
		dest->flags |= meet ? DEST_SERIAL : 0;
	}
	return 0;
}

/** Copy one source to one destination. */
static int one_to_one(struct dest *dest, struct trees *trees) {
	if (dest->opts->flags & OPT_PARENTS) {
		report_usage(dest->report, "with --parents, the destination must be a directory", NULL, NULL, NULL);
		return -1;
	}
	dest->base = tree_base(trees, AT_FDCWD, NULL);
	if (!dest->base || add_operands(dest, 1, dest->opts->operands[1]) < 0) {
		return out_of_memory(dest);
	}
	return 0;
}

/** Copy names of one source (--files-from): the source's own name does not matter. */
static int names_of_one(struct dest *dest, struct trees *trees) {
	const struct opts *opts = dest->opts;
	const char *target = opts->target_directory;
	if (target) {
		int fd = open_target(target);
		if (fd < 0) {
			report_error(dest->report, ERROR_ACCESS, -fd, "target directory %d", NULL, target);
			return -1;
		}
		close_fd(&fd);
	}
	dest->base = tree_base(trees, AT_FDCWD, NULL);
	if (!dest->base || add_operands(dest, 1, target ? target : opts->operands[1]) < 0) {
		return out_of_memory(dest);
	}
	return 0;
}

/** Report operands that make no sense. */
static bool usage_ok(struct dest *dest) {
	const struct opts *opts = dest->opts;
	int count = opts->operand_count;

	if (count == 0) {
		report_usage(dest->report, "missing file operand", NULL, NULL, NULL);
	} else if (count == 1 && !opts->target_directory) {
		report_usage(dest->report, "missing destination file operand after %s", opts->operands[0], NULL, NULL);
	} else if ((opts->flags & OPT_NO_TARGET_DIRECTORY) && opts->target_directory) {
		report_error(dest->report, ERROR_USAGE, 0,
			"cannot combine --target-directory (-t) and --no-target-directory (-T)", NULL, NULL);
	} else if ((opts->flags & OPT_NO_TARGET_DIRECTORY) && count > 2) {
		report_usage(dest->report, "extra operand %s", opts->operands[2], NULL, NULL);
	} else if (has_names(opts) && count > 1 + !opts->target_directory) {
		report_usage(dest->report, "extra operand %s", opts->operands[1 + !opts->target_directory], NULL, NULL);
	} else if (has_names(opts) && (opts->flags & OPT_PARENTS)) {
		report_usage(dest->report, "cannot combine --files-from and --parents", NULL, NULL, NULL);
	} else {
		return true;
	}
	return false;
}

/**
 * Whether with --resume a destination may be, or become, the copy of a directory itself; TOP is set to that directory.
 */
static bool may_become(const struct dest *dest, struct journal_top *top) {
	const struct opts *opts = dest->opts;
	struct stat st;
	int flags = opts->deref == DEREF_NEVER ? AT_SYMLINK_NOFOLLOW : 0;
	if (!(opts->flags & OPT_RESUME) || !(opts->flags & OPT_RECURSIVE) || (opts->flags & OPT_PARENTS)
		|| opts->operand_count != 2 || fstatat(AT_FDCWD, opts->operands[0], &st, flags) != 0 || !S_ISDIR(st.st_mode))
	{
		return false;
	}
	*top = journal_top_of(opts->operands[0], inode_of(&st));
	return true;
}

/** If such a copy is going to be made, announce it until it has a journal: we may be killed in between. */
static void announce(struct dest *dest, const char *target) {
	struct journal_top top;
	struct stat st;
	if (!(dest->opts->flags & OPT_DRY_RUN) && may_become(dest, &top)
		&& fstatat(AT_FDCWD, target, &st, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT)
	{
		dest->notice = journal_announce(target, &top);
	}
}

void dest_journal_begun(struct dest *dest) {
	// A copy cancelled before its operands were examined has no options here either
	if (dest->notice) {
		journal_announced(dest->notice, dest->opts->flags & OPT_DRY_RUN ? JOURNAL_KEEP : JOURNAL_REMOVE);
		dest->notice = NULL;
	}
}

/**
 * With --resume, a target directory may be the copy that the same, interrupted command began, rather than the directory
 * to copy into. Returns whether it is, or -1 if this cannot be found out, which is reported.
 */
static int is_begun(struct dest *dest, const struct trees *trees, int fd, const char *target) {
	const char *source = dest->opts->operands[0];
	struct journal_top top;
	const char *why;
	if (!may_become(dest, &top)) {
		return 0;
	}
	enum journal_says says = journal_look(fd, &top, trees->cancelled);
	// The notice may be left even if the journal is there
	bool announced = says != JOURNAL_SAYS_OTHER
		&& journal_was_announced(fd, target, &top, trees->cancelled, &dest->notice);
	if (announced || says == JOURNAL_SAYS_ITSELF) {
		return 1;
	}
	switch (says) {
	case JOURNAL_SAYS_OTHER:
		why = "%d is an interrupted copy, but not of %s; use -T to go on with it, or -t to copy into it";
		break;
	case JOURNAL_SAYS_NOTHING:
		why = "%d may be an interrupted copy of %s; use -T to go on with it, or -t to copy into it";
		break;
	default:
		return 0;
	}
	if (dest_is_cancelled(dest)) {
		return 0;
	}
	report_error(dest->report, ERROR_COPY, 0, why, source, target);
	return -1;
}

/** Whether a target directory has a journal of ours: then a move into it was interrupted, and goes on. */
static bool was_interrupted(const struct dest *dest, int fd) {
	struct stat st;
	return (dest->opts->flags & OPT_MOVE) && (dest->opts->flags & OPT_RESUME)
		&& fstatat(fd, JOURNAL_NAME, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid();
}

/** Resolve the operands to their destinations. Returns 0, or -1 after an error, which is reported. */
static int resolve(struct dest *dest, struct trees *trees) {
	const struct opts *opts = dest->opts;
	struct report *report = dest->report;
	if (!usage_ok(dest)) {
		return -1;
	}
	int count = opts->operand_count;
	if (has_names(opts)) {
		return names_of_one(dest, trees);
	}
	if (opts->flags & OPT_NO_TARGET_DIRECTORY) {
		dest->flags |= opts->flags & OPT_MOVE ? DEST_MERGE : 0;
		return one_to_one(dest, trees);
	}
	if (opts->target_directory) {
		int fd = open_target(opts->target_directory);
		if (fd < 0) {
			report_error(report, ERROR_ACCESS, -fd, "target directory %d", NULL, opts->target_directory);
			return -1;
		}
		dest->flags |= was_interrupted(dest, fd) ? DEST_MERGE : 0;
		return into_directory(dest, trees, fd, opts->target_directory, count);
	}
	const char *last = opts->operands[count - 1];
	int fd = open_target(last);
	int begun = fd >= 0 ? is_begun(dest, trees, fd, last) : 0;
	if (begun != 0) {
		dest->flags |= opts->flags & OPT_MOVE ? DEST_MERGE : 0;
		close_fd(&fd);
		return begun < 0 ? -1 : one_to_one(dest, trees);
	}
	if (fd >= 0) {
		dest->flags |= was_interrupted(dest, fd) ? DEST_MERGE : 0;
		return into_directory(dest, trees, fd, last, count - 1);
	}
	if (count > 2) {
		report_error(report, ERROR_ACCESS, -fd, "target %d", NULL, last);
		return -1;
	}
	announce(dest, last);
	return one_to_one(dest, trees);
}

int dest_init(struct dest *dest, const struct opts *opts, struct report *report, struct trees *trees) {
	*dest = (struct dest) {.opts = opts, .report = report, .backups = -1};
	thread_must(pthread_mutex_init(&dest->lock, NULL));
	sources_init(&dest->all, opts, trees->limits);
	dest->all.stop = trees->cancelled;
	trees->judge = dest_judge_directory;
	trees->is_source = dest_is_source_directory;
	trees->surplus = opts->flags & OPT_DELETE ? dest_remove_surplus : NULL;
	trees->dest = dest;
	int ret = resolve(dest, trees);
	if (ret == 0 && !dest_may_delete(dest)) {
		ret = -1;
	}
	if (ret == 0) {
		dest_protect(dest);
	}
	return ret;
}

char *dest_onto_itself(const struct opts *opts) {
	struct stat st;
	char *name;
	if (!(opts->flags & OPT_FORCE) || opts->backup == BACKUP_NONE || opts->backup_dir || opts->operand_count != 2
		|| opts->target_directory || strcmp(opts->operands[0], opts->operands[1]) != 0
		|| stat(opts->operands[1], &st) != 0 || !S_ISREG(st.st_mode))
	{
		return NULL;
	}
	return dest_backup_name(opts, AT_FDCWD, opts->operands[1], &name) < 0 ? NULL : name;
}

void dest_destroy(struct dest *dest) {
	struct stat st;
	// If interrupted before the journal exists, keep the notice, so that the next run recognises the copy
	if (dest->notice && dest_is_cancelled(dest) && fstatat(AT_FDCWD, dest->opts->operands[1], &st, 0) == 0) {
		journal_announced(dest->notice, JOURNAL_KEEP);
	} else {
		dest_journal_begun(dest);
	}
	dest_forget(dest);
	sources_destroy(&dest->all);
	inode_set_clear(&dest->above, free);
	inode_set_clear(&dest->kept, free);
	inode_set_clear(&dest->moved, free);
	close_fd(&dest->backups);
	name_set_clear(&dest->simulated);
	thread_must(pthread_mutex_destroy(&dest->lock));
}

bool dest_operand(struct dest *dest, struct tree *base, struct entry *entry, struct stat *st) {
	int flags = dest->opts->deref == DEREF_NEVER ? AT_SYMLINK_NOFOLLOW : 0;
	if (fstatat(AT_FDCWD, entry->name, st, flags) != 0) {
		tree_report(base, entry, error_make(ERROR_STAT, errno, "cannot stat %s"));
		return false;
	}
	entry->type = IFTODT(st->st_mode);
	entry->ino = st->st_ino;
	if (has_names(dest->opts)) {
		if (!S_ISDIR(st->st_mode)) {
			tree_report(base, entry, error_make(ERROR_ACCESS, ENOTDIR, "cannot access %s"));
		}
		return S_ISDIR(st->st_mode);
	}
	if (S_ISDIR(st->st_mode) && !(dest->opts->flags & OPT_RECURSIVE)) {
		tree_report(base, entry, error_make(ERROR_COPY, 0, "-r not specified; omitting directory %s"));
		return false;
	}
	if (dest->opts->select) {
		int ret = select_operand(dest->opts->select, entry->name, st);
		if (ret < 0) {
			tree_report(base, entry, error_make(ERROR_ACCESS, ret, "cannot access %s"));
		}
		if (ret <= 0) {
			return false;
		}
	}
	return !dest_given_twice(dest, base, entry, st);
}
