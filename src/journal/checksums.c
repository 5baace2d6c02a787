// SPDX-License-Identifier: MIT
#include "journal/checksums.h"

#include "base/buf.h"
#include "base/io.h"
#include "base/open.h"
#include "report/report.h"
#include "sys/flush.h"
#include "sys/output.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/** Bytes of lines to buffer; also how much of an existing list is checked. */
#define HELD_BACK (64u << 10)

/** Digits of a checksum. */
#define DIGITS 32

bool checksums_open(struct checksums *checksums, const char *path, struct report *report,
	const atomic_bool *cancelled) {
	*checksums = (struct checksums) {.report = report, .path = path, .fd = -1, .cancelled = cancelled};
	thread_must(pthread_mutex_init(&checksums->lock, NULL));
	if (!path || strcmp(path, "-") == 0) {
		return true;
	}
	checksums->fd = output_open(path, 0);
	int ret = checksums->fd < 0 ? checksums->fd : or_errno(fstat(checksums->fd, &checksums->st));
	if (ret < 0) {
		report_error(report, ERROR_OPEN, -ret, "cannot open %d for writing", NULL, path);
		checksums->path = NULL;
		checksums->fd = max(checksums->fd, -1);
		return false;
	}
	return true;
}

bool checksums_is(const struct checksums *checksums, const struct stat *st) {
	return checksums->fd >= 0 && S_ISREG(st->st_mode) && inode_same(inode_of(&checksums->st), inode_of(st));
}

/** Whether a line, which may be truncated, looks like one by add_line(). */
static bool is_line(const char *line, size_t len) {
	if (len > 0 && line[0] == '\\') {
		++line;
		--len;
	}
	return len > DIGITS + 2 && strspn(line, "0123456789abcdef") == DIGITS && memcmp(line + DIGITS, "  ", 2) == 0
		&& !memchr(line, '\0', len);
}

/** Whether text is the beginning of a list. Only text after a whole line may be truncated: then ucp was killed. */
static bool is_list(const char *text, size_t len) {
	const char *line = text;
	const char *stop = text + len;
	const char *next;
	while ((next = memchr(line, '\n', (size_t)(stop - line)))) {
		if (!is_line(line, (size_t)(next - line))) {
			return false;
		}
		line = next + 1;
	}
	return line > text || (len == HELD_BACK && is_line(text, len));
}

