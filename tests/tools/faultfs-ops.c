// SPDX-License-Identifier: MIT
#include "faultfs.h"
#include "faults-power.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/fsuid.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#define CONTROL "/.faultfs"

/** An open file or directory. */
struct handle {
	/** -1 for the control file. */
	int fd;
	DIR *dir;
	bool direct;
	/** What the control file says. */
	char *text;
	/** As it was opened. */
	char path[];
};

// libfuse gives its callbacks nothing that is as handy.
struct faults faults;
struct faultfs_options options = {.threads = 128, .cache = 1};

// --- Helpers

/** Give a name the letters that it has in a directory, if it is there. */
static void fold_name(const char *dir, char *name, size_t len) {
	DIR *stream = opendir(dir);
	for (const struct dirent *entry; stream && (entry = readdir(stream));) {
		if (strlen(entry->d_name) == len && strncasecmp(entry->d_name, name, len) == 0) {
			memcpy(name, entry->d_name, len);
		}
	}
	if (stream) {
		closedir(stream);
	}
}

/** Give each component of a path the letters that it has. Valid until the thread's next but one call. */
static const char *fold(const char *path) {
	static _Thread_local char paths[2][PATH_MAX];
	static _Thread_local unsigned turn;
	char *folded = paths[turn++ % 2];
	if (strlen(path) >= PATH_MAX) {
		return path;
	}
	strcpy(folded, path);
	for (char *name = folded, *end; *name; name = *end ? end + 1 : end) {
		struct stat st;
		end = strchrnul(name, '/');
		char after = *end;
		*end = '\0';
		if (lstat(folded, &st) != 0) {
			char dir[PATH_MAX + 2];
			snprintf(dir, sizeof(dir), "./%.*s", (int)(name - folded), folded);
			fold_name(dir, name, (size_t)(end - name));
		}
		*end = after;
	}
	return folded;
}

/** A path below the directory, which is the working directory. */
static const char *below(const char *path) {
	const char *name = path[1] ? path + 1 : ".";
	return options.fold ? fold(name) : name;
}

static bool is_control(const char *path) {
	return strcmp(path, CONTROL) == 0;
}

static struct handle *handle_of(const struct fuse_file_info *fi) {
	return fi ? (struct handle *)(uintptr_t)fi->fh : NULL;
}

static int result(int ret) {
	return ret < 0 ? -errno : 0;
}

static int meet(const char *op, const char *path) {
	return faults_meet(&faults, op, path, NULL);
}

/** The path of an operation, which has none where it is on an open file. */
static const char *path_of(const char *path, const struct fuse_file_info *fi) {
	return path ? path : handle_of(fi)->path;
}

static struct handle *handle_new(const char *path) {
	struct handle *handle = calloc(1, sizeof(*handle) + strlen(path) + 1);
	if (handle) {
		handle->fd = -1;
		strcpy(handle->path, path);
	}
	return handle;
}

/** Make what the caller makes as the caller, so that it belongs to them. */
static void be_caller(void) {
	const struct fuse_context *caller = fuse_get_context();
	setfsgid(caller->gid);
	setfsuid(caller->uid);
}

/** Undo it. Returns -errno if RET says that the call before failed. */
static int be_self(int ret) {
	int err = result(ret);
	setfsuid(geteuid());
	setfsgid(getegid());
	return err;
}

// --- Names and attributes

static void cut(struct timespec *time) {
	long second = 1000000000;
	time->tv_sec -= options.time_step > second ? time->tv_sec % (options.time_step / second) : 0;
	time->tv_nsec -= time->tv_nsec % (options.time_step < second ? options.time_step : second);
}

/** Show times as they would be kept with options.time_step, and options.time_ahead too late. */
static void shift_times(struct stat *st) {
	if (options.time_step > 0) {
		cut(&st->st_atim);
		cut(&st->st_mtim);
		st->st_ctim = st->st_mtim;
	}
	st->st_atim.tv_sec += options.time_ahead;
	st->st_mtim.tv_sec += options.time_ahead;
	st->st_ctim.tv_sec += options.time_ahead;
}

static int fs_getattr(const char *path, struct stat *st, struct fuse_file_info *fi) {
	if (is_control(path_of(path, fi))) {
		*st = (struct stat) {.st_mode = S_IFREG | 0666, .st_nlink = 1, .st_uid = getuid(), .st_gid = getgid()};
		return 0;
	}
	int err = meet("getattr", path_of(path, fi));
	if (err) {
		return err;
	}
	const struct handle *handle = handle_of(fi);
	err = result(handle && handle->fd >= 0 ? fstat(handle->fd, st) : lstat(below(path), st));
	if (options.odd_inodes) {
		static _Atomic uint64_t looks = 1000;
		st->st_ino = atomic_fetch_add(&looks, 1);
	}
	if (err == 0) {
		st->st_blocks /= options.compressed ? 2 : 1;
		shift_times(st);
	}
	return err;
}

