// SPDX-License-Identifier: MIT
#include "journal/journal-impl.h"

#include "base/io.h"
#include "base/open.h"
#include "base/path.h"
#include "sys/symlink.h"
#include "sys/tempfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

/** A file that announces which copy a directory will be. */
struct journal_notice {
	/** The notice's directory (O_PATH): its path could lead elsewhere later. */
	int dir;
	char *name;
	struct inode inode;
};

size_t journal_make_record(struct journal_record *record, enum journal_kind kind, uint64_t seed, const void *data,
	size_t len) {
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
		.place = JOURNAL_ITSELF,
		.dev = inode.dev,
		.ino = inode.ino,
		.path = real ? XXH3_64bits(real, strlen(real)) : 0,
	};
	free(real);
	return top;
}

/** Result of journal_look() for a journal or a notice. ST: set to the file's status. */
static enum journal_says look_at(int dir, const char *name, const struct journal_top *top, const atomic_bool *cancelled,
	struct stat *st) {
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
	// Compare inode or path: device numbers change, and sources are replaced
	bool same = (there.dev == top->dev && there.ino == top->ino) || (top->path != 0 && there.path == top->path);
	return same ? JOURNAL_SAYS_ITSELF : JOURNAL_SAYS_OTHER;
}

enum journal_says journal_look(int dir, const struct journal_top *top, const atomic_bool *cancelled) {
	struct stat st;
	return look_at(dir, JOURNAL_NAME, top, cancelled, &st);
}

/** Free a notice. NULL is ignored. */
static void notice_free(struct journal_notice *notice) {
	if (notice) {
		close_fd(&notice->dir);
		free(notice->name);
	}
	free(notice);
}

/**
 * Allocate the notice of a directory; NULL if others could move the notice, which could then name another directory.
 */
static struct journal_notice *notice_of(const char *path) {
	struct journal_notice *notice = calloc(1, sizeof(*notice));
	char *bare = strdup(path);
	if (notice && bare) {
		strip_slashes(bare);
		notice->name = tempfile_path(last_component(bare), TEMPFILE_KNOWN);
	}
	if (notice) {
		notice->dir = notice->name ? open_parent(AT_FDCWD, bare, O_PATH) : -1;
	}
	free(bare);
	if (notice && notice->dir >= 0 && symlink_is_closed(notice->dir)) {
		return notice;
	}
	notice_free(notice);
	return NULL;
}

/** Write the file of a notice. Returns 0 or -errno. */
static int make_notice(struct journal_notice *notice, const struct journal_top *top) {
	char data[JOURNAL_BEGINNING];
	const struct journal_run run = {.top = *top};
	struct journal_first first;
	struct stat st;
	if (getrandom(&first.id, sizeof(first.id), 0) != sizeof(first.id)) {
		return -errno;
	}
	// A leftover may be of another source
	int ret = tempfile_clear(notice->dir, notice->name, NULL);
	int fd = ret < 0 ? -1
					 : openat(notice->dir, notice->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0) {
		return ret < 0 ? ret : -errno;
	}
	size_t len = journal_make_beginning(data, true, &first, &run);
	bool whole = write(fd, data, len) == (ssize_t)len;
	bool known = fstat(fd, &st) == 0;
	close_fd(&fd);
	if (!whole && known) {
		tempfile_drop(notice->dir, notice->name, inode_of(&st));
	}
	notice->inode = known ? inode_of(&st) : (struct inode) {0};
	return whole && known ? 0 : -EIO;
}

struct journal_notice *journal_announce(const char *path, const struct journal_top *top) {
	struct journal_notice *notice = notice_of(path);
	// Make no notice that could not be removed again
	if (notice && tempfile_can_go(notice->dir) && make_notice(notice, top) == 0) {
		return notice;
	}
	notice_free(notice);
	return NULL;
}

/** What may be in the directory of a journal that has just been made. */
static const char *const journal_alone[] = {JOURNAL_NAME, NULL};

bool journal_was_announced(int dir, const char *path, const struct journal_top *top, const atomic_bool *cancelled,
	struct journal_notice **notice) {
	struct stat st;
	struct journal_notice *there = notice_of(path);
	if (!there || !open_finds_empty(dir, ".", journal_alone)
		|| look_at(there->dir, there->name, top, cancelled, &st) != JOURNAL_SAYS_ITSELF)
	{
		notice_free(there);
		return false;
	}
	there->inode = inode_of(&st);
	*notice = there;
	return true;
}

void journal_announced(struct journal_notice *notice, enum journal_end end) {
	if (notice && end == JOURNAL_REMOVE) {
		tempfile_drop(notice->dir, notice->name, notice->inode);
	}
	notice_free(notice);
}
