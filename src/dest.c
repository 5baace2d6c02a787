#include "dest-impl.h"

#include "journal.h"
#include "opts.h"
#include "report.h"
#include "select.h"
#include "std.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

/** A file that was met or made, and a name it has; further names are linked to the first. */
struct known {
	struct inode inode;
	/** The name, or NULL where the inode is enough. */
	char *name;
	struct known *next;
};

static void known_free(void *item) {
	for (struct known *known = item, *next; known; known = next) {
		next = known->next;
		free(known->name);
		free(known);
	}
}

/** Remember a name (or NULL) of a file; the lock is held. Returns false without memory. */
static bool remember(struct inode_set *set, struct inode inode, const char *name) {
	struct known *first = inode_set_find(set, inode);
	struct known *known = malloc(sizeof(*known));
	char *copy = name ? strdup(name) : NULL;
	if (!known || (name && !copy)) {
		free(known);
		free(copy);
		return false;
	}
	*known = (struct known) {.inode = inode, .name = copy, .next = first ? first->next : NULL};
	if (first) {
		first->next = known;
	} else if (inode_set_insert(set, &known->inode) < 0) {
		known_free(known);
		return false;
	}
	return true;
}

/** Whether only a list of names is copied. */
static bool has_names(const struct opts *opts) {
	return opts->select && opts->select->names;
}

/** Open a destination directory. Returns its descriptor or -errno. */
static int open_target(const char *path) {
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && errno == EACCES) {
		fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	}
	return fd < 0 ? -errno : fd;
}

/** The name an operand gets in a directory; to be freed. */
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

static void strip_slashes(char *path) {
	size_t len = strlen(path);
	while (len > 1 && path[len - 1] == '/') {
		path[--len] = '\0';
	}
}

/** The name an operand gets with --parents; to be freed. */
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

