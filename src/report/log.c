// SPDX-License-Identifier: MIT
#include "base/buf.h"
#include "base/io.h"
#include "base/open.h"
#include "report/report-impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/** Bytes of lines that are buffered. */
#define LOG_BUFFER 4096

/** Whether what is in a file begins as a log does: with a date and a time. */
static bool is_log(int fd) {
	static const char form[STAMP_SIZE] = "0000-00-00 00:00:00 ";
	char text[sizeof(form)] = "";
	if (pread(fd, text, sizeof(form) - 1, 0) != sizeof(form) - 1) {
		return false;
	}
	for (char *p = text; *p; ++p) {
		*p = *p >= '0' && *p <= '9' ? '0' : *p;
	}
	return strcmp(text, form) == 0;
}

/** Check that a file may be appended to. Returns 0, -EEXIST if it is no log, or another -errno. */
static int look_at_old(int log, const char *path) {
	struct stat st;
	if (fstat(log, &st) != 0) {
		return -errno;
	}
	if (!S_ISREG(st.st_mode) || st.st_size == 0) {
		return S_ISBLK(st.st_mode) ? -EEXIST : 0;
	}
	int fd = open_again(log, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
	int ret = fd < 0 ? fd : 0;
	if (ret == 0 && !is_log(fd)) {
		ret = -EEXIST;
	}
	close_fd(&fd);
	return ret;
}

int log_begin(struct log **log, int fd, const char *path) {
	int ret = fd < 0 ? fd : look_at_old(fd, path);
	*log = ret == 0 ? calloc(1, sizeof(**log)) : NULL;
	if (!*log) {
		fd = max(fd, -1);
		close_fd(&fd);
		return ret < 0 ? ret : -ENOMEM;
	}
	(*log)->fd = fd;
	(*log)->path = path;
	return 0;
}

/** The date and the time of now, as each line begins. */
static const char *stamp(struct log *log) {
	struct tm tm;
	time_t now = time(NULL);
	if (now != log->second || log->stamp[0] == '\0') {
		log->second = now;
		localtime_r(&now, &tm);
		strftime(log->stamp, sizeof(log->stamp), "%F %T ", &tm);
	}
	return log->stamp;
}

void log_add(struct log *log, const char *text) {
	while (*text) {
		size_t len = strcspn(text, "\n");
		buf_str(&log->lines, stamp(log));
		buf_add(&log->lines, text, len);
		buf_char(&log->lines, '\n');
		text += len + (text[len] == '\n');
	}
	if (log->lines.len >= LOG_BUFFER) {
		log_flush(log);
	}
}

void log_flush(struct log *log) {
	if (log->lines.len == 0) {
		return;
	}
	int ret = log->lines.failed ? -ENOMEM : 0;
	int written = write_full(log->fd, log->lines.data, log->lines.len, NULL);
	ret = written < 0 ? written : ret;
	log->err = log->err == 0 ? ret : log->err;
	log->lines.len = 0;
	if (log->lines.failed) {
		buf_free(&log->lines);
	}
}

int log_close(struct log *log) {
	log_flush(log);
	int ret = close_fd(&log->fd);
	ret = log->err < 0 ? log->err : ret;
	buf_free(&log->lines);
	free(log);
	return ret;
}
