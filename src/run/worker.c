// SPDX-License-Identifier: MIT
#include "run/worker-impl.h"

#include "base/clock.h"
#include "base/io.h"
#include "base/opts.h"
#include "dest/dest.h"
#include "dest/hardlinks.h"
#include "dest/remove.h"
#include "report/report.h"
#include "run/work.h"
#include "sys/extent.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/** Seconds: a worker that takes longer to begin with a file has waited for something. */
#define SLOW 300e-6

/** Add N to what is counted during a trial, and wake the coordinator when it is ENOUGH. */
static void count(struct state *s, atomic_uint *what, unsigned n, unsigned enough) {
	unsigned before = atomic_fetch_add(what, n);
	if (before < enough && before + n >= enough) {
		pthread_kill(s->worker->coordinator, WAKE_SIGNAL);
	}
}

/** During a trial, time the first read of a file. */
static void probe(struct state *s, const struct file *file) {
	struct findings *findings = &s->worker->work->findings;
	bool small = file->source.st.st_size <= (off_t)MOVE_BUFFER;
	char byte;
	// A small file that is not done has been looked for in the page cache; that may have begun to read it
	if (!small && extent_is_cached(file->source.fd, (struct extent) {.end = 1}) > 0) {
		count(s, &findings->warm, HEAD_WARM, HEAD_WARM);
	} else if (file->plan.cache == CACHE_KEEP && !(file->plan.flags & PLAN_SKIP_HOLES)) {
		double start = now();
		// An error is met again
		ssize_t n = pread(file->source.fd, &byte, 1, 0);
		atomic_fetch_add(&findings->waited, n == 1 ? (uint64_t)((now() - start) * 1e9) : 0);
		count(s, &findings->probes, n == 1, HEAD_PROBES);
	}
}

/** During a trial, count what is done without a read from the medium. N: as for HEAD_WARM if it has no data. */
static void note_done(struct state *s, unsigned n) {
	if (state_way(s) == HEAD_CAREFUL) {
		bool cached = counter_get(&s->ctx.counters->cached) > 0;
		count(s, &s->worker->work->findings.warm, cached ? HEAD_WARM : n, HEAD_WARM);
	}
}

/** Begin with a name, and to move its data. The arguments are those of file_begin(). */
static void begin_name(struct state *s, struct tree *tree, const struct entry *entry, const struct stat *st,
	struct link_name *retry) {
	double start = now();
	struct file *file = file_begin(&s->ctx, tree, entry, st, retry);
	s->slow = now() - start > SLOW;
	if (!file) {
		note_done(s, HEAD_NAME);
		return;
	}
	if (state_way(s) == HEAD_CAREFUL) {
		probe(s, file);
	}
	hold_begin(s, file, false);
}

/** Begin with a batch, which is taken over. */
static void begin_batch(struct state *s, struct batch *batch) {
	int ret = tree_pin(batch->tree);
	if (ret < 0) {
		tree_report(batch->tree, &(struct entry) {0}, error_make(ERROR_ACCESS, ret, "cannot access %s"));
		batch_free(batch);
		return;
	}
	s->batch = batch;
	s->next = 0;
}

/** Copy all names of a tree's listing: push all batches but the last. */
static void begin_names(struct state *s, struct tree *tree) {
	struct listing *listing = &tree->listing;
	size_t at = 0;

	while (at < listing->file_count) {
		size_t count = min(listing->file_count - at, (size_t)s->opts->batch_size);
		struct batch *batch = batch_new(tree, listing->files + at, count);
		if (!batch) {
			tree_report(tree, &(struct entry) {0}, error_make(ERROR_ACCESS, ENOMEM, "cannot access %s"));
			return;
		}
		at += count;
		bool last = at == listing->file_count;
		if (last && !s->batch) {
			begin_batch(s, batch);
		} else if (!work_push(s->worker->work, batch)) {
			list_append(&s->overflow, &batch->node);
		}
	}
}

/** Enter a directory, and copy or push everything in it. The parent is pinned. Returns whether it was entered. */
static bool begin_directory(struct state *s, struct tree *parent, const struct entry *entry) {
	struct error fail;
	if (file_rename(&s->ctx, parent, entry, true)) {
		return true;
	}
	struct tree *tree = tree_try_enter(parent, entry, 0, &fail);
	if (!tree) {
		if (fail.text && !file_try_later(&s->ctx, parent, entry, fail.err, TRY_DIRECTORY)) {
			tree_report(parent, entry, fail);
		}
		return false;
	}
	files_resume_below(s->ctx.files, tree);
	int ret = tree->flags & TREE_CLOSED ? 0 : tree_list(tree);
	if (ret < 0) {
		tree_report(parent, entry, error_make(ERROR_ACCESS, ret, "cannot access %s"));
		// The directory may have names that were not listed: remove nothing from it
		tree_note_failure(tree);
	}
	dest_count_surplus(s->ctx.files->dest, tree);
	if (tree->listing.dir_count > 0) {
		work_push_tree(s->worker->work, tree);
	}
	note_done(s, 1);
	begin_names(s, tree);
	tree_unpin(tree);
	tree_unref(tree);
	return true;
}

