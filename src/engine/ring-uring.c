// SPDX-License-Identifier: MIT
#include "engine/ring-impl.h"

#include "base/opts.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

/**
 * How often in a row the kernel may lack memory for requests before no more are submitted; and milliseconds to wait
 * then for answers to submitted requests.
 */
#define REFUSALS_MOST 100
#define PATIENCE 1000

/** Sets of set-up flags, newest first; the first set that the kernel accepts is used. */
static const struct {
	unsigned flags;
	const char *name;
} setups[] = {
	// 6.1
	{IORING_SETUP_SUBMIT_ALL | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
		"single issuer, deferred task work"},
	// 6.0
	{IORING_SETUP_SUBMIT_ALL | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_COOP_TASKRUN,
		"single issuer, cooperative task work"},
	// 5.19
	{IORING_SETUP_SUBMIT_ALL | IORING_SETUP_COOP_TASKRUN, "cooperative task work"},
	// 5.18
	{IORING_SETUP_SUBMIT_ALL, "submit all"},
	{0, "plain"},
};

/** Try the sets of set-up flags in turn. Returns the index of the set in use or -errno. */
static int setup(struct ring *ring) {
	int ret = -EINVAL;
	for (unsigned i = 0; i < countof(setups); ++i) {
		struct io_uring_params params = {.flags = setups[i].flags};
		if ((ring->params.inject & INJECT_NO_SINGLE_ISSUER) && (params.flags & IORING_SETUP_SINGLE_ISSUER)) {
			continue;
		}
		ret = io_uring_queue_init_params(2 * ring->params.depth, &ring->uring, &params);
		if (ret == 0) {
			ring->cqe_skip = (params.features & IORING_FEAT_CQE_SKIP) && !(ring->params.inject & INJECT_NO_CQE_SKIP);
			if (!ring_releases_files(params.features) || (ring->params.inject & INJECT_NO_FIXED_FILES)) {
				ring->fixed_files = RING_FIXED_OFF;
			}
			return (int)i;
		}
		if (ret != -EINVAL) {
			break;
		}
	}
	return ret;
}

/** Limit the kernel threads of a ring (Linux 5.15), for each of the two kinds; never raise the limit. */
static void limit_helpers(struct ring *ring) {
	unsigned most[2] = {0};
	if (io_uring_register_iowq_max_workers(&ring->uring, most) == 0) {
		most[0] = min(most[0], ring->params.helpers);
		most[1] = min(most[1], ring->params.helpers);
		io_uring_register_iowq_max_workers(&ring->uring, most);
	}
}

int ring_uring_open(struct ring *ring) {
	int ret = setup(ring);
	if (ret < 0) {
		return ret;
	}
	// Some sandboxes allow the set-up of a ring, but not its use
	int entered = io_uring_enter((unsigned)ring->uring.ring_fd, 0, 0, 0, NULL);
	if (entered < 0) {
		io_uring_queue_exit(&ring->uring);
		return entered;
	}
	// Saves a look-up in each enter (Linux 5.18); optional
	io_uring_register_ring_fd(&ring->uring);
	if (ring->params.helpers > 0) {
		limit_helpers(ring);
	}
	if (ring->params.inject & INJECT_NO_FIXED_BUFFERS) {
		ring->fixed_buffers = RING_FIXED_OFF;
	}
	snprintf(ring->description, sizeof(ring->description), "io_uring of %u entries, %s%s", ring->uring.sq.ring_entries,
		setups[ret].name, ring->cqe_skip ? ", one completion a pair" : "");
	return 0;
}

void ring_uring_close(struct ring *ring) {
	io_uring_queue_exit(&ring->uring);
	free(ring->free_files);
}

/** Make the empty table of registered buffers. */
static void open_buffer_table(struct ring *ring) {
	unsigned depth = ring->params.depth;
	struct iovec *none = calloc(depth, sizeof(*none));
	__u64 *tags = calloc(depth, sizeof(*tags));
	int ret = -ENOMEM;
	if (none && tags) {
		ret = io_uring_register_buffers_tags(&ring->uring, none, tags, depth);
	}
	ring->fixed_buffers = ret == 0 ? RING_FIXED_READY : RING_FIXED_OFF;
	free(none);
	free(tags);
}

/**
 * Whether a slot's buffer is registered; tries to register it if the request is for a whole chunk. Registering touches
 * the whole buffer, which would waste memory on smaller requests.
 */
