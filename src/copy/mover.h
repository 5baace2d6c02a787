// SPDX-License-Identifier: MIT
/**
 * Movers: the ways to get data from one descriptor to another.
 *
 * A mover knows two descriptors, a size and a sink to which it reports progress. It knows no names, no directories and
 * none of cp's rules, and it prints nothing. plan_choose() lists the movers that are asked for a file, one after the
 * other, until one has moved its data.
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

/** Bytes of movers::buffer, and of the largest file that move_cached copies. */
#define MOVE_BUFFER (128u << 10)

/** The result of a mover. */
enum move {
	/** All data was moved. */
	MOVE_DONE,
	/** Ask the next mover, which goes on at transfer::done. */
	MOVE_DECLINED,
	/** An error occurred at transfer::done or transfer::bad; transfer::fail describes it. */
	MOVE_FAILED,
	/** The destination differs from what was read. Offset and error are set as for MOVE_FAILED. */
	MOVE_DIFFERS,
	/** The copy was cancelled. */
	MOVE_CANCELLED,
	/** Workers have to move the data in ranges. */
	MOVE_RANGES,
};

/** Where a mover reports its progress, and what can slow it down or stop it. */
struct sink {
	/** Set when ucp is to stop. */
	const atomic_bool *cancelled;
	/** Grants the bytes that may be moved. */
	struct throttle *throttle;
	/** Bytes moved, counted for all files and for this one; bytes of this file that were left out as zeros. */
	counter *bytes;
	counter *moved;
	counter *zeros;
	/** Called before data is moved that may have to be waited for. */
	void (*begin)(void *arg);
	/** Called after a range was written on which the journal can rely. */
	void (*wrote)(void *arg, uint64_t start, uint64_t end);
	/** The argument of both functions. */
	void *arg;
};

/** How the destination was read back (--verify). */
enum move_back {
	MOVE_BACK_NOT,
	/** From the device, bypassing the page cache. */
	MOVE_BACK_DIRECT,
	/** Through the page cache, after it was emptied of the file. */
	MOVE_BACK_DROPPED,
	/** Perhaps from the page cache, which could not be emptied: the file system may have no device. */
	MOVE_BACK_MEMORY,
};

/** The data of one file that is being moved. */
struct transfer {
	const struct opts *opts;
	const struct sink *sink;
	int src;
	int dst;
	/** A file of an earlier copy with the same data, open for reading, or -1; and why it could not be cloned, or 0. */
	int earlier;
	int earlier_err;
	/** The devices of both ends, by which refusals are remembered. 0: not known. */
	dev_t src_dev;
	dev_t dst_dev;
	/** The size of the source. move_sequential sets it to the size that it found. */
	uint64_t size;
	/** enum plan_flags. */
	unsigned flags;
	/** Whether the destination is no regular file: then data is written at its current offset. */
	bool special;
	/** Whether the destination is a clone: set by move_reflink and move_earlier. */
	bool cloned;
	/** The mover that was asked last. A mover that hands over to another one changes it. */
	const struct mover *by;
	/** Data up to this offset was moved. */
	uint64_t done;
	/**
	 * The first offset at which move_verify() found data missing or not known to be right, if that is before
	 * transfer::done.
	 */
	uint64_t bad;
	/** Bytes of holes that were passed over. */
	uint64_t holes;
	/** Set for MOVE_FAILED and MOVE_DIFFERS; its text may be in transfer::text. */
	struct error fail;
	char text[160];
	/** Set by move_sequential: the hash of the data, and how it was read back. */
	char sum[HASH_TEXT];
	enum move_back read_back;
};

/** Whether a file system of another machine or program copies data itself (copy_file_range(2)). */
struct remote {
	/** The device asked about last, if KNOWN. */
	dev_t dev;
	bool known;
	/**
	 * COPIES: whether it may copy data itself. It may not if its type cannot, if it refuses copy_file_range(2) for the
	 * whole file system, or if the kernel was seen to copy for it; a refusal for one file does not count. PROVEN:
	 * whether it was seen to copy.
	 */
	bool copies;
	bool proven;
};

