// SPDX-License-Identifier: MIT
/**
 * floor [-j N] LIST DESTINATION: make what LIST says with nothing read: directories, links, and files of the right size
 * with data from one small buffer. No copier can be faster than the best way of doing that.
 *
 * LIST has records of four strings, each with a NUL behind it: kind, size, path below DESTINATION, and
 *
 *     d   directory
 *     l   symbolic link; where it leads
 *     h   another name of a file; that file's path
 *     f   file; where its data is, "OFFSET+LENGTH OFFSET+LENGTH …", or "" for everywhere
 *
 * A directory comes before what is in it, and files of one directory come in a row. Directories are made first, other
 * names last. Threads take some files of a directory, or a part of a large one.
 */

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/** Bytes written at once: they stay in the second level cache. */
#define BLOCK (256u << 10)
/** Larger files are written by several threads, in parts of this size. */
#define RANGE (32ull << 20)
/** Most files taken at once. */
#define BATCH 64u

/** A record of the list. */
struct record {
	char kind;
	uint64_t size;
	const char *path;
	const char *more;
};

/** Something for a thread to do: records of one directory, or a part of one record. */
struct piece {
	const struct record *records;
	unsigned count;
	uint64_t start;
	uint64_t end;
};

/** What the threads share. */
struct floor {
	struct record *records;
	size_t record_count;
	struct piece *pieces;
	size_t piece_count;
	_Atomic size_t next;
	const char *buffer;
};

static void die(const char *what) {
	perror(what);
	exit(1);
}

static void *grow(void *array, size_t count, size_t size) {
	if ((count & (count - 1)) != 0) {
		return array;
	}
	array = realloc(array, size * (count ? 2 * count : 1));
	if (!array) {
		die("floor");
	}
	return array;
}

static const char *next_string(const char **at) {
	const char *string = *at;
	*at += strlen(string) + 1;
	return string;
}

static void read_list(struct floor *floor, const char *path) {
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) != 0) {
		die(path);
	}
	size_t size = (size_t)st.st_size;
	const char *at = size ? mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0) : "";
	if (at == MAP_FAILED) {
		die(path);
	}
	close(fd);
	for (const char *end = at + size; at < end;) {
		floor->records = grow(floor->records, floor->record_count, sizeof(*floor->records));
		struct record *record = &floor->records[floor->record_count++];
		record->kind = *next_string(&at);
		record->size = strtoull(next_string(&at), NULL, 10);
		record->path = next_string(&at);
		record->more = next_string(&at);
	}
}

static size_t directory_length(const char *path) {
	const char *slash = strrchr(path, '/');
	return slash ? (size_t)(slash - path) : 0;
}

static bool same_directory(const char *a, const char *b) {
	size_t len = directory_length(a);
	return len == directory_length(b) && memcmp(a, b, len) == 0;
}

static struct piece *add_piece(struct floor *floor, const struct record *record) {
	floor->pieces = grow(floor->pieces, floor->piece_count, sizeof(*floor->pieces));
	struct piece *piece = &floor->pieces[floor->piece_count++];
	*piece = (struct piece) {.records = record, .count = 1, .end = UINT64_MAX};
	return piece;
}

static void cut_pieces(struct floor *floor) {
	struct piece *last = NULL;
	for (size_t i = 0; i < floor->record_count; ++i) {
		const struct record *record = &floor->records[i];
		bool together = last && record == last->records + last->count && last->count < BATCH;
		if (record->kind == 'd' || record->kind == 'h') {
			last = NULL;
		} else if (record->kind == 'f' && record->size > RANGE) {
			for (uint64_t start = 0; start < record->size; start += RANGE) {
				struct piece *piece = add_piece(floor, record);
				piece->start = start;
				piece->end = start + RANGE;
			}
			last = NULL;
		} else if (together && same_directory(record->path, last->records->path)) {
			++last->count;
		} else {
			last = add_piece(floor, record);
		}
	}
}