static bool buffer_is_fixed(struct ring *ring, unsigned slot, uint32_t len) {
	struct ring_slot *s = &ring->slots[slot];
	if (s->fixed || ring->fixed_buffers == RING_FIXED_OFF || len < ring->params.chunk_size) {
		return s->fixed;
	}
	if (ring->fixed_buffers == RING_FIXED_UNTRIED) {
		open_buffer_table(ring);
	}
	if (ring->fixed_buffers == RING_FIXED_READY) {
		// Register each buffer at its first use: registering pins and touches every page
		struct iovec iov = {.iov_base = ring_buffer(ring, slot), .iov_len = ring->params.chunk_size};
		__u64 tag = 0;
		s->fixed = io_uring_register_buffers_update_tag(&ring->uring, slot, &iov, &tag, 1) == 1;
		if (!s->fixed) {
			// Probably RLIMIT_MEMLOCK: keep the buffers registered so far
			ring->fixed_buffers = RING_FIXED_OFF;
		}
	}
	return s->fixed;
}

/** Make the empty table of registered files. */
static void open_file_table(struct ring *ring) {
	unsigned count = 2 * ring->params.depth;
	int *none = malloc(count * sizeof(*none));
	ring->free_files = malloc(count * sizeof(*ring->free_files));
	ring->fixed_files = RING_FIXED_OFF;
	if (none && ring->free_files) {
		for (unsigned i = 0; i < count; ++i) {
			none[i] = -1;
			ring->free_files[i] = (int)(count - 1 - i);
		}
		if (io_uring_register_files(&ring->uring, none, count) == 0) {
			ring->fixed_files = RING_FIXED_READY;
			ring->free_file_count = count;
		}
	}
	free(none);
}

struct ring_file ring_uring_register_file(struct ring *ring, int fd) {
	struct ring_file file = ring_plain_file(fd);
	if (ring->fixed_files == RING_FIXED_UNTRIED) {
		open_file_table(ring);
	}
	if (ring->fixed_files == RING_FIXED_READY && ring->free_file_count > 0) {
		int index = ring->free_files[ring->free_file_count - 1];
		if (io_uring_register_files_update(&ring->uring, (unsigned)index, &fd, 1) == 1) {
			--ring->free_file_count;
			file.fixed = index;
		}
	}
	return file;
}

void ring_uring_unregister_file(struct ring *ring, struct ring_file file) {
	int none = -1;
	if (ring->fixed_files != RING_FIXED_READY) {
		return;
	}
	if (io_uring_register_files_update(&ring->uring, (unsigned)file.fixed, &none, 1) == 1) {
		ring->free_files[ring->free_file_count++] = file.fixed;
	} else {
		// The file must not stay open; all files still in use have their descriptors
		io_uring_unregister_files(&ring->uring);
		ring->fixed_files = RING_FIXED_OFF;
	}
}

/** The user_data of a request, which identifies its completion. */
static __u64 tag_of(const struct ring *ring, unsigned slot, enum chunk_op op) {
	return (__u64)ring->slots[slot].generation << 32 | slot << 1 | op;
}

static void prepare(struct ring *ring, struct io_uring_sqe *sqe, unsigned slot, enum chunk_op op, struct ring_file file,
	uint64_t off, uint32_t at, uint32_t len) {
	bool fixed_buffer = buffer_is_fixed(ring, slot, len);
	bool fixed_file = file.fixed >= 0 && ring->fixed_files == RING_FIXED_READY;
	int fd = fixed_file ? file.fixed : file.fd;
	char *data = ring_buffer(ring, slot) + at;

	if (op == CHUNK_OP_READ && fixed_buffer) {
		io_uring_prep_read_fixed(sqe, fd, data, len, off, (int)slot);
	} else if (op == CHUNK_OP_READ) {
		io_uring_prep_read(sqe, fd, data, len, off);
	} else if (fixed_buffer) {
		io_uring_prep_write_fixed(sqe, fd, data, len, off, (int)slot);
	} else {
		io_uring_prep_write(sqe, fd, data, len, off);
	}
	if (fixed_file) {
		sqe->flags |= IOSQE_FIXED_FILE;
	}
	sqe->rw_flags = file.leaves ? RWF_DONTCACHE : 0;
	sqe->user_data = tag_of(ring, slot, op);
	ring->stats.fixed_buffer += fixed_buffer;
	ring->stats.fixed_file += fixed_file;
}

