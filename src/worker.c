#include "worker.h"

#include "dest.h"
#include "links.h"
#include "opts.h"
#include "report.h"
#include "work.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** Events fetched at once. */
#define EVENTS 64

/** From so many chunks in flight on they are small ones. */
#define MANY 16

/** Zeros are looked for in blocks of this size: what file systems allocate at least. */
#define ZERO_BLOCK 4096

/**
 * Largest file whose data is written by system calls once the ring has read it. On most file systems a ring hands every
 * buffered write to another thread, which costs more than a small write takes.
 */
#define DIRECT_MOST (256 << 10)

/** A file that a worker is moving data of. */
struct hold {
	struct file *file;
	struct ring_file src;
	struct ring_file dst;
	/** What is left of the range claimed. */
	struct extent range;
	/** Chunks in flight. */
	unsigned inflight;
	/** Whether other workers may hold the file too. */
	bool shared;
	/** Whether zeros are looked for. */
	bool dig;
	/** Whether it is read through the ring and written by system calls. */
	bool direct;
	/** Whether the range is in the page cache. */
	bool cached;
};

/** A chunk in a slot of the ring. */
struct chunk {
	struct pair pair;
	/** NULL while the slot is free. */
	struct hold *hold;
	/** Its share of state::inflight. */
	uint32_t bytes;
	/** Bytes of the slot's buffer that were used so far. */
	uint32_t reach;
	/** Where it began, or UINT64_MAX if it was given up. */
	uint64_t start;
};

/** What a worker's thread works with. */
struct state {
	struct worker *worker;
	const struct opts *opts;
	struct file_context ctx;
	struct ring *ring;
	/** One for each slot. */
	struct chunk *chunks;
	/** Slots without a chunk, the last used one last. */
	unsigned *free_slots;
	unsigned free_count;
	/** Slots in all. */
	unsigned depth;
	/** Bytes in flight. */
	size_t inflight;

	/** The file whose chunks are being filled, or NULL. */
	struct hold *hold;
	/** The batch being worked on, or NULL, and the next of its names. Its tree is pinned. */
	struct batch *batch;
	size_t next;
	/** Batches for which work had no room. */
	struct list own;
};

static bool is_cancelled(const struct state *s) {
	return atomic_load_explicit(&s->ctx.files->cancelled, memory_order_relaxed);
}

/** Set up the ring when the first chunk needs it. Returns 0 or -errno. */
static int need_ring(struct state *s) {
	struct worker *worker = s->worker;
	if (s->ring) {
		return 0;
	}
	struct ring_params params = {
		.depth = s->opts->queue_depth,
		.chunk_size = s->worker->chunk_size,
		.sync = s->opts->engine == ENGINE_SYNC,
		.inject = s->opts->inject,
		.seed = s->opts->seed + worker->index,
	};
	int ret = ring_open(&s->ring, &params);
	if (ret < 0 && s->opts->engine == ENGINE_AUTO) {
		params.sync = true;
		ret = ring_open(&s->ring, &params);
	}
	if (ret < 0) {
		return ret;
	}
	// The twin does one chunk after the other, best in one buffer
	s->depth = params.sync ? 1 : params.depth;
	s->chunks = calloc(s->depth, sizeof(*s->chunks));
	s->free_slots = calloc(s->depth, sizeof(*s->free_slots));
	if (!s->chunks || !s->free_slots) {
		return -ENOMEM;
	}
	for (unsigned i = 0; i < s->depth; ++i) {
		s->free_slots[s->free_count++] = s->depth - 1 - i;
	}
	return 0;
}

/** Give up the whole copy: without a ring this worker can do nothing. */
static void give_up(struct state *s, int err) {
	report_error(s->worker->report, -err, "cannot set up buffers and rings", NULL, NULL);
	atomic_store(&s->ctx.files->cancelled, true);
	work_cancel(s->worker->work);
}

static void hold_release(struct state *s, struct hold *hold) {
	ring_forget(s->ring, hold->src);
	ring_forget(s->ring, hold->dst);
	file_unref(&s->ctx, hold->file);
	free(hold);
}

