// SPDX-License-Identifier: MIT
#include "sys/machine.h"

#include "base/buf.h"
#include "base/io.h"

#include <ctype.h>
#include <dirent.h>
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
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/** Most bytes to read of a file in /proc or /sys. */
#define MOST_TEXT (16u << 20)

/** A larger RLIMIT_NPROC counts as no limit, since counting the user's tasks means reading all of /proc. */
#define COUNTED_TASKS 4096

/** Read a small file in a directory. Returns whether this succeeded. */
static bool read_file(int dir, const char *name, struct buf *text) {
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	buf_free(text);
	bool good = fd >= 0 && buf_read(text, fd, MOST_TEXT) == 0;
	close_fd(&fd);
	return good;
}

/** Read a limit from a file in a directory. Returns false if there is none: "max", or a negative number. */
static bool read_number(int dir, const char *name, uint64_t *number) {
	struct buf text = {0};
	int64_t value;
	bool good = read_file(dir, name, &text) && sscanf(text.data, "%" SCNd64, &value) == 1 && value >= 0;
	buf_free(&text);
	*number = good ? (uint64_t)value : 0;
	return good;
}

/** Lower the processors to a cgroup's: cpu.max of v2, or cpu.cfs_quota_us of v1. */
static void limit_processors(struct machine *machine, int dir) {
	struct buf text = {0};
	uint64_t quota;
	uint64_t period;
	bool limited = read_file(dir, "cpu.max", &text)
		? sscanf(text.data, "%" SCNu64 " %" SCNu64, &quota, &period) == 2
		: read_number(dir, "cpu.cfs_quota_us", &quota) && read_number(dir, "cpu.cfs_period_us", &period);
	if (limited && period > 0) {
		uint64_t processors = quota / period + (quota % period != 0);
		machine->processors = (unsigned)min((uint64_t)machine->processors, max(processors, (uint64_t)1));
	}
	buf_free(&text);
}

