/**
 * What the parts of coordinator share; for the coordinator room only.
 */

#ifndef UCP_COORDINATOR_IMPL_H
#define UCP_COORDINATOR_IMPL_H

struct machine;
struct opts;

/** Those that have a whole window each; further ones are for what waits long, and there memory counts. */
#define WIDE_WORKERS 4

/** From so many on they have small chunks only, in bytes: what is in flight stays within 64 MiB. */
#define NARROW_FROM 16
#define NARROW_CHUNK ((size_t)256 << 10)

/** Fill in what depends on the machine: threads, what they keep in flight, descriptors and memory. */
void coordinator_choose_limits(struct opts *opts, const struct machine *machine);

#endif // UCP_COORDINATOR_IMPL_H