/** Finish what is in flight before something that may take forever, like reading a fifo. */
static void before_waiting(struct state *s, unsigned char type) {
	bool waits = type == DT_FIFO || type == DT_CHR || type == DT_BLK || type == DT_SOCK;
	while (waits && s->inflight > 0) {
		slots_drain(s);
	}
}

static void begin_operand(struct state *s, struct tree *base, struct entry *entry) {
	struct stat st;
	struct tree *tree = base;
	struct entry last = *entry;
	if (s->opts->flags & OPT_PARENTS) {
		tree = dest_enter_parents(base, entry, &last);
	}
	if (!tree) {
		return;
	}
	bool wanted = dest_operand(s->ctx.files->dest, base, entry, &st);
	if (wanted && S_ISDIR(st.st_mode)) {
		if (begin_directory(s, tree, &last)) {
			dest_entered(s->ctx.files->dest, entry, &st);
		}
	} else if (wanted) {
		before_waiting(s, entry->type);
		begin_name(s, tree, &last, &st, NULL);
	}
	if (s->opts->flags & OPT_PARENTS) {
		tree_unpin(tree);
		tree_unref(tree);
	}
}

/** Leave a name to the next sweep. Returns whether that is possible. */
static bool leave_to_sweep(struct state *s, struct tree *tree, const struct listed *listed) {
	struct entry entry = listing_entry(listed);
	if (entry.type != DT_REG || state_way(s) != HEAD_SWEEP) {
		return false;
	}
	int fd = openat(tree->fd[SRC], entry.name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	// If it cannot be opened, that is reported when it is copied
	uint64_t place = fd >= 0 ? extent_place(fd) : 0;
	close_fd(&fd);
	return work_put(s->worker->work, (struct spot) {.place = place, .tree = tree, .listed = listed});
}

/** Begin with the next name of a sweep. */
static void begin_spot(struct state *s, struct spot *spot) {
	struct tree *tree = spot->tree;
	struct entry entry = listing_entry(spot->listed);
	int ret = tree_pin(tree);
	if (ret < 0) {
		tree_report(tree, &entry, error_make(ERROR_ACCESS, ret, "cannot access %s"));
	} else {
		begin_name(s, tree, &entry, NULL, NULL);
		tree_unpin(tree);
	}
	spot->tree = NULL;
	tree_unref(tree);
}

/** End the batch that a worker is at. */
static void end_batch(struct state *s) {
	struct batch *batch = s->batch;
	s->batch = NULL;
	if (batch->spots) {
		work_swept(s->worker->work);
		return;
	}
	tree_unpin(batch->tree);
	batch_free(batch);
}

/** Begin with the next name of the batch. */
static void begin_next(struct state *s) {
	struct batch *batch = s->batch;
	if (s->next == batch->count) {
		end_batch(s);
		return;
	}
	size_t at = s->next++;
	if (batch->spots) {
		begin_spot(s, &batch->spots[at]);
		return;
	}
	struct entry entry = listing_entry(&batch->listed[at]);
	if (batch->tree->flags & TREE_BASE) {
		begin_operand(s, batch->tree, &entry);
	} else if (!leave_to_sweep(s, batch->tree, &batch->listed[at])) {
		before_waiting(s, entry.type);
		begin_name(s, batch->tree, &entry, NULL, NULL);
	}
}

/** Leave to others what was not begun, if too many workers are busy. Returns whether anything was left to them. */
static bool make_way(struct state *s) {
	struct batch *batch = s->batch;
	if ((batch && batch->spots) || !work_is_surplus(s->worker->work, s->worker->index)) {
		return false;
	}
	if (s->hold || !batch || (batch->tree->flags & TREE_BASE)) {
		return s->hold && hold_leave(s);
	}
	struct batch *rest = batch_new(batch->tree, batch->listed + s->next, batch->count - s->next);
	bool left = rest && work_push(s->worker->work, rest);
	if (left) {
		end_batch(s);
	} else if (rest) {
		batch_free(rest);
	}
	return left;
}

static struct link_name *waiting(struct list *names) {
	return list_item(list_pop(names), struct link_name, node);
}

/** Begin with a name that had to wait. */
static void begin_waiting(struct state *s, struct link_name *name) {
	struct entry entry = {.name = name->src_name, .dst_name = name->dst_name};
	struct tree *tree = name->tree;
	int ret = tree_pin(tree);
	if (ret < 0) {
		tree_report(tree, &entry, error_make(ERROR_ACCESS, ret, "cannot access %s"));
		link_name_free(name);
		return;
	}
	tree_ref(tree);
	s->ctx.last_try = name->last_try;
	if (name->what == TRY_DIRECTORY) {
		begin_directory(s, tree, &entry);
		link_name_free(name);
	} else {
		begin_name(s, tree, &entry, NULL, name);
	}
	s->ctx.last_try = false;
	tree_unpin(tree);
	tree_unref(tree);
}

/** Take a piece of work. Returns false if there is none now or, with WAIT, none any more. */
static bool begin_work(struct state *s, bool wait) {
	work_push_last(s->worker->work, &s->ctx.nospace);
	struct work_item item = work_take(s->worker->work, (wait ? WORK_WAIT : 0) | (s->worker->narrow ? WORK_NARROW : 0));
	switch (item.kind) {
	case WORK_NONE:
		return false;
	case WORK_FILE:
		hold_begin(s, item.file, true);
		break;
	case WORK_BATCH:
		begin_batch(s, item.batch);
		break;
	case WORK_SWEEP:
		s->batch = item.batch;
		s->next = 0;
		break;
	case WORK_TREE: {
		int ret = tree_pin(item.tree);
		if (ret < 0) {
			tree_report(item.tree, &item.entry, error_make(ERROR_ACCESS, ret, "cannot access %s"));
		} else {
			begin_directory(s, item.tree, &item.entry);
			tree_unpin(item.tree);
		}
		tree_unref(item.tree);
		break;
	}
	case WORK_NAME:
		atomic_store(&s->ctx.files->dest->entered, true);
		begin_waiting(s, item.name);
		break;
	}
	return true;
}

/** Whether there were so many errors that nothing more is begun; then no worker is given any more work. */
static bool has_enough(struct state *s) {
	bool enough = report_has_enough(s->worker->report);
	if (enough) {
		work_cancel(s->worker->work);
	}
	return enough;
}

/** Put chunks in flight until there is no room or nothing to do. Returns false if there is nothing left to wait for. */
static bool fill(struct state *s) {
	while (slots_have_room(s) && !slots_are_due(s) && !state_is_cancelled(s) && !s->leaving) {
		if (s->hold && s->hold->range.start < s->hold->range.end) {
			slot_begin(s);
		} else if (make_way(s) || (s->hold && hold_claim(s))) {
			continue;
		} else if (s->hold) {
			hold_exhausted(s);
		} else if (has_enough(s)) {
			return s->inflight > 0;
		} else if (!list_empty(&s->ctx.retry)) {
			begin_waiting(s, waiting(&s->ctx.retry));
		} else if (s->batch) {
			begin_next(s);
		} else if (!list_empty(&s->overflow)) {
			begin_batch(s, list_item(list_pop(&s->overflow), struct batch, node));
		} else if (!list_empty(&s->ctx.deferred) && s->inflight == 0) {
			// Now this worker holds nothing that others could wait for
			s->ctx.may_wait = true;
			begin_waiting(s, waiting(&s->ctx.deferred));
			s->ctx.may_wait = false;
		} else if (!begin_work(s, s->inflight == 0)) {
			return s->inflight > 0;
		}
	}
	return (!state_is_cancelled(s) && !s->leaving) || s->inflight > 0;
}

/** Let go of everything unfinished, after the copy was cancelled. */
static void abandon(struct state *s) {
	if (s->hold) {
		struct extent *range = &s->hold->range;
		if (range->start < range->end || file_claim(s->hold->file, 1, range)) {
			file_abandon(s->hold->file, range->start);
		}
		hold_exhausted(s);
	}
	if (s->batch) {
		if (s->batch->tree) {
			tree_note_failure(s->batch->tree);
		}
		end_batch(s);
	}
	for (struct list *node; (node = list_pop(&s->overflow));) {
		struct batch *batch = list_item(node, struct batch, node);
		tree_note_failure(batch->tree);
		batch_free(batch);
	}
}

static void finish(struct state *s) {
	struct worker *worker = s->worker;
	if (s->ring) {
		worker->stats = *ring_get_stats(s->ring);
		worker->engine = ring_name(s->ring);
		snprintf(worker->engine_details, sizeof(worker->engine_details), "%s", ring_describe(s->ring));
	}
	ring_close(s->ring);
	free(s->slots);
	free(s->free_slots);
	file_context_destroy(&s->ctx);
}

void *worker_run(void *arg) {
	struct worker *worker = arg;
	struct state s = {.worker = worker, .opts = worker->opts};
	list_init(&s.overflow);
	file_context_init(&s.ctx, worker->files, worker->counters);

	while (fill(&s)) {
		if (s.inflight > 0) {
			slots_drain(&s);
		}
	}
	if (s.leaving) {
		work_leave(worker->work, 1);
	}
	abandon(&s);
	finish(&s);
	atomic_store(&worker->done, true);
	pthread_kill(worker->coordinator, WAKE_SIGNAL);
	return NULL;
}
