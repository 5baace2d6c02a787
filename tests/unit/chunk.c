// SPDX-License-Identifier: MIT
/**
 * pair.c: every way a chunk can go, against a model that moves real bytes.
 *
 * The model is a kernel: at each request it may answer in any way a kernel could, and all its choices are tried by
 * running each path from the start with another list of choices. The source is a few bytes long and may change its
 * length at any moment; the buffer is poisoned before each read, and knows for each byte from where it was read.
 */

#include "unit.h"

#include "engine/chunk.h"

#include <errno.h>
#include <stdlib.h>

#define SOURCE_MAX 10
#define CHUNK_MAX 6

/** In the buffer where nothing was read, and in the destination where nothing was written. */
#define POISON 0xee
#define UNTOUCHED 0xdd

/** The thread sanitizer is slow, and has nothing to find here: shorter chunks will do for it. */
#ifdef __SANITIZE_THREAD__
#define LESS 1u
#else
#define LESS 0u
#endif

_Static_assert(CHUNK_TRIES <= UINT8_MAX, "pair::tries must hold it");

// --- Choices

/** The choices of a path: which alternative, of how many. */
static struct {
	unsigned char taken[1024];
	unsigned char of[1024];
	unsigned count;
	unsigned at;
} path;

/** Choose one of N alternatives: as the path says, or the first where it is new. */
static unsigned choose(unsigned n) {
	if (path.at == path.count) {
		if (path.count == countof(path.taken)) {
			abort();
		}
		path.taken[path.count] = 0;
		path.of[path.count++] = (unsigned char)n;
	}
	return path.taken[path.at++];
}

/** Go to the next path. Returns false when all were tried. */
static bool next_path(void) {
	path.at = 0;
	while (path.count > 0 && path.taken[path.count - 1] + 1 == path.of[path.count - 1]) {
		--path.count;
	}
	if (path.count == 0) {
		return false;
	}
	++path.taken[path.count - 1];
	return true;
}

// --- The model

/** What a family of paths has in common. */
struct family {
	unsigned source_len;
	unsigned off;
	unsigned len;
	enum chunk_flags flags;
	/** Which bytes of the source are zeros, as bits. */
	unsigned zeros;
	/** Interruptions, and changes of the source's length, in a path. */
	unsigned interrupts;
	unsigned changes;
};

/** Requests that interrupt. */
static const int interruptions[] = {-EINTR, -EAGAIN, -ECANCELED};

static struct {
	const struct family *family;
	unsigned interrupts_left;
	unsigned changes_left;
	unsigned version;

	unsigned char source[SOURCE_MAX];
	unsigned source_len;

	unsigned char buffer[CHUNK_MAX];
	/** The source's offset of each byte of the buffer, or -1. */
	int from[CHUNK_MAX];

	unsigned char dst[SOURCE_MAX + CHUNK_MAX];
	/** What was last read for each offset. */
	unsigned char seen[SOURCE_MAX + CHUNK_MAX];
	/** How often each byte was written, or passed over. */
	unsigned char written[SOURCE_MAX + CHUNK_MAX];
	unsigned char passed[SOURCE_MAX + CHUNK_MAX];
	unsigned written_count;
	/** Up to where inspect() said that bytes are to be written. */
	uint64_t wanted;

	/** The last request and its result. */
	enum chunk_op op;
	int res;
} m;

/** Give the source another length; bytes it grows by are new. */
static void resize(unsigned len) {
	++m.version;
	for (unsigned i = m.source_len; i < len; ++i) {
		bool zero = m.family->zeros >> i & 1;
		m.source[i] = zero ? 0 : (unsigned char)(1 + i + m.version * SOURCE_MAX);
	}
	m.source_len = len;
}

static void model_init(const struct family *family) {
	memset(&m, 0, sizeof(m));
	m.family = family;
	m.interrupts_left = family->interrupts;
	m.changes_left = family->changes;
	memset(m.dst, UNTOUCHED, sizeof(m.dst));
	memset(m.buffer, POISON, sizeof(m.buffer));
	memset(m.from, -1, sizeof(m.from));
	resize(family->source_len);
}

