// SPDX-License-Identifier: MIT
#include "sys/reflink.h"

#include <errno.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

bool reflink_error_is_of_place(int err) {
	return err == EXDEV || err == EOPNOTSUPP || err == ENOTTY || err == ENOSYS;
}

enum reflink_result reflink_clone(int dst, int src) {
	if (ioctl(dst, FICLONE, src) == 0) {
		return REFLINK_DONE;
	}
	// File systems refuse with many different errors; only these mean that the medium itself has failed
	switch (errno) {
	case EIO:
	case ENOMEM:
	case ENOSPC:
	case EDQUOT:
		return REFLINK_FAILED;
	default:
		return reflink_error_is_of_place(errno) ? REFLINK_NOT_HERE : REFLINK_NOT_THIS;
	}
}
