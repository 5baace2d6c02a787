#include "sys/reflink.h"

#include <errno.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

bool offload_is_about_place(int err) {
	return err == EXDEV || err == EOPNOTSUPP || err == ENOTTY || err == ENOSYS;
}

enum offload offload_clone(int dst, int src) {
	if (ioctl(dst, FICLONE, src) == 0) {
		return OFFLOAD_DONE;
	}
	// File systems refuse with many different errors; only these mean that the medium itself is in trouble
	switch (errno) {
	case EIO:
	case ENOMEM:
	case ENOSPC:
	case EDQUOT:
		return OFFLOAD_FAILED;
	default:
		return offload_is_about_place(errno) ? OFFLOAD_NOT_HERE : OFFLOAD_NOT_THIS;
	}
}
