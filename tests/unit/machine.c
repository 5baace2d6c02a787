// SPDX-License-Identifier: MIT
/**
 * machine.c: what cgroups allow.
 */

#include "scratch.h"
#include "unit.h"

#include "sys/machine.h"

#include <sched.h>
#include <sys/sysmacros.h>

static void write_limit(const char *path, const char *text) {
	FILE *file = fopen(path, "w");
	REQUIRE(file);
	fputs(text, file);
	REQUIRE(fclose(file) == 0);
}

static void check_limit(const char *path, unsigned processors, uint64_t memory) {
	struct machine machine = {.processors = 16, .memory = 1u << 30};
	machine_limit(&machine, ".", path);
	CHECK_MSG(machine.processors == processors, "%s: %u processors, not %u", path, machine.processors, processors);
	CHECK_MSG(machine.memory == memory, "%s: %" PRIu64 " bytes, not %" PRIu64, path, machine.memory, memory);
}

TEST(cgroups_limit) {
	go_to_scratch();
	REQUIRE(mkdir("a", 0755) == 0 && mkdir("a/b", 0755) == 0 && mkdir("a/b/c", 0755) == 0 && mkdir("d", 0755) == 0);
	write_limit("a/cpu.max", "800000 100000\n");
	write_limit("a/memory.max", "1000000\n");
	write_limit("a/b/cpu.max", "250000 100000\n");
	write_limit("a/b/memory.max", "max\n");
	write_limit("a/b/c/cpu.max", "max 100000\n");
	write_limit("a/b/c/memory.max", "2000000\n");
	write_limit("d/cpu.max", "1000 100000\n");
	write_limit("d/memory.max", "5000000000\n");
	check_limit("/", 16, 1u << 30);
	check_limit("/a", 8, 1000000);
	check_limit("/a/b", 3, 1000000);
	check_limit("/a/b/c", 3, 1000000);
	check_limit("/d", 1, 1u << 30);
	// What is not there does not limit, but what is above does
	check_limit("/a/none/none", 8, 1000000);
	check_limit("/../x", 16, 1u << 30);
	// As in a container, where the mount shows one's own
	write_limit("cpu.max", "400000 100000\n");
	write_limit("memory.max", "600000\n");
	check_limit("/", 4, 600000);
	check_limit("/a/b", 3, 600000);
	check_limit("/elsewhere", 4, 600000);
}

static void check_tasks(const char *path, uint64_t tasks) {
	struct machine machine = {.tasks = UINT64_MAX};
	machine_limit(&machine, ".", path);
	CHECK_MSG(machine.tasks == tasks, "%s: %" PRIu64 " tasks, not %" PRIu64, path, machine.tasks, tasks);
}

TEST(cgroups_limit_tasks) {
	go_to_scratch();
	REQUIRE(mkdir("a", 0755) == 0 && mkdir("a/b", 0755) == 0);
	check_tasks("/a/b", UINT64_MAX);
	write_limit("a/pids.max", "max\n");
	write_limit("a/pids.current", "50\n");
	check_tasks("/a/b", UINT64_MAX);
	write_limit("a/b/pids.max", "40\n");
	check_tasks("/a/b", UINT64_MAX);
	write_limit("a/b/pids.current", "30\n");
	check_tasks("/a/b", 10);
	write_limit("a/pids.max", "51\n");
	check_tasks("/a/b", 1);
	// A limit that was lowered
	write_limit("a/pids.max", "20\n");
	check_tasks("/a/b", 0);
}

/** What of a cgroup's tasks is left if it is in /own/x, and mounted as mountinfo says. */
static uint64_t tasks_by(const char *mounts) {
	static const char cgroups[] = "4:memory:/other\n3:cpu,pids:/own/y\n0::/own/x\n";
	struct machine machine = {.tasks = UINT64_MAX};
	char *copy = strdup(mounts);
	REQUIRE(copy);
	machine_limit_by_mounts(&machine, copy, cgroups);
	free(copy);
	return machine.tasks;
}

