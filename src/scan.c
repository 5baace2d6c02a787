#include "scan.h"

#include "opts.h"

#include <errno.h>
#include <fts.h>
#include <stdlib.h>
#include <sys/stat.h>

/** Begin to walk an operand as it is going to be copied. */
static FTS *open_walk(const struct opts *opts, char *operand) {
	char *paths[] = {operand, NULL};
	int options = FTS_NOCHDIR;
	options |= opts->deref == DEREF_ALWAYS ? FTS_LOGICAL : FTS_PHYSICAL;
	options |= opts->deref == DEREF_OPERANDS ? FTS_COMFOLLOW : 0;
	options |= opts->flags & OPT_ONE_FILE_SYSTEM ? FTS_XDEV : 0;
	return fts_open(paths, options, NULL);
}

/** The next thing that is copied; NULL at the end. */
static FTSENT *next_entry(const struct opts *opts, FTS *fts) {
	FTSENT *entry;
	while ((entry = fts_read(fts)) && entry->fts_info != FTS_F && entry->fts_info != FTS_SL
		&& entry->fts_info != FTS_DEFAULT)
	{
		if (entry->fts_info == FTS_D && !(opts->flags & OPT_RECURSIVE)) {
			fts_set(fts, entry, FTS_SKIP);
		}
	}
	return entry;
}

/** Add up one operand. */
static void walk(struct scan *scan, char *operand) {
	FTS *fts = atomic_load(&scan->stop) ? NULL : open_walk(scan->opts, operand);
	FTSENT *entry;
	if (!fts) {
		return;
	}
	// Asked only once something was read: glibc loses memory when a walk is closed that never began
	while ((entry = next_entry(scan->opts, fts)) && !atomic_load(&scan->stop)) {
		counter_add(&scan->bytes, entry->fts_info == FTS_F ? (uint64_t)entry->fts_statp->st_size : 0);
		counter_add(&scan->files, 1);
	}
	fts_close(fts);
}

int scan_sources(const struct opts *opts, int count, struct inode_set *set) {
	int ret = 0;
	for (int i = 0; i < count && ret >= 0; ++i) {
		FTS *fts = open_walk(opts, opts->operands[i]);
		FTSENT *entry;
		if (!fts) {
			return -ENOMEM;
		}
		while (ret >= 0 && (entry = next_entry(opts, fts))) {
			if (entry->fts_info == FTS_F) {
				ret = inode_set_add(set, inode_of(entry->fts_statp));
			}
		}
		fts_close(fts);
	}
	return min(ret, 0);
}

static void *run(void *arg) {
	struct scan *scan = arg;
	for (int i = 0; i < scan->operand_count; ++i) {
		walk(scan, scan->operands[i]);
	}
	atomic_store(&scan->final, !atomic_load(&scan->stop));
	return NULL;
}

void scan_start(struct scan *scan, const struct opts *opts, int count) {
	*scan = (struct scan) {.opts = opts, .operands = opts->operands, .operand_count = count};
	scan->started = pthread_create(&scan->thread, NULL, run, scan) == 0;
}

struct totals scan_totals(const struct scan *scan) {
	bool final = atomic_load(&scan->final);
	return (struct totals) {
		.bytes = counter_get(&scan->bytes),
		.files = counter_get(&scan->files),
		.final = final,
	};
}

void scan_stop(struct scan *scan) {
	if (scan->started) {
		atomic_store(&scan->stop, true);
		thread_must(pthread_join(scan->thread, NULL));
		scan->started = false;
	}
}
