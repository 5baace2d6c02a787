// SPDX-License-Identifier: MIT
#include "run/worker-impl.h"

#include "base/must.h"
#include "base/limits.h"
#include "base/opts.h"
#include "report/report.h"
#include "run/work.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

/** Requests collected before the kernel gets them: it merges neighbours. */
#define COLLECT 16

/** Most events fetched at once. */
#define EVENTS 64

/** From this many chunks in flight on, chunks count as small. */
#define MANY 16

/** The smallest chunk that is useful if there is little memory. */
#define LEAST_CHUNK (16 << 10)

/** Zeros are looked for in blocks of this size, the least that file systems allocate. */
#define ZERO_BLOCK 4096

/**
 * Largest file whose data is written by system calls after the ring has read it. On most file systems a ring hands
 * every buffered write to another thread, which costs more than a small write.
 */
#define DIRECT_MOST (256 << 10)

/** Bytes to claim at once if a head may have to move from one worker's range to another's. */
#define NEAR (4u << 20)

bool state_is_cancelled(const struct state *s) {
	return atomic_load_explicit(&s->ctx.files->cancelled, memory_order_relaxed);
}

unsigned state_way(const struct state *s) {
	return atomic_load_explicit(&s->worker->work->findings.way, memory_order_relaxed);
}

/** Open a ring with one slot that works by system calls, with smaller chunks if there is little memory. */
static int open_twin(struct ring **ring, struct ring_params *params) {
	params->sync = true;
	params->depth = 1;
	int ret = ring_open(ring, params);
	while (ret == -ENOMEM && params->chunk_size > LEAST_CHUNK) {
		params->chunk_size = max(params->chunk_size / 4, (size_t)LEAST_CHUNK);
		ret = ring_open(ring, params);
	}
	return ret;
}

/** Set up the ring when the first chunk needs it. Returns 0 or -errno. */
static int need_ring(struct state *s) {
	struct worker *worker = s->worker;
	if (s->ring) {
		return 0;
	}
	struct ring *ring = NULL;
	struct ring_params params = {
		.depth = worker->depth,
		.chunk_size = worker->chunk_size,
		.cancelled = &s->ctx.files->cancelled,
		.helpers = s->ctx.files->limits->helpers,
		.inject = s->opts->inject,
		.seed = s->opts->seed + worker->index,
	};
	// An io_uring has kernel threads, which are tasks, too
	bool alone = s->opts->engine == ENGINE_AUTO && (s->ctx.files->limits->flags & LIMITS_ALONE);
	int ret = alone || s->opts->engine == ENGINE_SYNC ? -ENOSYS : ring_open(&ring, &params);
	ret = ret < 0 ? open_twin(&ring, &params) : 0;
	if (ret < 0) {
		return ret;
	}
	struct slot *slots = calloc(params.depth, sizeof(*slots));
	unsigned *free_slots = calloc(params.depth, sizeof(*free_slots));
	if (!slots || !free_slots) {
		free(slots);
		free(free_slots);
		ring_close(ring);
		return -ENOMEM;
	}
	s->ring = ring;
	s->slots = slots;
	s->free_slots = free_slots;
	s->depth = params.depth;
	worker->chunk_size = params.chunk_size;
	for (unsigned i = 0; i < s->depth; ++i) {
		s->free_slots[s->free_count++] = s->depth - 1 - i;
	}
	return 0;
}

/** Return a hold that is all zero. Without memory for another one, wait until the spare one is free. */
static struct hold *hold_new(struct state *s) {
	struct hold *hold = calloc(1, sizeof(*hold));
	while (!hold && s->spare.file) {
		slots_drain(s);
	}
	return hold ? hold : &s->spare;
}

static void hold_free(struct state *s, struct hold *hold) {
	if (hold == &s->spare) {
		s->spare = (struct hold) {0};
	} else {
		free(hold);
	}
}