/** Reset a slot for a new request. */
static void begin(struct ring *ring, unsigned slot, bool chunk, uint32_t len) {
	struct ring_slot *s = &ring->slots[slot];
	++s->generation;
	s->chunk = chunk;
	s->both = chunk && !ring->cqe_skip;
	s->have[CHUNK_OP_READ] = s->have[CHUNK_OP_WRITE] = false;
	s->len = len;
}

/**
 * Get a free entry. The queue has two for each slot, and a slot starts a request only after the answer to the last one.
 * So an entry is always free, and no submission separates the halves of a pair.
 */
static struct io_uring_sqe *entry(struct ring *ring) {
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring->uring);
	if (!sqe) {
		abort();
	}
	return sqe;
}

void ring_uring_ask(struct ring *ring, unsigned slot) {
	const struct ring_request *asked = &ring->slots[slot].asked;
	begin(ring, slot, asked->chunk, asked->len);
	struct io_uring_sqe *sqe = entry(ring);
	if (asked->op == CHUNK_OP_WRITE) {
		prepare(ring, sqe, slot, CHUNK_OP_WRITE, asked->dst, asked->off, asked->at, asked->write_len);
		return;
	}
	prepare(ring, sqe, slot, CHUNK_OP_READ, asked->src, asked->off, 0, asked->len);
	if (asked->chunk) {
		sqe->flags |= IOSQE_IO_LINK;
		sqe->flags |= ring->cqe_skip ? IOSQE_CQE_SKIP_SUCCESS : 0;
		prepare(ring, entry(ring), slot, CHUNK_OP_WRITE, asked->dst, asked->off, 0, asked->write_len);
	}
}

/** Turn a completion into an event. Returns false if a pair's other half is missing, or the request is an old one. */
static bool translate(struct ring *ring, const struct io_uring_cqe *cqe, struct ring_event *event) {
	unsigned slot = (uint32_t)cqe->user_data >> 1;
	enum chunk_op op = cqe->user_data & 1 ? CHUNK_OP_WRITE : CHUNK_OP_READ;
	struct ring_slot *s = &ring->slots[slot];

	if (cqe->user_data >> 32 != s->generation || !s->due) {
		return false;
	}
	int res = cqe->res;
	if (s->both) {
		s->have[op] = true;
		s->res[op] = res;
		if (!s->have[CHUNK_OP_READ] || !s->have[CHUNK_OP_WRITE]) {
			return false;
		}
		bool full = s->res[CHUNK_OP_READ] == (int)s->len;
		op = full ? CHUNK_OP_WRITE : CHUNK_OP_READ;
		res = s->res[op];
		ring->stats.cut += !full;
	} else if (s->chunk && op == CHUNK_OP_READ) {
		++ring->stats.cut;
	}
	*event = (struct ring_event) {.slot = slot, .op = op, .res = res};
	s->due = false;
	--ring->due;
	return true;
}

/**
 * The slot of a pair of which the kernel took only the read, because memory for the write was missing; or UINT_MAX. The
 * write would no longer wait for the read, so that nothing may be written from that buffer.
 */
static unsigned find_torn(const struct ring *ring) {
	const struct io_uring_sq *sq = &ring->uring.sq;
	if (ring->turned || io_uring_sq_ready(&ring->uring) == 0) {
		return UINT_MAX;
	}
	unsigned next = *sq->khead & sq->ring_mask;
	unsigned last = (*sq->khead - 1) & sq->ring_mask;
	bool torn = (sq->sqes[last].flags & IOSQE_IO_LINK) && (sq->sqes[next].user_data & 1) == CHUNK_OP_WRITE
		&& sq->sqes[last].user_data >> 1 == sq->sqes[next].user_data >> 1;
	return torn ? (uint32_t)sq->sqes[next].user_data >> 1 : UINT_MAX;
}

/** Fetch up to COUNT events without waiting. */
static unsigned reap(struct ring *ring, struct ring_event *events, unsigned count) {
	unsigned n = 0;
	unsigned seen = 0;
	unsigned head;
	struct io_uring_cqe *cqe;
	io_uring_for_each_cqe(&ring->uring, head, cqe) {
		if (n == count) {
			break;
		}
		++seen;
		n += translate(ring, cqe, &events[n]);
	}
	io_uring_cq_advance(&ring->uring, seen);
	return n;
}

