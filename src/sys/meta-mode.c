// SPDX-License-Identifier: MIT
#include "base/io.h"
#include "sys/meta-impl.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

/** The number of fchmodat2(2), the same on all architectures; older headers lack it. */
#define SYS_FCHMODAT2 452

int meta_chmod_path(int fd, mode_t mode) {
	char path[FD_PATH_SIZE];
	// fchmodat2(2), Linux 6.6, works without /proc
	if (syscall(SYS_FCHMODAT2, fd, "", mode & MODE_BITS, AT_EMPTY_PATH) == 0) {
		return 0;
	}
	if (errno != ENOSYS && errno != EPERM) {
		return -errno;
	}
	if (chmod(fd_path(fd, path), mode & MODE_BITS) == 0) {
		return 0;
	}
	int err = errno;
	// A directory needs no /proc either
	return err == ENOENT && fchmodat(fd, ".", mode & MODE_BITS, 0) == 0 ? 0 : -err;
}

int meta_set_mode(const struct meta *meta, mode_t mode) {
	if (meta->flags & META_DST_PATH) {
		int ret = meta_chmod_path(meta->dst_fd, mode);
		// Symbolic links have no mode
		bool by_name = ret == -ENOENT && meta->dst_name && !S_ISLNK(meta->src->st_mode);
		return by_name ? or_errno(fchmodat(meta->dst_dir, meta->dst_name, mode & MODE_BITS, 0)) : ret;
	}
	return or_errno(fchmod(meta->dst_fd, mode & MODE_BITS));
}
