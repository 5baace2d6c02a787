// SPDX-License-Identifier: MIT
/**
 * slowdisk [OPTION...] DIRECTORY: a disk image in memory that is as slow as a disk with a head, a USB stick or a volume
 * with a cap (FUSE). DIRECTORY gets two files: `disk.img`, for a loop device with direct I/O, and `stats`, which tells
 * what was done since something was last written to it; what is written may be `off` or `on` (the slowness) or `zero`.
 *
 * All times are kept on a clock of the model's own: a request begins when the one before it ended or when it came, not
 * when this program had a processor again. What a busy machine adds is the way of a request here and back.
 *
 * Not modelled: what a drive reads ahead, zones, SMR.
 */
#define FUSE_USE_VERSION 35
#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <getopt.h>
#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

enum model { HDD, USB, CLOUD };
enum kind { READ, WRITE, FLUSH };
enum { IMAGE = 2, STATS };

/** What a disk is like; times in seconds, rates in bytes a second. */
struct traits {
	enum model model;
	uint64_t size;
	double read_rate;
	double write_rate;
	/** To the next track, over a third of the disk, and half a rotation. */
	double seek_least;
	double seek_mean;
	double turn;
	/** What each request takes besides, and what a write that does not continue. */
	double latency;
	double jump;
	/** How many places a stick can go on writing at. */
	unsigned streams;
	/** Cap of a volume: requests a second, of so many bytes each. */
	double iops;
	uint64_t piece;
	/** Bytes the drive takes before they are written, and what emptying that costs besides. */
	uint64_t cache;
	double flush;
	/** A request that has waited for so long is next, however far. */
	double patience;
};

struct op {
	struct op *next;
	enum kind kind;
	/** NULL: answered already. */
	fuse_req_t req;
	uint64_t off;
	uint64_t len;
	double came;
	uint64_t number;
};

struct stats {
	uint64_t ops[3];
	uint64_t bytes[3];
	/** Moves of the head (or jumps of a stick's writes), and gaps over which it only waits. */
	uint64_t seeks[2];
	uint64_t skips;
	double busy;
	double seeking;
	uint64_t queued;
};

static struct {
	struct traits t;
	char *data;
	pthread_mutex_t lock;
	pthread_cond_t come;
	/** What waits, oldest first. */
	struct op *first;
	struct op **last;
	unsigned count;
	uint64_t numbers;
	/** Bytes answered but not written. */
	uint64_t dirty;
	unsigned flushes;
	bool off;
	double free;
	uint64_t at;
	uint64_t streams[64];
	unsigned stream;
	struct stats stats;
	FILE *trace;
	double begin;
} d = {.lock = PTHREAD_MUTEX_INITIALIZER, .come = PTHREAD_COND_INITIALIZER};

static double now(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void sleep_until(double when) {
	struct timespec t = {.tv_sec = (time_t)when, .tv_nsec = (long)((when - floor(when)) * 1e9)};
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR) {
	}
}

/** What moving the head costs; *GAP tells whether it is only waited for. */
static double move(uint64_t off, bool *gap) {
	double far = fabs((double)off - (double)d.at) / (double)d.t.size;
	*gap = false;
	if (off == d.at) {
		return 0;
	}
	double seek = d.t.seek_least + (d.t.seek_mean - d.t.seek_least) * sqrt(far * 3) + d.t.turn;
	double pass = off > d.at ? (double)(off - d.at) / d.t.read_rate : INFINITY;
	*gap = pass < seek;
	return *gap ? pass : seek;
}

/** Whether a stick goes on writing here; then it goes on behind. */
static bool continues(const struct op *op) {
	for (unsigned i = 0; i < d.t.streams; ++i) {
		if (d.streams[i] == op->off) {
			d.streams[i] = op->off + op->len;
			return true;
		}
	}
	d.streams[d.stream++ % d.t.streams] = op->off + op->len;
	return false;
}

/** Whether an operation can be next at a time. */
static bool is_due(const struct op *op, double t) {
	if (op->came > t) {
		return false;
	}
	if (op->kind == FLUSH) {
		for (const struct op *o = d.first; o; o = o->next) {
			if (o->kind == WRITE && o->number < op->number) {
				return false;
			}
		}
	}
	return true;
}

