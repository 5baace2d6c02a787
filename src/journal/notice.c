#include "journal/journal-impl.h"

#include "base/io.h"
#include "base/path.h"
#include "sys/symlink.h"
#include "sys/tempfile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

/** A file that says what a directory is going to be. */
struct journal_notice {
	char *path;
	struct inode inode;
};

size_t journal_make_record(struct journal_record *record, enum journal_kind kind, uint64_t seed, const void *data, size_t len) {
	record->head = (struct journal_head) {.magic = JOURNAL_MAGIC, .kind = kind, .len = (uint16_t)len};
	if (record->payload != data) {
		memcpy(record->payload, data, len);
	}
	record->head.sum = journal_sum(seed, &record->head, record->payload);
	return sizeof(record->head) + len;
}

bool journal_is_ours(const struct stat *st) {
	return S_ISREG(st->st_mode) && st->st_uid == geteuid() && st->st_nlink == 1;
}

size_t journal_make_beginning(char *data, bool anew, const struct journal_first *first, const struct journal_run *run) {
	struct journal_record record;
	size_t used = 0;
	if (anew) {
		used = journal_make_record(&record, JOURNAL_FIRST, 0, first, sizeof(*first));
		memcpy(data, &record, used);
	}
	size_t len = journal_make_record(&record, JOURNAL_RUN, first->id, run, sizeof(*run));
	memcpy(data + used, &record, len);
	return used + len;
}

struct journal_top journal_top_of(const char *path, struct inode inode) {
	char *real = realpath(path, NULL);
	struct journal_top top = {
		.place = JOURNAL_ITSELF, .dev = inode.dev, .ino = inode.ino,
		.path = real ? XXH3_64bits(real, strlen(real)) : 0,
	};
	free(real);
	return top;
}

/** What a journal's file says, be it a journal or a notice. ST: set to that file, if it is one of ours. */
static enum journal_says look_at(int dir, const char *name, const struct journal_top *top, const atomic_bool *cancelled,
	struct stat *st)
{
	struct journal_top there;
	if (fstatat(dir, name, st, AT_SYMLINK_NOFOLLOW) != 0 || !journal_is_ours(st)) {
		return JOURNAL_SAYS_INTO;
	}
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	bool ours = fd >= 0 && fstat(fd, st) == 0 && journal_is_ours(st);
	int ret = ours ? journal_read_top(&there, fd, cancelled) : -ESTALE;
	close_fd(&fd);
	if (ret < 0 || there.place == JOURNAL_UNKNOWN) {
		return JOURNAL_SAYS_NOTHING;
	}
	if (there.place == JOURNAL_INTO) {
		return JOURNAL_SAYS_INTO;
	}
	// The same directory, or what is called as it was: device numbers change, and sources are made anew
	bool same = (there.dev == top->dev && there.ino == top->ino) || (top->path != 0 && there.path == top->path);
	return same ? JOURNAL_SAYS_ITSELF : JOURNAL_SAYS_OTHER;
}

enum journal_says journal_look(int dir, const struct journal_top *top, const atomic_bool *cancelled) {
	struct stat st;
	return look_at(dir, JOURNAL_NAME, top, cancelled, &st);
}

/** The path of the notice of a directory; to be freed. NULL without memory. */
static char *notice_of(const char *path) {
	char *bare = strdup(path);
	if (bare) {
		strip_slashes(bare);
	}
	char *notice = bare ? tempfile_path(bare, TEMPFILE_KNOWN) : NULL;
	free(bare);
	return notice;
}

/** Open the directory that a path is in. Returns a descriptor or -1. */
static int open_parent(const char *path) {
	const char *last = last_component(path);
	char *parent = last == path ? strdup(".") : strndup(path, (size_t)(last - path));
	int dir = parent ? open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	free(parent);
	return dir;
}

/** Remember a notice. PATH is taken over; NULL without memory. */
static struct journal_notice *notice_new(char *path, const struct stat *st) {
	struct journal_notice *notice = malloc(sizeof(*notice));
	if (!notice) {
		free(path);
		return NULL;
	}
	*notice = (struct journal_notice) {.path = path, .inode = inode_of(st)};
	return notice;
}

/** Make a notice. Returns 0 or -errno. */
static int make_notice(const char *path, const struct journal_top *top, struct stat *st) {
	char data[JOURNAL_BEGINNING];
	const struct journal_run run = {.top = *top};
	struct journal_first first;
	if (getrandom(&first.id, sizeof(first.id), 0) != sizeof(first.id)) {
		return -errno;
	}
	// One that was left may be of another source
	int ret = tempfile_clear(AT_FDCWD, path, NULL);
	int fd = ret < 0 ? -1 : open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0) {
		return ret < 0 ? ret : -errno;
	}
	size_t len = journal_make_beginning(data, true, &first, &run);
	bool whole = write(fd, data, len) == (ssize_t)len;
	bool known = fstat(fd, st) == 0;
	close_fd(&fd);
	if (!whole && known) {
		tempfile_drop(AT_FDCWD, path, inode_of(st));
	}
	return whole && known ? 0 : -EIO;
}

struct journal_notice *journal_announce(const char *path, const struct journal_top *top) {
	struct stat st;
	char *name = notice_of(path);
	int dir = name ? open_parent(name) : -1;
	// Where it could not be taken away again, or others could move it, there is none
	bool made = dir >= 0 && tempfile_can_go(dir) && symlink_is_closed(dir) && make_notice(name, top, &st) == 0;
	close_fd(&dir);
	if (!made) {
		free(name);
		return NULL;
	}
	return notice_new(name, &st);
}

/** Whether there is nothing in a directory but a journal. */
static bool is_empty(int dir) {
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *names = fd >= 0 ? fdopendir(fd) : NULL;
	bool empty = names;
	for (const struct dirent *entry; empty && (entry = readdir(names));) {
		empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0
			|| strcmp(entry->d_name, JOURNAL_NAME) == 0;
	}
	if (names) {
		closedir(names);
	} else {
		close_fd(&fd);
	}
	return empty;
}

bool journal_was_announced(int dir, const char *path, const struct journal_top *top, const atomic_bool *cancelled,
	struct journal_notice **notice)
{
	struct stat st;
	char *name = notice_of(path);
	int parent = name ? open_parent(name) : -1;
	// Where others can move it, it may be that of another directory
	bool said = parent >= 0 && symlink_is_closed(parent) && is_empty(dir)
		&& look_at(parent, last_component(name), top, cancelled, &st) == JOURNAL_SAYS_ITSELF;
	close_fd(&parent);
	if (!said) {
		free(name);
		return false;
	}
	*notice = notice_new(name, &st);
	return true;
}

void journal_announced(struct journal_notice *notice, enum journal_end end) {
	if (notice && end == JOURNAL_REMOVE) {
		tempfile_drop(AT_FDCWD, notice->path, notice->inode);
	}
	if (notice) {
		free(notice->path);
	}
	free(notice);
}