/** Add the operands to the base's listing, with their names in the destination or DST for all. */
static int add_operands(struct dest *dest, int count, const char *dst) {
	const struct opts *opts = dest->opts;
	for (int i = 0; i < count; ++i) {
		char *operand = opts->operands[i];
		// cp does so only with a target directory
		if ((opts->flags & OPT_STRIP_TRAILING_SLASHES) && !dst) {
			strip_slashes(operand);
		}
		char *name = dst ? strdup(dst)
			: opts->flags & OPT_PARENTS ? name_with_parents(operand) : name_in_directory(operand);
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

/** Whether two operands get the same name, or one that is a directory above the others' names. */
static int operands_meet(const struct listing *listing) {
	const char **names = malloc(listing->file_count * sizeof(*names));
	if (!names) {
		return -ENOMEM;
	}
	bool meet = false;
	for (size_t i = 0; i < listing->file_count; ++i) {
		names[i] = listing->files[i].dst_name;
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
	report_error(dest->report, 0, "memory exhausted", NULL, NULL);
	return -1;
}

/** Every operand but the target goes into a directory. */
static int into_directory(struct dest *dest, struct trees *trees, int fd, const char *path, int count) {
	dest->base = tree_base(trees, fd, path);
	if (!dest->base || add_operands(dest, count, NULL) < 0) {
		return out_of_memory(dest);
	}
	if (count > 1) {
		dest->flags |= DEST_SEVERAL;
		// With --parents one operand may be in what another one makes
		int meet = dest->opts->flags & OPT_PARENTS ? 1 : operands_meet(&dest->base->listing);
		if (meet < 0) {
			return out_of_memory(dest);
		}
		dest->flags |= meet ? DEST_SERIAL : 0;
	}
	return 0;
}

/** One source, one destination. */
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

/** Some names of one source (--files-from): what it is called makes no difference. */
static int names_of_one(struct dest *dest, struct trees *trees) {
	const struct opts *opts = dest->opts;
	const char *target = opts->target_directory;
	if (target) {
		int fd = open_target(target);
		if (fd < 0) {
			report_error(dest->report, -fd, "target directory %d", NULL, target);
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

/** Complain about operands that make no sense. */
static bool usage_ok(struct dest *dest) {
	const struct opts *opts = dest->opts;
	int count = opts->operand_count;

	if (count == 0) {
		report_usage(dest->report, "missing file operand", NULL, NULL, NULL);
	} else if (count == 1 && !opts->target_directory) {
		report_usage(dest->report, "missing destination file operand after %s", opts->operands[0], NULL,
			NULL);
	} else if ((opts->flags & OPT_NO_TARGET_DIRECTORY) && opts->target_directory) {
		report_error(dest->report, 0, "cannot combine --target-directory (-t) and --no-target-directory (-T)",
			NULL, NULL);
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

/** What is known of a file that may be a source. */
static enum sources_verdict look_for(struct dest *dest, const struct stat *st) {
	return sources_have(&dest->all, (int)dest->base->listing.file_count, st);
}

static enum sources_verdict look_for_directory(struct dest *dest, struct inode inode) {
	return look_for(dest, &(struct stat) {.st_dev = inode.dev, .st_ino = inode.ino, .st_mode = S_IFDIR});
}

/** Whether the copy was given up, and so nothing was found out. */
static bool is_cancelled(const struct dest *dest) {
	return dest->all.stop && atomic_load(dest->all.stop);
}

/** As trees::is_source. */
static bool is_source_directory(struct dest *dest, struct inode inode) {
	return look_for_directory(dest, inode) == SOURCES_YES;
}

/**
 * With --resume, a target directory may be what the same command has made when it was interrupted: then it is the copy itself,
 * and not where that goes. Returns whether it is, or -1 if it cannot be told, which is reported.
 */
static int is_begun(struct dest *dest, const struct trees *trees, int fd, const char *target) {
	const struct opts *opts = dest->opts;
	const char *source = opts->operands[0];
	const char *why;
	struct stat st;
	int flags = opts->deref == DEREF_NEVER ? AT_SYMLINK_NOFOLLOW : 0;
	if (!(opts->flags & OPT_RESUME) || !(opts->flags & OPT_RECURSIVE) || (opts->flags & OPT_PARENTS)
		|| opts->operand_count != 2 || fstatat(AT_FDCWD, source, &st, flags) != 0 || !S_ISDIR(st.st_mode))
	{
		return 0;
	}
	const struct journal_top top = journal_top_of(source, inode_of(&st));
	switch (journal_look(fd, &top, trees->cancelled)) {
	case JOURNAL_SAYS_ITSELF:
		return 1;
	case JOURNAL_SAYS_OTHER:
		why = "%d is an interrupted copy, but not of %s; use -T to go on with it, or -t to copy into it";
		break;
	case JOURNAL_SAYS_NOTHING:
		why = "%d may be an interrupted copy of %s; use -T to go on with it, or -t to copy into it";
		break;
	default:
		return 0;
	}
	if (is_cancelled(dest)) {
		return 0;
	}
	report_error(dest->report, 0, why, source, target);
	return -1;
}

int dest_init(struct dest *dest, const struct opts *opts, struct report *report, struct trees *trees) {
	*dest = (struct dest) {.opts = opts, .report = report};
	thread_must(pthread_mutex_init(&dest->lock, NULL));
	sources_init(&dest->all, opts);
	dest->all.stop = trees->cancelled;
	trees->judge = dest_judge_directory;
	trees->is_source = is_source_directory;
	trees->dest = dest;
	if (!usage_ok(dest)) {
		return -1;
	}
	int count = opts->operand_count;
	if (has_names(opts)) {
		return names_of_one(dest, trees);
	}
	if (opts->flags & OPT_NO_TARGET_DIRECTORY) {
		return one_to_one(dest, trees);
	}
	if (opts->target_directory) {
		int fd = open_target(opts->target_directory);
		if (fd < 0) {
			report_error(report, -fd, "target directory %d", NULL, opts->target_directory);
			return -1;
		}
		return into_directory(dest, trees, fd, opts->target_directory, count);
	}
	const char *last = opts->operands[count - 1];
	int fd = open_target(last);
	int begun = fd >= 0 ? is_begun(dest, trees, fd, last) : 0;
	if (begun != 0) {
		close_fd(&fd);
		return begun < 0 ? -1 : one_to_one(dest, trees);
	}
	if (fd >= 0) {
		return into_directory(dest, trees, fd, last, count - 1);
	}
	if (count > 2) {
		report_error(report, -fd, "target %d", NULL, last);
		return -1;
	}
	return one_to_one(dest, trees);
}

char *dest_onto_itself(struct opts *opts) {
	struct stat st;
	char *name;
	if (!(opts->flags & OPT_FORCE) || opts->backup == BACKUP_NONE || opts->operand_count != 2
		|| opts->target_directory || strcmp(opts->operands[0], opts->operands[1]) != 0
		|| stat(opts->operands[1], &st) != 0 || !S_ISREG(st.st_mode))
	{
		return NULL;
	}
	if (dest_backup_name(opts, AT_FDCWD, opts->operands[1], &name) < 0) {
		return NULL;
	}
	opts->operands[1] = name;
	opts->backup = BACKUP_NONE;
	return name;
}

/** Whether all directories that a destination is in exist: then --parents leaves them as they are. */
static bool parents_exist(const struct tree *base, const char *path) {
	struct stat st;
	const char *last = last_component(path);
	char *parent = strndup(path, (size_t)(last - path));
	bool exist = !parent || last == path
		|| (fstatat(base->fd[DST], parent, &st, 0) == 0 && S_ISDIR(st.st_mode));
	free(parent);
	return exist;
}

/** Have the directories entered for an operand that cannot be reached left as they are. */
static void leave_parents(struct tree *tree) {
	for (; !(tree->flags & TREE_BASE); tree = tree->parent) {
		tree->flags |= TREE_AS_IS;
	}
}

struct tree *dest_enter_parents(struct tree *base, const struct entry *entry, struct entry *last) {
	struct tree *tree = base;
	char *path = strdup(entry->name);
	char *component = path;

	tree_ref(base);
	*last = *entry;
	if (!path || tree_pin(base) < 0) {
		free(path);
		tree_unref(base);
		return NULL;
	}
	strip_slashes(path);
	enum tree_enter_flags flags = TREE_ENTER_PREFIX;
	if (parents_exist(base, entry->dst_name)) {
		// Then cp does not look at their sources
		struct stat st;
		if (fstatat(AT_FDCWD, entry->name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
			tree_report(base, entry, fail_make(errno, "cannot stat %s"));
			free(path);
			tree_unpin(base);
			tree_unref(base);
			return NULL;
		}
		flags |= TREE_ENTER_AS_IS;
	}
	for (char *slash = component + strspn(component, "/"); tree && (slash = strchr(slash, '/'));) {
		*slash = '\0';
		struct entry directory = {
			.name = component,
			.dst_name = component + strspn(component, "/"),
			.type = DT_DIR,
		};
		struct tree *next = tree_enter(tree, &directory, flags);
		if (!next) {
			leave_parents(tree);
		}
		tree_unpin(tree);
		tree_unref(tree);
		tree = next;
		component = slash + 1 + strspn(slash + 1, "/");
		slash = component;
	}
	last->name += component - path;
	last->dst_name = last_component(entry->dst_name);
	free(path);
	return tree;
}

void dest_destroy(struct dest *dest) {
	inode_set_clear(&dest->sources, known_free);
	inode_set_clear(&dest->made, known_free);
	sources_destroy(&dest->all);
	for (size_t i = 0; i < dest->foreseen_count; ++i) {
		free(dest->foreseen[i]);
	}
	free(dest->foreseen);
	thread_must(pthread_mutex_destroy(&dest->lock));
}

/** Whether a name that was met is one entry with this operand; of a directory, whether its copies are. */
static bool is_known(struct dest *dest, const struct entry *entry, const struct stat *st) {
	const char *name = S_ISDIR(st->st_mode) ? entry->dst_name : entry->name;
	int dir = S_ISDIR(st->st_mode) ? dest->base->fd[DST] : AT_FDCWD;
	for (struct known *known = inode_set_find(&dest->sources, inode_of(st)); known; known = known->next) {
		if (dest_same_entry(dir, known->name, dir, name, AT_SYMLINK_NOFOLLOW)) {
			return true;
		}
	}
	return false;
}

/** Whether an operand was given twice; a warning was printed then. */
static bool given_twice(struct dest *dest, struct tree *base, const struct entry *entry, const struct stat *st) {
	bool directory = S_ISDIR(st->st_mode);
	if (!(dest->flags & DEST_SEVERAL) || (dest->opts->backup != BACKUP_NONE && !directory)) {
		return false;
	}
	mutex_lock(&dest->lock);
	bool twice = is_known(dest, entry, st);
	if (!twice && !directory) {
		remember(&dest->sources, inode_of(st), entry->name);
	}
	mutex_unlock(&dest->lock);
	if (twice && directory && dest_same_entry(AT_FDCWD, entry->name, base->fd[DST], entry->dst_name, AT_SYMLINK_NOFOLLOW)) {
		tree_report(base, entry, fail_make(0, "cannot copy a directory, %s, into itself, %d"));
	} else if (twice) {
		struct fail fail = fail_make(0, directory
			? "warning: source directory %s specified more than once"
			: "warning: source file %s specified more than once");
		fail.warning = true;
		tree_report(base, entry, fail);
	}
	return twice;
}

bool dest_operand(struct dest *dest, struct tree *base, struct entry *entry, struct stat *st) {
	int flags = dest->opts->deref == DEREF_NEVER ? AT_SYMLINK_NOFOLLOW : 0;
	if (fstatat(AT_FDCWD, entry->name, st, flags) != 0) {
		tree_report(base, entry, fail_make(errno, "cannot stat %s"));
		return false;
	}
	entry->type = IFTODT(st->st_mode);
	entry->ino = st->st_ino;
	if (has_names(dest->opts)) {
		if (!S_ISDIR(st->st_mode)) {
			tree_report(base, entry, fail_make(ENOTDIR, "cannot access %s"));
		}
		return S_ISDIR(st->st_mode);
	}
	if (S_ISDIR(st->st_mode) && !(dest->opts->flags & OPT_RECURSIVE)) {
		tree_report(base, entry, fail_make(0, "-r not specified; omitting directory %s"));
		return false;
	}
	if (dest->opts->select) {
		int ret = select_operand(dest->opts->select, entry->name, st);
		if (ret < 0) {
			tree_report(base, entry, fail_make(ret, "cannot access %s"));
		}
		if (ret <= 0) {
			return false;
		}
	}
	return !given_twice(dest, base, entry, st);
}

void dest_entered(struct dest *dest, const struct entry *entry, const struct stat *st) {
	if (dest->flags & DEST_SEVERAL) {
		mutex_lock(&dest->lock);
		remember(&dest->sources, inode_of(st), entry->dst_name);
		mutex_unlock(&dest->lock);
	}
}

bool dest_is_source(struct dest *dest, const struct stat *st) {
	// Not to know is not to touch
	return look_for(dest, st) != SOURCES_NO;
}

struct fail dest_spare_source(struct dest *dest, const struct stat *st) {
	enum sources_verdict verdict = look_for(dest, st);
	if (is_cancelled(dest)) {
		return fail_make(EINTR, "cannot write through %d");
	}
	switch (verdict) {
	case SOURCES_NO:
		break;
	case SOURCES_YES:
		return fail_make(0, "will not write through %d: it leads to a file that is to be copied");
	case SOURCES_MAYBE:
		return fail_make(0, "will not write through %d: it may lead to a file that is to be copied");
	}
	return FAIL_NONE;
}

struct fail dest_spare_name(struct dest *dest, const struct tree *tree, const struct stat *st) {
	if (!(tree->flags & (TREE_ELSEWHERE | TREE_IN_SOURCE))) {
		return FAIL_NONE;
	}
	enum sources_verdict verdict = look_for(dest, st);
	// Of what is no regular file it is not noted which of them are sources
	if (verdict == SOURCES_NO && !S_ISREG(st->st_mode)) {
		verdict = look_for_directory(dest, tree->inode[DST]);
	}
	if (is_cancelled(dest)) {
		return fail_make(EINTR, "cannot replace %d");
	}
	switch (verdict) {
	case SOURCES_NO:
		break;
	case SOURCES_YES:
		return fail_make(0, "will not replace %d: it is to be copied itself");
	case SOURCES_MAYBE:
		return fail_make(0, "will not replace %d: it may be one of those that are to be copied");
	}
	return FAIL_NONE;
}

/** The path by which something made of an operand is known, to be freed; NULL where no other operand has the same. */
static char *made_path(const struct dest *dest, const struct tree *tree, const struct entry *entry) {
	return dest->flags & DEST_SERIAL ? tree_path(tree, DST, entry->dst_name) : NULL;
}

void dest_made(struct dest *dest, const struct tree *tree, const struct entry *entry, const struct inode *made) {
	struct stat st;
	if (!(dest->flags & DEST_SEVERAL) || !(tree->flags & TREE_OPERANDS)
		|| (!made && fstatat(tree->fd[DST], entry->dst_name, &st, AT_SYMLINK_NOFOLLOW) != 0))
	{
		return;
	}
	char *path = made_path(dest, tree, entry);
	mutex_lock(&dest->lock);
	dest->made_unknown |= !remember(&dest->made, made ? *made : inode_of(&st), path);
	mutex_unlock(&dest->lock);
	free(path);
}

/** Whether an operand's destination, which leads to something made, is that itself under another spelling of its name. */
static bool is_other_spelling(const struct stat *st, const struct tree *tree, const struct entry *entry) {
	struct stat there;
	return st->st_nlink == 1 && (tree->flags & TREE_BASE)
		&& fstatat(tree->fd[DST], entry->dst_name, &there, AT_SYMLINK_NOFOLLOW) == 0
		&& inode_same(inode_of(st), inode_of(&there));
}

bool dest_was_made(struct dest *dest, const struct stat *st, const struct tree *tree, const struct entry *entry) {
	if (!(tree->flags & TREE_OPERANDS)) {
		return false;
	}
	char *path = made_path(dest, tree, entry);
	mutex_lock(&dest->lock);
	struct known *first = inode_set_find(&dest->made, inode_of(st));
	struct known *known = first;
	while (known && (!path || !known->name || strcmp(known->name, path) != 0)) {
		known = known->next;
	}
	// Not to know is not to touch
	bool was = dest->made_unknown || known;
	mutex_unlock(&dest->lock);
	free(path);
	return was || (first && is_other_spelling(st, tree, entry));
}
