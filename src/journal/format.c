// SPDX-License-Identifier: MIT
#include "journal/journal-impl.h"

#include "base/io.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

/** Bytes of a journal in memory at a time: more than any record has. */
#define WINDOW (1u << 20)

/** Bytes of a record of a finished file. */
#define FINISHED_BYTES (sizeof(struct journal_head) + sizeof(struct journal_finished))

/** A part of a journal in memory. */
struct window {
	char *data;
	uint64_t start;
	size_t len;
};

/** State of reading. */
struct reader {
	struct journal_index *index;
	const struct journal_now *now;
	/** The file that fills the windows; -1 if they contain the whole journal. */
	int fd;
	/** Cancels the reading once set; or NULL. */
	const atomic_bool *cancelled;
	/** Windows for the current record, and for looking ahead. */
	struct window here;
	struct window ahead;
	/** The journal's length. */
	uint64_t end;
	/** The first -errno of reading. */
	int err;
	/** The part last begun or written to. */
	struct journal_part *part;
	/**
	 * The current run, whether it was in this boot and mount, and the offset up to which its records are on the medium.
	 */
	struct journal_now run;
	bool of_now;
	uint64_t marked;
};

uint64_t journal_sum(uint64_t seed, const struct journal_head *head, const void *payload) {
	uint64_t kind = (uint64_t)head->kind << 16 | head->len;
	return XXH3_64bits_withSeed(payload, head->len, seed ^ XXH3_64bits(&kind, sizeof(kind)));
}

static int by_path(const void *a, const void *b) {
	return strcmp(((const struct journal_part *)a)->path, ((const struct journal_part *)b)->path);
}

static int by_id(const void *a, const void *b) {
	uint64_t x = ((const struct journal_part *)a)->id;
	uint64_t y = ((const struct journal_part *)b)->id;
	return (x > y) - (x < y);
}

struct journal_part *journal_find_part(const struct journal_index *index, const char *path) {
	const struct journal_part key = {.path = (char *)path};
	struct journal_part *const *found = tfind(&key, &index->parts, by_path);
	return found ? *found : NULL;
}

static void free_part(void *item) {
	struct journal_part *part = item;
	free(part->done.list);
	free(part->news.list);
	free(part->noted.list);
	free(part->path);
	free(part);
}

/** The part with a number, or NULL. */
static struct journal_part *find_id(const struct journal_index *index, uint64_t id) {
	const struct journal_part key = {.id = id};
	struct journal_part *const *found = tfind(&key, &index->ids, by_id);
	return found ? *found : NULL;
}

/** Give a part a number; an earlier holder of the number is no longer found by it. Returns whether there was memory. */
static bool set_id(struct journal_index *index, struct journal_part *part, uint64_t id) {
	if (find_id(index, part->id) == part) {
		tdelete(part, &index->ids, by_id);
	}
	part->id = id;
	struct journal_part **found = tsearch(part, &index->ids, by_id);
	if (found) {
		*found = part;
	}
	return found;
}

struct journal_part *journal_add_part(struct journal_index *index, const char *path, uint64_t id,
	const struct journal_source *src) {
	struct journal_part *part = journal_find_part(index, path);
	if (!part) {
		part = calloc(1, sizeof(*part));
		char *copy = strdup(path);
		if (part && copy) {
			part->path = copy;
		}
		if (!part || !copy || !tsearch(part, &index->parts, by_path)) {
			free(part);
			free(copy);
			return NULL;
		}
	}
	if (!set_id(index, part, id)) {
		return NULL;
	}
	part->src = *src;
	part->ino = 0;
	journal_ranges_empty(&part->done);
	journal_ranges_empty(&part->news);
	journal_ranges_empty(&part->noted);
	index->last_part = max(index->last_part, id);
	return part;
}

static void keep_part(void *item) {
	(void)item;
}

void journal_index_clear(struct journal_index *index) {
	journal_table_free(&index->finished);
	tdestroy(index->ids, keep_part);
	tdestroy(index->parts, free_part);
	*index = (struct journal_index) {0};
}

/**
 * The COUNT bytes of the journal at an offset, or NULL if it is shorter. Valid until the next call for the same window.
 */
