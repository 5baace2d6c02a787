#include "meta-impl.h"

#include "opts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

/** POSIX ACLs, as the kernel shows them: acl(5), linux/xattr.h. */
#define ACL_ACCESS "system.posix_acl_access"
#define ACL_DEFAULT "system.posix_acl_default"

/** What gives a program rights, like the set-id bits. */
#define CAPABILITY "security.capability"

/** The most the kernel gives: limits.h of Linux, XATTR_SIZE_MAX and XATTR_LIST_MAX. */
#define VALUE_MAX 65536
#define LIST_MAX 65536

/** Bytes of names and of a value that need no allocation. */
#define SMALL 1024

/** The size of a path of the form /proc/self/fd/N/NAME. */
#define PATH_SIZE (32 + 256)

/** A source whose attributes are meant: by descriptor, or by a path that is not followed at its end. */
struct src_ref {
	int fd;
	const char *path;
};

/** A destination: by descriptor, or by a path of /proc that leads nowhere else. */
struct dst_ref {
	int fd;
	const char *path;
};

/** Name a source for calls that know no directory descriptors, without leaving the directory that is open. */
static struct src_ref src_ref(const struct meta *meta, char path[PATH_SIZE]) {
	if (meta->src_fd >= 0) {
		return (struct src_ref) {.fd = meta->src_fd};
	}
	if (meta->src_dir == AT_FDCWD) {
		return (struct src_ref) {.fd = -1, .path = meta->src_name};
	}
	snprintf(path, PATH_SIZE, "/proc/self/fd/%d/%s", meta->src_dir, meta->src_name);
	return (struct src_ref) {.fd = -1, .path = path};
}

static struct dst_ref dst_ref(const struct meta *meta, char path[META_PATH_SIZE]) {
	bool by_path = meta->flags & META_DST_PATH;
	return (struct dst_ref) {.fd = meta->dst_fd, .path = by_path ? meta_path_of(meta->dst_fd, path) : NULL};
}

static ssize_t list_attrs(struct src_ref ref, char *names, size_t size) {
	ssize_t n = ref.path ? llistxattr(ref.path, names, size) : flistxattr(ref.fd, names, size);
	return n < 0 ? -errno : n;
}

static ssize_t get_attr(struct src_ref ref, const char *name, void *value, size_t size) {
	ssize_t n = ref.path ? lgetxattr(ref.path, name, value, size) : fgetxattr(ref.fd, name, value, size);
	return n < 0 ? -errno : n;
}

static int set_attr(struct dst_ref ref, const char *name, const void *value, size_t size) {
	int ret = ref.path ? setxattr(ref.path, name, value, size, 0) : fsetxattr(ref.fd, name, value, size, 0);
	return ret < 0 ? -errno : 0;
}

/** Attributes that are not file data: made by the kernel, tied to one file system, or a matter of their own. */
static bool is_copied(const char *name) {
	static const char *const not[] = {
		"system.", "security.selinux", "security.evm", "security.ima", "afs.", "xfsroot.", "trusted.SGI_",
		"btrfs.", "ceph.", "cifs.", "lustre.",
	};
	for (size_t i = 0; i < countof(not); ++i) {
		if (strncmp(name, not[i], strlen(not[i])) == 0) {
			return false;
		}
	}
	return true;
}

/** Copy one attribute. Returns 0 or -errno, with *GETTING set if the source was the problem. */
static int copy_attr(struct src_ref src, struct dst_ref dst, const char *name, bool *getting) {
	char small[SMALL];
	char *value = small;

	*getting = true;
	ssize_t n = get_attr(src, name, small, sizeof(small));
	if (n == -ERANGE) {
		value = malloc(VALUE_MAX);
		n = value ? get_attr(src, name, value, VALUE_MAX) : -ENOMEM;
	}
	int ret = (int)n;
	if (n >= 0) {
		*getting = false;
		ret = set_attr(dst, name, value, (size_t)n);
	}
	if (value != small) {
		free(value);
	}
	return ret;
}

/** List into a buffer that is large enough: SMALL, or *BIG which the caller frees. */
static ssize_t list_all(struct src_ref src, char small[SMALL], char **big) {
	ssize_t n = list_attrs(src, small, SMALL);
	if (n == -ERANGE) {
		*big = malloc(LIST_MAX);
		n = *big ? list_attrs(src, *big, LIST_MAX) : -ENOMEM;
	}
	return n;
}