static int fs_readlink(const char *path, char *target, size_t size) {
	int err = meet("readlink", path);
	if (err) {
		return err;
	}
	ssize_t len = readlink(below(path), target, size - 1);
	if (len >= 0) {
		target[len] = '\0';
	}
	return result((int)len);
}

static int fs_mknod(const char *path, mode_t mode, dev_t device) {
	int err = meet("mknod", path);
	if (err) {
		return err;
	}
	be_caller();
	return be_self(mknod(below(path), mode, device));
}

static int fs_mkdir(const char *path, mode_t mode) {
	int err = meet("mkdir", path);
	if (err) {
		return err;
	}
	be_caller();
	return be_self(mkdir(below(path), mode));
}

static int fs_symlink(const char *target, const char *path) {
	int err = meet("symlink", path);
	if (err) {
		return err;
	}
	be_caller();
	return be_self(symlink(target, below(path)));
}

static int fs_link(const char *from, const char *to) {
	int err = meet("link", to);
	return err ? err : result(linkat(AT_FDCWD, below(from), AT_FDCWD, below(to), 0));
}

static int fs_unlink(const char *path) {
	int err = meet("unlink", path);
	return err ? err : result(unlink(below(path)));
}

static int fs_rmdir(const char *path) {
	int err = meet("rmdir", path);
	return err ? err : result(rmdir(below(path)));
}

static int fs_rename(const char *from, const char *to, unsigned flags) {
	int err = meet("rename", from);
	return err ? err : result(renameat2(AT_FDCWD, below(from), AT_FDCWD, below(to), flags));
}

static int fs_chmod(const char *path, mode_t mode, struct fuse_file_info *fi) {
	if (is_control(path_of(path, fi))) {
		return 0;
	}
	int err = meet("chmod", path_of(path, fi));
	if (err) {
		return err;
	}
	return result(fi ? fchmod(handle_of(fi)->fd, mode) : chmod(below(path), mode));
}

static int fs_chown(const char *path, uid_t uid, gid_t gid, struct fuse_file_info *fi) {
	int err = meet("chown", path_of(path, fi));
	if (err) {
		return err;
	}
	return result(fi ? fchown(handle_of(fi)->fd, uid, gid) : lchown(below(path), uid, gid));
}

static int fs_utimens(const char *path, const struct timespec times[2], struct fuse_file_info *fi) {
	if (is_control(path_of(path, fi))) {
		return 0;
	}
	int err = meet("utimens", path_of(path, fi));
	if (err) {
		return err;
	}
	return result(fi ? futimens(handle_of(fi)->fd, times)
			 : utimensat(AT_FDCWD, below(path), times, AT_SYMLINK_NOFOLLOW));
}

static int fs_statfs(const char *path, struct statvfs *st) {
	int err = meet("statfs", path);
	return err ? err : result(statvfs(".", st));
}

static int fs_setxattr(const char *path, const char *name, const char *value, size_t size, int flags) {
	int err = meet("setxattr", path);
	return err ? err : result(lsetxattr(below(path), name, value, size, flags));
}

static int fs_getxattr(const char *path, const char *name, char *value, size_t size) {
	int err = is_control(path) ? -ENODATA : meet("getxattr", path);
	if (err) {
		return err;
	}
	ssize_t len = lgetxattr(below(path), name, value, size);
	return len < 0 ? -errno : (int)len;
}

/** Take ACLs out of a list of names, if there is one. Returns its bytes. */
static size_t without_acls(char *names, size_t len) {
	size_t kept = 0;
	for (size_t at = 0, next; names && at < len; at = next) {
		next = at + strlen(names + at) + 1;
		if (strncmp(names + at, "system.posix_acl_", 17) != 0) {
			memmove(names + kept, names + at, next - at);
			kept += next - at;
		}
	}
	return names ? kept : len;
}

static int fs_listxattr(const char *path, char *names, size_t size) {
	int err = meet("listxattr", path);
	if (err) {
		return err;
	}
	ssize_t len = llistxattr(below(path), names, size);
	return len < 0 ? -errno : options.unlisted_acls ? (int)without_acls(names, (size_t)len) : (int)len;
}

static int fs_removexattr(const char *path, const char *name) {
	int err = meet("removexattr", path);
	return err ? err : result(lremovexattr(below(path), name));
}

// --- Files