static const char *bytes_at(struct reader *r, struct window *w, uint64_t at, size_t count) {
	if (at > r->end || count > r->end - at) {
		return NULL;
	}
	if (at >= w->start && at - w->start <= w->len && count <= w->len - (at - w->start)) {
		return w->data + (at - w->start);
	}
	if (r->fd < 0 || r->err < 0) {
		return NULL;
	}
	if (r->cancelled && atomic_load(r->cancelled)) {
		r->err = -EINTR;
		return NULL;
	}
	w->start = at;
	w->len = 0;
	// Not mmap(2): a read error would be SIGBUS instead of an errno
	ssize_t n = read_full(r->fd, w->data, WINDOW, at, NULL);
	if (n < 0) {
		r->err = (int)n;
		return NULL;
	}
	w->len = (size_t)n;
	return count <= w->len ? w->data : NULL;
}

/**
 * Read the header of the record at an offset, and check the record.
 *
 * @param payload  Set to the bytes after the header.
 * @return The bytes of the record, 0 if it is invalid.
 */
static size_t read_head(struct reader *r, struct window *w, uint64_t at, uint64_t seed, struct journal_head *head,
	const char **payload) {
	const char *data = bytes_at(r, w, at, sizeof(*head));
	if (!data) {
		return 0;
	}
	memcpy(head, data, sizeof(*head));
	data = head->magic == JOURNAL_MAGIC ? bytes_at(r, w, at, sizeof(*head) + head->len) : NULL;
	if (!data || journal_sum(seed, head, data + sizeof(*head)) != head->sum) {
		return 0;
	}
	*payload = data + sizeof(*head);
	return sizeof(*head) + head->len;
}

/** Copy the payload of a record. Returns false if it is too short. */
static bool read_payload(const struct journal_head *head, const char *payload, void *to, size_t size) {
	if (head->len < size) {
		return false;
	}
	memcpy(to, payload, size);
	return true;
}

/** Read what a run is about. */
static void read_top(const struct journal_head *head, const char *payload, struct journal_top *top) {
	struct journal_run run;
	*top = read_payload(head, payload, &run, sizeof(run)) ? run.top : (struct journal_top) {0};
}

/** Read the start of a run, and find out which of its records can be trusted. */
static void read_run(struct reader *r, uint64_t at, const struct journal_head *first, const char *payload) {
	struct journal_head head = *first;
	struct journal_mark mark;
	r->marked = 0;
	r->part = NULL;
	if (!read_payload(&head, payload, &r->run, sizeof(r->run))) {
		r->run = (struct journal_now) {0};
	}
	read_top(&head, payload, &r->index->top);
	r->of_now = memcmp(r->run.boot, r->now->boot, sizeof(r->run.boot)) == 0 && r->run.mount == r->now->mount
		&& r->run.dev == r->now->dev;
	size_t len = sizeof(head) + head.len;
	for (at += len; !r->of_now; at += len) {
		len = read_head(r, &r->ahead, at, r->index->id, &head, &payload);
		if (len == 0 || head.kind == JOURNAL_RUN) {
			break;
		}
		if (head.kind == JOURNAL_MARK && read_payload(&head, payload, &mark, sizeof(mark))) {
			r->marked = max(r->marked, mark.offset);
		}
	}
}

/** Whether the data of the record at AT, on device DEV, can be trusted to be there. */
static bool is_believed(const struct reader *r, uint64_t at, uint64_t dev) {
	return r->of_now || (at < r->marked && dev == r->run.dev && dev == r->now->dev);
}

static int read_begun(struct reader *r, const struct journal_head *head, const char *payload) {
	struct journal_begun begun;
	char path[JOURNAL_PATH];
	if (!read_payload(head, payload, &begun, sizeof(begun)) || head->len - sizeof(begun) >= sizeof(path)) {
		return 0;
	}
	size_t len = head->len - sizeof(begun);
	memcpy(path, payload + sizeof(begun), len);
	path[len] = '\0';
	r->part = len > 0 && strlen(path) == len ? journal_add_part(r->index, path, begun.id, &begun.src) : NULL;
	return r->part || len == 0 || strlen(path) != len ? 0 : -ENOMEM;
}

static int read_written(struct reader *r, uint64_t at, const struct journal_head *head, const char *payload) {
	struct journal_written written;
	if (!read_payload(head, payload, &written, sizeof(written)) || !is_believed(r, at, written.dev)
		|| written.range.start >= written.range.end)
	{
		return 0;
	}
	if (!r->part || r->part->id != written.id) {
		r->part = find_id(r->index, written.id);
	}
	struct journal_part *part = r->part;
	if (!part || written.range.end > part->src.size) {
		return 0;
	}
	if (part->ino != written.ino) {
		part->ino = written.ino;
		journal_ranges_empty(&part->done);
	}
	return journal_ranges_add(&part->done, written.range.start, written.range.end);
}