/** Between two requests the source may become any other length. */
static void maybe_change(void) {
	if (m.changes_left == 0) {
		return;
	}
	unsigned len = choose(SOURCE_MAX + 1);
	// The first alternative is that nothing happens
	len = (m.source_len + len) % (SOURCE_MAX + 1);
	if (len != m.source_len) {
		--m.changes_left;
		resize(len);
	}
}

/** Choose among GOOD results 1…GOOD, the most first, and all that is not good; ZERO tells whether 0 is possible. */
static int choose_result(unsigned good, bool zero, int err) {
	unsigned interrupts = m.interrupts_left > 0 ? countof(interruptions) : 0;
	unsigned choice = choose(good + zero + 1 + interrupts);
	if (choice < good) {
		return (int)(good - choice);
	}
	choice -= good;
	if (zero && choice == 0) {
		return 0;
	}
	choice -= zero;
	if (choice == 0) {
		return err;
	}
	--m.interrupts_left;
	return interruptions[choice - 1];
}

/** The kernel reads. */
static int model_read(uint64_t off, uint32_t len) {
	REQUIRE(len >= 1 && len <= CHUNK_MAX);
	REQUIRE(off >= m.family->off && off + len <= m.family->off + m.family->len);
	memset(m.buffer, POISON, sizeof(m.buffer));
	memset(m.from, -1, sizeof(m.from));
	maybe_change();

	unsigned there = off < m.source_len ? min(len, m.source_len - (unsigned)off) : 0;
	int n = choose_result(there, there == 0, -EIO);
	for (int i = 0; i < n; ++i) {
		m.buffer[i] = m.source[off + (unsigned)i];
		m.from[i] = (int)off + i;
		m.seen[off + (unsigned)i] = m.source[off + (unsigned)i];
	}
	return n;
}

/** The kernel writes bytes of the buffer from AT on. */
static int model_write(uint64_t off, uint32_t at, uint32_t len) {
	REQUIRE(len >= 1 && at + len <= CHUNK_MAX);
	REQUIRE(off >= m.family->off && off + len <= m.family->off + m.family->len);
	for (unsigned i = 0; i < len; ++i) {
		// Even what is not written this time must be right: the kernel could have written it
		CHECK_EQ(m.from[at + i], off + i);
	}
	int n = choose_result(len, true, -ENOSPC);
	for (int i = 0; i < n; ++i) {
		m.dst[off + (unsigned)i] = m.buffer[at + (unsigned)i];
		++m.written[off + (unsigned)i];
		++m.written_count;
	}
	return n;
}

/** A linked pair: a write follows a read that was full, and only then. */
static void model_pair(uint64_t off, uint32_t len) {
	m.op = CHUNK_OP_READ;
	m.res = model_read(off, len);
	if (m.res == (int)len) {
		m.op = CHUNK_OP_WRITE;
		m.res = model_write(off, 0, len);
	}
}

/** Look for zeros, and find some of those there are. */
static enum chunk_next inspect(struct chunk *chunk) {
	REQUIRE(chunk->put < chunk->got && chunk->got <= CHUNK_MAX);
	unsigned have = chunk->got - chunk->put;
	unsigned zeros = 0;
	while (zeros < have && m.buffer[chunk->put + zeros] == 0 && m.from[chunk->put + zeros] >= 0) {
		++zeros;
	}
	unsigned skip = choose(zeros + 1);
	// Passing over nothing and writing nothing is not allowed
	unsigned least = skip == 0;
	unsigned run = least + choose(have - skip - least + 1);
	m.wanted = chunk->off + chunk->put + skip + run;
	for (unsigned i = 0; i < skip; ++i) {
		CHECK_EQ(m.from[chunk->put + i], chunk->off + chunk->put + i);
		++m.passed[chunk->off + chunk->put + i];
	}
	return chunk_cut(chunk, skip, run);
}

