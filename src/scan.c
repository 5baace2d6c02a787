#include "scan.h"

#include "opts.h"

#include <sys/stat.h>
#include <fts.h>
#include <stdlib.h>

/** Add up one operand. */
static void walk(struct scan *scan, char *operand) {
	const struct opts *opts = scan->opts;
	char *paths[] = {operand, NULL};
	int options = FTS_NOCHDIR;
	options |= opts->deref == DEREF_ALWAYS ? FTS_LOGICAL : FTS_PHYSICAL;
	options |= opts->deref == DEREF_OPERANDS ? FTS_COMFOLLOW : 0;
	options |= opts->flags & OPT_ONE_FILE_SYSTEM ? FTS_XDEV : 0;

	FTS *fts = fts_open(paths, options, NULL);
	if (!fts) {
		return;
	}
	for (FTSENT *entry; !atomic_load(&scan->stop) && (entry = fts_read(fts));) {
		if (entry->fts_info == FTS_D && !(opts->flags & OPT_RECURSIVE)) {
			fts_set(fts, entry, FTS_SKIP);
		} else if (entry->fts_info == FTS_F) {
			counter_add(&scan->bytes, (uint64_t)entry->fts_statp->st_size);
			counter_add(&scan->files, 1);
		} else if (entry->fts_info == FTS_SL || entry->fts_info == FTS_DEFAULT) {
			counter_add(&scan->files, 1);
		}
	}
	fts_close(fts);
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