static int read_record(struct reader *r, uint64_t at, const struct journal_head *head, const char *payload) {
	struct journal_finished finished;
	switch (head->kind) {
	case JOURNAL_RUN:
		read_run(r, at, head, payload);
		return 0;
	case JOURNAL_FINISHED:
		if (!read_payload(head, payload, &finished, sizeof(finished)) || !is_believed(r, at, finished.copy.dev)
			|| r->run.options != r->now->options)
		{
			return 0;
		}
		return journal_table_add(&r->index->finished, r->index->id, &finished, (r->end - at) / FINISHED_BYTES);
	case JOURNAL_BEGUN:
		return read_begun(r, head, payload);
	case JOURNAL_WRITTEN:
		return read_written(r, at, head, payload);
	default:
		// A record of a later version, or a mark
		return 0;
	}
}

static void order_ranges(const void *node, VISIT visit, void *arg) {
	(void)arg;
	if (visit == postorder || visit == leaf) {
		journal_ranges_order(&(*(struct journal_part *const *)node)->done);
	}
}

/** Read the first record and set the journal's number. Returns the record's bytes, or 0. */
static size_t read_first(struct reader *r, uint64_t *id) {
	struct journal_head head;
	struct journal_first first;
	const char *payload;
	const uint32_t swapped = __builtin_bswap32(JOURNAL_MAGIC);
	size_t size = read_head(r, &r->here, 0, 0, &head, &payload);
	const char *magic = size == 0 ? bytes_at(r, &r->here, 0, sizeof(head.magic)) : NULL;
	if (magic && memcmp(magic, &swapped, sizeof(swapped)) == 0) {
		r->err = -EPROTO;
	}
	if (size == 0 || head.kind != JOURNAL_FIRST || !read_payload(&head, payload, &first, sizeof(first))) {
		return 0;
	}
	*id = first.id;
	return size;
}

/** Read all records. Returns 0 or -errno. */
static int read_records(struct reader *r) {
	struct journal_index *index = r->index;
	struct journal_head head;
	const char *payload;

	*index = (struct journal_index) {0};
	size_t size = read_first(r, &index->id);
	uint64_t at = size;
	while (size > 0 && (size = read_head(r, &r->here, at, index->id, &head, &payload)) > 0) {
		int ret = read_record(r, at, &head, payload);
		if (ret < 0) {
			return ret;
		}
		at += size;
	}
	index->valid = at;
	twalk_r(index->parts, order_ranges, NULL);
	return r->err;
}

int journal_parse(struct journal_index *index, const struct journal_now *now, const void *data, size_t len) {
	const struct window all = {.data = (char *)data, .len = len};
	struct reader r = {.index = index, .now = now, .fd = -1, .here = all, .ahead = all, .end = len};
	return read_records(&r);
}

/** Allocate windows for reading a file. Returns 0 or -errno. */
static int open_windows(struct reader *r) {
	struct stat st;
	if (fstat(r->fd, &st) != 0) {
		return -errno;
	}
	r->end = (uint64_t)st.st_size;
	r->here.data = malloc(WINDOW);
	r->ahead.data = malloc(WINDOW);
	return r->here.data && r->ahead.data ? 0 : -ENOMEM;
}

static void close_windows(struct reader *r) {
	free(r->here.data);
	free(r->ahead.data);
}

int journal_read(struct journal_index *index, const struct journal_now *now, int fd, const atomic_bool *cancelled) {
	struct reader r = {.index = index, .now = now, .fd = fd, .cancelled = cancelled};
	*index = (struct journal_index) {0};
	int ret = open_windows(&r);
	ret = ret < 0 ? ret : read_records(&r);
	close_windows(&r);
	return ret;
}

int journal_read_top(struct journal_top *top, int fd, const atomic_bool *cancelled) {
	struct reader r = {.fd = fd, .cancelled = cancelled};
	struct journal_head head;
	const char *payload;
	uint64_t id = 0;
	*top = (struct journal_top) {0};
	int ret = open_windows(&r);
	size_t size = ret < 0 ? 0 : read_first(&r, &id);
	for (uint64_t at = size; size > 0; at += size) {
		size = read_head(&r, &r.here, at, id, &head, &payload);
		if (size > 0 && head.kind == JOURNAL_RUN) {
			read_top(&head, payload, top);
		}
	}
	close_windows(&r);
	return ret < 0 ? ret : r.err;
}
