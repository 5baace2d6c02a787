#include "scan.h"

#include "extent.h"
#include "opts.h"
#include "select.h"
#include "std.h"

#include <errno.h>
#include <fcntl.h>
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

/** Leave all directories that the walk is in. */
static void leave_all(struct select_dir *dir) {
	while (dir) {
		struct select_dir *parent = dir->parent;
		select_leave(dir);
		dir = parent;
	}
}

/**
 * Whether an entry is chosen. Without memory to find out it is not.
 *
 * @param dir  The innermost directory that the walk is in; changed when it enters or leaves one.
 */
static bool is_chosen(const struct opts *opts, FTSENT *entry, struct select_dir **dir) {
	bool is_dir = entry->fts_info == FTS_D;
	if (!opts->select) {
		return true;
	}
	if (entry->fts_info == FTS_DP || entry->fts_info == FTS_DNR) {
		// Those that were skipped come back, too
		if (entry->fts_pointer && *dir) {
			*dir = (*dir)->parent;
			select_leave(entry->fts_pointer);
		}
		return true;
	}
	bool operand = entry->fts_level == FTS_ROOTLEVEL;
	int chosen = operand ? select_operand(opts->select, entry->fts_path, entry->fts_statp)
		: select_name(*dir, entry->fts_name, is_dir);
	if (chosen > 0 && entry->fts_info == FTS_F) {
		return select_size(opts->select, entry->fts_statp);
	}
	if (chosen > 0 && is_dir) {
		if (*dir) {
			select_pause(*dir);
		}
		int fd = opts->select->gitignore ? open(entry->fts_accpath, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
		entry->fts_pointer = operand ? select_begin(opts->select, entry->fts_path, fd)
			: select_enter(*dir, entry->fts_name, fd);
		close_fd(&fd);
		*dir = entry->fts_pointer ? entry->fts_pointer : *dir;
		return entry->fts_pointer;
	}
	return chosen > 0;
}

/** Whether directories are copied. */
static bool enters(const struct opts *opts) {
	return (opts->flags & OPT_RECURSIVE) || (opts->select && opts->select->names);
}

/** The next thing that is copied; NULL at the end. */
static FTSENT *next_entry(const struct opts *opts, FTS *fts, struct select_dir **dir) {
	FTSENT *entry;
	while ((entry = fts_read(fts))) {
		bool chosen = is_chosen(opts, entry, dir);
		if (entry->fts_info == FTS_D && (!chosen || !enters(opts))) {
			fts_set(fts, entry, FTS_SKIP);
		}
		if (chosen && (entry->fts_info == FTS_F || entry->fts_info == FTS_SL || entry->fts_info == FTS_DEFAULT)) {
			break;
		}
	}
	return entry;
}

/** How much data is between the holes of a file. */
static uint64_t data_between_holes(struct scan *scan, const FTSENT *entry) {
	uint64_t size = (uint64_t)entry->fts_statp->st_size;
	struct extent extent = {0};
	uint64_t sum = 0;
	int ret = 1;
	int fd = open(entry->fts_path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0) {
		return size;
	}
	while (extent.end < size && !atomic_load(&scan->stop) && (ret = extent_next(fd, extent.end, size, &extent)) > 0) {
		sum += extent.end - extent.start;
	}
	close_fd(&fd);
	return ret < 0 ? size : sum;
}

/** How many bytes are going to be copied for a regular file. */
static uint64_t bytes_of(struct scan *scan, const FTSENT *entry) {
	const struct opts *opts = scan->opts;
	const struct stat *st = entry->fts_statp;

	if (opts->flags & (OPT_HARD_LINK | OPT_SYMBOLIC_LINK | OPT_ATTRIBUTES_ONLY)) {
		return 0;
	}
	if ((opts->preserve & PRESERVE_LINKS) && (st->st_nlink > 1 || opts->deref != DEREF_NEVER)
		&& inode_set_add(&scan->linked, inode_of(st)) == 0)
	{
		return 0;
	}
	if (opts->sparse != WHEN_NEVER && (uint64_t)st->st_blocks * 512 < (uint64_t)st->st_size) {
		return data_between_holes(scan, entry);
	}
	return (uint64_t)st->st_size;
}

/** Add up one operand. */
static void walk(struct scan *scan, char *operand) {
	FTS *fts = atomic_load(&scan->stop) ? NULL : open_walk(scan->opts, operand);
	struct select_dir *dir = NULL;
	FTSENT *entry;
	if (!fts) {
		return;
	}
	// Asked only once something was read: glibc loses memory when a walk is closed that never began
	while ((entry = next_entry(scan->opts, fts, &dir)) && !atomic_load(&scan->stop)) {
		counter_add(&scan->bytes, entry->fts_info == FTS_F ? bytes_of(scan, entry) : 0);
		counter_add(&scan->files, 1);
	}
	leave_all(dir);
	fts_close(fts);
}

int scan_sources(const struct opts *opts, int count, struct inode_set *set) {
	int ret = 0;
	for (int i = 0; i < count && ret >= 0; ++i) {
		FTS *fts = open_walk(opts, opts->operands[i]);
		struct select_dir *dir = NULL;
		FTSENT *entry;
		if (!fts) {
			return -ENOMEM;
		}
		while (ret >= 0 && (entry = next_entry(opts, fts, &dir))) {
			if (entry->fts_info == FTS_F) {
				ret = inode_set_add(set, inode_of(entry->fts_statp));
			}
		}
		leave_all(dir);
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
	if (scan->started) {
		return;
	}
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
	inode_set_clear(&scan->linked, free);
}
