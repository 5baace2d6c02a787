// SPDX-License-Identifier: MIT
#include "engine/ring.h"

#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

/** The sysctl that forbids io_uring: 0 (to nobody), 1 (to all but some), 2 (to all). */
#define SYSCTL "/proc/sys/kernel/io_uring_disabled"

#ifndef IORING_FEAT_RW_ATTR
/** Missing in headers of older kernels. */
#	define IORING_FEAT_RW_ATTR (1U << 16)
#endif

/** Names of the bits of struct io_uring_params::features, as in the kernel, lowest bit first. */
static const char *const features[] = {"single_mmap", "nodrop", "submit_stable", "rw_cur_pos", "cur_personality",
	"fast_poll", "poll_32bits", "sqpoll_nonfixed", "ext_arg", "native_workers", "rsrc_tags", "cqe_skip", "linked_file",
	"reg_reg_ring", "recvsend_bundle", "min_timeout", "rw_attr", "no_iowait"};

/** The value of the sysctl, or '0' if it does not exist. */
static char read_sysctl(void) {
	char value = '0';
	int fd = open(SYSCTL, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		if (read(fd, &value, 1) != 1) {
			value = '0';
		}
		close(fd);
	}
	return value;
}

bool ring_releases_files(unsigned kernel) {
	return kernel & IORING_FEAT_RW_ATTR;
}

const char *ring_obstacle(int err) {
	switch (err) {
	case ENOSYS:
		return "this kernel has no io_uring, or a sandbox hides it";
	case ENOMEM:
		return "the limit of locked memory may be too low (ulimit -l)";
	case EPERM:
	case EACCES:
		break;
	default:
		return NULL;
	}
	switch (read_sysctl()) {
	case '2':
		return "io_uring is forbidden to all by the sysctl kernel.io_uring_disabled, which is 2";
	case '1':
		return "io_uring is forbidden to all but privileged users and the group kernel.io_uring_group by the sysctl "
			   "kernel.io_uring_disabled, which is 1";
	default:
		return "io_uring may be forbidden by a seccomp filter, as in many containers";
	}
}

void ring_features(char *text, size_t size) {
	struct io_uring_params params = {0};
	struct io_uring uring;
	struct utsname name;

	uname(&name);
	int ret = io_uring_queue_init_params(1, &uring, &params);
	if (ret < 0) {
		const char *why = ring_obstacle(-ret);
		char error[128];
		snprintf(text, size, "%s %s, no io_uring: %s", name.sysname, name.release,
			why ? why : strerror_r(-ret, error, sizeof(error)));
		return;
	}
	io_uring_queue_exit(&uring);
	int len = snprintf(text, size, "%s %s, io_uring with:", name.sysname, name.release);
	for (unsigned bit = 0; bit < 32; ++bit) {
		size_t at = min((size_t)len, size - 1);
		if (!(params.features & 1u << bit)) {
			continue;
		}
		if (bit < countof(features)) {
			len += snprintf(text + at, size - at, " %s", features[bit]);
		} else {
			len += snprintf(text + at, size - at, " feature_%u", bit);
		}
	}
}

const char *ring_library(void) {
	return UCP_LIBURING[0] ? UCP_LIBURING : NULL;
}
