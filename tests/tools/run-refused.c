// SPDX-License-Identifier: MIT
/**
 * Runs a program to which the kernel refuses something:
 *
 *   run-refused WHAT=ERRNO… -- PROGRAM [ARGUMENT…]
 *
 * WHAT is a system call (see the table), `thread`, or `utimensat-empty`: utimensat(2) with AT_EMPTY_PATH; ERRNO is one of those in the other table. The exit status is
 * 77 where that cannot be done.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CANNOT 77
#define MOST 64

static const struct {
	const char *name;
	unsigned number;
} calls[] = {
	{"io_uring_setup", SYS_io_uring_setup},
	{"io_uring_enter", SYS_io_uring_enter},
	{"io_uring_register", SYS_io_uring_register},
	{"cachestat", 451},
	{"fchmodat2", 452},
	{"preadv2", SYS_preadv2},
	{"renameat2", SYS_renameat2},
	{"statx", SYS_statx},
	{"getrandom", SYS_getrandom},
	{"flistxattr", SYS_flistxattr},
	{"llistxattr", SYS_llistxattr},
	{"fgetxattr", SYS_fgetxattr},
	{"lgetxattr", SYS_lgetxattr},
	{"fsetxattr", SYS_fsetxattr},
	{"setxattr", SYS_setxattr},
	{"fchown", SYS_fchown},
	{"fchownat", SYS_fchownat},
	{"linkat", SYS_linkat},
	{"fchmod", SYS_fchmod},
	{"utimensat", SYS_utimensat},
};

static const struct {
	const char *name;
	unsigned number;
} errors[] = {
	{"EPERM", EPERM}, {"ENOSYS", ENOSYS}, {"ENOMEM", ENOMEM}, {"EAGAIN", EAGAIN}, {"EINVAL", EINVAL},
	{"E2BIG", E2BIG}, {"EACCES", EACCES}, {"EIO", EIO}, {"ENODATA", ENODATA}, {"EOPNOTSUPP", EOPNOTSUPP},
	{"ENOSPC", ENOSPC},
};

static struct sock_filter code[MOST];
static unsigned short used;

static void emit(struct sock_filter instruction) {
	code[used++] = instruction;
}

static void load(unsigned offset) {
	emit((struct sock_filter) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset));
}

/** If the system call that is loaded is NUMBER, it fails. */
static void refuse(unsigned number, unsigned error) {
	emit((struct sock_filter) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1));
	emit((struct sock_filter) BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error));
}

/** Threads are made by clone(2) with a flag that processes are made without; clone3(2) cannot be looked into. */
static void refuse_threads(unsigned error) {
	refuse(SYS_clone3, ENOSYS);
	emit((struct sock_filter) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 4));
	load(offsetof(struct seccomp_data, args));
	emit((struct sock_filter) BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD, 0, 1));
	emit((struct sock_filter) BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error));
	load(offsetof(struct seccomp_data, nr));
}

/** Only with AT_EMPTY_PATH, as Linux before 5.8. */
static void refuse_empty_path(unsigned error) {
	emit((struct sock_filter) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_utimensat, 0, 4));
	load(offsetof(struct seccomp_data, args) + 3 * sizeof(uint64_t));
	emit((struct sock_filter) BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, AT_EMPTY_PATH, 0, 1));
	emit((struct sock_filter) BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error));
	load(offsetof(struct seccomp_data, nr));
}

static bool add(const char *wish) {
	const char *equals = strchr(wish, '=');
	size_t len = equals ? (size_t)(equals - wish) : 0;
	for (size_t e = 0; equals && e < countof(errors); ++e) {
		if (strcmp(errors[e].name, equals + 1) != 0) {
			continue;
		}
		if (len == 6 && strncmp(wish, "thread", len) == 0) {
			refuse_threads(errors[e].number);
			return true;
		}
		if (len == 15 && strncmp(wish, "utimensat-empty", len) == 0) {
			refuse_empty_path(errors[e].number);
			return true;
		}
		for (size_t c = 0; c < countof(calls); ++c) {
			if (strlen(calls[c].name) == len && strncmp(calls[c].name, wish, len) == 0) {
				refuse(calls[c].number, errors[e].number);
				return true;
			}
		}
	}
	fprintf(stderr, "run-refused: what is %s?\n", wish);
	return false;
}

int main(int argc, char **argv) {
	int i = 1;
	load(offsetof(struct seccomp_data, nr));
	for (; i < argc && strcmp(argv[i], "--") != 0; ++i) {
		if (used > MOST - 10 || !add(argv[i])) {
			return 2;
		}
	}
	if (i + 1 >= argc) {
		return 2;
	}
	emit((struct sock_filter) BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
	struct sock_fprog program = {.len = used, .filter = code};
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
		return CANNOT;
	}
	execvp(argv[i + 1], argv + i + 1);
	perror("run-refused");
	return 2;
}