/** Begin to move a file's data, sharing it if it is big. Takes over the reference. */
static void hold_begin(struct state *s, struct file *file, bool shared) {
	struct hold *hold = calloc(1, sizeof(*hold));
	int ret = hold ? need_ring(s) : -ENOMEM;
	if (ret < 0) {
		file_abandon(file, 0);
		file_unref(&s->ctx, file);
		free(hold);
		give_up(s, ret);
		return;
	}
	hold->file = file;
	hold->dig = s->opts->sparse == WHEN_ALWAYS;
	hold->direct = s->opts->engine == ENGINE_AUTO && file->st.st_size <= DIRECT_MOST;
	hold->shared = shared || ((uint64_t)file->st.st_size > s->opts->range_size && !s->worker->alone);
	if (hold->shared && !shared) {
		file->flags |= FILE_SHARED;
		counter_add(&s->worker->counters->shared, 1);
		work_share(s->worker->work, file);
		// There may be workers to be started for it
		pthread_kill(s->worker->coordinator, WAKE_SIGNAL);
	}
	// Registering pays only where a file is named more often than it costs
	if ((uint64_t)file->st.st_size >= 4 * (uint64_t)s->worker->chunk_size) {
		hold->src = ring_know(s->ring, file->src_fd);
		hold->dst = ring_know(s->ring, file->dst_fd);
	} else {
		hold->src = ring_plain(file->src_fd);
		hold->dst = ring_plain(file->dst_fd);
	}
	hold->src.leaves = hold->dst.leaves = file->cache == FILE_CACHE_LEAVE;
	s->hold = hold;
}

/** The file being filled has nothing left to claim. */
static void hold_exhausted(struct state *s) {
	struct hold *hold = s->hold;
	s->hold = NULL;
	if (hold->shared && work_unshare(s->worker->work, hold->file)) {
		file_unref(&s->ctx, hold->file);
	}
	if (hold->inflight == 0) {
		hold_release(s, hold);
	}
}

/** A chunk has ended, well or not. */
static void chunk_end(struct state *s, unsigned slot) {
	struct chunk *chunk = &s->chunks[slot];
	struct hold *hold = chunk->hold;
	chunk->hold = NULL;
	s->free_slots[s->free_count++] = slot;
	s->inflight -= chunk->bytes;
	if (--hold->inflight == 0 && hold != s->hold) {
		hold_release(s, hold);
	}
}

/** Choose what of the bytes read is written, and what becomes a hole. */
static enum pair_next inspect(struct state *s, unsigned slot, struct pair *pair) {
	const char *data = ring_buffer(s->ring, slot);
	size_t skip = extent_zeros(data + pair->put, pair->got - pair->put, ZERO_BLOCK);
	counter_add(&s->worker->counters->zeros, skip);
	size_t run = extent_nonzeros(data + pair->put + skip, pair->got - pair->put - skip, ZERO_BLOCK);
	return pair_cut(pair, (uint32_t)skip, (uint32_t)run);
}

/** Write what was read without asking the ring. */
static enum pair_next write_now(struct state *s, unsigned slot, struct pair *pair) {
	struct ring_file dst = s->chunks[slot].hold->dst;
	int res = ring_write_now(s->ring, slot, dst, pair->off + pair->put, pair->put, pair->cut - pair->put);
	if (res > 0) {
		counter_add(&s->worker->counters->bytes, (uint64_t)res);
	}
	return pair_step(pair, PAIR_OP_WRITE, res);
}

/** Do what a chunk needs next. */
static void chunk_next(struct state *s, unsigned slot, enum pair_next next) {
	struct chunk *chunk = &s->chunks[slot];
	struct pair *pair = &chunk->pair;
	struct hold *hold = chunk->hold;
	struct file *file = hold->file;

	while (next == PAIR_INSPECT || (next == PAIR_WRITE && hold->direct)) {
		next = next == PAIR_INSPECT ? inspect(s, slot, pair) : write_now(s, slot, pair);
	}
	switch (next) {
	case PAIR_SUBMIT:
		ring_pair(s->ring, slot, hold->src, hold->dst, pair->off, pair->len);
		return;
	case PAIR_READ:
		ring_read(s->ring, slot, hold->src, pair->off, pair->len);
		return;
	case PAIR_WRITE:
		ring_write(s->ring, slot, hold->dst, pair->off + pair->put, pair->put, pair->cut - pair->put);
		return;
	case PAIR_INSPECT:
		break;
	case PAIR_DONE:
		if (chunk->start != UINT64_MAX) {
			file_wrote(&s->ctx, file, chunk->start, chunk->start + chunk->bytes);
		}
		break;
	case PAIR_END:
		file_ended(file, pair->off);
		break;
	case PAIR_READ_FAILED:
		file_fail(file, pair->off, fail_make(pair->err, "error reading %s"));
		break;
	case PAIR_WRITE_FAILED:
		file_fail(file, pair->off + pair->put, fail_make(pair->err, "error writing %d"));
		break;
	}
	chunk_end(s, slot);
}