/** Keep what was opened. */
static int keep(const char *path, int fd, struct fuse_file_info *fi) {
	struct handle *handle = fd < 0 ? NULL : handle_new(path);
	if (!handle) {
		int err = fd < 0 ? -errno : -ENOMEM;
		if (fd >= 0) {
			close(fd);
		}
		return err;
	}
	handle->fd = fd;
	handle->direct = fi->flags & O_DIRECT || faults_need_direct(&faults, path);
	fi->direct_io = handle->direct;
	fi->fh = (uintptr_t)handle;
	return 0;
}

static int open_control(struct fuse_file_info *fi) {
	struct handle *handle = handle_new(CONTROL);
	if (!handle) {
		return -ENOMEM;
	}
	handle->text = faults_describe(&faults);
	fi->direct_io = 1;
	fi->fh = (uintptr_t)handle;
	return 0;
}

/** The flags to open our file with: offsets come with each request, and our buffers are not aligned. */
static int flags_for(const struct fuse_file_info *fi) {
	int flags = fi->flags & ~(O_APPEND | O_DIRECT);
	if (options.writeback && (flags & O_ACCMODE) == O_WRONLY) {
		flags = (flags & ~O_ACCMODE) | O_RDWR; // the kernel reads what is around a few written bytes
	}
	return flags | O_CLOEXEC | O_NOFOLLOW;
}

static int fs_open(const char *path, struct fuse_file_info *fi) {
	if (is_control(path)) {
		return open_control(fi);
	}
	int err = meet("open", path);
	return err ? err : keep(path, open(below(path), flags_for(fi)), fi);
}

static int fs_create(const char *path, mode_t mode, struct fuse_file_info *fi) {
	int err = meet("create", path);
	if (err) {
		return err;
	}
	be_caller();
	int fd = open(below(path), flags_for(fi) | O_CREAT, mode);
	err = be_self(fd);
	return err ? err : keep(path, fd, fi);
}

static int fs_read(const char *path, char *data, size_t size, off_t off, struct fuse_file_info *fi) {
	(void)path;
	const struct handle *handle = handle_of(fi);
	if (handle->fd < 0) {
		size_t len = handle->text ? strlen(handle->text) : 0;
		size_t some = (size_t)off < len ? min(size, len - (size_t)off) : 0;
		memcpy(data, handle->text + off, some);
		return (int)some;
	}
	struct faults_range range = {.off = (uint64_t)off, .len = size, .partly = handle->direct};
	int err = faults_meet(&faults, "read", handle->path, &range);
	if (err) {
		return err;
	}
	ssize_t len = pread(handle->fd, data, range.len, off);
	return len < 0 ? -errno : (int)len;
}

/** Obey each line that was written to the control file. */
static int control(const char *data, size_t size) {
	char *lines = strndup(data, size);
	char *rest = lines;
	int ret = lines ? (int)size : -ENOMEM;
	for (char *line; ret >= 0 && (line = strsep(&rest, "\n"));) {
		int err = power_command(line);
		err = err == -EINVAL ? faults_command(&faults, line) : err;
		ret = err ? err : ret;
	}
	free(lines);
	return ret;
}

static int fs_write(const char *path, const char *data, size_t size, off_t off, struct fuse_file_info *fi) {
	(void)path;
	const struct handle *handle = handle_of(fi);
	if (handle->fd < 0) {
		return control(data, size);
	}
	struct stat st;
	if (fstat(handle->fd, &st) != 0) {
		return -errno;
	}
	struct faults_range range = {.off = (uint64_t)off, .len = size, .partly = true, .data = data,
		.size = (uint64_t)st.st_size};
	int err = faults_meet(&faults, "write", handle->path, &range);
	if (err) {
		return err;
	}
	return (int)power_write(handle->fd, data, range.len, off);
}

static int fs_truncate(const char *path, off_t size, struct fuse_file_info *fi) {
	if (is_control(path_of(path, fi))) {
		return 0;
	}
	int err = meet("truncate", path_of(path, fi));
	if (err) {
		return err;
	}
	return result(fi ? ftruncate(handle_of(fi)->fd, size) : truncate(below(path), size));
}

static int fs_flush(const char *path, struct fuse_file_info *fi) {
	(void)path;
	return meet("flush", handle_of(fi)->path);
}

static int fs_fsync(const char *path, int data_only, struct fuse_file_info *fi) {
	(void)path;
	const struct handle *handle = handle_of(fi);
	int err = meet("fsync", handle->path);
	if (err || handle->fd < 0) {
		return err;
	}
	return data_only || power_is_on() ? power_flush(handle->fd) : result(fsync(handle->fd));
}

static int fs_release(const char *path, struct fuse_file_info *fi) {
	(void)path;
	struct handle *handle = handle_of(fi);
	if (handle->dir) {
		closedir(handle->dir);
	} else if (handle->fd >= 0) {
		close(handle->fd);
	}
	free(handle->text);
	free(handle);
	return 0;
}