TEST(only_mounts_of_own_cgroups_limit) {
	go_to_scratch();
	REQUIRE(mkdir("a b", 0755) == 0 && mkdir("a b/own", 0755) == 0 && mkdir("a b/own/x", 0755) == 0 && mkdir("v1", 0755) == 0);
	write_limit("a b/pids.max", "40\n");
	write_limit("a b/pids.current", "0\n");
	write_limit("a b/own/x/pids.max", "30\n");
	write_limit("a b/own/x/pids.current", "0\n");
	write_limit("v1/pids.max", "7\n");
	write_limit("v1/pids.current", "0\n");
	CHECK_EQ(tasks_by("30 22 0:27 / a\\040b rw shared:1 - cgroup2 cgroup2 rw\n"), 30);
	// In a container, its own cgroup is all that is mounted
	CHECK_EQ(tasks_by("30 22 0:27 /own/x a\\040b rw - cgroup2 cgroup2 rw\n"), 40);
	CHECK_EQ(tasks_by("30 22 0:27 /own a\\040b rw - cgroup2 cgroup2 rw\n"), 40);
	CHECK_EQ(tasks_by("1 2 0:1 / v1 rw - cgroup none rw,cpu,pids\n30 22 0:27 / a\\040b rw - cgroup2 none rw\n"), 7);
	// Cgroups of others, other file systems, other controllers
	static const char *const foreign[] = {
		"30 22 0:27 /other v1 rw - cgroup2 none rw\n", "30 22 0:27 /own/xy v1 rw - cgroup2 none rw\n",
		"30 22 0:27 /own/x/z v1 rw - cgroup2 none rw\n", "30 22 0:27 /.. v1 rw - cgroup2 none rw\n",
		"30 22 0:27 / v1 rw - tmpfs none rw,pids\n", "30 22 0:27 / v1 rw - cgroup none rw,cpuset,pidsx\n",
		"30 22 0:27 / v1 rw - fuse.cgroup2 none rw\n", "30 22 0:27 / v1 rw cgroup2\n", "\n", "",
	};
	for (size_t i = 0; i < countof(foreign); ++i) {
		CHECK_EQ(tasks_by(foreign[i]), UINT64_MAX);
	}
}

TEST(cgroups_of_the_first_version_limit) {
	go_to_scratch();
	REQUIRE(mkdir("cpu", 0755) == 0 && mkdir("cpu/own", 0755) == 0 && mkdir("memory", 0755) == 0);
	write_limit("cpu/cpu.cfs_quota_us", "-1\n");
	write_limit("cpu/cpu.cfs_period_us", "100000\n");
	write_limit("cpu/own/cpu.cfs_quota_us", "150000\n");
	write_limit("cpu/own/cpu.cfs_period_us", "50000\n");
	write_limit("memory/memory.limit_in_bytes", "64000000\n");
	char mounts[] = "1 2 0:1 / cpu rw - cgroup none rw,cpu,cpuacct\n2 2 0:2 /of/this memory rw - cgroup none rw,memory\n"
		"3 2 0:3 / memory rw - cgroup none rw,memoryx\n";
	struct machine machine = {.processors = 16, .memory = 1u << 30, .tasks = UINT64_MAX};
	machine_limit_by_mounts(&machine, mounts, "4:memory:/of/this\n3:cpuacct,cpu:/own\n0::/\n");
	CHECK_EQ(machine.processors, 3);
	CHECK_EQ(machine.memory, 64000000);
	CHECK_EQ(machine.tasks, UINT64_MAX);
}

TEST(nonsense_does_not_limit) {
	go_to_scratch();
	static const char *const texts[] = {"", "\n", "max\n", "100000\n", "1 0\n", "x y\n"};
	for (size_t i = 0; i < countof(texts); ++i) {
		write_limit("cpu.max", texts[i]);
		check_limit("/", 16, 1u << 30);
	}
	struct machine machine = {.processors = 16, .memory = 1};
	machine_limit(&machine, "no-such-directory", "/a");
	CHECK_EQ(machine.processors, 16);
}

TEST(there_is_something) {
	struct machine machine = machine_look();
	cpu_set_t set;
	REQUIRE(sched_getaffinity(0, sizeof(set), &set) == 0);
	CHECK(machine.processors >= 1 && machine.processors <= (unsigned)CPU_COUNT(&set));
	CHECK(machine.memory >= 1u << 20);
	int first = 0;
	while (!CPU_ISSET(first, &set)) {
		++first;
	}
	cpu_set_t one;
	CPU_ZERO(&one);
	CPU_SET(first, &one);
	REQUIRE(sched_setaffinity(0, sizeof(one), &one) == 0);
	CHECK_EQ(machine_look().processors, 1);
	sched_setaffinity(0, sizeof(set), &set);
}

TEST(no_device_is_not_rotational) {
	CHECK(!machine_is_rotational(0));
	CHECK(!machine_is_rotational(makedev(4095, 1)));
}

UNIT_MAIN