// --- What must hold

/** Exactly the bytes before END are dealt with, each once and right. */
static void check_dealt_with(uint64_t end) {
	for (unsigned i = 0; i < sizeof(m.dst); ++i) {
		bool inside = i >= m.family->off && i < end;
		CHECK_EQ(m.written[i] + m.passed[i], inside);
		if (m.written[i]) {
			CHECK_EQ(m.dst[i], m.seen[i]);
		} else {
			CHECK_EQ(m.dst[i], UNTOUCHED);
		}
		if (m.passed[i]) {
			CHECK_EQ(m.seen[i], 0);
		}
	}
}

static void check_end(const struct chunk *chunk, enum chunk_next next) {
	unsigned end = m.family->off + m.family->len;
	switch (next) {
	case CHUNK_DONE:
		check_dealt_with(end);
		break;
	case CHUNK_END:
		CHECK_EQ(m.op, CHUNK_OP_READ);
		CHECK_EQ(m.res, 0);
		CHECK(chunk->off < end);
		check_dealt_with(chunk->off);
		break;
	case CHUNK_READ_FAILED:
		CHECK_EQ(m.op, CHUNK_OP_READ);
		CHECK_EQ(chunk->err, -m.res);
		CHECK(chunk->off + chunk->put < end);
		break;
	case CHUNK_WRITE_FAILED:
		CHECK_EQ(m.op, CHUNK_OP_WRITE);
		CHECK_EQ(chunk->err, m.res == 0 ? EIO : -m.res);
		CHECK(chunk->off + chunk->put < end);
		break;
	default:
		CHECK_MSG(false, "ended with %d", (int)next);
	}
	CHECK_EQ(chunk->written, m.written_count);
}

/** Walk one path. */
static void walk(const struct family *family) {
	struct chunk chunk;
	model_init(family);
	enum chunk_next next = chunk_start(&chunk, family->off, family->len, family->flags);
	unsigned steps = 0;

	for (; next <= CHUNK_INSPECT; ++steps) {
		REQUIRE(steps < 4 * CHUNK_MAX + family->interrupts);
		if (next == CHUNK_INSPECT) {
			next = inspect(&chunk);
		} else {
			if (next == CHUNK_SUBMIT) {
				CHECK(family->flags == 0);
				model_pair(chunk.off, chunk.len);
			} else if (next == CHUNK_READ) {
				m.op = CHUNK_OP_READ;
				m.res = model_read(chunk.off, chunk.len);
			} else {
				m.op = CHUNK_OP_WRITE;
				REQUIRE(chunk.put < chunk.cut && chunk.cut <= chunk.got);
				CHECK(!(family->flags & CHUNK_LOOK) || chunk.off + chunk.cut == m.wanted);
				m.res = model_write(chunk.off + chunk.put, chunk.put, chunk.cut - chunk.put);
			}
			next = chunk_step(&chunk, m.op, m.res);
		}
		// Whoever gives up in between must know how far it is
		check_dealt_with(chunk.off + chunk.put);
	}
	check_end(&chunk, next);
}

/** Walk all paths of a family. Returns how many there are. */
static uint64_t explore(const struct family *family) {
	uint64_t count = 0;
	path.count = path.at = 0;
	do {
		walk(family);
		++count;
		if (atomic_load(&unit_failures) > 0) {
			printf("# source %u, chunk %u+%u, flags %u, zeros 0x%x, choices", family->source_len,
				family->off, family->len, (unsigned)family->flags, family->zeros);
			for (unsigned i = 0; i < path.at; ++i) {
				printf(" %u/%u", path.taken[i], path.of[i]);
			}
			printf("\n");
			return count;
		}
	} while (next_path());
	return count;
}