static void hold_release(struct state *s, struct hold *hold) {
	ring_unregister_file(s->ring, hold->src);
	ring_unregister_file(s->ring, hold->dst);
	file_unref(&s->ctx, hold->file);
	hold_free(s, hold);
}

void hold_begin(struct state *s, struct file *file, bool shared) {
	int ret = need_ring(s);
	if (ret < 0) {
		// Leave a shared file to the others that move it: without buffers we would only take it again and again
		s->leaving = shared;
		if (!shared) {
			file_fail(file, 0, error_make(ERROR_READ, ret, "error reading %s"));
		}
		file_unref(&s->ctx, file);
		return;
	}
	struct hold *hold = hold_new(s);
	hold->file = file;
	hold->make_holes = s->opts->sparse == WHEN_ALWAYS;
	// The flags of a shared file are guarded by its lock, and a file written in order is never shared
	hold->forward = !shared && (file->plan.flags & PLAN_FORWARD);
	// An io_uring reports a partial write as an error, and then it is unknown where the file ends
	hold->direct = hold->forward || (s->opts->engine == ENGINE_AUTO && file->source.st.st_size <= DIRECT_MOST);
	hold->shared = shared;
	// Registering a file pays only for many requests
	if ((uint64_t)file->source.st.st_size >= 4 * (uint64_t)s->worker->chunk_size) {
		hold->src = ring_register_file(s->ring, file->source.fd);
		hold->dst = ring_register_file(s->ring, file->target.fd);
	} else {
		hold->src = ring_plain_file(file->source.fd);
		hold->dst = ring_plain_file(file->target.fd);
	}
	hold->src.leaves = file->plan.cache == CACHE_LEAVE || file->plan.cache == CACHE_READ_ONCE;
	hold->dst.leaves = file->plan.cache == CACHE_LEAVE;
	s->hold = hold;
}

/** Stop filling a file. */
static void hold_end(struct state *s) {
	struct hold *hold = s->hold;
	s->hold = NULL;
	if (hold->inflight == 0) {
		hold_release(s, hold);
	}
}

void hold_exhausted(struct state *s) {
	struct hold *hold = s->hold;
	if (hold->shared && work_unshare(s->worker->work, hold->file)) {
		file_unref(&s->ctx, hold->file);
	}
	hold_end(s);
}

/** Offer the file being filled to all workers, unless only one may move it. Returns whether it is offered. */
static bool hold_share(struct state *s) {
	struct hold *hold = s->hold;
	struct file *file = hold->file;
	if (hold->shared || hold->forward || s->worker->alone) {
		return hold->shared;
	}
	hold->shared = true;
	mutex_lock(&file->lock);
	file->flags |= FILE_SHARED;
	mutex_unlock(&file->lock);
	work_share(s->worker->work, file);
	// More workers may have to be started for it
	pthread_kill(s->worker->coordinator, WAKE_SIGNAL);
	return true;
}

/** Bytes to claim at once. */
static uint64_t range_size(const struct state *s) {
	const struct limits *limits = s->ctx.files->limits;
	uint64_t near = max((uint64_t)NEAR, (uint64_t)limits->chunk_size);
	return s->worker->work->findings.counted ? min(limits->range_size, near) : limits->range_size;
}

bool hold_leave(struct state *s) {
	// What one claim takes has nothing left
	if ((uint64_t)s->hold->file->source.st.st_size <= range_size(s) || !hold_share(s)) {
		return false;
	}
	hold_end(s);
	return true;
}

/** The slot of the first chunk of a file that is in flight; state::depth if there is none. */
static unsigned first_of(const struct state *s, const struct hold *hold) {
	unsigned first = s->depth;
	for (unsigned i = 0; i < s->depth; ++i) {
		if (s->slots[i].hold == hold && (first == s->depth || s->slots[i].turn < s->slots[first].turn)) {
			first = i;
		}
	}
	return first;
}

