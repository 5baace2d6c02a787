/**
 * Movers: the ways in which data gets from one descriptor to another.
 *
 * A mover knows two descriptors, a size and a sink that hears of progress. It knows no names, no directories and none of
 * cp's rules, and it reports nothing. plan_choose() lists the movers that are asked for a file, one after the other, until
 * one has moved its data.
 */

#ifndef UCP_MOVER_H
#define UCP_MOVER_H

#include "base/error.h"
#include "base/thread.h"
#include "copy/plan.h"
#include "sys/hash.h"

#include <sys/types.h>

struct move_order;
struct opts;
struct throttle;

/** Bytes of movers::buffer, and of the largest file that move_cached takes. */
#define MOVE_BUFFER (128u << 10)

/** What comes of asking a mover. */
enum move {
	/** All data is where it belongs. */
	MOVE_DONE,
	/** The next mover is to go on at transfer::done. */
	MOVE_DECLINED,
	/** It went wrong at transfer::done or transfer::bad; transfer::fail says how. */
	MOVE_FAILED,
	/** The destination is not what was read; the same. */
	MOVE_DIFFERS,
	/** The copy was cancelled. */
	MOVE_CANCELLED,
	/** Workers are to move the data in ranges. */
	MOVE_RANGES,
};

/** Who hears of what a mover does, and can stop it. */
struct sink {
	/** Set when ucp is to stop. */
	const atomic_bool *cancelled;
	/** What is moved is taken from it. */
	struct throttle *throttle;
	/** Bytes that were moved, counted for all files and for this one; and bytes left out of this one for being zeros. */
	counter *bytes;
	counter *moved;
	counter *zeros;
	/** Called before data is moved that may have to be waited for. */
	void (*begin)(void *arg);
	/** Called when a range was written that the journal can rely on. */
	void (*wrote)(void *arg, uint64_t start, uint64_t end);
	/** The argument of both. */
	void *arg;
};

/** Where from a destination was read back (--verify). */
enum move_back {
	MOVE_BACK_NOT,
	/** From the device, past the page cache. */
	MOVE_BACK_DIRECT,
	/** By way of the page cache, after nothing of it was left there. */
	MOVE_BACK_DROPPED,
	/** Perhaps from the page cache, where it stays: the file system may have no device. */
	MOVE_BACK_MEMORY,
};

/** The data of one file on its way. */
struct transfer {
	const struct opts *opts;
	const struct sink *sink;
	int src;
	int dst;
	/** The devices both are on, by which refusals are remembered. 0: not known. */
	dev_t src_dev;
	dev_t dst_dev;
	/** The size of the source; move_sequential changes it to what it found. */
	uint64_t size;
	/** enum plan_flags. */
	unsigned flags;
	/** Whether the destination is no regular file: it is written to from its current offset on. */
	bool special;
	/** Whether the destination is a clone: set by move_reflink. */
	bool cloned;
	/** The mover that was asked last. One that hands over to another changes it. */
	const struct mover *by;
	/** Data up to here was moved. */
	uint64_t done;
	/** From here on it is missing, or not known to be right, if that is before transfer::done: set by move_verify(). */
	uint64_t bad;
	/** Bytes of holes that were passed over. */
	uint64_t holes;
	/** With MOVE_FAILED and MOVE_DIFFERS; its text may be in transfer::text. */
	struct error fail;
	char text[160];
	/** With move_sequential, the hash of the data, and how it was read back. */
	char sum[HASH_TEXT];
	enum move_back read_back;
};

/** Whether a file system of another machine or program copies data itself (copy_file_range(2)). */
struct remote {
	/** The one that was met last, if any was. */
	dev_t dev;
	bool known;
	/**
	 * Whether it may, as far as is known, and whether it has been seen to. It may not, for all its files, if it is of no such
	 * type, says that it cannot, or if the kernel was seen to do it; not if it refused one file.
	 */
	bool copies;
	bool proven;
};

/**
 * What the movers of one worker keep from one file to the next. Zero-initialise; free with movers_free().
 *
 * Refusals are remembered so that nothing is asked for again. Each is the one that this worker met last, so that it costs
 * no lock, and is about a whole file system: what was said of one file counts for that file only.
 */
struct movers {
	/** What small files and streams are moved through; made when needed. */
	char *buffer;
	/** What move_sequential works with; made when needed. */
	struct move_order *order;
	/** Between these devices, if any are known, the kernel clones nothing, whatever the file (reflink_error_is_of_place()). */
	dev_t no_clone[2];
	bool no_clone_known;
	/** Files of this one, if any is known, cannot be read without waiting (RWF_NOWAIT): their type has no way to. */
	dev_t no_nowait;
	bool no_nowait_known;
	struct remote remote;
	/** Small files that were not cached since one was. */
	unsigned cold;
};

/** A way to move data. */
struct mover {
	/** How --debug calls it. */
	const char *name;
	/** Move what is left of a transfer. */
	enum move (*move)(struct movers *movers, struct transfer *t);
};

/** No data is asked for (--attributes-only). */
extern const struct mover move_nothing;

/** Share the data with the source (FICLONE). With PLAN_HASH it declines when that is done, as the data is to be read. */
extern const struct mover move_reflink;

/**
 * Have those who keep the files copy, on another machine or in another program (copy_file_range(2)). On local file systems
 * it declines, as the kernel would only do what the others do.
 */
extern const struct mover move_server;

/**
 * Copy a small file by two system calls if its data is cached (RWF_NOWAIT, preadv2(2)): if nothing has to be waited for, a
 * ring only costs.
 */
extern const struct mover move_cached;

/** Read and write up to the end of the source, whatever its size, from the current offsets on. */
extern const struct mover move_stream;

/**
 * Read and write from the first byte to the last, hash on the way, and compare with what is read back if --verify asks for
 * that. What was cloned is only read.
 */
extern const struct mover move_sequential;

/** Have all workers move it, a range each. */
extern const struct mover move_ranges;

/** Free what movers keep. */
void movers_free(struct movers *movers);

/** Have movers::buffer. Returns false without memory. */
bool movers_need_buffer(struct movers *movers);

/** Whether the copy was cancelled. */
static inline bool transfer_is_cancelled(const struct transfer *t) {
	return atomic_load(t->sink->cancelled);
}

/** So many bytes of data were moved. */
static inline void transfer_moved(const struct transfer *t, uint64_t bytes) {
	counter_add(t->sink->bytes, bytes);
	counter_add(t->sink->moved, bytes);
}

/** A transfer failed, or was cancelled if that is what RET says. RET: an errno, of either sign. */
enum move transfer_failed(struct transfer *t, enum error_op op, int ret, const char *what);

/**
 * A write at OFF failed with ERR, or setting the size to OFF. If that may be because the destination takes only what is
 * written at its end (object stores behind FUSE), have it end there: by zeros in place of a hole, or by cutting off what
 * is going to be written again.
 *
 * @param kept  What an earlier run has written ends here, and is not going to be written again; 0: there is none.
 * @return Whether it does now, and did not before.
 */
bool mover_end_at(int dst, int err, uint64_t off, uint64_t kept);

/** Read the destination of what was copied in order back, and compare it with what was read. Returns as a mover. */
enum move move_verify(struct movers *movers, struct transfer *t);

#endif // UCP_MOVER_H