/** All lengths of source and chunk; the source is shorter than, as long as, or longer than the chunk's end. */
static uint64_t explore_lengths(struct family family, unsigned max_len) {
	uint64_t count = 0;
	for (family.off = 0; family.off <= 2; family.off += 2) {
		for (family.len = 1; family.len <= max_len - LESS; ++family.len) {
			unsigned end = family.off + family.len;
			for (family.source_len = 0; family.source_len <= end + 1; ++family.source_len) {
				count += explore(&family);
				if (atomic_load(&unit_failures) > 0) {
					return count;
				}
			}
		}
	}
	return count;
}

static void check_count(uint64_t count, uint64_t least) {
	printf("# %" PRIu64 " paths\n", count);
	CHECK(LESS || count > least);
}

// --- Tests

TEST(linked_pairs) {
	uint64_t count = explore_lengths((struct family) {.interrupts = 1}, CHUNK_MAX);
	check_count(count, 40000);
}

TEST(linked_pairs_interrupted_more_than_once) {
	uint64_t count = explore_lengths((struct family) {.interrupts = 3}, 4);
	check_count(count, 100000);
}

TEST(linked_pairs_while_the_source_changes) {
	uint64_t count = explore_lengths((struct family) {.changes = 1}, 5);
	count += explore_lengths((struct family) {.changes = 2, .interrupts = 1}, 3);
	check_count(count, 100000);
}

TEST(chunks_read_and_written_apart) {
	uint64_t count = explore_lengths((struct family) {.flags = CHUNK_APART}, 4);
	count += explore_lengths((struct family) {.flags = CHUNK_APART, .interrupts = 2}, 3);
	count += explore_lengths((struct family) {.flags = CHUNK_APART, .changes = 1}, 4);
	check_count(count, 5000);
}

TEST(inspected_chunks) {
	uint64_t count = 0;
	for (unsigned zeros = 0; zeros < 1 << 4; ++zeros) {
		count += explore_lengths((struct family) {.flags = CHUNK_LOOK, .zeros = zeros}, 4);
	}
	check_count(count, 40000);
}

TEST(inspected_chunks_interrupted) {
	static const unsigned patterns[] = {0, 0x15, ~0u};
	uint64_t count = 0;
	for (unsigned i = 0; i < countof(patterns); ++i) {
		struct family family = {.flags = CHUNK_LOOK, .zeros = patterns[i], .interrupts = 2};
		count += explore_lengths(family, 3);
	}
	check_count(count, 40000);
}

TEST(inspected_chunks_while_the_source_changes) {
	static const unsigned patterns[] = {0, 0x2a, ~0u};
	uint64_t count = 0;
	for (unsigned i = 0; i < countof(patterns); ++i) {
		struct family family = {.flags = CHUNK_LOOK, .zeros = patterns[i], .changes = 1};
		count += explore_lengths(family, 4);
	}
	check_count(count, 40000);
}

/** Interrupt one request until it is given up. Returns how often that took. */
static int give_up_after(struct chunk *chunk, enum chunk_op op, int res, enum chunk_next again, enum chunk_next failed) {
	for (int n = 1; n <= 2 * CHUNK_TRIES; ++n) {
		enum chunk_next next = chunk_step(chunk, op, res);
		if (next != again) {
			CHECK_EQ(next, failed);
			CHECK_EQ(chunk->err, -res);
			return n;
		}
	}
	CHECK_MSG(false, "goes on for ever");
	return 0;
}

TEST(a_request_is_not_tried_for_ever) {
	for (unsigned i = 0; i < countof(interruptions); ++i) {
		int res = interruptions[i];
		struct chunk chunk;

		chunk_start(&chunk, 0, 4, 0);
		CHECK_EQ(give_up_after(&chunk, CHUNK_OP_READ, res, CHUNK_SUBMIT, CHUNK_READ_FAILED), CHUNK_TRIES);
		chunk_start(&chunk, 0, 4, CHUNK_LOOK);
		CHECK_EQ(give_up_after(&chunk, CHUNK_OP_READ, res, CHUNK_READ, CHUNK_READ_FAILED), CHUNK_TRIES);
		chunk_start(&chunk, 0, 4, 0);
		CHECK_EQ(give_up_after(&chunk, CHUNK_OP_WRITE, res, CHUNK_WRITE, CHUNK_WRITE_FAILED), CHUNK_TRIES);
		CHECK_EQ(chunk.put, 0);
		chunk_start(&chunk, 0, 4, 0);
		CHECK_EQ(chunk_step(&chunk, CHUNK_OP_READ, 2), CHUNK_WRITE);
		CHECK_EQ(give_up_after(&chunk, CHUNK_OP_WRITE, res, CHUNK_WRITE, CHUNK_WRITE_FAILED), CHUNK_TRIES);
	}
}

