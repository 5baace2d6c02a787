/**
 * What this process may take of the machine: processors, memory, and its turn.
 */

#ifndef UCP_MACHINE_H
#define UCP_MACHINE_H

#include <sys/types.h>

/** What this process may use. */
struct machine {
	/** Processors; a limit that is a fraction counts up. */
	unsigned processors;
	/** Bytes of memory. */
	uint64_t memory;
	/** Tasks (processes and threads) that may yet be started; UINT64_MAX if nothing limits them. */
	uint64_t tasks;
};

/** A machine with one processor and no limits, for what needs no more than one thread and little memory. */
struct machine machine_least(void);

/**
 * Find out: what there is, where the process may run (sched_setaffinity(2)), the limits of its cgroups (v2; v1 for tasks),
 * and RLIMIT_NPROC if it is small.
 */
struct machine machine_look(void);

/**
 * Lower MACHINE to the limits of a cgroup and of those above it.
 *
 * @param root  Where the hierarchy is mounted.
 * @param path  The cgroup in it, with a slash in front. Where there is none, as in a container, the root counts.
 */
void machine_limit(struct machine *machine, const char *root, const char *path);

/** Bytes of memory that could be had without others losing theirs (MemAvailable, proc_meminfo(5)); if unknown, endless. */
uint64_t machine_free_memory(void);

/** Take only what of processors and disks nobody else wants: this thread and all it starts. Returns 0 or -errno. */
int machine_be_idle(void);

#endif // UCP_MACHINE_H
