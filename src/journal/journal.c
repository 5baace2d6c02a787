// SPDX-License-Identifier: MIT
#include "journal/journal-impl.h"

#include "base/io.h"
#include "base/path.h"
#include "sys/flush.h"
#include "sys/tempfile.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>
#include <xxhash.h>

/** Seconds between two marks. */
#define MARK_SECONDS 30

/** Seconds that records of finished files are buffered at most. */
#define HELD_SECONDS 1

/** How often the journal is opened again if other runs remove it meanwhile. */
#define TRIES 100

/** Bytes of a part, or of finished files, before they are noted. */
#define NEWS_BYTES (8u << 20)

/** For statx(2): a mount's number that is never reused (Linux 6.8); older headers lack it. */
#define MNT_ID_UNIQUE 0x4000U

static int64_t nanoseconds(struct timespec ts) {
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/** Upper limit of the step, in nanoseconds, in which TIME is stored: two seconds for whole seconds, as on FAT. */
static int64_t step_of(int64_t time) {
	int64_t step = 1000000000;
	if (time % step == 0) {
		return 2 * step;
	}
	while (time % step != 0) {
		step /= 10;
	}
	return step;
}

bool journal_can_tell(const struct stat *st, const struct timespec *when) {
	struct timespec tick = {0};
	int64_t change = nanoseconds(st->st_ctim);
	clock_getres(CLOCK_REALTIME_COARSE, &tick);
	return change + max(step_of(change), nanoseconds(tick)) <= nanoseconds(*when);
}

static struct journal_source source_of(const struct stat *st) {
	return (struct journal_source) {
		.dev = st->st_dev,
		.ino = st->st_ino,
		.size = (uint64_t)st->st_size,
		.mtime = nanoseconds(st->st_mtim),
		.ctime = nanoseconds(st->st_ctim),
	};
}

static struct journal_copy copy_of(const struct stat *st) {
	return (struct journal_copy) {.dev = st->st_dev,
		.ino = st->st_ino,
		.size = (uint64_t)st->st_size,
		.mtime = nanoseconds(st->st_mtim)};
}

/** Keep the first error. */
static void note_error(struct journal *journal, int err) {
	mutex_lock(&journal->lock);
	journal->err = journal->err < 0 ? journal->err : err;
	mutex_unlock(&journal->lock);
}

/** Append records by one write, so that records of different threads never mix. After an error nothing is written. */
static void append(struct journal *journal, const void *data, size_t len) {
	thread_must(pthread_rwlock_rdlock(&journal->writing));
	mutex_lock(&journal->lock);
	bool usable = journal_is_open(journal) && journal->err == 0;
	mutex_unlock(&journal->lock);
	// A short write lets in another thread's record and makes the rest invalid; but then the disk is full anyway
	int ret = usable ? write_full(journal->fd, data, len, NULL) : 0;
	if (ret < 0) {
		note_error(journal, ret);
	}
	thread_must(pthread_rwlock_unlock(&journal->writing));
}

/** Write the buffered records. */
static void flush_held(struct journal *journal) {
	char data[JOURNAL_HELD];
	mutex_lock(&journal->lock);
	size_t len = journal->held_len;
	memcpy(data, journal->held, len);
	journal->held_len = 0;
	journal->held_bytes = 0;
	mutex_unlock(&journal->lock);
	append(journal, data, len);
}

void journal_doubt(struct journal *journal, int err) {
	if (!journal_is_open(journal)) {
		return;
	}
	struct journal_record record;
	struct journal_mark mark = {.offset = (uint64_t)journal->safe};
	thread_must(pthread_rwlock_wrlock(&journal->writing));
	note_error(journal, err);
	int ret = or_errno(ftruncate(journal->fd, journal->safe));
	if (ret == 0 && journal->safe > 0) {
		size_t len = journal_make_record(&record, JOURNAL_MARK, journal->id, &mark, sizeof(mark));
		ret = write_full(journal->fd, &record, len, NULL);
	}
	// The records would be trusted: better no journal
	if (ret < 0) {
		unlinkat(journal->dir, JOURNAL_NAME, 0);
	}
	thread_must(pthread_rwlock_unlock(&journal->writing));
}

/** Flush all data to the medium, and set a mark. */
static void set_mark(struct journal *journal) {
	struct journal_record record;
	struct journal_mark mark;
	flush_held(journal);
	off_t end = lseek(journal->fd, 0, SEEK_END);
	if (end <= 0) {
		return;
	}
	if (syncfs(journal->fd) != 0) {
		int err = -errno;
		mutex_lock(&journal->lock);
		journal->lost = journal->lost < 0 ? journal->lost : err;
		mutex_unlock(&journal->lock);
		// The kernel reports this error only once
		journal_doubt(journal, err);
		return;
	}
	mark.offset = (uint64_t)end;
	append(journal, &record, journal_make_record(&record, JOURNAL_MARK, journal->id, &mark, sizeof(mark)));
	fdatasync(journal->fd);
	journal->safe = end;
}

/** Thread: writes buffered records in time, and sets marks, until the journal is closed. */
static void *mark(void *arg) {
	struct journal *journal = arg;
	struct timespec until;
	unsigned waits = 0;

	// Without reports of flush errors marks would be wrong
	bool reports = flush_reports(journal->fd);
	mutex_lock(&journal->lock);
	while (!journal->stopping) {
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec += HELD_SECONDS;
		while (!journal->stopping && pthread_cond_timedwait(&journal->wake, &journal->lock, &until) != ETIMEDOUT) {
		}
		if (journal->stopping) {
			break;
		}
		mutex_unlock(&journal->lock);
		++waits;
		if (reports && waits % (MARK_SECONDS / HELD_SECONDS) == 0) {
			set_mark(journal);
		} else {
			flush_held(journal);
		}
		mutex_lock(&journal->lock);
	}
	mutex_unlock(&journal->lock);
	return NULL;
}

uint64_t journal_medium(const char *devices, dev_t dev) {
	// A partition has the number of its disk
	static const char *const above[] = {"", "../"};
	unsigned long long number = 0;
	int dir = open(devices, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; dir >= 0 && number == 0 && i < countof(above); ++i) {
		char text[64] = "";
		snprintf(text, sizeof(text), "%u:%u/%sdiskseq", major(dev), minor(dev), above[i]);
		int fd = openat(dir, text, O_RDONLY | O_CLOEXEC);
		ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;
		close_fd(&fd);
		text[max(n, (ssize_t)0)] = '\0';
		number = strtoull(text, NULL, 10);
	}
	close_fd(&dir);
	return number;
}

/** Fill in the circumstances of this run. Unknown ones get values that never match. */
static void find_now(struct journal_now *now, int dir, uint64_t options) {
	struct statx stx;
	struct stat st;
	*now = (struct journal_now) {.options = options};
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	char text[64] = "";
	ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;
	close_fd(&fd);
	size_t digits = 0;
	for (ssize_t i = 0; i < n && digits < 2 * sizeof(now->boot); ++i) {
		const char *hex = "0123456789abcdef";
		const char *digit = strchr(hex, text[i]);
		if (text[i] && digit) {
			now->boot[digits / 2] = (uint8_t)(now->boot[digits / 2] << 4 | (digit - hex));
			++digits;
		}
	}
	if (digits < 2 * sizeof(now->boot) && getrandom(now->boot, sizeof(now->boot), 0) < 0) {
		now->mount = (uint64_t)getpid();
	}
	if (fstatat(dir, "", &st, AT_EMPTY_PATH) == 0) {
		now->dev = st.st_dev;
	}
	if (statx(dir, "", AT_EMPTY_PATH, MNT_ID_UNIQUE | STATX_MNT_ID, &stx) == 0) {
		now->mount = stx.stx_mnt_id;
		// A medium that is pulled out and put back may be mounted under the same number
		now->mount += stx.stx_mask & MNT_ID_UNIQUE ? 0 : journal_medium("/sys/dev/block", (dev_t)now->dev) << 32;
	}
}

/** Open or make the journal's file. Returns a descriptor or -errno. */
static int open_or_make(int dir, bool *made) {
	const int flags = O_RDWR | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
	int fd = openat(dir, JOURNAL_NAME, flags);
	*made = fd < 0 && errno == ENOENT;
	if (*made) {
		fd = openat(dir, JOURNAL_NAME, flags | O_CREAT | O_EXCL, 0600);
	}
	return or_errno(fd);
}

/** Lock the journal's file. Returns 0 if it can be used, -ESTALE to open the journal again, or another -errno. */
static int claim(int fd, int dir, bool made) {
	struct stat st;
	if (flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
		return -EBUSY;
	}
	if (fstat(fd, &st) != 0) {
		return -errno;
	}
	if (!S_ISREG(st.st_mode)) {
		return -EINVAL;
	}
	// Another ucp has just removed it
	if (st.st_nlink == 0) {
		return -ESTALE;
	}
	if (made || journal_is_ours(&st)) {
		return 0;
	}
	int ret = tempfile_drop(dir, JOURNAL_NAME, inode_of(&st));
	return ret < 0 ? ret : -ESTALE;
}

/**
 * Open and lock the journal's file. A file of another user is not trusted: that user could have us skip files, or write
 * into a file that is still open elsewhere. Returns a descriptor or -errno.
 */
static int open_own(int dir) {
	int ret = -ESTALE;
	for (int i = 0; i < TRIES && (ret == -ESTALE || ret == -EEXIST); ++i) {
		bool made;
		int fd = open_or_make(dir, &made);
		ret = fd < 0 ? fd : claim(fd, dir, made);
		if (ret == 0) {
			return fd;
		}
		close_fd(&fd);
	}
	return ret;
}

/** Cut off invalid records, and write the record of this run. Returns 0 or -errno. */
static int begin_run(struct journal *journal) {
	struct journal_first first = {.id = journal->index.id};
	bool anew = journal->index.valid == 0;
	char data[JOURNAL_BEGINNING];

	if (ftruncate(journal->fd, (off_t)journal->index.valid) != 0) {
		return -errno;
	}
	if (anew && getrandom(&first.id, sizeof(first.id), 0) != sizeof(first.id)) {
		return -errno;
	}
	journal->id = first.id;
	journal->next_part = journal->index.last_part + 1;
	const struct journal_run run = {.now = journal->now, .top = journal->top};
	// One write, so that no journal lacks the record of its run
	append(journal, data, journal_make_beginning(data, anew, &first, &run));
	return journal->err;
}

/** Remove a name in a directory, but keep the directory's times and mode. Returns 0 or -errno. */
static int unlink_quietly(int dir, const char *name) {
	struct stat st;
	bool known = fstat(dir, &st) == 0;
	int ret = or_errno(unlinkat(dir, name, 0));
	if (ret == -EACCES && known && fchmod(dir, (st.st_mode & 07777) | S_IRWXU) == 0) {
		ret = or_errno(unlinkat(dir, name, 0));
		fchmod(dir, st.st_mode & 07777);
	}
	if (known) {
		futimens(dir, (struct timespec[]) {st.st_atim, st.st_mtim});
	}
	return ret;
}

int journal_open(struct journal *journal, int dir, uint64_t options) {
	*journal = (struct journal) {.top = journal->top,
		.cancelled = journal->cancelled,
		.alone = journal->alone,
		.fd = -1,
		.dir = -1};
	thread_must(pthread_mutex_init(&journal->lock, NULL));
	thread_must(pthread_rwlock_init(&journal->writing, NULL));
	thread_must(pthread_cond_init(&journal->wake, NULL));
	find_now(&journal->now, dir, options);
	// Make no journal that could not be removed again
	journal->fd = tempfile_can_go(dir) ? open_own(dir) : -EPERM;
	int ret = journal->fd < 0 ? journal->fd : 0;
	if (ret == 0) {
		journal->dir = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		ret = journal->dir < 0 ? -errno : journal_read(&journal->index, &journal->now, journal->fd, journal->cancelled);
	}
	if (ret == 0 && journal->index.top.place == JOURNAL_ITSELF && journal->top.place == JOURNAL_INTO) {
		ret = -EEXIST;
	}
	if (ret == 0) {
		atomic_store(&journal->open, true);
		ret = begin_run(journal);
		// Without marks less can be resumed after a crash of the system
		journal->marking = ret == 0 && !journal->alone && pthread_create(&journal->marker, NULL, mark, journal) == 0;
	}
	if (ret < 0) {
		// Remove the journal if it is empty
		bool useless = journal_is_open(journal) && journal->index.valid == 0;
		atomic_store(&journal->open, false);
		journal_index_clear(&journal->index);
		close_fd(&journal->fd);
		if (useless) {
			unlink_quietly(journal->dir, JOURNAL_NAME);
		}
		close_fd(&journal->dir);
	}
	return ret;
}

/** What remove_untaken() works with. */
struct removal {
	const struct journal *journal;
	struct tempfile_patience patience;
};

/** Remove a partial file that this run has not continued: its source is gone, or is no longer copied. */
static void remove_part(struct removal *removal, const struct journal_part *part) {
	const struct journal *journal = removal->journal;
	struct open_how how = {
		.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	const char *name = last_component(part->path);
	char *parent = parent_directory(part->path);
	char *tempfile = tempfile_path(name, TEMPFILE_KNOWN);
	int dir = parent ? (int)syscall(SYS_openat2, journal->dir, parent, &how, sizeof(how)) : -1;
	struct stat st;
	struct stat file;
	if (dir >= 0 && tempfile && fstat(dir, &st) == 0 && fstatat(dir, tempfile, &file, AT_SYMLINK_NOFOLLOW) == 0
		&& (part->ino == 0 || part->ino == file.st_ino) && tempfile_clear(dir, tempfile, &removal->patience) == 0)
	{
		futimens(dir, (struct timespec[]) {st.st_atim, st.st_mtim});
	}
	close_fd(&dir);
	free(parent);
	free(tempfile);
}

static void remove_untaken(const void *node, VISIT visit, void *arg) {
	const struct journal_part *part = *(struct journal_part *const *)node;
	if ((visit == postorder || visit == leaf) && !part->taken) {
		remove_part(arg, part);
	}
}

int journal_settle(struct journal *journal) {
	if (!journal_is_open(journal)) {
		return 0;
	}
	mutex_lock(&journal->lock);
	journal->stopping = true;
	cond_signal(&journal->wake);
	mutex_unlock(&journal->lock);
	if (journal->marking) {
		thread_must(pthread_join(journal->marker, NULL));
		journal->marking = false;
	}
	return journal->lost;
}

int journal_close(struct journal *journal, enum journal_end end) {
	if (!journal_is_open(journal)) {
		return 0;
	}
	journal_settle(journal);
	if (end == JOURNAL_KEEP) {
		flush_held(journal);
	}
	if (end == JOURNAL_REMOVE) {
		// Nobody else writes to files in the journal
		struct removal removal = {.journal = journal, .patience.wait = TEMPFILE_KILLED_WAIT};
		twalk_r(journal->index.parts, remove_untaken, &removal);
	}
	// If the copy was cancelled, other threads may still be writing records: wait for them
	thread_must(pthread_rwlock_wrlock(&journal->writing));
	mutex_lock(&journal->lock);
	atomic_store(&journal->open, false);
	// On NFS an open file that is removed stays under another name
	close_fd(&journal->fd);
	int ret = end == JOURNAL_REMOVE ? unlink_quietly(journal->dir, JOURNAL_NAME) : 0;
	close_fd(&journal->dir);
	journal_index_clear(&journal->index);
	int err = journal->err < 0 ? journal->err : ret;
	mutex_unlock(&journal->lock);
	thread_must(pthread_rwlock_unlock(&journal->writing));
	return err;
}

bool journal_is_finished(struct journal *journal, const struct stat *src, const struct stat *dst) {
	const struct journal_finished finished = {.src = source_of(src), .copy = copy_of(dst)};
	// This table does not change during a run, so no lock is needed
	return journal_is_open(journal) && journal_table_has(&journal->index.finished, journal->index.id, &finished);
}

void journal_finish(struct journal *journal, const struct stat *src, const struct stat *dst) {
	struct journal_finished finished = {.src = source_of(src), .copy = copy_of(dst)};
	struct journal_record record;
	size_t len = journal_make_record(&record, JOURNAL_FINISHED, journal->id, &finished, sizeof(finished));
	mutex_lock(&journal->lock);
	while (journal->held_len + len > sizeof(journal->held)) {
		mutex_unlock(&journal->lock);
		flush_held(journal);
		mutex_lock(&journal->lock);
	}
	memcpy(journal->held + journal->held_len, &record, len);
	journal->held_len += len;
	journal->held_bytes += finished.copy.size;
	bool due = journal->held_bytes >= NEWS_BYTES;
	mutex_unlock(&journal->lock);
	if (due) {
		flush_held(journal);
	}
}

/** Whether LEFT contains all noted ranges of a part. */
static bool has_all(const struct journal_part *part, const struct stat *left) {
	size_t count = part->done.count;
	return left && count > 0 && part->ino == left->st_ino && part->done.list[count - 1].end <= (uint64_t)left->st_size;
}

struct journal_part *journal_begin(struct journal *journal, const char *path, const struct stat *src,
	const struct stat *left) {
	struct journal_source source = source_of(src);
	struct journal_record record;
	size_t len = strlen(path);
	if (!journal_is_open(journal) || len >= JOURNAL_PATH || len == 0) {
		return NULL;
	}
	mutex_lock(&journal->lock);
	struct journal_part *part = journal_find_part(&journal->index, path);
	bool goes_on = part && !part->taken && has_all(part, left) && memcmp(&part->src, &source, sizeof(source)) == 0;
	if (part && part->taken) {
		// Two sources have one destination: do not note ranges of the second
		part = NULL;
	} else if (!goes_on) {
		part = journal_add_part(&journal->index, path, journal->next_part++, &source);
	}
	if (part) {
		part->taken = true;
	}
	mutex_unlock(&journal->lock);
	if (part && !goes_on) {
		struct journal_begun begun = {.id = part->id, .src = source};
		memcpy(record.payload, &begun, sizeof(begun));
		memcpy(record.payload + sizeof(begun), path, len);
		size_t size = journal_make_record(&record, JOURNAL_BEGUN, journal->id, record.payload, sizeof(begun) + len);
		append(journal, &record, size);
	}
	return part;
}

void journal_put_down(struct journal *journal, struct journal_part *part, uint64_t ino) {
	mutex_lock(&journal->lock);
	// Ranges for which memory runs out will be copied again
	for (size_t i = 0; i < part->noted.count; ++i) {
		journal_ranges_add(&part->done, part->noted.list[i].start, part->noted.list[i].end);
	}
	journal_ranges_order(&part->done);
	journal_ranges_empty(&part->noted);
	part->ino = ino;
	part->taken = false;
	mutex_unlock(&journal->lock);
}

void journal_flush_part(struct journal *journal, struct journal_part *part, uint64_t ino) {
	char data[JOURNAL_HELD];
	size_t used = 0;
	journal_ranges_order(&part->news);
	for (size_t i = 0; i < part->news.count; ++i) {
		struct journal_written written = {.id = part->id,
			.dev = journal->now.dev,
			.ino = ino,
			.range = part->news.list[i]};
		struct journal_record record;
		journal_ranges_add(&part->noted, written.range.start, written.range.end);
		size_t len = journal_make_record(&record, JOURNAL_WRITTEN, journal->id, &written, sizeof(written));
		if (used + len > sizeof(data)) {
			append(journal, data, used);
			used = 0;
		}
		memcpy(data + used, &record, len);
		used += len;
	}
	append(journal, data, used);
	journal_ranges_empty(&part->news);
	part->news_bytes = 0;
}

void journal_wrote(struct journal *journal, struct journal_part *part, uint64_t ino, uint64_t start, uint64_t end) {
	// A range that cannot be noted will be copied again
	if (journal_ranges_add(&part->news, start, end) == 0) {
		part->news_bytes += end - start;
	}
	if (part->news_bytes >= NEWS_BYTES) {
		journal_flush_part(journal, part, ino);
	}
}
