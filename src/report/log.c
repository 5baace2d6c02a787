// SPDX-License-Identifier: MIT
#include "base/buf.h"
#include "base/io.h"
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
static int look_at_old(const char *path) {
	struct stat st;
	if (stat(path, &st) != 0) {
		return errno == ENOENT ? 0 : -errno;
	}
	if (!S_ISREG(st.st_mode) || st.st_size == 0) {
		return S_ISBLK(st.st_mode) ? -EEXIST : 0;
	}
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	int ret = fd < 0 ? -errno : 0;
	if (ret == 0 && !is_log(fd)) {
		ret = -EEXIST;
	}
	close_fd(&fd);
	return ret;
}

int log_open(struct log **log, const char *path) {
	int ret = look_at_old(path);
	if (ret < 0) {
		return ret;
	}
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOCTTY | O_CLOEXEC, 0666);
	if (fd < 0) {
		return -errno;
	}
	*log = calloc(1, sizeof(**log));
	if (!*log) {
		close_fd(&fd);
		return -ENOMEM;
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