/** Lower MACHINE to the limits of one cgroup, of v2 or v1. */
static void limit_by(struct machine *machine, int dir) {
	uint64_t memory;
	uint64_t most;
	uint64_t there;

	limit_processors(machine, dir);
	if (read_number(dir, "memory.max", &memory) || read_number(dir, "memory.limit_in_bytes", &memory)) {
		machine->memory = min(machine->memory, memory);
	}
	if (read_number(dir, "pids.max", &most) && read_number(dir, "pids.current", &there)) {
		machine->tasks = min(machine->tasks, most - min(most, there));
	}
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

/**
 * The path of this process's cgroup.
 *
 * @param lines       Contents of /proc/self/cgroup: lines of "NUMBER:CONTROLLERS:PATH".
 * @param controller  A controller of v1; "" for v2.
 * @return The path, which the caller frees; NULL if there is none.
 */
static char *own_cgroup(const char *lines, const char *controller) {
	size_t len = strlen(controller);
	for (const char *line = lines; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		const char *names = line + strcspn(line, ":\n");
		const char *path = *names == ':' ? names + 1 + strcspn(names + 1, ":\n") : names;
		if (*path != ':') {
			continue;
		}
		for (const char *name = names; name < path; name += 1 + strcspn(name + 1, ",:")) {
			if (strncmp(name + 1, controller, len) == 0
				&& (name + 1 + len == path || (len > 0 && name[1 + len] == ','))) {
				return strndup(path + 1, strcspn(path + 1, "\n"));
			}
		}
	}
	return NULL;
}

/** Undo the escapes in a word of mountinfo, in place. */
static void unescape(char *word) {
	char *out = word;
	unsigned code;
	for (const char *p = word; *p; ++out) {
		bool escape = p[0] == '\\' && sscanf(p + 1, "%3o", &code) == 1;
		*out = escape ? (char)code : *p;
		p += escape ? 4 : 1;
	}
	*out = '\0';
}

/** The rest of a cgroup's PATH below the cgroup ROOT that a mount shows; NULL if ROOT does not contain it. */
static const char *path_below(const char *root, const char *path) {
	size_t len = strcmp(root, "/") == 0 ? 0 : strlen(root);
	bool below = strncmp(path, root, len) == 0 && (path[len] == '/' || path[len] == '\0');
	// A cgroup outside our cgroup namespace has a path that begins with /..
	bool outside = below && strncmp(path + len, "/..", 3) == 0;
	return below && !outside ? path + len : NULL;
}

/** Lower MACHINE to the limits that one mount, a LINE of mountinfo, shows of our cgroup. */
static void limit_by_mount(struct machine *machine, const char *line, const char *cgroups) {
	char *root = NULL;
	char *dir = NULL;
	char *type = NULL;
	struct mntent entry = {0};
	const char *end = strstr(line, " - ");

	if (end && sscanf(line, "%*s %*s %*s %ms %ms", &root, &dir) == 2
		&& sscanf(end, " - %ms %*s %ms", &type, &entry.mnt_opts) == 2)
	{
		static const char *const controllers[] = {"cpu", "memory", "pids"};
		const char *controller = strcmp(type, "cgroup2") == 0 ? "" : NULL;
		for (size_t i = 0; strcmp(type, "cgroup") == 0 && !controller && i < countof(controllers); ++i) {
			controller = hasmntopt(&entry, controllers[i]) ? controllers[i] : NULL;
		}
		char *path = controller ? own_cgroup(cgroups, controller) : NULL;
		unescape(root);
		unescape(dir);
		const char *below = path ? path_below(root, path) : NULL;
		if (below) {
			machine_limit(machine, dir, below);
		}
		free(path);
	}
	free(root);
	free(dir);
	free(type);
	free(entry.mnt_opts);
}

void machine_limit_by_mounts(struct machine *machine, char *mounts, const char *cgroups) {
	char *rest;
	for (char *line = strtok_r(mounts, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		limit_by_mount(machine, line, cgroups);
	}
}

/** Lower MACHINE to the limits of this process's cgroups. */
static void limit_by_own(struct machine *machine) {
	struct buf cgroups = {0};
	struct buf mounts = {0};
	if (read_file(AT_FDCWD, "/proc/self/cgroup", &cgroups) && read_file(AT_FDCWD, "/proc/self/mountinfo", &mounts)) {
		machine_limit_by_mounts(machine, mounts.data, cgroups.data);
	}
	buf_free(&cgroups);
	buf_free(&mounts);
}

/** How many threads a process has, including the kernel's io_uring threads; 0 if it is gone. */
static unsigned count_threads(int proc, const char *pid) {
	struct buf text = {0};
	unsigned count = 0;
	int dir = openat(proc, pid, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	// The command name in parentheses may contain any character
	const char *end = dir >= 0 && read_file(dir, "stat", &text) ? strrchr(text.data, ')') : NULL;
	if (end && sscanf(end, ") %*c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %u", &count) != 1) {
		count = 0;
	}
	close_fd(&dir);
	buf_free(&text);
	return count;
}

/** Lower MACHINE to the rest of the user's RLIMIT_NPROC. */
static void limit_by_user(struct machine *machine) {
	struct rlimit limit;
	struct stat st;
	uint64_t there = 0;

	// RLIMIT_NPROC does not limit root
	if (getuid() == 0 || getrlimit(RLIMIT_NPROC, &limit) != 0 || limit.rlim_cur > COUNTED_TASKS) {
		return;
	}
	DIR *proc = opendir("/proc");
	for (const struct dirent *entry; proc && (entry = readdir(proc));) {
		bool own = isdigit((unsigned char)entry->d_name[0]) && fstatat(dirfd(proc), entry->d_name, &st, 0) == 0
			&& st.st_uid == getuid();
		there += own ? count_threads(dirfd(proc), entry->d_name) : 0;
	}
	if (proc) {
		closedir(proc);
	}
	// Without /proc count at least this process
	there = max(there, (uint64_t)1);
	machine->tasks = min(machine->tasks, limit.rlim_cur - min((uint64_t)limit.rlim_cur, there));
}

struct machine machine_least(void) {
	return (struct machine) {.processors = 1, .memory = UINT64_MAX, .tasks = UINT64_MAX};
}

struct machine machine_look(void) {
	long pages = sysconf(_SC_PHYS_PAGES);
	struct machine machine = {
		.processors = (unsigned)max(sysconf(_SC_NPROCESSORS_ONLN), 1L),
		.memory = pages > 0 ? (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE) : UINT64_MAX,
		.tasks = UINT64_MAX,
	};
	cpu_set_t set;
	if (sched_getaffinity(0, sizeof(set), &set) == 0) {
		machine.processors = (unsigned)max(CPU_COUNT(&set), 1);
	}
	limit_by_own(&machine);
	limit_by_user(&machine);
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
	int ret = or_errno(setpriority(PRIO_PROCESS, 0, 19));
	if (syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_IDLE, 0)) != 0) {
		ret = -errno;
	}
	return ret;
}

bool machine_is_rotational(dev_t device) {
	uint64_t rotational = 0;
	char path[64];
	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u", major(device), minor(device));
	int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	// A partition has no queue of its own
	bool known = dir >= 0
		&& (read_number(dir, "queue/rotational", &rotational) || read_number(dir, "../queue/rotational", &rotational));
	close_fd(&dir);
	return known && rotational != 0;
}
