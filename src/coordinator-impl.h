/**
 * What the parts of coordinator share; for the coordinator room only.
 */

#ifndef UCP_COORDINATOR_IMPL_H
#define UCP_COORDINATOR_IMPL_H

#include <signal.h>
#include <stdint.h>

struct machine;
struct opts;
struct report;
struct worker;

/** Those that have a whole window each. */
#define WIDE_WORKERS 4

/**
 * Further ones are for what waits long, and there memory counts, that of each slot: one small chunk in flight or so many
 * small files, of so many bytes together. All of them have less than 64 MiB.
 */
#define FURTHER_DEPTH 16u
#define FURTHER_WINDOW ((size_t)64 << 10)
#define FURTHER_CHUNK ((size_t)256 << 10)

/** Fill in what depends on the machine: threads, what they keep in flight, descriptors and memory. */
void coordinator_choose_limits(struct opts *opts, const struct machine *machine);

/**
 * Run a worker in this thread, if a limit allows no other (pids.max): without progress, and a signal of DEADLY cancels the
 * copy.
 *
 * @return That signal, or 0.
 */
int coordinator_work_alone(struct worker *worker, const sigset_t *deadly);

/**
 * Say what can be done about errors that were reported, where it is not obvious. ROOMLESS are the bytes of the files
 * that found no room.
 */
void coordinator_give_hints(const struct opts *opts, struct report *report, uint64_t roomless);

/** Say why there may be no io_uring, where the error of opening one was ERR. */
void coordinator_hint_ring(struct report *report, int err);

#endif // UCP_COORDINATOR_IMPL_H
