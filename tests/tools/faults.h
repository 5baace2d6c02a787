// SPDX-License-Identifier: MIT
/**
 * What faultfs is told to do wrong, and what it counts.
 *
 * A rule names an operation (or `*`) and a pattern of names: with a slash in it, it is matched against the path below
 * the mount, else against the last component. The rule that was given last is asked first.
 */

#ifndef UCP_FAULTS_H
#define UCP_FAULTS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>

/** Kinds of requests that are counted: more than FUSE has opcodes. */
#define FAULTS_OPCODES 64

struct fault;

/** All rules, and the counts. */
struct faults {
	pthread_mutex_t lock;
	/** The rules changed. */
	pthread_cond_t changed;
	/** Newest first; guarded by the lock. */
	struct fault *rules;
	/** Changes so far. */
	unsigned epoch;
	/** Requests that are held. */
	unsigned held;

	/** How late each request is answered. */
	_Atomic uint64_t latency_ns;
	/** Requests met, by FUSE's opcode. */
	_Atomic uint64_t requests[FAULTS_OPCODES];
	/** Requests not answered yet, and the most there were at once. */
	atomic_uint now;
	atomic_uint most;
};

/** What becomes of a read or write. */
struct faults_range {
	uint64_t off;
	/** Shortened where only a part is to be done. */
	size_t len;
	/** Whether a part may be done. */
	bool partly;
	/** What is written, or NULL. */
	const char *data;
	/** Bytes of the file, for a write. */
	uint64_t size;
};

/** Set up without rules. */
void faults_init(struct faults *faults);

/**
 * Obey a command, one of
 *
 *     fail OP PATTERN ERRNO [from=OFFSET] [with=WORD] [times=N]
 *     short read|write PATTERN MAX
 *     hold OP PATTERN [from=OFFSET] [with=WORD]
 *     order write PATTERN ERRNO     a write that is not at the end of the file fails
 *     latency MS
 *     clear          forget the rules, and let go of what is held
 *     let-go         forget the rules that hold, and let go
 *     reset          count from 0
 *
 * with=WORD is for writes that have that word in them: so the data of a file can be told from what a file system in an
 * image writes besides.
 *
 * @return 0 or -EINVAL.
 */
int faults_command(struct faults *faults, const char *command);

/** The rules and counts as text, to be freed; NULL without memory. */
char *faults_describe(struct faults *faults);

/** Whether a file must be opened such that each read of a program arrives as it is: some are to be short. */
bool faults_need_direct(struct faults *faults, const char *path);

/**
 * Meet an operation on a path: wait while it is held.
 *
 * @param range  For read and write, else NULL.
 * @return 0, or the -errno it is to fail with.
 */
int faults_meet(struct faults *faults, const char *op, const char *path, struct faults_range *range);

/** A request arrived: count it, and let the time pass. */
void faults_begin(struct faults *faults, unsigned opcode);

/** It is answered. */
void faults_end(struct faults *faults);

#endif // UCP_FAULTS_H