/** The next operation, taken out; the lock is held and there is one. */
static struct op *choose(void) {
	double t = d.free > d.first->came ? d.free : d.first->came;
	bool reads = false;
	for (const struct op *o = d.first; o; o = o->next) {
		reads |= o->kind == READ && o->came <= t;
	}
	// What lies in the drive's cache waits while there is something to be read, unless it is much or is wanted out
	bool writes = !reads || d.flushes > 0 || d.dirty > d.t.cache / 4 * 3;
	struct op **best = NULL;
	double least = INFINITY;
	bool gap;
	for (struct op **p = &d.first; *p; p = &(*p)->next) {
		struct op *o = *p;
		if (!is_due(o, t)) {
			continue;
		}
		if (d.t.model != HDD) {
			best = p;
			break;
		}
		double cost = o->kind == FLUSH ? 0 : move(o->off, &gap);
		if (o->req && t - o->came > d.t.patience) {
			best = p;
			break;
		}
		if ((o->kind != WRITE || o->req || writes || cost == 0) && cost < least) {
			least = cost;
			best = p;
		}
	}
	best = best ? best : &d.first;
	struct op *op = *best;
	*best = op->next;
	if (!op->next) {
		d.last = best;
	}
	--d.count;
	return op;
}

/** What an operation costs; the head moves. */
static double cost(const struct op *op) {
	double rate = op->kind == READ ? d.t.read_rate : d.t.write_rate;
	double seconds = (double)op->len / rate;
	bool gap = false;
	double moved = 0;

	if (op->kind == FLUSH) {
		return d.t.flush;
	}
	if (d.t.model == HDD) {
		moved = move(op->off, &gap);
		d.stats.seeks[op->kind] += moved > 0 && !gap;
		d.stats.skips += gap;
		d.at = op->off + op->len;
	} else if (d.t.model == USB) {
		moved = d.t.latency;
		if (op->kind == WRITE && !continues(op)) {
			moved += d.t.jump;
			++d.stats.seeks[WRITE];
		}
	} else {
		double pieces = ceil((double)op->len / (double)d.t.piece);
		seconds = fmax(seconds, pieces / d.t.iops);
	}
	d.stats.seeking += moved;
	return seconds + moved;
}

static void answer(const struct op *op) {
	if (!op->req) {
		return;
	}
	if (op->kind == READ) {
		fuse_reply_buf(op->req, d.data + op->off, op->len);
	} else if (op->kind == WRITE) {
		fuse_reply_write(op->req, op->len);
	} else {
		fuse_reply_err(op->req, 0);
	}
}

static void *serve(void *arg) {
	(void)arg;
	prctl(PR_SET_TIMERSLACK, 1);
	pthread_mutex_lock(&d.lock);
	for (;;) {
		while (!d.first) {
			pthread_cond_wait(&d.come, &d.lock);
		}
		d.stats.queued += d.count;
		struct op *op = choose();
		double begin = d.free > op->came ? d.free : op->came;
		uint64_t from = d.at;
		double took = d.off ? 0 : cost(op);
		double end = begin + took;
		d.free = d.off ? 0 : end;
		d.stats.busy += took;
		++d.stats.ops[op->kind];
		d.stats.bytes[op->kind] += op->len;
		if (d.trace) {
			fprintf(d.trace, "%.6f %c %.3f %.1f %.3f %.3f %u\n", begin - d.begin, "RWF"[op->kind], (double)op->off / 1048576,
				(double)op->len / 1024, ((double)op->off - (double)from) / 1048576, took * 1e3, d.count);
		}
		pthread_mutex_unlock(&d.lock);
		if (!d.off) {
			sleep_until(end + (d.t.model == CLOUD ? d.t.latency : 0));
		}
		answer(op);
		pthread_mutex_lock(&d.lock);
		d.dirty -= op->kind == WRITE && !op->req ? op->len : 0;
		d.flushes -= op->kind == FLUSH;
		free(op);
	}
	return NULL;
}

static void enqueue(fuse_req_t req, enum kind kind, uint64_t off, uint64_t len) {
	struct op *op = calloc(1, sizeof(*op));
	if (!op) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	*op = (struct op) {.kind = kind, .req = req, .off = off, .len = len, .came = now()};
	pthread_mutex_lock(&d.lock);
	op->number = ++d.numbers;
	bool cached = kind == WRITE && !d.off && d.dirty + len <= d.t.cache;
	if (cached) {
		op->req = NULL;
		d.dirty += len;
	}
	d.flushes += kind == FLUSH;
	*d.last = op;
	d.last = &op->next;
	++d.count;
	pthread_cond_signal(&d.come);
	pthread_mutex_unlock(&d.lock);
	if (cached) {
		fuse_reply_write(req, len);
	}
}

