#include "journal-impl.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

/** Where reading has got to. */
struct reader {
	struct journal_index *index;
	const struct journal_now *now;
	const char *data;
	size_t len;
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

static int by_copy(const void *a, const void *b) {
	const struct journal_copy *x = &((const struct journal_finished *)a)->copy;
	const struct journal_copy *y = &((const struct journal_finished *)b)->copy;
	int dev = (x->dev > y->dev) - (x->dev < y->dev);
	return dev != 0 ? dev : (x->ino > y->ino) - (x->ino < y->ino);
}

static int by_path(const void *a, const void *b) {
	return strcmp(((const struct journal_part *)a)->path, ((const struct journal_part *)b)->path);
}

struct journal_part *journal_find_part(const struct journal_index *index, const char *path) {
	const struct journal_part key = {.path = (char *)path};
	struct journal_part *const *found = tfind(&key, &index->parts, by_path);
	return found ? *found : NULL;
}

const struct journal_finished *journal_find_finished(const struct journal_index *index, uint64_t dev, uint64_t ino) {
	const struct journal_finished key = {.copy = {.dev = dev, .ino = ino}};
	struct journal_finished *const *found = tfind(&key, &index->finished, by_copy);
	return found ? *found : NULL;
}

static void free_part(void *item) {
	struct journal_part *part = item;
	free(part->done.list);
	free(part->news.list);
	free(part->path);
	free(part);
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
	part->id = id;
	part->src = *src;
	part->ino = 0;
	part->done.count = part->news.count = 0;
	index->last_part = max(index->last_part, id);
	return part;
}

static int add_finished(struct journal_index *index, const struct journal_finished *finished) {
	struct journal_finished *mine = malloc(sizeof(*mine));
	if (!mine) {
		return -ENOMEM;
	}
	*mine = *finished;
	struct journal_finished **found = tsearch(mine, &index->finished, by_copy);
	if (!found) {
		free(mine);
		return -ENOMEM;
	}
	if (*found != mine) {
		// Of an inode that was used again the last record counts
		**found = *finished;
		free(mine);
	}
	return 0;
}

void journal_index_clear(struct journal_index *index) {
	tdestroy(index->finished, free);
	tdestroy(index->parts, free_part);
	*index = (struct journal_index) {0};
}

int journal_ranges_add(struct journal_ranges *ranges, uint64_t start, uint64_t end) {
	size_t i = 0;
	while (i < ranges->count && ranges->list[i].end < start) {
		++i;
	}
	// All that it touches become one
	size_t next = i;
	while (next < ranges->count && ranges->list[next].start <= end) {
		start = min(start, ranges->list[next].start);
		end = max(end, ranges->list[next].end);
		++next;
	}
	if (next == i && ranges->count == ranges->size) {
		size_t size = ranges->size ? ranges->size * 2 : 8;
		struct journal_range *list = realloc(ranges->list, size * sizeof(*list));
		if (!list) {
			return -ENOMEM;
		}
		ranges->list = list;
		ranges->size = size;
	}
	if (next < ranges->count) {
		memmove(&ranges->list[i + 1], &ranges->list[next], (ranges->count - next) * sizeof(*ranges->list));
	}
	ranges->list[i] = (struct journal_range) {.start = start, .end = end};
	ranges->count = ranges->count - (next - i) + 1;
	return 0;
}

bool journal_ranges_gap(const struct journal_ranges *ranges, uint64_t start, uint64_t end, struct journal_range *gap) {
	for (size_t i = 0; i < ranges->count && start < end; ++i) {
		const struct journal_range *range = &ranges->list[i];
		if (range->end <= start) {
			continue;
		}
		if (range->start > start) {
			*gap = (struct journal_range) {.start = start, .end = min(end, range->start)};
			return true;
		}
		start = range->end;
	}
	*gap = (struct journal_range) {.start = start, .end = end};
	return start < end;
}

/** Read the head of the record at an offset. Returns the bytes the record takes, 0 if it makes no sense. */
static size_t read_head(const struct reader *r, size_t at, uint64_t seed, struct journal_head *head) {
	if (r->len - at < sizeof(*head)) {
		return 0;
	}
	memcpy(head, r->data + at, sizeof(*head));
	if (head->magic != JOURNAL_MAGIC || head->len > r->len - at - sizeof(*head)) {
		return 0;
	}
	return journal_sum(seed, head, r->data + at + sizeof(*head)) == head->sum ? sizeof(*head) + head->len : 0;
}

/** Read what a record holds, if it is as long as it must be. */
static bool read_payload(const struct reader *r, size_t at, const struct journal_head *head, void *to, size_t size) {
	if (head->len < size) {
		return false;
	}
	memcpy(to, r->data + at + sizeof(*head), size);
	return true;
}

/** A run begins: find out which of its records are to be believed. */
static void read_run(struct reader *r, size_t at, const struct journal_head *first) {
	struct journal_head head = *first;
	struct journal_mark mark;
	r->marked = 0;
	r->part = NULL;
	if (!read_payload(r, at, &head, &r->run, sizeof(r->run))) {
		r->run = (struct journal_now) {0};
	}
	r->of_now = memcmp(r->run.boot, r->now->boot, sizeof(r->run.boot)) == 0 && r->run.mount == r->now->mount
		&& r->run.dev == r->now->dev;
	size_t len = sizeof(head) + head.len;
	for (at += len; (len = read_head(r, at, r->index->id, &head)) > 0 && head.kind != JOURNAL_RUN; at += len) {
		if (head.kind == JOURNAL_MARK && read_payload(r, at, &head, &mark, sizeof(mark))) {
			r->marked = max(r->marked, mark.offset);
		}
	}
}

/** Whether what a record tells of is there, on a device. */
static bool is_believed(const struct reader *r, size_t at, uint64_t dev) {
	return r->of_now || (at < r->marked && dev == r->run.dev && dev == r->now->dev);
}

static int read_begun(struct reader *r, size_t at, const struct journal_head *head) {
	struct journal_begun begun;
	char path[JOURNAL_PATH];
	if (!read_payload(r, at, head, &begun, sizeof(begun)) || head->len - sizeof(begun) >= sizeof(path)) {
		return 0;
	}
	size_t len = head->len - sizeof(begun);
	memcpy(path, r->data + at + sizeof(*head) + sizeof(begun), len);
	path[len] = '\0';
	r->part = len > 0 && strlen(path) == len ? journal_add_part(r->index, path, begun.id, &begun.src) : NULL;
	return r->part || len == 0 || strlen(path) != len ? 0 : -ENOMEM;
}

/** What is looked for by find_id(). */
struct wanted {
	uint64_t id;
	struct journal_part *found;
};

static void find_id(const void *node, VISIT visit, void *arg) {
	struct journal_part *part = *(struct journal_part *const *)node;
	struct wanted *wanted = arg;
	if ((visit == postorder || visit == leaf) && part->id == wanted->id) {
		wanted->found = part;
	}
}

static int read_written(struct reader *r, size_t at, const struct journal_head *head) {
	struct journal_written written;
	if (!read_payload(r, at, head, &written, sizeof(written)) || !is_believed(r, at, written.dev)
		|| written.range.start >= written.range.end)
	{
		return 0;
	}
	if (!r->part || r->part->id != written.id) {
		struct wanted wanted = {.id = written.id};
		twalk_r(r->index->parts, find_id, &wanted);
		r->part = wanted.found;
	}
	struct journal_part *part = r->part;
	if (!part || written.range.end > part->src.size) {
		return 0;
	}
	if (part->ino != written.ino) {
		part->ino = written.ino;
		part->done.count = 0;
	}
	return journal_ranges_add(&part->done, written.range.start, written.range.end);
}

static int read_record(struct reader *r, size_t at, const struct journal_head *head) {
	struct journal_finished finished;
	switch (head->kind) {
	case JOURNAL_RUN:
		read_run(r, at, head);
		return 0;
	case JOURNAL_FINISHED:
		if (!read_payload(r, at, head, &finished, sizeof(finished)) || !is_believed(r, at, finished.copy.dev)
			|| r->run.options != r->now->options)
		{
			return 0;
		}
		return add_finished(r->index, &finished);
	case JOURNAL_BEGUN:
		return read_begun(r, at, head);
	case JOURNAL_WRITTEN:
		return read_written(r, at, head);
	default:
		// Of a later version, perhaps
		return 0;
	}
}

int journal_parse(struct journal_index *index, const struct journal_now *now, const void *data, size_t len) {
	struct reader r = {.index = index, .now = now, .data = data, .len = len};
	struct journal_head head;
	struct journal_first first;

	*index = (struct journal_index) {0};
	size_t size = read_head(&r, 0, 0, &head);
	if (size == 0 || head.kind != JOURNAL_FIRST || !read_payload(&r, 0, &head, &first, sizeof(first))) {
		return 0;
	}
	index->id = first.id;
	size_t at = size;
	while ((size = read_head(&r, at, index->id, &head)) > 0) {
		int ret = read_record(&r, at, &head);
		if (ret < 0) {
			return ret;
		}
		at += size;
	}
	index->valid = at;
	return 0;
}
