// SPDX-License-Identifier: MIT
#include "dest/dest-impl.h"

#include "base/io.h"
#include "base/opts.h"
#include "base/path.h"
#include "sys/symlink.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/** The mode of directories made for backups: what protected the files may have been the mode of their directory. */
#define DIRECTORY_MODE 0700

/** Open a directory by a path of the user's. With MAKE it is made if it is missing. Returns a descriptor or -errno. */
static int open_named(const char *path, bool make) {
	struct symlink_end end;
	int ret = symlink_walk(AT_FDCWD, path, SYMLINK_TO_THEIRS, NULL, &end);
	if (ret == 0 && end.there < 0 && make) {
		if (mkdirat(end.dir, end.name, DIRECTORY_MODE) != 0 && errno != EEXIST) {
			ret = -errno;
		} else {
			end.there = openat(end.dir, end.name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
			ret = end.there < 0 ? -errno : 0;
		}
	}
	if (ret < 0) {
		symlink_close(&end);
		return ret == SYMLINK_FOREIGN ? -ELOOP : ret;
	}
	int fd = end.there;
	end.there = -1;
	symlink_close(&end);
	return fd < 0 ? -ENOENT : fd;
}

/** As open_named(), with the directories above. */
static int open_with_parents(const char *path, bool make) {
	int fd = open_named(path, make);
	if (fd != -ENOENT || !make) {
		return fd;
	}
	char *part = strdup(path);
	fd = part ? 0 : -ENOMEM;
	for (char *slash = part; fd >= 0 && slash && (slash = strchr(slash, '/')); ++slash) {
		*slash = '\0';
		if (part[0] != '\0') {
			fd = open_named(part, true);
			int opened = fd;
			fd = min(fd, 0);
			if (opened >= 0) {
				close_fd(&opened);
			}
		}
		*slash = '/';
	}
	free(part);
	return fd < 0 ? fd : open_named(path, true);
}

int dest_open_backups(struct dest *dest, bool make) {
	mutex_lock(&dest->lock);
	int fd = dest->backups;
	if (fd < 0) {
		fd = open_with_parents(dest->opts->backup_dir, make);
		int ret = fd >= 0 ? or_errno(fstat(fd, &dest->backups_stat)) : fd;
		if (ret == 0 && !S_ISDIR(dest->backups_stat.st_mode)) {
			ret = -ENOTDIR;
		}
		if (ret < 0 && fd >= 0) {
			close_fd(&fd);
		}
		dest->backups = ret < 0 ? -1 : fd;
		fd = ret < 0 ? ret : fd;
	}
	mutex_unlock(&dest->lock);
	return fd;
}

bool dest_is_backups(struct dest *dest, const struct stat *st) {
	// Another thread may have made it, and not have noted it yet
	return dest->opts->backup_dir && S_ISDIR(st->st_mode) && dest_open_backups(dest, false) >= 0
		&& inode_same(inode_of(&dest->backups_stat), inode_of(st));
}

/** Go down into NAME, below the directory for backups. Returns 0 or -errno; *FD is another descriptor then. */
static int go_down(const struct dest *dest, int *fd, const char *name, bool make) {
	struct stat st = {.st_uid = (uid_t)-1};
	if (strcmp(name, "..") == 0) {
		return -EINVAL;
	}
	if (name[0] == '\0' || strcmp(name, ".") == 0) {
		return 0;
	}
	if (make && mkdirat(*fd, name, DIRECTORY_MODE) != 0 && errno != EEXIST) {
		return -errno;
	}
	int next = openat(*fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int ret = next < 0 ? -errno : or_errno(fstat(next, &st));
	// Others may have made it, to get at what is moved there
	if (ret == 0 && !symlink_owner_is_trusted(&st) && st.st_uid != dest->backups_stat.st_uid) {
		ret = -EPERM;
	}
	if (ret < 0) {
		close_fd(&next);
		return ret;
	}
	close_fd(fd);
	*fd = next;
	return 0;
}

/** The directory that is copied into or to; none for a file that gets a given name. */
static struct inode copy_root(const struct tree *tree) {
	struct stat st;
	const struct tree *root = tree_copy_root(tree);
	if (!(root->flags & TREE_BASE)) {
		return root->inode[DST];
	}
	return fstat(root->fd[DST], &st) == 0 ? inode_of(&st) : (struct inode) {0};
}

/** Whether a directory is that of the copy, where a backup without a suffix would take the place of a copied file. */
static bool is_copy(const struct dest *dest, int fd, struct inode root) {
	struct stat st;
	return dest->opts->suffix[0] == '\0' && fstat(fd, &st) == 0 && inode_same(inode_of(&st), root);
}

/**
 * Open the directories of a path that leads to LAST, a component of it. Returns a descriptor or -errno: -EINVAL if the
 * path leads elsewhere, or to the copy.
 */
static int open_way(struct dest *dest, const struct tree *tree, char *path, const char *last, bool make) {
	struct inode root = copy_root(tree);
	if (last[0] == '\0' || strcmp(last, ".") == 0 || strcmp(last, "..") == 0) {
		return -EINVAL;
	}
	int base = dest_open_backups(dest, make);
	if (base < 0) {
		return base;
	}
	int fd = fcntl(base, F_DUPFD_CLOEXEC, 3);
	int ret = min(or_errno(fd), 0);
	ret = ret == 0 && is_copy(dest, fd, root) ? -EINVAL : ret;
	for (char *name = path; ret == 0 && name < last;) {
		char *slash = strchr(name, '/');
		*slash = '\0';
		ret = go_down(dest, &fd, name, make);
		ret = ret == 0 && is_copy(dest, fd, root) ? -EINVAL : ret;
		*slash = '/';
		name = slash + 1;
	}
	if (ret < 0) {
		close_fd(&fd);
	}
	return ret < 0 ? ret : fd;
}

int dest_backup_place(struct dest *dest, const struct tree *tree, const char *path, bool make,
	struct dest_place *place) {
	*place = (struct dest_place) {.dir = -1};
	char *whole = tree_path_in_copy(tree, path);
	if (!whole) {
		return -ENOMEM;
	}
	strip_slashes(whole);
	const char *last = last_component(whole);
	int fd = open_way(dest, tree, whole, last, make);
	// Without MAKE, directories may be missing
	int ret = fd == -ENOENT && !make ? 0 : min(fd, 0);
	place->dir = max(fd, -1);
	place->name = strdup(last);
	place->above = strndup(whole, (size_t)(last - whole));
	if (ret == 0 && (!place->name || !place->above)) {
		ret = -ENOMEM;
	}
	free(whole);
	if (ret < 0) {
		dest_place_free(place);
	}
	return ret;
}

void dest_place_free(struct dest_place *place) {
	close_fd(&place->dir);
	free(place->name);
	free(place->above);
	*place = (struct dest_place) {.dir = -1};
}
