#include "file-impl.h"

#include "meta.h"
#include "opts.h"
#include "report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/** Something other than a regular file that is being made. */
struct node {
	struct file_context *ctx;
	struct tree *tree;
	const struct entry *entry;
	const struct stat *st;
	/** Make it. Returns 0 or -errno. */
	int (*make)(const struct node *node);
	/** What to say if that fails. */
	const char *what;
	/** A symbolic link's content. */
	const char *target;
	/** What was said already of an existing destination. */
	struct judged judged;
};

/** Make a node under a name of its own and move it to where something stands. */
static int make_over(const struct node *node) {
	struct entry entry = *node->entry;
	struct node other = *node;
	char name[TEMP_NAME];
	file_temp_name(node->ctx->files, name);
	entry.dst_name = name;
	other.entry = &entry;

	int dir = node->tree->fd[DST];
	int ret = other.make(&other);
	if (ret == 0 && renameat(dir, name, dir, node->entry->dst_name) != 0) {
		ret = -errno;
	}
	// Where both were links to one file the rename did nothing
	unlinkat(dir, name, 0);
	return ret;
}

/** Make a node, by cp's rules if something stands there. Returns whether it is there now; what fails is reported. */
static bool make_node(struct node *node) {
	const struct opts *opts = node->ctx->files->opts;
	struct judged *judged = &node->judged;
	struct fail fail = FAIL_NONE;

	int ret = node->make(node);
	if (ret == -EEXIST) {
		enum dest_verdict verdict = judged->verdict;
		if (!judged->known) {
			verdict = dest_judge(node->ctx->files->dest, node->tree, node->entry, node->st, &judged->found, &fail);
		}
		if (verdict == DEST_CREATE) {
			ret = node->make(node);
		} else if (verdict == DEST_OVERWRITE && (opts->flags & OPT_FORCE)) {
			ret = make_over(node);
		} else if (verdict == DEST_SKIP || verdict == DEST_DONE) {
			return false;
		}
	}
	if (!fail.what && (opts->flags & OPT_VERBOSE)) {
		tree_say(node->tree, node->entry, "%s -> %d");
	}
	if (ret < 0) {
		if (!fail.what) {
			fail = tree_explain(node->tree, node->entry, -ret, node->what);
		}
		tree_report(node->tree, node->entry, fail);
		return false;
	}
	return true;
}

static void apply_meta(const struct node *node) {
	const struct opts *opts = node->ctx->files->opts;
	mode_t umasked = meta_create_mode(opts, node->st->st_mode) & ~opts->umask;
	struct meta meta = {
		.opts = opts,
		.flags = META_NEW,
		.src = node->st,
		.src_fd = -1,
		.dst_fd = -1,
		.src_dir = node->tree->fd[SRC],
		.dst_dir = node->tree->fd[DST],
		.src_name = node->entry->name,
		.dst_name = node->entry->dst_name,
	};
	if (!S_ISLNK(node->st->st_mode) && meta_final_mode(opts, node->st->st_mode, umasked, &meta.final_mode)) {
		meta.flags |= META_FINAL_MODE;
	}
	if (node->tree->flags & TREE_DEFAULT_ACL) {
		meta.flags |= META_STRAY_ACL;
	}
	struct fail fail = meta_apply(&meta);
	if (fail.what) {
		tree_report(node->tree, node->entry, fail);
	}
}

/** Make a node with its attributes and its other names. */
static void copy_node(struct node *node) {
	struct file_context *ctx = node->ctx;
	struct link *link = NULL;

	if (file_has_links(ctx, node->tree, node->st)
		&& file_links_meet(ctx, node->tree, node->entry, node->st, &link, &node->judged) != FILE_LINKS_COPY)
	{
		return;
	}
	bool made = make_node(node);
	if (made) {
		apply_meta(node);
		file_done(ctx, node->tree, node->entry);
	}
	file_links_end(ctx, link, node->tree, node->entry, made);
}

static int make_symlink(const struct node *node) {
	return symlinkat(node->target, node->tree->fd[DST], node->entry->dst_name) == 0 ? 0 : -errno;
}

/** Read where a symbolic link leads; to be freed. NULL with errno set if that fails. */
static char *read_link(int dir, const char *name, size_t size) {
	// The size may be wrong (/proc says 0), or the link be replaced by a longer one
	for (size = max(size + 1, (size_t)64);; size *= 2) {
		char *target = malloc(size);
		ssize_t n = target ? readlinkat(dir, name, target, size) : -1;
		if (n >= 0 && (size_t)n < size) {
			target[n] = '\0';
			return target;
		}
		int err = target ? errno : ENOMEM;
		free(target);
		if (n < 0) {
			errno = err;
			return NULL;
		}
	}
}

void file_copy_symlink(struct file_context *ctx, struct tree *tree, const struct entry *entry, const struct stat *st) {
	char *target = read_link(tree->fd[SRC], entry->name, (size_t)st->st_size);
	if (!target) {
		tree_report(tree, entry, fail_make(errno, "cannot read symbolic link %s"));
		return;
	}
	struct node node = {
		.ctx = ctx, .tree = tree, .entry = entry, .st = st, .make = make_symlink, .target = target,
		.what = "cannot create symbolic link %d",
	};
	copy_node(&node);
	free(target);
}

static int make_special(const struct node *node) {
	const struct opts *opts = node->ctx->files->opts;
	mode_t mode = (node->st->st_mode & S_IFMT) | meta_create_mode(opts, node->st->st_mode);
	dev_t dev = S_ISCHR(mode) || S_ISBLK(mode) ? node->st->st_rdev : 0;
	return mknodat(node->tree->fd[DST], node->entry->dst_name, mode, dev) == 0 ? 0 : -errno;
}

void file_copy_special(struct file_context *ctx, struct tree *tree, const struct entry *entry, const struct stat *st) {
	struct node node = {
		.ctx = ctx, .tree = tree, .entry = entry, .st = st, .make = make_special,
		.what = S_ISFIFO(st->st_mode) ? "cannot create fifo %d" : "cannot create special file %d",
	};
	copy_node(&node);
}
