/**
 * What the parts of coordinator share; for the coordinator room only.
 */

#ifndef UCP_COORDINATOR_IMPL_H
#define UCP_COORDINATOR_IMPL_H

struct machine;
struct opts;

/** Those that have a whole window each; further ones are for what waits long, and there memory counts. */
#define WIDE_WORKERS 4

/** Fill in what depends on the machine: threads, what they keep in flight, descriptors and memory. */
void coordinator_choose_limits(struct opts *opts, const struct machine *machine);

#endif // UCP_COORDINATOR_IMPL_H
