// SPDX-License-Identifier: MIT
#include "sys/meta-impl.h"
#include "sys/meta.h"

#include "base/opts.h"

#include <errno.h>
#include <unistd.h>

/** MODE without access for group and others that --chmod will take away. */
static mode_t narrowed(const struct opts *opts, mode_t mode) {
	return mode & (meta_change_mode(opts, S_IFREG, mode) | ~(mode_t)(S_IRWXG | S_IRWXO));
}

struct error meta_inherit(const struct opts *opts, int old, struct stat *st, int fd) {
	int inherited = -1;
	struct stat now;
	if (fstat(fd, &now) != 0) {
		return error_make(ERROR_STAT, errno, "cannot fstat %d");
	}
	if ((now.st_uid != st->st_uid || now.st_gid != st->st_gid) && fchown(fd, st->st_uid, st->st_gid) != 0) {
		// An ordinary user may at least change the group; the result is read below
		int refused = fchown(fd, (uid_t)-1, st->st_gid);
		(void)refused;
	}
	int ret = old >= 0 ? meta_inherit_xattrs(old, fd) : 0;
	if (fstat(fd, &now) != 0) {
		return error_make(ERROR_STAT, errno, "cannot fstat %d");
	}
	if (!(opts->preserve & PRESERVE_MODE)) {
		mode_t mode = meta_written_mode(opts, st->st_mode);
		bool group = now.st_gid == st->st_gid;
		if (!group || now.st_uid != st->st_uid) {
			mode &= ~(mode_t)(S_ISUID | S_ISGID);
		}
		if (!group) {
			// Grant the other group no more than others
			mode &= ~(mode_t)S_IRWXG | ((mode & S_IRWXO) << 3);
		}
		bool changed = opts->preserve & PRESERVE_MODE_CHANGED;
		bool acl = meta_inherit_acl(old, fd, group, &mode, changed ? narrowed(opts, mode) : mode);
		mode_t set = changed ? narrowed(opts, mode) : mode;
		if ((!acl || (mode & ~(mode_t)0777)) && fchmod(fd, set) != 0) {
			return error_make(ERROR_PRESERVE, errno, "preserving permissions for %d");
		}
		inherited = changed ? (int)mode : -1;
	}
	if (fstat(fd, st) != 0) {
		return error_make(ERROR_STAT, errno, "cannot fstat %d");
	}
	if (inherited >= 0) {
		// The changes of --chmod start from there
		st->st_mode = (st->st_mode & S_IFMT) | (mode_t)inherited;
	}
	return ret < 0 ? error_make(ERROR_PRESERVE, ret, "setting attributes for %d") : NO_ERROR;
}