/**
 * What the movers of one worker keep from one file to the next. Zero-initialise; free with movers_free().
 *
 * Refusals are remembered, so that nothing is asked for again. Each field has the file system where this worker was
 * refused last, so it costs no lock. A refusal that concerns a single file is not remembered.
 */
struct movers {
	/** The buffer for small files and streams; allocated when needed. */
	char *buffer;
	/** What move_sequential works with; allocated when needed. */
	struct move_order *order;
	/** The devices between which no file can be cloned (reflink_error_is_of_place()), if no_clone_known. */
	dev_t no_clone[2];
	bool no_clone_known;
	/** The device whose file system type does not support RWF_NOWAIT, if no_nowait_known. */
	dev_t no_nowait;
	bool no_nowait_known;
	struct remote remote;
	/** How many small files were not cached since the last one that was. */
	unsigned cold;
};

/** A way to move data. */
struct mover {
	/** Its description for --debug. */
	const char *name;
	/** Move what is left of a transfer. */
	enum move (*move)(struct movers *movers, struct transfer *t);
};

/** Move nothing (--attributes-only). */
extern const struct mover move_nothing;

/**
 * Share the data with the source (FICLONE). With PLAN_HASH decline after cloning, as the data has to be read as well.
 */
extern const struct mover move_reflink;

/** Do the same with a file of an earlier copy (transfer::earlier) instead of the source. */
extern const struct mover move_earlier;

/**
 * Let the other machine or program that stores the files copy the data (copy_file_range(2)). Decline on local file
 * systems, where the kernel would only do what the other movers do.
 */
extern const struct mover move_server;

/**
 * Copy a small file by two system calls if its data is cached (RWF_NOWAIT, preadv2(2)): a ring only costs time if
 * nothing has to be waited for.
 */
extern const struct mover move_cached;

/** Read and write from the current offsets to the end of the source, whatever its size. */
extern const struct mover move_stream;

/**
 * Read, hash and write from the first byte to the last, then read back and compare if --verify asks for that. Cloned
 * data is only read.
 */
extern const struct mover move_sequential;

/** Let all workers move the data, a range each. */
extern const struct mover move_ranges;

/** Free what movers keep. */
void movers_free(struct movers *movers);

/** Allocate movers::buffer. Returns false without memory. */
bool movers_need_buffer(struct movers *movers);

/** Whether the copy was cancelled. */
static inline bool transfer_is_cancelled(const struct transfer *t) {
	return atomic_load(t->sink->cancelled);
}

/** Count BYTES of data as moved. */
static inline void transfer_moved(const struct transfer *t, uint64_t bytes) {
	counter_add(t->sink->bytes, bytes);
	counter_add(t->sink->moved, bytes);
}

/**
 * Set transfer::fail. RET: an errno, of either sign. Returns MOVE_FAILED, or MOVE_CANCELLED if RET is EINTR and the
 * copy was cancelled.
 */
enum move transfer_failed(struct transfer *t, enum error_op op, int ret, const char *what);

/**
 * Handle the error ERR of a write at OFF, or of setting the size to OFF. If the destination may only accept writes at
 * its end (object stores behind FUSE), make it end at OFF: write zeros in place of a hole, or cut off what will be
 * written again.
 *
 * @param kept  The end of what an earlier run has written, which is not written again; 0: nothing.
 * @return Whether the destination ends at OFF now, and did not before.
 */
bool mover_end_at(int dst, int err, uint64_t off, uint64_t kept);

/**
 * Read back the destination of what move_sequential copied, and compare it with what was read. Returns as a mover does.
 */
enum move move_verify(struct movers *movers, struct transfer *t);

#endif // UCP_MOVER_H
