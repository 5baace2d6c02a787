// SPDX-License-Identifier: MIT
/**
 * ring [OPTION...] DIRECTORY: how fast the engine alone moves pairs, and how long each takes.
 *
 *     --size=SIZE       of the file that is copied, within DIRECTORY (256M)
 *     --chunk=SIZE,...  bytes of a pair (4K,64K,256K,1M)
 *     --depth=N,...     pairs in flight for each thread (1,4,16,32)
 *     --threads=N       (as many as processors)
 *     --rounds=N        copies for each setting; the fastest is told (5)
 *     --engine=NAME     uring, sync or both (both)
 *     --json            one object a line instead of a table
 *
 * The source is in memory: it is read before. The destination is new each time. A pair's time is from handing it to
 * the ring to taking its event. Threads take chunks one after the other from one cursor.
 */

#include "base/clock.h"
#include "base/random.h"
#include "base/size.h"
#include "engine/ring.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MOST 16
#define EVENTS 64

/** What to try. */
struct plan {
	uint64_t size;
	uint64_t chunks[MOST];
	unsigned chunk_count;
	uint64_t depths[MOST];
	unsigned depth_count;
	unsigned threads;
	unsigned rounds;
	bool uring;
	bool sync;
	bool json;
};

/** One setting, and what its threads share. */
struct trial {
	struct ring_params params;
	uint64_t size;
	int src;
	int dst;
	_Atomic uint64_t cursor;
	/** Seconds of each pair. */
	float *times;
	_Atomic size_t count;
	_Atomic int err;
};

/** A pair on its way. */
struct flight {
	uint64_t off;
	uint32_t len;
	double start;
};

/** What came out. */
struct outcome {
	double seconds;
	size_t count;
	double p50, p90, p99, p999, most;
};

static void die(const char *what, int err) {
	fprintf(stderr, "ring: %s: %s\n", what, strerror(err < 0 ? -err : err));
	exit(1);
}

/** Start pairs in all free slots. Returns how many are in flight then. */
static unsigned fill(struct trial *trial, struct ring *ring, struct ring_file src, struct ring_file dst,
	struct flight *flights, unsigned *free_slots, unsigned free_count)
{
	while (free_count > 0) {
		uint64_t off = atomic_fetch_add(&trial->cursor, trial->params.chunk_size);
		if (off >= trial->size) {
			break;
		}
		unsigned slot = free_slots[--free_count];
		uint32_t len = (uint32_t)min(trial->size - off, (uint64_t)trial->params.chunk_size);
		flights[slot] = (struct flight) {.off = off, .len = len, .start = now()};
		ring_pair(ring, slot, src, dst, off, len);
	}
	return free_count;
}

static void move(struct trial *trial, struct ring *ring, struct flight *flights, unsigned *free_slots) {
	struct ring_event events[EVENTS];
	unsigned depth = trial->params.depth;
	unsigned free_count = depth;
	struct ring_file src = ring_register_file(ring, trial->src);
	struct ring_file dst = ring_register_file(ring, trial->dst);
	for (unsigned i = 0; i < depth; ++i) {
		free_slots[i] = depth - 1 - i;
	}
	for (;;) {
		free_count = fill(trial, ring, src, dst, flights, free_slots, free_count);
		if (free_count == depth) {
			break;
		}
		int count = ring_wait(ring, events, EVENTS, true);
		if (count < 0) {
			atomic_store(&trial->err, count);
			break;
		}
		double end = now();
		for (int i = 0; i < count; ++i) {
			const struct flight *flight = &flights[events[i].slot];
			if (events[i].res != (int)flight->len) {
				atomic_store(&trial->err, events[i].res < 0 ? events[i].res : -EIO);
			}
			trial->times[atomic_fetch_add(&trial->count, 1)] = (float)(end - flight->start);
			free_slots[free_count++] = events[i].slot;
		}
	}
	ring_unregister_file(ring, src);
	ring_unregister_file(ring, dst);
}

static void *work(void *arg) {
	struct trial *trial = (struct trial *)arg;
	struct ring *ring = NULL;
	int err = ring_open(&ring, &trial->params);
	struct flight *flights = calloc(trial->params.depth, sizeof(*flights));
	unsigned *free_slots = calloc(trial->params.depth, sizeof(*free_slots));
	if (err < 0 || !flights || !free_slots) {
		atomic_store(&trial->err, err < 0 ? err : -ENOMEM);
	} else {
		move(trial, ring, flights, free_slots);
	}
	ring_close(ring);
	free(flights);
	free(free_slots);
	return NULL;
}