/** Let a chunk wait with its write unless it is the first of its file. Returns whether it waits. */
static bool waits_for_turn(struct state *s, unsigned index) {
	struct slot *slot = &s->slots[index];
	if (!slot->hold->forward || first_of(s, slot->hold) == index) {
		return false;
	}
	slot->waits = true;
	++s->waiting;
	return true;
}

/** Give up the rest of a chunk. */
static enum chunk_next drop(struct slot *slot) {
	file_abandon(slot->hold->file, slot->chunk.off + slot->chunk.put);
	slot->start = UINT64_MAX;
	return CHUNK_DONE;
}

static void slot_next(struct state *s, unsigned index, enum chunk_next next);

/** Let the next chunk of a file write after the first one has ended. */
static void wake_next(struct state *s, const struct hold *hold) {
	unsigned index = first_of(s, hold);
	if (index == s->depth || !s->slots[index].waits) {
		return;
	}
	struct slot *slot = &s->slots[index];
	slot->waits = false;
	--s->waiting;
	// Nothing can be written behind data that could not be written
	bool useless = state_is_cancelled(s) || (hold->file->flags & FILE_INCOMPLETE);
	slot_next(s, index, useless ? drop(slot) : CHUNK_WRITE);
}

/** End a chunk, whether it succeeded or not. */
static void slot_end(struct state *s, unsigned index) {
	struct slot *slot = &s->slots[index];
	struct hold *hold = slot->hold;
	slot->hold = NULL;
	must(s->free_count < s->depth);
	s->free_slots[s->free_count++] = index;
	s->inflight -= slot->bytes;
	--hold->inflight;
	if (hold->inflight == 0 && hold != s->hold) {
		hold_release(s, hold);
	} else if (hold->forward) {
		wake_next(s, hold);
	}
}

/** Choose which of the bytes read are written, and which become a hole. */
static enum chunk_next inspect(struct state *s, unsigned index, struct chunk *chunk) {
	const char *data = ring_buffer(s->ring, index);
	size_t skip = extent_zeros(data + chunk->put, chunk->got - chunk->put, ZERO_BLOCK);
	counter_add(&s->slots[index].hold->file->zeros, skip);
	size_t run = extent_nonzeros(data + chunk->put + skip, chunk->got - chunk->put - skip, ZERO_BLOCK);
	return chunk_cut(chunk, (uint32_t)skip, (uint32_t)run);
}

/** Try to remove the cause of a failed request. Returns whether the request can be made again. */
static bool is_cured(struct state *s, struct hold *hold, const struct chunk *chunk, enum chunk_op op, int res) {
	if (res < 0 && file_cache_refused(&s->ctx, hold->file, -res)) {
		hold->src.leaves = hold->dst.leaves = false;
		return true;
	}
	return res < 0 && op == CHUNK_OP_WRITE && hold->forward && file_move_end(hold->file, -res, chunk->off + chunk->put);
}

/** Write by a system call what the ring has read. */
static enum chunk_next write_now(struct state *s, unsigned index, struct chunk *chunk) {
	struct hold *hold = s->slots[index].hold;
	int res = ring_write_now(s->ring, index, hold->dst, chunk->off + chunk->put, chunk->put, chunk->cut - chunk->put);
	if (res > 0) {
		file_moved(&s->ctx, s->slots[index].hold->file, (uint64_t)res);
	}
	bool again = is_cured(s, hold, chunk, CHUNK_OP_WRITE, res);
	return chunk_step(chunk, CHUNK_OP_WRITE, again ? -EAGAIN : res);
}

/** A request for a range failed. OFF: where. */
static void range_failed(struct hold *hold, uint64_t off, struct error fail) {
	file_fail(hold->file, off, fail);
	// Skip the range: a failing medium takes long for each request
	hold->range.start = hold->range.end;
}

