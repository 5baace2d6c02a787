// SPDX-License-Identifier: MIT
#include "sys/meta-impl.h"

#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

/** The kernel's limits: XATTR_SIZE_MAX and XATTR_LIST_MAX in linux/limits.h. */
#define VALUE_MAX 65536
#define LIST_MAX 65536

/** Buffer size for a large ACL, which must meet the same condition as META_SMALL. */
#define ACL_MAX (VALUE_MAX - 4)

struct meta_ref meta_by_name(int dir, const char *name, char path[META_SRC_PATH_SIZE]) {
	if (dir == AT_FDCWD) {
		return (struct meta_ref) {.fd = -1, .path = name};
	}
	char above[FD_PATH_SIZE];
	int len = snprintf(path, META_SRC_PATH_SIZE, "%s/%s", fd_path(dir, above), name);
	if (len >= META_SRC_PATH_SIZE) {
		// A truncated path would lead to another file
		path[0] = '\0';
	}
	return (struct meta_ref) {.fd = -1, .path = path, .name = name, .dir = dir};
}

struct meta_ref meta_src(const struct meta *meta, char path[META_SRC_PATH_SIZE]) {
	if (meta->src_fd >= 0) {
		const char *by_path = meta->flags & META_SRC_PATH ? fd_path(meta->src_fd, path) : NULL;
		return (struct meta_ref) {.fd = meta->src_fd, .path = by_path, .follow = true};
	}
	return meta_by_name(meta->src_dir, meta->src_name, path);
}

struct meta_ref meta_dst(const struct meta *meta, char path[FD_PATH_SIZE]) {
	bool by_path = meta->flags & META_DST_PATH;
	return (struct meta_ref) {.fd = meta->dst_fd,
		.path = by_path ? fd_path(meta->dst_fd, path) : NULL,
		.follow = true,
		.name = by_path ? meta->dst_name : NULL,
		.dir = meta->dst_dir};
}

struct meta_ref meta_by_fd(int fd, char path[FD_PATH_SIZE]) {
	int flags = fcntl(fd, F_GETFL);
	if (flags < 0 || !(flags & O_PATH)) {
		return (struct meta_ref) {.fd = fd};
	}
	return (struct meta_ref) {.fd = -1, .path = fd_path(fd, path), .follow = true};
}

/** A system call about attributes. */
struct request {
	ssize_t (*make)(struct meta_ref ref, const struct request *request);
	/** The attribute's name, except for listing. */
	const char *name;
	/** Buffer for the value or the names. */
	void *data;
	size_t size;
};

static ssize_t list_at(struct meta_ref ref, const struct request *r) {
	if (!ref.path) {
		return flistxattr(ref.fd, r->data, r->size);
	}
	return ref.follow ? listxattr(ref.path, r->data, r->size) : llistxattr(ref.path, r->data, r->size);
}

static ssize_t get_at(struct meta_ref ref, const struct request *r) {
	if (!ref.path) {
		return fgetxattr(ref.fd, r->name, r->data, r->size);
	}
	return ref.follow ? getxattr(ref.path, r->name, r->data, r->size) : lgetxattr(ref.path, r->name, r->data, r->size);
}

static ssize_t set_at(struct meta_ref ref, const struct request *r) {
	if (!ref.path) {
		return fsetxattr(ref.fd, r->name, r->data, r->size, 0);
	}
	return ref.follow ? setxattr(ref.path, r->name, r->data, r->size, 0)
					  : lsetxattr(ref.path, r->name, r->data, r->size, 0);
}

static ssize_t remove_at(struct meta_ref ref, const struct request *r) {
	if (!ref.path) {
		return fremovexattr(ref.fd, r->name);
	}
	return ref.follow ? removexattr(ref.path, r->name) : lremovexattr(ref.path, r->name);
}

/**
 * If the file was not found because /proc is not mounted, change this thread's working directory, and no other
 * thread's, to the file's directory. Returns the old directory for leave(), or -1.
 */
static int enter(struct meta_ref ref, ssize_t ret) {
	if (ret != -ENOENT || !ref.name || access("/proc/self/fd", F_OK) == 0 || unshare(CLONE_FS) != 0) {
		return -1;
	}
	int back = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	// First make sure that we can return
	if (back >= 0 && (fchdir(back) != 0 || fchdir(ref.dir) != 0)) {
		close_fd(&back);
	}
	return back;
}

static void leave(int back) {
	// The directory is open, so this cannot fail; if it did, relative paths would lead elsewhere
	if (fchdir(back) != 0) {
		abort();
	}
	close_fd(&back);
}

/** Make a request; if /proc is not mounted, repeat it by name in the directory. Returns the result, or -errno. */
static ssize_t ask(struct meta_ref ref, struct request request) {
	ssize_t n = request.make(ref, &request);
	n = n < 0 ? -errno : n;
	int back = enter(ref, n);
	if (back >= 0) {
		n = request.make((struct meta_ref) {.fd = -1, .path = ref.name}, &request);
		n = n < 0 ? -errno : n;
		leave(back);
	}
	return n;
}

static ssize_t list(struct meta_ref ref, char *names, size_t size) {
	return ask(ref, (struct request) {.make = list_at, .data = names, .size = size});
}

static ssize_t get(struct meta_ref ref, const char *name, void *value, size_t size) {
	return ask(ref, (struct request) {.make = get_at, .name = name, .data = value, .size = size});
}

ssize_t meta_list(struct meta_ref ref, struct meta_names *names) {
	names->big = NULL;
	names->size = list(ref, names->small, META_SMALL);
	if (names->size == -ERANGE) {
		names->big = malloc(LIST_MAX);
		names->size = names->big ? list(ref, names->big, LIST_MAX) : -ENOMEM;
	}
	return names->size;
}

const char *meta_next_name(const struct meta_names *names, const char *name) {
	const char *first = names->big ? names->big : names->small;
	const char *next = name ? name + strlen(name) + 1 : first;
	return next - first < names->size ? next : NULL;
}

bool meta_is_listed(const struct meta_names *names, const char *name) {
	const char *next = NULL;
	while ((next = meta_next_name(names, next)) && strcmp(next, name) != 0) {
	}
	return next;
}

int meta_get(struct meta_ref ref, const char *name, struct meta_value *value) {
	value->data = value->small;
	ssize_t n = get(ref, name, value->small, sizeof(value->small));
	if (n == -ERANGE) {
		value->data = malloc(VALUE_MAX);
		bool acl = strcmp(name, META_ACL_ACCESS) == 0 || strcmp(name, META_ACL_DEFAULT) == 0;
		size_t most = acl ? ACL_MAX : VALUE_MAX;
		n = value->data ? get(ref, name, value->data, most) : -ENOMEM;
	}
	if (n < 0) {
		meta_value_free(value);
		return (int)n;
	}
	value->size = (size_t)n;
	return 0;
}

void meta_value_free(struct meta_value *value) {
	if (value->data != value->small) {
		free(value->data);
	}
}

int meta_has(struct meta_ref ref, const char *name) {
	ssize_t n = get(ref, name, NULL, 0);
	if (n == -ENODATA) {
		return 0;
	}
	return n >= 0 ? 1 : (int)n;
}

int meta_set(struct meta_ref ref, const char *name, const struct meta_value *value) {
	return (int)ask(ref, (struct request) {.make = set_at, .name = name, .data = value->data, .size = value->size});
}

int meta_remove(struct meta_ref ref, const char *name) {
	return (int)ask(ref, (struct request) {.make = remove_at, .name = name});
}
