#include "sys/machine.h"

#include "base/buf.h"
#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/ioprio.h>
#include <mntent.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/** No file that tells of the machine is larger. */
#define MOST_TEXT (1u << 20)

/** Read a small file in a directory. Returns whether that went well. */
static bool read_file(int dir, const char *name, struct buf *text) {
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	buf_free(text);
	bool good = fd >= 0 && buf_read(text, fd, MOST_TEXT) == 0;
	close_fd(&fd);
	return good;
}

/** Lower to what one cgroup allows. */
static void limit_by(struct machine *machine, int dir) {
	struct buf text = {0};
	uint64_t quota;
	uint64_t period;
	uint64_t memory;

	if (read_file(dir, "cpu.max", &text) && sscanf(text.data, "%" SCNu64 " %" SCNu64, &quota, &period) == 2
		&& period > 0)
	{
		uint64_t processors = quota / period + (quota % period != 0);
		machine->processors = (unsigned)min((uint64_t)machine->processors, max(processors, (uint64_t)1));
	}
	if (read_file(dir, "memory.max", &text) && sscanf(text.data, "%" SCNu64, &memory) == 1) {
		machine->memory = min(machine->memory, memory);
	}
	buf_free(&text);
}

void machine_limit(struct machine *machine, const char *root, const char *path) {
	char *copy = strdup(path);
	int top = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	for (char *end = copy ? copy + strlen(copy) : NULL; end && top >= 0; end = strrchr(copy, '/')) {
		*end = '\0';
		int dir = copy[0] ? openat(top, copy + 1, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
		if (dir >= 0) {
			limit_by(machine, dir);
		}
		close_fd(&dir);
	}
	if (top >= 0) {
		limit_by(machine, top);
	}
	close_fd(&top);
	free(copy);
}

/** Lower to what the cgroups this process is in allow. */
static void limit_by_own(struct machine *machine) {
	struct buf text = {0};
	if (!read_file(AT_FDCWD, "/proc/self/cgroup", &text)) {
		buf_free(&text);
		return;
	}
	const char *line = strncmp(text.data, "0::/", 4) == 0 ? text.data : strstr(text.data, "\n0::/");
	FILE *mounts = line ? setmntent("/proc/self/mounts", "re") : NULL;
	if (mounts) {
		char *path = strchr(line, '/');
		path[strcspn(path, "\n")] = '\0';
		struct mntent entry;
		char names[4096];
		while (getmntent_r(mounts, &entry, names, sizeof(names))) {
			if (strcmp(entry.mnt_type, "cgroup2") == 0) {
				machine_limit(machine, entry.mnt_dir, path);
				break;
			}
		}
		endmntent(mounts);
	}
	buf_free(&text);
}

struct machine machine_look(void) {
	long pages = sysconf(_SC_PHYS_PAGES);
	struct machine machine = {
		.processors = (unsigned)max(sysconf(_SC_NPROCESSORS_ONLN), 1L),
		.memory = pages > 0 ? (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE) : UINT64_MAX,
	};
	cpu_set_t set;
	if (sched_getaffinity(0, sizeof(set), &set) == 0) {
		machine.processors = (unsigned)max(CPU_COUNT(&set), 1);
	}
	limit_by_own(&machine);
	return machine;
}

uint64_t machine_free_memory(void) {
	static const char name[] = "\nMemAvailable:";
	struct buf text = {0};
	uint64_t kib;
	bool good = read_file(AT_FDCWD, "/proc/meminfo", &text);
	const char *line = good ? strstr(text.data, name) : NULL;
	good = line && sscanf(line + strlen(name), "%" SCNu64, &kib) == 1;
	buf_free(&text);
	return good ? kib * 1024 : UINT64_MAX;
}

int machine_be_idle(void) {
	int ret = setpriority(PRIO_PROCESS, 0, 19) == 0 ? 0 : -errno;
	if (syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_IDLE, 0)) != 0) {
		ret = -errno;
	}
	return ret;
}