static void write_data(const struct floor *floor, int fd, uint64_t start, uint64_t end) {
	while (start < end) {
		ssize_t n = pwrite(fd, floor->buffer, (size_t)min(end - start, BLOCK), (off_t)start);
		if (n <= 0) {
			die("floor: write");
		}
		start += (uint64_t)n;
	}
}

static void write_extents(const struct floor *floor, int fd, const struct record *record, const struct piece *piece) {
	for (const char *at = record->more; *at;) {
		char *end;
		uint64_t off = strtoull(at, &end, 10);
		uint64_t len = strtoull(end + 1, &end, 10);
		write_data(floor, fd, max(off, piece->start), min(off + len, piece->end));
		at = end + (*end == ' ');
	}
	if (record->size <= piece->end && ftruncate(fd, (off_t)record->size) != 0) {
		die("floor: ftruncate");
	}
}

static void make_file(const struct floor *floor, int dir, const char *name, const struct piece *piece,
	const struct record *record)
{
	bool whole = piece->end == UINT64_MAX;
	int fd = openat(dir, name, O_WRONLY | O_CREAT | (whole ? O_EXCL : 0) | O_CLOEXEC, 0644);
	if (fd < 0) {
		die(record->path);
	}
	if (*record->more) {
		write_extents(floor, fd, record, piece);
	} else {
		write_data(floor, fd, piece->start, min(piece->end, record->size));
	}
	close(fd);
}

static void do_piece(const struct floor *floor, const struct piece *piece) {
	char path[4096] = ".";
	size_t len = directory_length(piece->records->path);
	if (len > 0) {
		memcpy(path, piece->records->path, len);
		path[len] = '\0';
	}
	int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0) {
		die(path);
	}
	for (const struct record *record = piece->records; record < piece->records + piece->count; ++record) {
		const char *name = len > 0 ? record->path + len + 1 : record->path;
		if (record->kind == 'f') {
			make_file(floor, dir, name, piece, record);
		} else if (symlinkat(record->more, dir, name) != 0) {
			die(record->path);
		}
	}
	close(dir);
}

static void *work(void *arg) {
	struct floor *floor = (struct floor *)arg;
	for (size_t i; (i = atomic_fetch_add(&floor->next, 1)) < floor->piece_count;) {
		do_piece(floor, &floor->pieces[i]);
	}
	return NULL;
}

static void for_kind(const struct floor *floor, char kind) {
	for (size_t i = 0; i < floor->record_count; ++i) {
		const struct record *record = &floor->records[i];
		int ret = 0;
		if (record->kind == kind) {
			ret = kind == 'd' ? mkdir(record->path, 0755) : link(record->more, record->path);
		}
		if (ret != 0) {
			die(record->path);
		}
	}
}

int main(int argc, char **argv) {
	struct floor floor = {0};
	unsigned threads = (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
	if (argc > 2 && strcmp(argv[1], "-j") == 0) {
		threads = (unsigned)max(atoi(argv[2]), 1);
		argc -= 2;
		argv += 2;
	}
	if (argc != 3) {
		fprintf(stderr, "usage: floor [-j N] LIST DESTINATION\n");
		return 2;
	}
	char *buffer = malloc(BLOCK);
	pthread_t *others = calloc(threads, sizeof(*others));
	if (!buffer || !others) {
		die("floor");
	}
	memset(buffer, 'f', BLOCK);
	floor.buffer = buffer;
	read_list(&floor, argv[1]);
	cut_pieces(&floor);
	if ((mkdir(argv[2], 0755) != 0 && errno != EEXIST) || chdir(argv[2]) != 0) {
		die(argv[2]);
	}
	for_kind(&floor, 'd');
	for (unsigned i = 1; i < threads; ++i) {
		if (pthread_create(&others[i], NULL, work, &floor) != 0) {
			die("floor: thread");
		}
	}
	work(&floor);
	for (unsigned i = 1; i < threads; ++i) {
		pthread_join(others[i], NULL);
	}
	for_kind(&floor, 'h');
	return 0;
}
