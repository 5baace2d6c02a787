// SPDX-License-Identifier: MIT
/**
 * The share of the machine that this process may use: processors, memory, and priority.
 */

#ifndef UCP_MACHINE_H
#define UCP_MACHINE_H

#include <sys/types.h>

/** The resources that this process may use. */
struct machine {
	/** Processors; a fractional limit is rounded up. */
	unsigned processors;
	/** Bytes of memory. */
	uint64_t memory;
	/** Tasks (processes and threads) that may still be started; UINT64_MAX if there is no limit. */
	uint64_t tasks;
};

/** A machine with one processor and no limits, for work that needs only one thread and little memory. */
struct machine machine_least(void);

/**
 * Determine the resources: those of the machine, sched_setaffinity(2), the limits of the process's cgroups (v2 and v1),
 * and RLIMIT_NPROC if it is small.
 */
struct machine machine_look(void);

/**
 * Lower MACHINE to the limits of a cgroup and of its parents.
 *
 * @param root  Mount point of the hierarchy.
 * @param path  The cgroup in it, with a leading slash. If it does not exist, as in a container, the root counts.
 */
void machine_limit(struct machine *machine, const char *root, const char *path);

/**
 * Lower MACHINE to the limits of this process's cgroups, of v2 and v1, as far as they are mounted. A mount that shows
 * only other cgroups does not count.
 *
 * @param mounts   The content of /proc/self/mountinfo (proc(5)); it is modified.
 * @param cgroups  The content of /proc/self/cgroup.
 */
void machine_limit_by_mounts(struct machine *machine, char *mounts, const char *cgroups);

/** Bytes of memory available without swapping (MemAvailable, proc_meminfo(5)); UINT64_MAX if unknown. */
uint64_t machine_free_memory(void);

/**
 * Whether the kernel calls the medium of a file system rotational, by the device of a file in it. It does so of many
 * virtual disks and USB sticks, too. Unknown devices, such as those of file systems on several disks, are not.
 */
bool machine_is_rotational(dev_t device);

/** Give this thread, and all threads it starts, the lowest priority for processors and disks. Returns 0 or -errno. */
int machine_be_idle(void);

#endif // UCP_MACHINE_H
