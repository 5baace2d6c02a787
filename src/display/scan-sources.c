// SPDX-License-Identifier: MIT
#include "display/scan-impl.h"

#include "base/opts.h"

#include <errno.h>
#include <fcntl.h>

/** Switches of struct sources::flags. */
enum sources_flags {
	/** A walk has been made. */
	SOURCES_KNOWN = 1 << 0,
	/** Files with one name were noted, too. */
	SOURCES_SINGLE = 1 << 1,
	/** Files on all devices were noted. */
	SOURCES_ANYWHERE = 1 << 2,
	/** A walk failed, so nothing is known. */
	SOURCES_UNKNOWN = 1 << 3,
};

/** State of a walk that notes files. */
struct noting {
	struct sources *sources;
	int err;
};

/** Whether a file has only one name; a directory's link count means something else. */
static bool is_single(const struct stat *st) {
	return !S_ISDIR(st->st_mode) && st->st_nlink <= 1;
}

/** Note a file if an answer may need it. */
static bool note(void *arg, const struct walk_found *found) {
	struct noting *noting = arg;
	struct sources *sources = noting->sources;
	const struct stat *st = found->st;
	bool kind = S_ISREG(st->st_mode) || S_ISDIR(st->st_mode) || found->dir == AT_FDCWD;
	bool wanted = kind && (!is_single(st) || (sources->flags & SOURCES_SINGLE))
		&& (st->st_dev == sources->dev || (sources->flags & SOURCES_ANYWHERE));
	noting->err = wanted ? inode_list_add(&sources->list, inode_of(st)) : 0;
	return noting->err == 0;
}

/** Walk the sources and note all files needed for an answer about ST and about earlier questions. */
static void find_out(struct sources *sources, int count, const struct stat *st) {
	struct noting noting = {.sources = sources};
	const unsigned flags = WALK_ALL | WALK_DIRECTORIES;
	const struct walk walk = {
		.opts = sources->opts,
		.limits = sources->limits,
		.flags = flags,
		.meet = note,
		.arg = &noting,
		.stop = sources->stop,
	};

	inode_list_free(&sources->list);
	if ((sources->flags & SOURCES_KNOWN) && st->st_dev != sources->dev) {
		sources->flags |= SOURCES_ANYWHERE;
	}
	sources->dev = st->st_dev;
	sources->flags |= SOURCES_KNOWN | (is_single(st) ? SOURCES_SINGLE : 0);
	for (int i = 0; i < count && noting.err == 0; ++i) {
		noting.err = walk_operand(&walk, sources->opts->operands[i]) < 0 ? -ESTALE : noting.err;
	}
	inode_list_sort(&sources->list);
	sources->flags |= noting.err < 0 ? SOURCES_UNKNOWN : 0;
}

/** Whether an answer about ST needs no further walk. */
static bool is_known(const struct sources *sources, const struct stat *st) {
	unsigned flags = sources->flags;
	return (flags & SOURCES_UNKNOWN)
		|| ((flags & SOURCES_KNOWN) && (st->st_dev == sources->dev || (flags & SOURCES_ANYWHERE))
			&& (!is_single(st) || (flags & SOURCES_SINGLE)));
}

void sources_init(struct sources *sources, const struct opts *opts, const struct limits *limits) {
	*sources = (struct sources) {.opts = opts, .limits = limits};
	thread_must(pthread_mutex_init(&sources->lock, NULL));
}

void sources_destroy(struct sources *sources) {
	inode_list_free(&sources->list);
	thread_must(pthread_mutex_destroy(&sources->lock));
}

enum sources_verdict sources_have(struct sources *sources, int count, const struct stat *st) {
	enum sources_verdict verdict = SOURCES_MAYBE;
	mutex_lock(&sources->lock);
	if (!is_known(sources, st)) {
		find_out(sources, count, st);
	}
	if (!(sources->flags & SOURCES_UNKNOWN)) {
		verdict = inode_list_has(&sources->list, inode_of(st)) ? SOURCES_YES : SOURCES_NO;
	}
	mutex_unlock(&sources->lock);
	return verdict;
}