/** Take one answer. */
static void step(struct state *s, const struct ring_event *event) {
	struct chunk *chunk = &s->chunks[event->slot];
	struct pair *pair = &chunk->pair;
	uint32_t before = pair->written;
	int res = event->res;
	if (res < 0 && file_cache_refused(chunk->hold->file, -res)) {
		chunk->hold->src.leaves = chunk->hold->dst.leaves = false;
		res = -EAGAIN;
	}
	enum pair_next next = pair_step(pair, event->op, res);

	counter_add(&s->worker->counters->bytes, pair->written - before);
	if (is_cancelled(s) && (next == PAIR_SUBMIT || next == PAIR_READ || next == PAIR_WRITE)) {
		file_abandon(chunk->hold->file, pair->off + pair->put);
		chunk->start = UINT64_MAX;
		next = PAIR_DONE;
	}
	chunk_next(s, event->slot, next);
}

/** How many answers to wait for: of many small requests half, so that many go to the kernel together again. */
static unsigned wanted(const struct state *s) {
	unsigned inflight = s->depth - s->free_count;
	return inflight < MANY ? 1 : min(inflight / 2, (unsigned)EVENTS);
}

/** Wait for answers and take them. Returns false if the ring is broken. */
static bool drain(struct state *s) {
	struct ring_event events[EVENTS];
	int n = ring_wait(s->ring, events, EVENTS, wanted(s));
	if (n < 0) {
		give_up(s, n);
		return false;
	}
	for (int i = 0; i < n; ++i) {
		step(s, &events[i]);
	}
	return true;
}

/** Begin with what an entry turned out to be: NULL if it is done. */
static void begin_file(struct state *s, struct file *file) {
	if (file) {
		hold_begin(s, file, false);
	}
}

/** Begin with a batch. Takes it over. */
static void begin_batch(struct state *s, struct batch *batch) {
	int ret = tree_pin(batch->tree);
	if (ret < 0) {
		tree_report(batch->tree, &(struct entry) {0}, fail_make(ret, "cannot access %s"));
		batch_free(batch);
		return;
	}
	s->batch = batch;
	s->next = 0;
}

/** Have all names of a tree's listing copied: give away all but the last batch. */
static void begin_names(struct state *s, struct tree *tree) {
	struct listing *listing = &tree->listing;
	size_t at = 0;

	while (at < listing->file_count) {
		size_t count = min(listing->file_count - at, (size_t)s->opts->batch_size);
		struct batch *batch = batch_new(tree, listing->files + at, count);
		if (!batch) {
			tree_report(tree, &(struct entry) {0}, fail_make(ENOMEM, "cannot access %s"));
			return;
		}
		at += count;
		bool last = at == listing->file_count;
		if (last && !s->batch) {
			begin_batch(s, batch);
		} else if (!work_push(s->worker->work, batch)) {
			list_append(&s->own, &batch->node);
		}
	}
}

/** Enter a directory and see that everything in it gets copied. The parent is pinned. Returns whether it was entered. */
static bool begin_directory(struct state *s, struct tree *parent, const struct entry *entry) {
	struct tree *tree = tree_enter(parent, entry, 0);
	if (!tree) {
		return false;
	}
	files_resume_below(s->ctx.files, tree);
	int ret = tree->flags & TREE_CLOSED ? 0 : tree_list(tree);
	if (ret < 0) {
		tree_report(parent, entry, fail_make(ret, "cannot access %s"));
	}
	if (tree->listing.dir_count > 0) {
		work_push_tree(s->worker->work, tree);
	}
	begin_names(s, tree);
	tree_unpin(tree);
	tree_unref(tree);
	return true;
}

