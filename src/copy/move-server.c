// SPDX-License-Identifier: MIT
#include "copy/mover.h"

#include "base/io.h"
#include "base/open.h"
#include "engine/throttle.h"
#include "sys/extent.h"
#include "sys/fstype.h"
#include "sys/reflink.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/** Bytes requested until it is known who copies, and bytes requested later: few enough to show progress. */
#define FIRST_PART (1u << 20)
#define PART (64u << 20)

/**
 * Whether to try it: another machine or program that stores the data may copy it without sending it here and back. On
 * local file systems the kernel would do what we do, page by page.
 */
static bool is_promising(struct remote *remote, const struct transfer *t) {
	struct stat st;
	if ((t->flags & (PLAN_SKIP_HOLES | PLAN_MAKE_HOLES)) || throttle_is_active(t->sink->throttle)) {
		return false;
	}
	if (!remote->known || remote->dev != t->src_dev) {
		*remote = (struct remote) {.known = true, .dev = t->src_dev, .copies = fstype_is(t->src, FSTYPE_REMOTE)};
	}
	return remote->copies && fstat(t->dst, &st) == 0 && st.st_dev == remote->dev;
}

/**
 * Prepare to see whether the first data copied goes through our page cache: without cachestat(2) this needs a second
 * descriptor, for reading. It has to be opened before, as some file systems drop cached data when a file is opened.
 *
 * @return A descriptor, or -1 if none is needed or can be had.
 */
static int open_proof(int dst) {
	if (extent_is_cached(dst, (struct extent) {.end = 1}) >= 0) {
		return -1;
	}
	int fd = open_again(dst, -1, NULL, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	return max(fd, -1);
}

/** Whether others copied: if the kernel reads and writes the data itself, what it wrote is in our page cache. */
static bool is_proven(const struct transfer *t, int proof) {
	unsigned char pages[256];
	struct extent copied = {.end = t->done};
	int cached = extent_is_cached(t->dst, copied);
	return cached == 0 || (cached < 0 && proof >= 0 && !extent_may_be_cached(proof, copied, pages, sizeof(pages)));
}

/** Let the other side copy until all is copied or it declines. */
static enum move copy_ranges(struct remote *remote, struct transfer *t, int proof) {
	while (t->done < t->size && remote->copies) {
		off_t from = (off_t)t->done;
		off_t to = from;
		uint64_t want = min(t->size - t->done, (uint64_t)(remote->proven ? PART : FIRST_PART));
		t->sink->begin(t->sink->arg);
		ssize_t n = copy_file_range(t->src, &from, t->dst, &to, (size_t)want, 0);
		if (n < 0 && errno == EINTR) {
			if (transfer_is_cancelled(t)) {
				return MOVE_CANCELLED;
			}
			continue;
		}
		if (n <= 0) {
			// Whatever the error is, reading or writing reports it better
			remote->copies = remote->proven || n == 0 || !reflink_error_is_of_place(errno);
			return MOVE_DECLINED;
		}
		t->sink->wrote(t->sink->arg, t->done, t->done + (uint64_t)n);
		t->done += (uint64_t)n;
		transfer_moved(t, (uint64_t)n);
		if (!remote->proven) {
			remote->proven = is_proven(t, proof);
			remote->copies = remote->proven;
		}
	}
	return t->done < t->size ? MOVE_DECLINED : MOVE_DONE;
}

static enum move copy_on_server(struct movers *movers, struct transfer *t) {
	struct remote *remote = &movers->remote;
	if (!is_promising(remote, t)) {
		return MOVE_DECLINED;
	}
	int proof = remote->proven ? -1 : open_proof(t->dst);
	enum move move = copy_ranges(remote, t, proof);
	close_fd(&proof);
	if (move == MOVE_DONE && !remote->proven) {
		// The kernel did what workers would have done
		t->by = &move_ranges;
	}
	return move;
}

const struct mover move_server = {.name = "copied by those who keep it", .move = copy_on_server};
