#include "offload.h"

#include <errno.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

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
		return OFFLOAD_NOT_HERE;
	}
}