/** Finish what is in flight before something that may take for ever, like reading a fifo. */
static void before_waiting(struct state *s, unsigned char type) {
	bool waits = type == DT_FIFO || type == DT_CHR || type == DT_BLK || type == DT_SOCK;
	while (waits && s->inflight > 0 && drain(s)) {
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
		begin_file(s, file_begin(&s->ctx, tree, &last, &st, NULL));
	}
	if (s->opts->flags & OPT_PARENTS) {
		tree_unpin(tree);
		tree_unref(tree);
	}
}

/** Begin with the next name of the batch. */
static void begin_next(struct state *s) {
	struct batch *batch = s->batch;
	if (s->next == batch->count) {
		s->batch = NULL;
		tree_unpin(batch->tree);
		batch_free(batch);
		return;
	}
	struct entry *entry = &batch->entries[s->next++];
	if (batch->tree->flags & TREE_BASE) {
		begin_operand(s, batch->tree, entry);
	} else {
		before_waiting(s, entry->type);
		begin_file(s, file_begin(&s->ctx, batch->tree, entry, NULL, NULL));
	}
}

/** Begin with a name that had to wait. */
static void begin_waiting(struct state *s, struct list *names) {
	struct link_name *name = list_item(list_pop(names), struct link_name, node);
	struct entry entry = {.name = name->src_name, .dst_name = name->dst_name};
	struct tree *tree = name->tree;
	int ret = tree_pin(tree);
	if (ret < 0) {
		tree_report(tree, &entry, fail_make(ret, "cannot access %s"));
		link_name_free(name);
		return;
	}
	tree_ref(tree);
	begin_file(s, file_begin(&s->ctx, tree, &entry, NULL, name));
	tree_unpin(tree);
	tree_unref(tree);
}

/** Take work. Returns false if there is none: now, or with WAIT for ever. */
static bool begin_work(struct state *s, bool wait) {
	struct work_item item = work_take(s->worker->work, wait);
	switch (item.kind) {
	case WORK_NONE:
		return false;
	case WORK_FILE:
		hold_begin(s, item.file, true);
		break;
	case WORK_BATCH:
		begin_batch(s, item.batch);
		break;
	case WORK_TREE: {
		int ret = tree_pin(item.tree);
		if (ret < 0) {
			tree_report(item.tree, item.entry, fail_make(ret, "cannot access %s"));
		} else {
			begin_directory(s, item.tree, item.entry);
			tree_unpin(item.tree);
		}
		tree_unref(item.tree);
		break;
	}
	}
	return true;
}

/**
 * Choose the free slot whose buffer has been used for so much already, or nearly: so memory follows what is in flight,
 * and the buffer is still in the processor's cache.
 */
static unsigned take_slot(struct state *s, uint32_t len) {
	unsigned best = s->free_count - 1;
	for (unsigned i = s->free_count - 1; i-- > 0;) {
		uint32_t reach = s->chunks[s->free_slots[i]].reach;
		uint32_t most = s->chunks[s->free_slots[best]].reach;
		if (most < len ? reach > most : reach >= len && reach < most) {
			best = i;
		}
	}
	unsigned slot = s->free_slots[best];
	s->free_slots[best] = s->free_slots[--s->free_count];
	s->chunks[slot].reach = max(s->chunks[slot].reach, len);
	return slot;
}

/** Start the next chunk of the file being filled. */
static void chunk_begin(struct state *s) {
	struct hold *hold = s->hold;
	struct extent *range = &hold->range;
	uint64_t want = min(range->end - range->start, (uint64_t)s->worker->chunk_size);
	uint32_t len = (uint32_t)throttle_take(&s->ctx.files->throttle, want);
	if (len == 0) {
		return;
	}
	unsigned slot = take_slot(s, len);
	struct chunk *chunk = &s->chunks[slot];

	chunk->hold = hold;
	++hold->inflight;
	chunk->bytes = len;
	chunk->start = range->start;
	s->inflight += len;
	unsigned flags = (hold->dig ? PAIR_LOOK : 0) | (hold->direct ? PAIR_APART : 0);
	enum pair_next next = pair_start(&chunk->pair, range->start, len, flags);
	range->start += len;
	chunk_next(s, slot, next);
}

