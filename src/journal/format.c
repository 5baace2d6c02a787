#include "journal/journal-impl.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

/** Bytes of a journal that are in memory at a time: more than a record can have. */
#define WINDOW (1u << 20)

/** Bytes of a record of a finished file. */
#define FINISHED_BYTES (sizeof(struct journal_head) + sizeof(struct journal_finished))

/** A part of a journal in memory. */
struct window {
	char *data;
	uint64_t start;
	size_t len;
};

/** Where reading has got to. */
struct reader {
	struct journal_index *index;
	const struct journal_now *now;
	/** What the windows are filled from; -1: all of it is in them. */
	int fd;
	/** Set if nobody waits any more; or NULL. */
	const atomic_bool *cancelled;
	/** For the record that is read, and for looking ahead of it. */
	struct window here;
	struct window ahead;
	/** Where the journal ends. */
	uint64_t end;
	/** The first -errno of reading. */
	int err;
	/** The part last begun or written to. */
	struct journal_part *part;
	/** The run that is being read, whether it was of this boot, and up to where its records are on the medium. */
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

/** Give a part a number; who had it before is not found by it any more. Returns whether there was memory. */
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
	const struct journal_source *src)
{
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

/** Bytes of the journal, if there are so many at an offset; else NULL. They stay until the window is asked for others. */
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
	// Not mapped: errors of reading are to be told, and not to be died of
	for (ssize_t n = 1; n != 0 && w->len < WINDOW;) {
		n = pread(r->fd, w->data + w->len, WINDOW - w->len, (off_t)(at + w->len));
		if (n < 0 && errno != EINTR) {
			r->err = -errno;
			return NULL;
		}
		w->len += n > 0 ? (size_t)n : 0;
	}
	return count <= w->len ? w->data : NULL;
}

/**
 * Read the head of the record at an offset.
 *
 * @param payload  Set to what the record holds.
 * @return The bytes the record takes, 0 if it makes no sense.
 */
static size_t read_head(struct reader *r, struct window *w, uint64_t at, uint64_t seed, struct journal_head *head,
	const char **payload)
{
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

/** Read what a record holds, if it is as long as it must be. */
static bool read_payload(const struct journal_head *head, const char *payload, void *to, size_t size) {
	if (head->len < size) {
		return false;
	}
	memcpy(to, payload, size);
	return true;
}

/** Read what a run is of. */
static void read_top(const struct journal_head *head, const char *payload, struct journal_top *top) {
	struct journal_run run;
	*top = read_payload(head, payload, &run, sizeof(run)) ? run.top : (struct journal_top) {0};
}

/** A run begins: find out which of its records are to be believed. */
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

/** Whether what a record tells of is there, on a device. */
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
		// Of a later version, perhaps
		return 0;
	}
}

static void order_ranges(const void *node, VISIT visit, void *arg) {
	(void)arg;
	if (visit == postorder || visit == leaf) {
		journal_ranges_order(&(*(struct journal_part *const *)node)->done);
	}
}

/** Read the first record, which has the journal's number. Returns its bytes, or 0. */
static size_t read_first(struct reader *r, uint64_t *id) {
	struct journal_head head;
	struct journal_first first;
	const char *payload;
	size_t size = read_head(r, &r->here, 0, 0, &head, &payload);
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

/** Have windows to read a file through. Returns 0 or -errno. */
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