TEST(progress_gives_patience_back) {
	struct chunk chunk;
	chunk_start(&chunk, 100, 8, 0);
	for (unsigned done = 0; done < 4; ++done) {
		for (int i = 1; i < CHUNK_TRIES; ++i) {
			REQUIRE(chunk_step(&chunk, CHUNK_OP_READ, -EINTR) == CHUNK_SUBMIT);
		}
		REQUIRE(chunk_step(&chunk, CHUNK_OP_READ, 2) == CHUNK_WRITE);
		for (unsigned byte = 0; byte < 2; ++byte) {
			for (int i = 1; i < CHUNK_TRIES; ++i) {
				REQUIRE(chunk_step(&chunk, CHUNK_OP_WRITE, -EAGAIN) == CHUNK_WRITE);
			}
			bool last = done == 3 && byte == 1;
			enum chunk_next next = chunk_step(&chunk, CHUNK_OP_WRITE, 1);
			REQUIRE(next == (byte == 0 ? CHUNK_WRITE : last ? CHUNK_DONE : CHUNK_SUBMIT));
		}
	}
	CHECK_EQ(chunk.written, 8);
}

TEST(results_larger_than_asked_for_are_errors) {
	struct chunk chunk;
	chunk_start(&chunk, 0, 4, CHUNK_LOOK);
	CHECK_EQ(chunk_step(&chunk, CHUNK_OP_READ, 5), CHUNK_READ_FAILED);
	CHECK_EQ(chunk.err, EIO);
	chunk_start(&chunk, 0, 4, 0);
	CHECK_EQ(chunk_step(&chunk, CHUNK_OP_WRITE, 5), CHUNK_WRITE_FAILED);
	CHECK_EQ(chunk.err, EIO);
	chunk_start(&chunk, 0, 4, 0);
	CHECK_EQ(chunk_step(&chunk, CHUNK_OP_READ, 2), CHUNK_WRITE);
	CHECK_EQ(chunk_step(&chunk, CHUNK_OP_WRITE, 3), CHUNK_WRITE_FAILED);
	CHECK_EQ(chunk.err, EIO);
}

TEST(offsets_and_lengths_of_any_size) {
	static const uint64_t offs[] = {0, UINT32_MAX, (uint64_t)UINT32_MAX + 1, (uint64_t)INT64_MAX - INT32_MAX};
	for (unsigned i = 0; i < countof(offs); ++i) {
		struct chunk chunk;
		uint32_t len = INT32_MAX;
		CHECK_EQ(chunk_start(&chunk, offs[i], len, 0), CHUNK_SUBMIT);
		CHECK_EQ(chunk_step(&chunk, CHUNK_OP_READ, 1), CHUNK_WRITE);
		CHECK_EQ(chunk_step(&chunk, CHUNK_OP_WRITE, 1), CHUNK_SUBMIT);
		CHECK_EQ(chunk.off, offs[i] + 1);
		CHECK_EQ(chunk.len, len - 1);
		CHECK_EQ(chunk_step(&chunk, CHUNK_OP_WRITE, INT32_MAX - 2), CHUNK_WRITE);
		CHECK_EQ(chunk.put, len - 2);
		CHECK_EQ(chunk_step(&chunk, CHUNK_OP_WRITE, 1), CHUNK_DONE);
		CHECK_EQ(chunk.written, len);
	}
}

UNIT_MAIN