static int fs_fallocate(const char *path, int mode, off_t off, off_t len, struct fuse_file_info *fi) {
	(void)path;
	int err = power_is_on() ? -EOPNOTSUPP : meet("fallocate", handle_of(fi)->path);
	return err ? err : result(fallocate(handle_of(fi)->fd, mode, off, len));
}

static off_t fs_lseek(const char *path, off_t off, int whence, struct fuse_file_info *fi) {
	(void)path;
	int err = meet("lseek", handle_of(fi)->path);
	if (err) {
		return err;
	}
	off = lseek(handle_of(fi)->fd, off, whence);
	return off < 0 ? -errno : off;
}

static ssize_t fs_copy_file_range(const char *path_in, struct fuse_file_info *in, off_t off_in, const char *path_out,
	struct fuse_file_info *out, off_t off_out, size_t size, int flags)
{
	(void)path_in;
	(void)path_out;
	if (!options.server_copy) {
		return -ENOSYS;
	}
	struct faults_range range = {.off = (uint64_t)off_out, .len = size, .partly = true};
	int err = faults_meet(&faults, "copy_file_range", handle_of(out)->path, &range);
	if (err) {
		return err;
	}
	ssize_t len = copy_file_range(handle_of(in)->fd, &off_in, handle_of(out)->fd, &off_out, range.len, (unsigned)flags);
	return len < 0 ? -errno : len;
}

// --- Directories

static int fs_opendir(const char *path, struct fuse_file_info *fi) {
	int err = meet("opendir", path);
	if (err) {
		return err;
	}
	struct handle *handle = handle_new(path);
	if (!handle) {
		return -ENOMEM;
	}
	handle->dir = opendir(below(path));
	if (!handle->dir) {
		err = -errno;
		free(handle);
		return err;
	}
	handle->fd = dirfd(handle->dir);
	fi->fh = (uintptr_t)handle;
	return 0;
}

static int fs_readdir(const char *path, void *list, fuse_fill_dir_t fill, off_t off, struct fuse_file_info *fi,
	enum fuse_readdir_flags flags)
{
	(void)path;
	(void)off;
	const struct handle *handle = handle_of(fi);
	int err = meet("readdir", handle->path);
	if (err) {
		return err;
	}
	rewinddir(handle->dir);
	for (;;) {
		errno = 0;
		const struct dirent *entry = readdir(handle->dir);
		if (!entry) {
			return -errno;
		}
		struct stat st = {.st_ino = entry->d_ino, .st_mode = (mode_t)DTTOIF(entry->d_type)};
		bool all = flags & FUSE_READDIR_PLUS && fstatat(handle->fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0;
		if (fill(list, entry->d_name, &st, 0, all ? FUSE_FILL_DIR_PLUS : 0) != 0) {
			return -ENOMEM;
		}
	}
}

// --- The table

static void *fs_init(struct fuse_conn_info *connection, struct fuse_config *config) {
	config->use_ino = 1;
	config->hard_remove = 1;
	config->nullpath_ok = 1;
	config->entry_timeout = config->attr_timeout = options.cache;
	config->negative_timeout = 0;
	connection->max_background = options.threads;
	connection->congestion_threshold = options.threads;
	// Requests must be in memory for serve(); and we leave set-id bits where they are.
	connection->want &= ~(unsigned)(FUSE_CAP_SPLICE_READ | FUSE_CAP_HANDLE_KILLPRIV);
	if (options.writeback) {
		connection->want |= connection->capable & FUSE_CAP_WRITEBACK_CACHE;
	}
	return NULL;
}

const struct fuse_operations faultfs_operations = {
	.init = fs_init,
	.getattr = fs_getattr,
	.readlink = fs_readlink,
	.mknod = fs_mknod,
	.mkdir = fs_mkdir,
	.unlink = fs_unlink,
	.rmdir = fs_rmdir,
	.symlink = fs_symlink,
	.rename = fs_rename,
	.link = fs_link,
	.chmod = fs_chmod,
	.chown = fs_chown,
	.truncate = fs_truncate,
	.open = fs_open,
	.create = fs_create,
	.read = fs_read,
	.write = fs_write,
	.statfs = fs_statfs,
	.flush = fs_flush,
	.release = fs_release,
	.fsync = fs_fsync,
	.setxattr = fs_setxattr,
	.getxattr = fs_getxattr,
	.listxattr = fs_listxattr,
	.removexattr = fs_removexattr,
	.opendir = fs_opendir,
	.readdir = fs_readdir,
	.releasedir = fs_release,
	.fsyncdir = fs_fsync,
	.utimens = fs_utimens,
	.fallocate = fs_fallocate,
	.copy_file_range = fs_copy_file_range,
	.lseek = fs_lseek,
};