/** Whether one more chunk may be put in flight. */
static bool has_room(const struct state *s) {
	// Where nothing is waited for, one buffer after the other is best: it stays in the processor's cache
	size_t window = s->hold && s->hold->cached ? s->worker->chunk_size : s->worker->window;
	return !s->ring || (s->free_count > 0 && (s->inflight == 0 || s->inflight + s->worker->chunk_size <= window));
}

/** Claim the next range of the file being filled. */
static bool claim(struct state *s) {
	struct hold *hold = s->hold;
	if (!file_claim(hold->file, s->opts->range_size, &hold->range)) {
		return false;
	}
	bool matters = hold->range.end - hold->range.start > s->worker->chunk_size;
	matters = matters && hold->file->cache != FILE_CACHE_PAST;
	hold->cached = matters && extent_is_cached(hold->file->src_fd, hold->range) > 0;
	return true;
}

/** Put chunks in flight until there is no room or nothing to do. Returns false if there will be nothing any more. */
static bool fill(struct state *s) {
	while (has_room(s) && !is_cancelled(s)) {
		if (s->hold && s->hold->range.start < s->hold->range.end) {
			chunk_begin(s);
		} else if (s->hold && claim(s)) {
			continue;
		} else if (s->hold) {
			hold_exhausted(s);
		} else if (!list_empty(&s->ctx.redo)) {
			begin_waiting(s, &s->ctx.redo);
		} else if (s->batch) {
			begin_next(s);
		} else if (!list_empty(&s->own)) {
			begin_batch(s, list_item(list_pop(&s->own), struct batch, node));
		} else if (!list_empty(&s->ctx.later) && s->inflight == 0) {
			// Holding nothing that others could wait for
			s->ctx.patient = true;
			begin_waiting(s, &s->ctx.later);
			s->ctx.patient = false;
		} else if (!begin_work(s, s->inflight == 0)) {
			return s->inflight > 0;
		}
	}
	return !is_cancelled(s) || s->inflight > 0;
}

/** Let go of everything not finished, after cancelling. */
static void abandon(struct state *s) {
	bool broken = false;
	if (s->hold) {
		struct extent *range = &s->hold->range;
		if (range->start < range->end || file_claim(s->hold->file, 1, range)) {
			file_abandon(s->hold->file, range->start);
		}
		hold_exhausted(s);
	}
	if (s->batch) {
		s->next = s->batch->count;
		begin_next(s);
	}
	for (struct list *node; (node = list_pop(&s->own));) {
		batch_free(list_item(node, struct batch, node));
	}
	// Only a broken ring has anything in flight still. It may yet write to its buffers, so they must stay
	for (unsigned i = 0; s->inflight > 0 && i < s->depth; ++i) {
		if (s->chunks[i].hold) {
			file_abandon(s->chunks[i].hold->file, s->chunks[i].pair.off);
			chunk_end(s, i);
			broken = true;
		}
	}
	if (broken) {
		s->ring = NULL;
	}
}

static void finish(struct state *s) {
	struct worker *worker = s->worker;
	if (s->ring) {
		worker->stats = *ring_get_stats(s->ring);
		snprintf(worker->engine, sizeof(worker->engine), "%s", ring_describe(s->ring));
	}
	ring_close(s->ring);
	free(s->chunks);
	free(s->free_slots);
	file_context_destroy(&s->ctx);
}

void *worker_run(void *arg) {
	struct worker *worker = arg;
	struct state s = {.worker = worker, .opts = worker->opts};
	list_init(&s.own);
	file_context_init(&s.ctx, worker->files, worker->counters);

	while (fill(&s)) {
		if (s.inflight > 0 && !drain(&s)) {
			break;
		}
	}
	abandon(&s);
	finish(&s);
	atomic_store(&worker->done, true);
	pthread_kill(worker->coordinator, WAKE_SIGNAL);
	return NULL;
}