/** What becomes of an attribute that could not be copied. */
static struct fail refused(const struct meta *meta, int err, const char *what) {
	unsigned preserve = meta->opts->preserve;
	bool unsupported = err == -EOPNOTSUPP || err == -ENODATA;
	bool forbidden = err == -EPERM || err == -EACCES;
	// Copying nothing else, one wants to know
	bool only = meta->opts->flags & OPT_ATTRIBUTES_ONLY;
	struct fail fail = fail_make(err, what);
	if (preserve & PRESERVE_XATTR_REQUIRED) {
		return fail;
	}
	if (!only && (unsupported || (forbidden && (preserve & PRESERVE_XATTR_QUIET)))) {
		return FAIL_NONE;
	}
	// Where attributes are kept and there is no room for one, it is not for being quiet
	fail.warning = unsupported || forbidden;
	return fail;
}

struct fail meta_copy_xattrs(const struct meta *meta, bool owned, struct meta_acls *acls) {
	char src_path[PATH_SIZE];
	char dst_path[META_PATH_SIZE];
	struct src_ref src = src_ref(meta, src_path);
	struct dst_ref dst = dst_ref(meta, dst_path);
	bool copy = (meta->opts->preserve & PRESERVE_XATTR) && !(meta->flags & META_NO_XATTR);
	struct fail first = FAIL_NONE;
	char small[SMALL];
	char *big = NULL;

	ssize_t n = list_all(src, small, &big);
	const char *names = big ? big : small;
	if (n < 0) {
		// A file system without attributes has none to lose
		free(big);
		return n == -EOPNOTSUPP || !copy ? FAIL_NONE : refused(meta, (int)n, "listing attributes of %s");
	}
	for (const char *name = names; name < names + n; name += strlen(name) + 1) {
		acls->access |= strcmp(name, ACL_ACCESS) == 0;
		acls->fallback |= strcmp(name, ACL_DEFAULT) == 0;
		if (!copy || !is_copied(name)) {
			continue;
		}
		bool getting = false;
		bool allowed = owned || strcmp(name, CAPABILITY) != 0;
		int ret = allowed ? copy_attr(src, dst, name, &getting) : -EPERM;
		if (ret < 0 && !first.what) {
			first = refused(meta, ret, getting ? "getting attributes of %s" : "setting attributes for %d");
		}
	}
	free(big);
	return first;
}

int meta_copy_acls(const struct meta *meta, const struct meta_acls *acls) {
	char src_path[PATH_SIZE];
	char dst_path[META_PATH_SIZE];
	struct src_ref src = src_ref(meta, src_path);
	struct dst_ref dst = dst_ref(meta, dst_path);
	bool getting;
	int ret = 0;

	if (acls->access) {
		ret = copy_attr(src, dst, ACL_ACCESS, &getting);
	}
	if (ret == 0 && acls->fallback) {
		ret = copy_attr(src, dst, ACL_DEFAULT, &getting);
	}
	return ret;
}

void meta_drop_acls(const struct meta *meta, bool fallback) {
	static const char *const names[] = {ACL_ACCESS, ACL_DEFAULT};
	char path[META_PATH_SIZE];
	struct dst_ref dst = dst_ref(meta, path);

	for (size_t i = 0; i < (fallback && S_ISDIR(meta->src->st_mode) ? 2 : 1); ++i) {
		// There is mostly none to remove
		if (dst.path) {
			removexattr(dst.path, names[i]);
		} else {
			fremovexattr(dst.fd, names[i]);
		}
	}
}

bool meta_has_acl(int fd) {
	return fgetxattr(fd, ACL_ACCESS, NULL, 0) > 0;
}

bool meta_has_default_acl(int dir) {
	return fgetxattr(dir, ACL_DEFAULT, NULL, 0) > 0;
}

/** Attributes that the kernel takes away when a file is written to, that tell of its content, or are ACLs. */
static bool is_inherited(const char *name) {
	static const char *const not[] = {"security.capability", "security.evm", "security.ima", "system."};
	for (size_t i = 0; i < countof(not); ++i) {
		if (strncmp(name, not[i], strlen(not[i])) == 0) {
			return false;
		}
	}
	return true;
}

int meta_inherit_xattrs(int old, int fd) {
	struct src_ref from = {.fd = old};
	struct dst_ref to = {.fd = fd};
	char small[SMALL];
	char *big = NULL;
	int first = 0;

	ssize_t n = list_all(from, small, &big);
	const char *names = big ? big : small;
	for (const char *name = names; n > 0 && name < names + n; name += strlen(name) + 1) {
		bool getting;
		int ret = is_inherited(name) ? copy_attr(from, to, name, &getting) : 0;
		bool refused = ret == -EPERM || ret == -EACCES || ret == -EOPNOTSUPP || ret == -ENODATA;
		first = first == 0 && !refused ? ret : first;
	}
	free(big);
	return first;
}

bool meta_inherit_acl(int old, int fd) {
	struct src_ref from = {.fd = old};
	struct dst_ref to = {.fd = fd};
	bool getting;
	return copy_attr(from, to, ACL_ACCESS, &getting) == 0;
}

void meta_disinherit_acl(int fd) {
	fremovexattr(fd, ACL_ACCESS);
}