static int by_size(const void *a, const void *b) {
	float x = *(const float *)a;
	float y = *(const float *)b;
	return (x > y) - (x < y);
}

static double at_share(const struct trial *trial, double share) {
	size_t i = (size_t)(share * (double)trial->count);
	return trial->times[min(i, trial->count - 1)];
}

/** Copy the file once. */
static struct outcome run(const struct plan *plan, struct trial *trial) {
	pthread_t threads[256];
	trial->dst = open("ring.dst", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (trial->dst < 0) {
		die("ring.dst", errno);
	}
	atomic_store(&trial->cursor, 0);
	atomic_store(&trial->count, 0);
	double start = now();
	for (unsigned i = 0; i < plan->threads; ++i) {
		int err = pthread_create(&threads[i], NULL, work, trial);
		if (err != 0) {
			die("thread", err);
		}
	}
	for (unsigned i = 0; i < plan->threads; ++i) {
		pthread_join(threads[i], NULL);
	}
	double seconds = now() - start;
	close(trial->dst);
	unlink("ring.dst");
	if (trial->err != 0) {
		die(trial->params.sync ? "system calls" : "io_uring", trial->err);
	}
	qsort(trial->times, trial->count, sizeof(*trial->times), by_size);
	return (struct outcome) {
		.seconds = seconds,
		.count = trial->count,
		.p50 = at_share(trial, 0.5),
		.p90 = at_share(trial, 0.9),
		.p99 = at_share(trial, 0.99),
		.p999 = at_share(trial, 0.999),
		.most = trial->times[trial->count - 1],
	};
}

static void tell(const struct plan *plan, const struct trial *trial, const struct outcome *best) {
	const char *format = plan->json
		? "{\"engine\": \"%s\", \"chunk\": %zu, \"depth\": %u, \"threads\": %u, \"pairs_per_s\": %.0f, "
		  "\"mib_per_s\": %.1f, \"us_p50\": %.1f, \"us_p90\": %.1f, \"us_p99\": %.1f, \"us_p999\": %.1f, "
		  "\"us_max\": %.1f}\n"
		: "%-6s %8zu %6u %8u %10.0f %10.1f %9.1f %9.1f %9.1f %9.1f %9.1f\n";
	// clang and gcc check only literals, and this is one of two
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	printf(format, trial->params.sync ? "sync" : "uring", trial->params.chunk_size, trial->params.depth, plan->threads,
		(double)best->count / best->seconds, (double)trial->size / best->seconds / (1 << 20), best->p50 * 1e6,
		best->p90 * 1e6, best->p99 * 1e6, best->p999 * 1e6, best->most * 1e6);
#pragma GCC diagnostic pop
	fflush(stdout);
}

static void try(const struct plan *plan, int src, size_t chunk, unsigned depth, bool sync) {
	struct trial trial = {
		.params = {.depth = depth, .chunk_size = chunk, .sync = sync, .seed = 1},
		.size = plan->size,
		.src = src,
		.times = calloc(plan->size / chunk + 1, sizeof(float)),
	};
	struct outcome best = {0};
	if (!trial.times) {
		die("memory", ENOMEM);
	}
	for (unsigned i = 0; i < plan->rounds; ++i) {
		struct outcome outcome = run(plan, &trial);
		if (i == 0 || outcome.seconds < best.seconds) {
			best = outcome;
		}
	}
	tell(plan, &trial, &best);
	free(trial.times);
}

/** A file that is in memory, without a name. */
static int make_source(uint64_t size) {
	static char block[1 << 20];
	int fd = open("ring.src", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	uint64_t state = 1;
	if (fd < 0 || unlink("ring.src") != 0) {
		die("ring.src", errno);
	}
	for (uint64_t off = 0; off < size; off += sizeof(block)) {
		for (size_t i = 0; i < sizeof(block); i += sizeof(state)) {
			uint64_t random = random_next(&state);
			memcpy(block + i, &random, sizeof(random));
		}
		if (pwrite(fd, block, min(size - off, sizeof(block)), (off_t)off) < 0) {
			die("ring.src", errno);
		}
	}
	fsync(fd);
	for (uint64_t off = 0; off < size; off += sizeof(block)) {
		if (pread(fd, block, sizeof(block), (off_t)off) < 0) {
			die("ring.src", errno);
		}
	}
	return fd;
}

static bool parse_list(const char *text, uint64_t *list, unsigned *count) {
	char *copy = strdup(text);
	char *rest = copy;
	bool ok = copy;
	*count = 0;
	for (char *word; ok && (word = strsep(&rest, ","));) {
		ok = *count < MOST && parse_size(word, SIZE_WHOLE, &list[*count]) == 0 && list[*count] > 0
			&& list[*count] <= 1u << 30;
		++*count;
	}
	free(copy);
	return ok;
}

static bool parse_one(const char *text, uint64_t most, unsigned *number) {
	uint64_t list[MOST];
	unsigned count;
	bool ok = parse_list(text, list, &count) && count == 1 && list[0] <= most;
	*number = ok ? (unsigned)list[0] : 0;
	return ok;
}

static bool parse_option(struct plan *plan, int letter, const char *value) {
	switch (letter) {
	case 's':
		return parse_size(value, SIZE_WHOLE, &plan->size) == 0 && plan->size > 0;
	case 'c':
		return parse_list(value, plan->chunks, &plan->chunk_count);
	case 'd':
		return parse_list(value, plan->depths, &plan->depth_count);
	case 't':
		return parse_one(value, 256, &plan->threads);
	case 'r':
		return parse_one(value, 1000, &plan->rounds);
	case 'e':
		plan->uring = strcmp(value, "sync") != 0;
		plan->sync = strcmp(value, "uring") != 0;
		return !plan->uring || !plan->sync || strcmp(value, "both") == 0;
	case 'j':
		plan->json = true;
		return true;
	default:
		return false;
	}
}

static bool parse(struct plan *plan, int argc, char **argv) {
	static const struct option known[] = {
		{"size", required_argument, NULL, 's'},
		{"chunk", required_argument, NULL, 'c'},
		{"depth", required_argument, NULL, 'd'},
		{"threads", required_argument, NULL, 't'},
		{"rounds", required_argument, NULL, 'r'},
		{"engine", required_argument, NULL, 'e'},
		{"json", no_argument, NULL, 'j'},
		{0},
	};
	for (int letter; (letter = getopt_long(argc, argv, "", known, NULL)) != -1;) {
		if (!parse_option(plan, letter, optarg)) {
			return false;
		}
	}
	return argc - optind == 1;
}

int main(int argc, char **argv) {
	struct plan plan = {
		.size = 256u << 20,
		.chunks = {4 << 10, 64 << 10, 256 << 10, 1 << 20},
		.chunk_count = 4,
		.depths = {1, 4, 16, 32},
		.depth_count = 4,
		.threads = (unsigned)sysconf(_SC_NPROCESSORS_ONLN),
		.rounds = 5,
		.uring = true,
		.sync = true,
	};
	if (!parse(&plan, argc, argv)) {
		fprintf(stderr, "usage: ring [--size=SIZE] [--chunk=SIZE,...] [--depth=N,...] [--threads=N] [--rounds=N]\n"
				"            [--engine=uring|sync|both] [--json] DIRECTORY\n");
		return 2;
	}
	if (chdir(argv[optind]) != 0) {
		die(argv[optind], errno);
	}
	int src = make_source(plan.size);
	if (!plan.json) {
		printf("%-6s %8s %6s %8s %10s %10s %9s %9s %9s %9s %9s\n", "engine", "chunk", "depth", "threads", "pairs/s",
			"MiB/s", "p50 us", "p90 us", "p99 us", "p99.9 us", "max us");
	}
	for (unsigned sync = 0; sync < 2; ++sync) {
		// Without rings there is nothing in flight
		unsigned depths = sync ? 1 : plan.depth_count;
		for (unsigned i = 0; (sync ? plan.sync : plan.uring) && i < plan.chunk_count; ++i) {
			for (unsigned j = 0; j < depths; ++j) {
				try(&plan, src, plan.chunks[i], sync ? 1 : (unsigned)plan.depths[j], sync);
			}
		}
	}
	close(src);
	return 0;
}