/** Do the next action for a chunk. */
static void slot_next(struct state *s, unsigned index, enum chunk_next next) {
	struct slot *slot = &s->slots[index];
	struct chunk *chunk = &slot->chunk;
	struct hold *hold = slot->hold;
	struct file *file = hold->file;

	while (next == CHUNK_INSPECT || (next == CHUNK_WRITE && hold->direct)) {
		if (next == CHUNK_INSPECT) {
			next = inspect(s, index, chunk);
		} else if (waits_for_turn(s, index)) {
			return;
		} else {
			next = state_is_cancelled(s) ? drop(slot) : write_now(s, index, chunk);
		}
	}
	s->unsent += next == CHUNK_SUBMIT || next == CHUNK_READ || next == CHUNK_WRITE;
	switch (next) {
	case CHUNK_SUBMIT:
		ring_pair(s->ring, index, hold->src, hold->dst, chunk->off, chunk->len);
		return;
	case CHUNK_READ:
		ring_read(s->ring, index, hold->src, chunk->off, chunk->len);
		return;
	case CHUNK_WRITE:
		ring_write(s->ring, index, hold->dst, chunk->off + chunk->put, chunk->put, chunk->cut - chunk->put);
		return;
	case CHUNK_INSPECT:
		break;
	case CHUNK_DONE:
		if (slot->start != UINT64_MAX) {
			file_wrote(&s->ctx, file, slot->start, slot->start + slot->bytes);
		}
		break;
	case CHUNK_END:
		file_ended(file, chunk->off);
		break;
	case CHUNK_READ_FAILED:
		range_failed(hold, chunk->off, error_make(ERROR_READ, chunk->err, "error reading %s"));
		break;
	case CHUNK_WRITE_FAILED:
		range_failed(hold, chunk->off + chunk->put, error_make(ERROR_WRITE, chunk->err, "error writing %d"));
		break;
	}
	slot_end(s, index);
}

/** Handle one event. */
static void step(struct state *s, const struct ring_event *event) {
	struct slot *slot = &s->slots[event->slot];
	struct chunk *chunk = &slot->chunk;
	must(slot->hold);
	uint32_t before = chunk->written;
	int res = event->res;
	bool again = is_cured(s, slot->hold, chunk, event->op, res);
	enum chunk_next next = chunk_step(chunk, event->op, again ? -EAGAIN : res);

	file_moved(&s->ctx, slot->hold->file, chunk->written - before);
	if (state_is_cancelled(s) && (next == CHUNK_SUBMIT || next == CHUNK_READ || next == CHUNK_WRITE)) {
		next = drop(slot);
	}
	slot_next(s, event->slot, next);
}

bool slots_have_room(const struct state *s) {
	// If nothing has to be waited for, one buffer is best: it stays in the processor's cache
	size_t window = s->hold && s->hold->cached ? s->worker->chunk_size : s->worker->window;
	uint64_t next = s->hold ? s->hold->range.end - s->hold->range.start : 1;
	bool fits = s->inflight == 0 || s->inflight + min(next, (uint64_t)s->worker->chunk_size) <= window;
	if (s->ring && ring_is_sync(s->ring)) {
		// Each chunk is done at once, best in one buffer
		return s->inflight == 0;
	}
	return !s->ring || (s->free_count > 0 && fits);
}

bool slots_are_due(const struct state *s) {
	return s->unsent >= (s->slow ? 1 : COLLECT);
}

/** How many events to wait for: half of many small requests, so that many go to the kernel together again. */
static unsigned wanted(const struct state *s) {
	unsigned inflight = s->depth - s->free_count - s->waiting;
	if (slots_are_due(s) && slots_have_room(s)) {
		return 0;
	}
	return inflight < MANY ? 1 : min(inflight / 2, (unsigned)EVENTS);
}

void slots_drain(struct state *s) {
	struct ring_event events[EVENTS];
	unsigned n = ring_wait(s->ring, events, EVENTS, wanted(s));
	s->unsent = 0;
	for (unsigned i = 0; i < n; ++i) {
		step(s, &events[i]);
	}
}