/** Check whether a file that is not empty is a list. Returns 0, -EEXIST if it is none, or another -errno. */
static int look_at_old(const struct checksums *checksums) {
	char text[HELD_BACK + 1];
	// checksums::fd is write-only, because opening a FIFO for reading, too, would not wait for its reader
	int fd = open_again(checksums->fd, AT_FDCWD, checksums->path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? fd : read_full(fd, text, HELD_BACK, 0, NULL);
	close_fd(&fd);
	text[max(n, 0)] = '\0';
	return n >= 0 && !is_list(text, (size_t)n) ? -EEXIST : (int)min(n, 0);
}

bool checksums_begin(struct checksums *checksums) {
	struct stat st;
	enum error_op op = ERROR_WRITE;
	const char *what = "error writing %d";
	int ret = 0;
	if (checksums->fd < 0 || !(S_ISREG(checksums->st.st_mode) || S_ISBLK(checksums->st.st_mode))) {
		return true;
	}
	if (S_ISBLK(checksums->st.st_mode)) {
		ret = -EEXIST;
	} else if (flock(checksums->fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
		op = ERROR_COPY;
		what = "another program is writing %d";
		ret = -EBUSY;
	} else if (fstat(checksums->fd, &st) != 0) {
		ret = -errno;
	} else if (st.st_size > 0) {
		op = ERROR_COPY;
		what = "cannot see whether %d is a list of checksums";
		ret = look_at_old(checksums);
	}
	if (ret == 0 && S_ISREG(checksums->st.st_mode) && ftruncate(checksums->fd, 0) != 0) {
		op = ERROR_WRITE;
		what = "error writing %d";
		ret = -errno;
	}
	if (ret == -EEXIST) {
		report_error(checksums->report, ERROR_COPY, 0, "%d exists and is no list of checksums; remove it first", NULL,
			checksums->path);
	} else if (ret < 0) {
		report_error(checksums->report, op, -ret, what, NULL, checksums->path);
	}
	return ret == 0;
}

/**
 * Append an escaped name. Only a name with a newline is escaped, which a backslash before the line announces: xxhsum
 * before 0.8.2 takes all other names literally.
 */
static void add_name(struct buf *buf, const char *path) {
	bool escape = strchr(path, '\n');
	for (const char *p = path; *p; ++p) {
		switch (escape ? *p : 0) {
		case '\n':
			buf_str(buf, "\\n");
			break;
		case '\r':
			buf_str(buf, "\\r");
			break;
		case '\\':
			buf_str(buf, "\\\\");
			break;
		default:
			buf_char(buf, *p);
		}
	}
}

/** Append a line without its newline. */
static void add_line(struct buf *buf, const char *hash, const char *path) {
	buf_str(buf, strchr(path, '\n') ? "\\" : "");
	buf_str(buf, hash);
	buf_str(buf, "  ");
	add_name(buf, path);
}

/** Write the buffered lines; the lock is held. */
static void write_lines(struct checksums *checksums) {
	if (checksums->err == 0) {
		checksums->err = write_full(checksums->fd, checksums->lines.data, checksums->lines.len, checksums->cancelled);
	}
	checksums->lines.len = 0;
}

void checksums_add(struct checksums *checksums, const char *hash, const char *path) {
	if (checksums->fd < 0) {
		struct buf name = {0};
		add_name(&name, path);
		if (name.failed) {
			report_error(checksums->report, ERROR_WRITE, ENOMEM, "error writing the checksum of %d", NULL, path);
		} else {
			report_say(checksums->report, SAY_NOTE, strchr(path, '\n') ? "\\%S  %E" : "%S  %E", hash, name.data);
		}
		buf_free(&name);
		return;
	}
	mutex_lock(&checksums->lock);
	add_line(&checksums->lines, hash, path);
	buf_char(&checksums->lines, '\n');
	if (checksums->lines.failed && checksums->err == 0) {
		checksums->err = -ENOMEM;
	}
	if (checksums->lines.len >= HELD_BACK) {
		write_lines(checksums);
	}
	mutex_unlock(&checksums->lock);
}

/** Report the first error, or that the list was removed meanwhile. */
static void complain(struct checksums *checksums) {
	struct stat st;
	if (checksums->err == -EINTR) {
		return;
	}
	if (checksums->err < 0) {
		report_error(checksums->report, ERROR_WRITE, -checksums->err, "error writing %d", NULL, checksums->path);
	} else if (S_ISREG(checksums->st.st_mode) && checksums->st.st_nlink > 0 && fstat(checksums->fd, &st) == 0
		&& st.st_nlink == 0)
	{
		report_error(checksums->report, ERROR_COPY, 0, "%d was removed while checksums were written to it", NULL,
			checksums->path);
	}
}

void checksums_finish(struct checksums *checksums, enum checksums_flags flags) {
	if (checksums->fd >= 0 && checksums->path) {
		write_lines(checksums);
		if (checksums->err == 0 && (flags & CHECKSUMS_FLUSH) && S_ISREG(checksums->st.st_mode)) {
			checksums->err = flush_file(checksums->fd, checksums->cancelled);
		}
		complain(checksums);
	}
	int ret = close_fd(&checksums->fd);
	if (ret < 0 && checksums->err == 0) {
		report_error(checksums->report, ERROR_CLOSE, -ret, "failed to close %d", NULL, checksums->path);
	}
	buf_free(&checksums->lines);
	thread_must(pthread_mutex_destroy(&checksums->lock));
}