/** Stop submitting requests: system calls do those not submitted yet, and all later ones. */
static void stop_submitting(struct ring *ring) {
	const struct io_uring_sq *sq = &ring->uring.sq;
	if (ring->turned) {
		return;
	}
	ring->turned = true;
	size_t len = strlen(ring->description);
	snprintf(ring->description + len, sizeof(ring->description) - len, ", given up for system calls");
	// These entries are never submitted, so the kernel does not know the requests
	for (unsigned at = *sq->khead; at != sq->sqe_tail; ++at) {
		unsigned slot = (uint32_t)sq->sqes[at & sq->ring_mask].user_data >> 1;
		if (ring->slots[slot].due) {
			ring->slots[slot].due = false;
			--ring->due;
			ring_do_now(ring, slot);
		}
	}
}

/** Answer a request by other means, while the kernel may still move data between the slot's buffer and a file. */
static void give_up_on(struct ring *ring, unsigned slot) {
	struct ring_slot *s = &ring->slots[slot];
	s->due = false;
	--ring->due;
	ring->left = true;
	if (s->asked.op == CHUNK_OP_READ) {
		char *buffer = mmap(NULL, ring->params.chunk_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (buffer == MAP_FAILED) {
			ring->done[ring->done_count++] = (struct ring_event) {.slot = slot, .op = CHUNK_OP_READ, .res = -ENOMEM};
			return;
		}
		s->buffer = buffer;
		s->fixed = false;
	}
	ring_do_now(ring, slot);
}

/** How many requests in a row may end with EAGAIN before no more are submitted. */
#define PUT_OFF_MOST 8

void ring_believe(struct ring *ring, struct ring_event *event) {
	int res = event->res;
	if (res > 0 || (res == 0 && event->op == CHUNK_OP_READ)) {
		ring->put_off = 0;
		return;
	}
	if (ring_is_cancelled(ring)) {
		return;
	}
	++ring->stats.again;
	ring->put_off += res == -EAGAIN;
	*event = ring_call(ring, event->slot, event->op);
	if (res == -ECANCELED || ring->put_off >= PUT_OFF_MOST) {
		// The kernel has no thread for requests that block, and would take long to find that out each time
		stop_submitting(ring);
	}
}

/**
 * Stop submitting requests. Wait for submitted ones as long as answers come, and do the rest by system calls.
 *
 * @param torn  A slot of which the kernel has the read but not the write, or UINT_MAX: it may never be answered.
 */
static void break_off(struct ring *ring, unsigned torn) {
	if (torn != UINT_MAX) {
		// The kernel knows half of it, so stop_submitting() must not do it
		ring->slots[torn].due = false;
	}
	stop_submitting(ring);
	if (torn != UINT_MAX) {
		ring->slots[torn].due = true;
	}
	const struct timespec pause = {.tv_nsec = 1000000};
	for (unsigned i = 0; i < PATIENCE && ring->due > 0 && !ring_is_cancelled(ring); ++i) {
		io_uring_get_events(&ring->uring);
		unsigned n = reap(ring, ring->done + ring->done_count, ring->due);
		for (unsigned end = ring->done_count + n; ring->done_count < end; ++ring->done_count) {
			ring_believe(ring, &ring->done[ring->done_count]);
		}
		if (n > 0) {
			i = 0;
		} else {
			nanosleep(&pause, NULL);
		}
	}
	for (unsigned slot = 0; slot < ring->params.depth; ++slot) {
		if (ring->slots[slot].due) {
			give_up_on(ring, slot);
		}
	}
}

/** Submit the prepared entries, and wait for WANT completions. Returns 0 or -errno. */
static int enter(struct ring *ring, unsigned want) {
	struct io_uring_cqe *cqe;
	int ret;
	++ring->stats.enters;
	if (ring->turned) {
		want = min(want, ring->due);
		ret = want > 0 ? io_uring_wait_cqe_nr(&ring->uring, &cqe, want) : io_uring_get_events(&ring->uring);
	} else if (want > 0) {
		ret = io_uring_submit_and_wait(&ring->uring, want);
	} else {
		ret = io_uring_submit_and_get_events(&ring->uring);
	}
	return min(ret, 0);
}

unsigned ring_uring_wait(struct ring *ring, struct ring_event *events, unsigned count, unsigned want) {
	int ret = enter(ring, want);
	unsigned torn = find_torn(ring);
	bool short_of = ret == -EAGAIN || ret == -EBUSY || ret == -ENOMEM;

	if (torn != UINT_MAX || (ret < 0 && ret != -EINTR && !short_of)
		|| (short_of && (++ring->refusals >= REFUSALS_MOST || ring_is_cancelled(ring))))
	{
		break_off(ring, torn);
	} else if (short_of) {
		// Requests that finish will free memory
		sched_yield();
	} else {
		ring->refusals = 0;
	}
	return reap(ring, events, count);
}