/**
 * Keep resident buffer memory within the limit after adding MORE bytes, by dropping the largest free buffers (never
 * KEEP's). The limit is one chunk above what can be in flight: dropping and refilling a buffer each time would be slow.
 */
static void make_room(struct state *s, unsigned keep, uint32_t more) {
	size_t most = s->worker->window + 2 * s->worker->chunk_size;
	while (s->resident + more > most) {
		struct slot *largest = NULL;
		for (unsigned i = 0; i < s->free_count; ++i) {
			struct slot *slot = &s->slots[s->free_slots[i]];
			if (s->free_slots[i] != keep && !slot->stays && slot->reach > (largest ? largest->reach : 0)) {
				largest = slot;
			}
		}
		if (!largest) {
			return;
		}
		largest->stays = !ring_buffer_drop(s->ring, (unsigned)(largest - s->slots));
		s->resident -= largest->stays ? 0 : largest->reach;
		largest->reach = largest->stays ? largest->reach : 0;
	}
}

/** Whether a buffer with REACH touched bytes suits LEN better than one with OTHER touched bytes. */
static bool suits_better(uint32_t len, uint32_t reach, uint32_t other) {
	bool fits = reach >= len && reach / 2 <= len;
	bool other_fits = other >= len && other / 2 <= len;
	if (fits != other_fits) {
		return fits;
	}
	if (fits || (reach > len && other > len)) {
		return reach < other;
	}
	return reach <= len && (other > len || reach > other);
}

/**
 * Choose the free slot whose touched size is closest to LEN (at most twice as large), so that memory follows what is in
 * flight and the buffer is still in the processor's cache.
 */
static unsigned take_slot(struct state *s, uint32_t len) {
	unsigned best = s->free_count - 1;
	for (unsigned i = s->free_count - 1; i-- > 0;) {
		if (suits_better(len, s->slots[s->free_slots[i]].reach, s->slots[s->free_slots[best]].reach)) {
			best = i;
		}
	}
	must(s->free_count > best);
	unsigned index = s->free_slots[best];
	struct slot *slot = &s->slots[index];
	if (len > slot->reach) {
		make_room(s, index, len - slot->reach);
		s->resident += len - slot->reach;
		slot->reach = len;
	}
	s->free_slots[best] = s->free_slots[--s->free_count];
	return index;
}

void slot_begin(struct state *s) {
	struct hold *hold = s->hold;
	struct extent *range = &hold->range;
	uint64_t want = min(range->end - range->start, (uint64_t)s->worker->chunk_size);
	uint32_t len = (uint32_t)throttle_take(&s->ctx.files->throttle, want);
	if (len == 0) {
		return;
	}
	unsigned index = take_slot(s, len);
	struct slot *slot = &s->slots[index];

	slot->hold = hold;
	++hold->inflight;
	slot->bytes = len;
	slot->start = range->start;
	s->inflight += len;
	slot->turn = hold->begun++;
	slot->waits = false;
	unsigned flags = (hold->make_holes ? CHUNK_LOOK : 0) | (hold->direct || hold->forward ? CHUNK_APART : 0);
	enum chunk_next next = chunk_start(&slot->chunk, range->start, len, flags);
	range->start += len;
	slot_next(s, index, next);
}

bool hold_claim(struct state *s) {
	struct hold *hold = s->hold;
	struct findings *findings = &s->worker->work->findings;
	if ((uint64_t)hold->file->source.st.st_size > s->ctx.files->limits->range_size && state_way(s) == HEAD_FREE) {
		hold_share(s);
	}
	if (!file_claim(hold->file, range_size(s), &hold->range)) {
		return false;
	}
	uint64_t bytes = hold->range.end - hold->range.start;
	hold->cached = bytes > s->worker->chunk_size && hold->file->plan.cache != CACHE_BYPASS
		&& extent_is_cached(hold->file->source.fd, hold->range) > 0;
	if (findings->counted && !hold->cached) {
		atomic_fetch_add(&findings->cold, bytes + WORK_UNIT);
	}
	return true;
}