static int describe_stats(char *text, size_t size) {
	pthread_mutex_lock(&d.lock);
	const struct stats *s = &d.stats;
	uint64_t ops = s->ops[READ] + s->ops[WRITE] + s->ops[FLUSH];
	int len = snprintf(text, size,
		"{\"reads\": %lu, \"read_mib\": %.1f, \"read_seeks\": %lu, \"writes\": %lu, \"write_mib\": %.1f, "
		"\"write_seeks\": %lu, \"skips\": %lu, \"flushes\": %lu, \"busy\": %.3f, \"seeking\": %.3f, "
		"\"queue\": %.1f, \"waiting\": %u}\n",
		s->ops[READ], (double)s->bytes[READ] / 1048576, s->seeks[READ], s->ops[WRITE],
		(double)s->bytes[WRITE] / 1048576, s->seeks[WRITE], s->skips, s->ops[FLUSH], s->busy, s->seeking,
		ops ? (double)s->queued / (double)ops : 0, d.count);
	pthread_mutex_unlock(&d.lock);
	return len;
}

static void obey(const char *text, size_t len) {
	pthread_mutex_lock(&d.lock);
	if (len >= 2 && strncmp(text, "of", 2) == 0) {
		d.off = true;
	} else if (len >= 2 && strncmp(text, "on", 2) == 0) {
		d.off = false;
		d.free = 0;
	}
	d.stats = (struct stats) {0};
	d.begin = now();
	if (d.trace) {
		rewind(d.trace);
		if (ftruncate(fileno(d.trace), 0) != 0) {
			d.trace = NULL;
		}
	}
	pthread_mutex_unlock(&d.lock);
}

static bool fill_stat(fuse_ino_t ino, struct stat *st) {
	*st = (struct stat) {.st_ino = ino, .st_nlink = 1, .st_mode = S_IFREG | 0600};
	if (ino == FUSE_ROOT_ID) {
		st->st_mode = S_IFDIR | 0755;
		st->st_nlink = 2;
	} else if (ino == IMAGE) {
		st->st_size = (off_t)d.t.size;
		st->st_blocks = (blkcnt_t)(d.t.size / 512);
	} else if (ino != STATS) {
		return false;
	}
	return true;
}

static void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name) {
	struct fuse_entry_param entry = {.attr_timeout = 3600, .entry_timeout = 3600};
	(void)parent;
	entry.ino = strcmp(name, "disk.img") == 0 ? IMAGE : strcmp(name, "stats") == 0 ? STATS : 0;
	if (entry.ino != 0 && fill_stat(entry.ino, &entry.attr)) {
		fuse_reply_entry(req, &entry);
	} else {
		fuse_reply_err(req, ENOENT);
	}
}

static void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi) {
	struct stat st;
	(void)fi;
	if (fill_stat(ino, &st)) {
		fuse_reply_attr(req, &st, 3600);
	} else {
		fuse_reply_err(req, ENOENT);
	}
}

static void op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int what, struct fuse_file_info *fi) {
	(void)attr;
	(void)what;
	op_getattr(req, ino, fi);
}

static void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi) {
	fi->direct_io = ino == STATS;
	fuse_reply_open(req, fi);
}

static void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi) {
	char text[1024];
	(void)fi;
	if (ino == STATS) {
		int len = describe_stats(text, sizeof(text));
		fuse_reply_buf(req, text, off == 0 ? (size_t)len : 0);
	} else if ((uint64_t)off >= d.t.size) {
		fuse_reply_buf(req, NULL, 0);
	} else {
		uint64_t rest = d.t.size - (uint64_t)off;
		enqueue(req, READ, (uint64_t)off, size < rest ? size : rest);
	}
}

static void op_write(fuse_req_t req, fuse_ino_t ino, const char *buf, size_t size, off_t off, struct fuse_file_info *fi) {
	(void)fi;
	if (ino == STATS) {
		obey(buf, size);
		fuse_reply_write(req, size);
	} else if ((uint64_t)off + size > d.t.size) {
		fuse_reply_err(req, ENOSPC);
	} else {
		memcpy(d.data + off, buf, size);
		enqueue(req, WRITE, (uint64_t)off, size);
	}
}

static void op_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi) {
	(void)ino;
	(void)datasync;
	(void)fi;
	enqueue(req, FLUSH, 0, 0);
}

/** Memory is given back where the image is discarded; that takes no time. */
static void op_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t off, off_t len, struct fuse_file_info *fi) {
	(void)fi;
	if (ino != IMAGE || !(mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)) || off % 4096 || len % 4096) {
		fuse_reply_err(req, EOPNOTSUPP);
		return;
	}
	fuse_reply_err(req, madvise(d.data + off, (size_t)len, MADV_DONTNEED) == 0 ? 0 : errno);
}

static void op_init(void *data, struct fuse_conn_info *conn) {
	conn->max_background = *(unsigned *)data;
	conn->congestion_threshold = conn->max_background;
	conn->max_write = 1 << 20;
	conn->want |= conn->capable & FUSE_CAP_ASYNC_DIO;
}

static const struct fuse_lowlevel_ops ops = {
	.init = op_init,
	.lookup = op_lookup,
	.getattr = op_getattr,
	.setattr = op_setattr,
	.open = op_open,
	.read = op_read,
	.write = op_write,
	.fsync = op_fsync,
	.fallocate = op_fallocate,
};

static struct traits traits_of(const char *name) {
	struct traits t = {.streams = 1, .piece = 256 << 10, .patience = 0.3};
	if (strcmp(name, "hdd") == 0) {
		t.model = HDD;
		t.read_rate = t.write_rate = 160e6;
		t.seek_least = 0.5e-3;
		t.seek_mean = 9e-3;
		t.turn = 4.2e-3;
		t.cache = 16 << 20;
		t.flush = 10e-3;
	} else if (strcmp(name, "usb") == 0) {
		t.model = USB;
		t.read_rate = 30e6;
		t.write_rate = 15e6;
		t.latency = 0.5e-3;
		t.jump = 20e-3;
		t.flush = 1e-3;
	} else if (strcmp(name, "cloud") == 0) {
		t.model = CLOUD;
		t.read_rate = t.write_rate = 125e6;
		t.iops = 3000;
		t.latency = 0.8e-3;
	} else {
		fprintf(stderr, "slowdisk: no such model: %s\n", name);
		exit(2);
	}
	return t;
}

int main(int argc, char **argv) {
	static const struct option options[] = {
		{"model", 1, NULL, 'm'}, {"size", 1, NULL, 's'}, {"queue", 1, NULL, 'q'}, {"cache", 1, NULL, 'c'},
		{"rate", 1, NULL, 'r'}, {"seek-least", 1, NULL, 'l'}, {"seek-mean", 1, NULL, 'a'}, {"turn", 1, NULL, 't'},
		{"flush", 1, NULL, 'f'}, {"iops", 1, NULL, 'i'}, {"latency", 1, NULL, 'y'}, {"jump", 1, NULL, 'j'},
		{"streams", 1, NULL, 'n'}, {"trace", 1, NULL, 'T'}, {0},
	};
	unsigned queue = 32;
	uint64_t mib = 4096;
	d.t = traits_of("hdd");
	for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		double x = optarg ? atof(optarg) : 0;
		switch (c) {
		case 'm': d.t = traits_of(optarg); break;
		case 's': mib = (uint64_t)x; break;
		case 'q': queue = (unsigned)x; break;
		case 'c': d.t.cache = (uint64_t)(x * 1048576); break;
		case 'r': d.t.read_rate = d.t.write_rate = x * 1e6; break;
		case 'l': d.t.seek_least = x / 1e3; break;
		case 'a': d.t.seek_mean = x / 1e3; break;
		case 't': d.t.turn = x / 1e3; break;
		case 'f': d.t.flush = x / 1e3; break;
		case 'i': d.t.iops = x; break;
		case 'y': d.t.latency = x / 1e3; break;
		case 'j': d.t.jump = x / 1e3; break;
		case 'n': d.t.streams = (unsigned)fmin(fmax(x, 1), 64); break;
		case 'T': d.trace = fopen(optarg, "w"); break;
		default: return 2;
		}
	}
	if (optind + 1 != argc) {
		fprintf(stderr, "Usage: slowdisk [--model=hdd|usb|cloud] [--size=MIB] [--queue=N] [OPTION...] DIRECTORY\n");
		return 2;
	}
	d.t.size = mib << 20;
	d.last = &d.first;
	d.data = mmap(NULL, d.t.size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (d.data == MAP_FAILED) {
		perror("slowdisk: mmap");
		return 1;
	}
	madvise(d.data, d.t.size, MADV_HUGEPAGE);

	char *fuse_argv[] = {argv[0], "-o", "fsname=slowdisk,allow_other", NULL};
	struct fuse_args args = FUSE_ARGS_INIT(3, fuse_argv);
	struct fuse_session *session = fuse_session_new(&args, &ops, sizeof(ops), &queue);
	pthread_t thread;
	if (!session || fuse_set_signal_handlers(session) != 0 || fuse_session_mount(session, argv[optind]) != 0
		|| pthread_create(&thread, NULL, serve, NULL) != 0)
	{
		return 1;
	}
	prctl(PR_SET_IO_FLUSHER, 1);
	int ret = fuse_session_loop(session);
	fuse_session_unmount(session);
	return ret != 0;
}
