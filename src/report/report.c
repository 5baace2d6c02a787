// SPDX-License-Identifier: MIT
#include "base/buf.h"
#include "base/io.h"
#include "report/report-impl.h"

#include <errno.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/** Bytes of lines for standard output that are buffered. */
#define OUT_BUFFER 4096

/** Messages with the same errno that are printed on a terminal. */
#define SAME_MOST 10

/** Whether standard output is a regular file, and not the one of standard error. */
static bool is_out_apart(void) {
	struct stat out;
	struct stat err;
	return fstat(STDOUT_FILENO, &out) == 0 && S_ISREG(out.st_mode) && fstat(STDERR_FILENO, &err) == 0
		&& (out.st_ino != err.st_ino || out.st_dev != err.st_dev);
}

void report_init(struct report *report, const char *program) {
	*report = (struct report) {
		.program = program,
		.out_terminal = isatty(STDOUT_FILENO),
		.out_apart = is_out_apart(),
		.err_terminal = isatty(STDERR_FILENO),
	};
	thread_must(pthread_mutex_init(&report->lock, NULL));
	thread_must(pthread_mutex_init(&report->asking, NULL));
}

void report_localize(struct report *report) {
	if (!report->localized) {
		report->localized = true;
		setlocale(LC_CTYPE, "");
		setlocale(LC_MESSAGES, "");
		setlocale(LC_NUMERIC, "");
	}
}

/** Write whole lines to standard error. If memory ran out for them, write at least that, also by one write. */
static void write_errors(const struct report *report, const struct buf *buf) {
	char text[256];
	const char *data = buf->data;
	size_t len = buf->len;
	if (buf->failed) {
		int n =
			snprintf(text, sizeof(text), "%s: memory exhausted, and with it what there is to say\n", report->program);
		data = text;
		len = min((size_t)max(n, 0), sizeof(text) - 1);
	}
	write_full(STDERR_FILENO, data, len, NULL);
}

/** Append to BUF what clears the progress line. */
static void clear_line(struct report *report, struct buf *buf) {
	if (report->painted.len > 0) {
		buf_str(buf, "\r\033[J");
		buf_free(&report->painted);
	}
}

static int flush_locked(struct report *report) {
	int ret = 0;
	if (report->log) {
		log_flush(report->log);
	}
	if (report->out.len > 0 && report->painted.len > 0 && !report->out_apart) {
		struct buf buf = {0};
		clear_line(report, &buf);
		write_full(STDERR_FILENO, buf.data, buf.len, NULL);
		buf_free(&buf);
	}
	if (report->out.len > 0) {
		ret = write_full(STDOUT_FILENO, report->out.data, report->out.len, NULL);
		report->out.len = 0;
	}
	if (report->out.failed) {
		// Memory ran out, so lines are missing
		ret = ret < 0 ? ret : -ENOMEM;
		buf_free(&report->out);
	}
	if (ret < 0 && report->out_err == 0) {
		report->out_err = ret;
	}
	return ret;
}

/** Remember the reason for a hint; the lock is held. */
static void note_reason(struct report *report, const struct message *message) {
	bool nospace = message->err == ENOSPC || message->err == EDQUOT;
	if (nospace && message->dst && !report->nospace) {
		report->nospace = strdup(message->dst);
	}
	if (message->err == EFBIG && message->dst && !report->too_large) {
		report->too_large = strdup(message->dst);
	}
	report->over_quota |= message->err == EDQUOT;
	report->too_many_files |= message->err == EMFILE;
}

/** Count a message. Returns whether there are too many with the same errno to print this one; the lock is held. */
static bool is_too_many(struct report *report, int err) {
	if (!report->err_terminal || err <= 0 || err >= REPORT_ERRNOS) {
		return false;
	}
	return ++report->same[err] > SAME_MOST;
}

/** Append lines to the log, if there is one; the lock is held. */
static void add_to_log(struct report *report, const struct buf *lines) {
	if (report->log) {
		log_add(report->log, lines->failed ? "memory exhausted" : lines->data);
	}
}

/** Append the line of a message. */
static void add_message(struct buf *buf, const char *program, const struct message *message) {
	buf_str(buf, program);
	buf_str(buf, ": ");
	fill_in(buf, message->text, message->src, message->dst, FILL_TERMINAL);
	if (message->err != 0) {
		char text[256];
		buf_str(buf, ": ");
		buf_str(buf, strerror_r(message->err, text, sizeof(text)));
	}
	buf_char(buf, '\n');
}

static void print(struct report *report, const struct message *message) {
	struct buf buf = {0};
	struct buf line = {0};

	mutex_lock(&report->lock);
	report_localize(report);
	if (report->json) {
		json_error(&report->out, message);
	}
	note_reason(report, message);
	add_message(&line, report->program, message);
	add_to_log(report, &line);
	if (!is_too_many(report, message->err)) {
		flush_locked(report);
		clear_line(report, &buf);
		if (!line.failed) {
			buf_add(&buf, line.data, line.len);
		}
		buf.failed |= line.failed;
		write_errors(report, &buf);
	}
	mutex_unlock(&report->lock);
	buf_free(&line);
	buf_free(&buf);
}

void report_error(struct report *report, enum error_op op, int err, const char *what, const char *src,
	const char *dst) {
	counter_add(&report->errors, 1);
	print(report, &(struct message) {.op = op, .err = err, .text = what, .src = src, .dst = dst});
}

void report_warn(struct report *report, enum error_op op, int err, const char *what, const char *src, const char *dst) {
	print(report, &(struct message) {.op = op, .err = err, .text = what, .src = src, .dst = dst, .warning = true});
}

void report_failure(struct report *report, const struct error *error, const char *src, const char *dst) {
	if (error->text && error->excused) {
		counter_add(&report->excused, 1);
		mutex_lock(&report->lock);
		if (!report->excused_first && dst) {
			report->excused_first = strdup(dst);
			report->excused_err = error->err;
		}
		mutex_unlock(&report->lock);
	} else if (error->text && error->warning) {
		report_warn(report, error->op, error->err, error->text, src, dst);
	} else if (error->text) {
		report_error(report, error->op, error->err, error->text, src, dst);
	}
}

void report_excused(struct report *report) {
	unsigned long long others = counter_get(&report->excused) - 1;
	char text[128];
	if (others == -1ull) {
		return;
	}
	snprintf(text, sizeof(text),
		others > 0 ? "warning: could not set all attributes of %%d and %llu others"
				   : "warning: could not set all attributes of %%d",
		others);
	report_warn(report, ERROR_PRESERVE, report->excused_err, text, NULL, report->excused_first);
}

bool report_has_enough(struct report *report) {
	return report->most_errors > 0
		&& counter_get(&report->errors) - counter_get(&report->declined) >= report->most_errors;
}

void report_rest(struct report *report) {
	for (int err = 1; err < REPORT_ERRNOS; ++err) {
		mutex_lock(&report->lock);
		uint32_t rest = report->same[err] - min(report->same[err], (uint32_t)SAME_MOST);
		report->same[err] -= rest;
		mutex_unlock(&report->lock);
		if (rest > 0) {
			char line[320];
			char text[256];
			snprintf(line, sizeof(line), "... and %u more: %s", rest, strerror_r(err, text, sizeof(text)));
			report_status(report, line);
		}
	}
}

void report_hint(struct report *report, const char *format, ...) {
	struct buf line = {0};
	char *text;
	va_list args;
	va_start(args, format);
	int len = vasprintf(&text, format, args);
	va_end(args);
	if (len >= 0) {
		buf_str(&line, "hint: ");
		buf_str(&line, text);
		if (!line.failed) {
			report_log(report, "%s: %s", report->program, line.data);
			report_status(report, line.data);
		}
		buf_free(&line);
		free(text);
	}
}

/** Write report::out if necessary, after a line was appended; the lock is held. */
static void out_added(struct report *report) {
	if (report->out_terminal || report->out.len >= OUT_BUFFER) {
		flush_locked(report);
	}
}

/** Append a line to standard output, and to the log; the lock is held. */
static void add_line(struct report *report, const char *what, const char *src, const char *dst, bool out) {
	if (report->log) {
		struct buf line = {0};
		fill_in(&line, what, src, dst, FILL_TERMINAL);
		add_to_log(report, &line);
		buf_free(&line);
	}
	if (out && !report->json) {
		fill_in(&report->out, what, src, dst, report->out_terminal ? FILL_TERMINAL : 0);
		buf_char(&report->out, '\n');
	}
}

void report_say(struct report *report, enum say say, const char *what, const char *src, const char *dst) {
	mutex_lock(&report->lock);
	report_localize(report);
	add_line(report, what, src, dst, !report->says_to_log);
	if (report->json && !report->says_to_log) {
		json_said(&report->out, say, what, src, dst);
	}
	out_added(report);
	mutex_unlock(&report->lock);
}

void report_change(struct report *report, enum change change, const char *object, const char *src, const char *dst) {
	static const char *const words[] = {
		[CHANGE_NEW] = "new",
		[CHANGE_DATA] = "data",
		[CHANGE_ATTRIBUTES] = "attributes",
		[CHANGE_DELETED] = "deleted",
	};
	const struct member members[] = {
		member_text("change", words[change]),
		member_text("object", object),
		member_name("source", src),
		member_name("destination", dst),
	};
	char what[64];
	snprintf(what, sizeof(what), "%s %s %%d", words[change], object);
	mutex_lock(&report->lock);
	report_localize(report);
	add_line(report, what, src, dst, true);
	if (report->json) {
		json_line(&report->out, "change", members, countof(members));
	}
	out_added(report);
	mutex_unlock(&report->lock);
}

void report_text(struct report *report, const char *format, ...) {
	char *text;
	va_list args;
	va_start(args, format);
	int len = vasprintf(&text, format, args);
	va_end(args);
	if (len < 0) {
		report_error(report, ERROR_REPORT, 0, "memory exhausted", NULL, NULL);
		return;
	}

	mutex_lock(&report->lock);
	if (report->log) {
		log_add(report->log, text);
	}
	if (report->json) {
		text[strcspn(text, "\n")] = '\0';
		json_line(&report->out, "note", &(struct member) {.key = "text", .kind = MEMBER_TEXT, .text = text}, 1);
	} else {
		buf_str(&report->out, text);
	}
	out_added(report);
	mutex_unlock(&report->lock);
	free(text);
}

void report_event(struct report *report, const char *type, const struct member *members, size_t count) {
	if (report->json) {
		mutex_lock(&report->lock);
		json_line(&report->out, type, members, count);
		out_added(report);
		mutex_unlock(&report->lock);
	}
}

bool report_ask(struct report *report, const char *what, const char *dst) {
	struct buf buf = {0};
	struct buf *question = &report->question;

	mutex_lock(&report->asking);
	mutex_lock(&report->lock);
	flush_locked(report);
	clear_line(report, &buf);
	buf_str(question, report->program);
	buf_str(question, ": ");
	fill_in(question, what, NULL, dst, FILL_TERMINAL);
	if (!question->failed) {
		buf_add(&buf, question->data, question->len);
	}
	buf.failed |= question->failed;
	bool asked = !buf.failed;
	write_errors(report, &buf);
	buf_free(&buf);
	mutex_unlock(&report->lock);

	char *answer = NULL;
	size_t size = 0;
	ssize_t len = asked ? getline(&answer, &size, stdin) : -1;
	bool yes = len > 0 && rpmatch(answer) == 1;
	bool open = asked && (len <= 0 || answer[len - 1] != '\n') && report->err_terminal;
	free(answer);

	mutex_lock(&report->lock);
	if (open) {
		// End the line of the question, so that the next output has a line of its own
		write_full(STDERR_FILENO, "\n", 1, NULL);
	}
	buf_free(&report->question);
	mutex_unlock(&report->lock);
	mutex_unlock(&report->asking);
	return yes;
}

void report_declined(struct report *report) {
	counter_add(&report->declined, 1);
	counter_add(&report->errors, 1);
}

void report_usage(struct report *report, const char *what, const char *arg, const char *option, const char *choices) {
	struct buf buf = {0};
	if (what) {
		report_error(report, ERROR_USAGE, 0, what, arg, option);
	} else {
		counter_add(&report->errors, 1);
	}
	if (choices) {
		buf_str(&buf, "Valid arguments are:\n");
		buf_str(&buf, choices);
	}
	buf_str(&buf, "Try '");
	buf_str(&buf, report->program);
	buf_str(&buf, " --help' for more information.\n");
	write_errors(report, &buf);
	buf_free(&buf);
}

/** Append to BUF what replaces the progress line, without showing an empty line in between. */
static void paint_over(struct report *report, struct buf *buf, const char *line) {
	size_t len = strlen(line);
	bool stays = line[len - 1] == '\n';
	bool first = report->painted.len == 0;

	if (stays && first) {
		buf_str(buf, line);
		return;
	}
	if (!first && len == report->painted.len && memcmp(line, report->painted.data, len) == 0) {
		return;
	}
	buf_free(&report->painted);
	buf_char(buf, '\r');
	buf_add(buf, line, stays ? len - 1 : len);
	// Leave the cursor at the start of the line, so that it stays there if the terminal narrows and wraps the line
	buf_str(buf, stays ? "\033[J\n" : "\033[J\r");
	if (!stays) {
		buf_str(&report->painted, line);
	}
}

void report_paint(struct report *report, const char *line) {
	struct buf buf = {0};

	mutex_lock(&report->lock);
	flush_locked(report);
	if (line && line[0] != '\0' && report->question.len == 0) {
		paint_over(report, &buf, line);
	} else {
		clear_line(report, &buf);
	}
	if (buf.len > 0) {
		write_full(STDERR_FILENO, buf.data, buf.len, NULL);
	}
	mutex_unlock(&report->lock);
	buf_free(&buf);
}

void report_status(struct report *report, const char *line) {
	struct buf buf = {0};

	mutex_lock(&report->lock);
	flush_locked(report);
	clear_line(report, &buf);
	if (report->question.len > 0) {
		buf_char(&buf, '\n');
	}
	buf_str(&buf, report->program);
	buf_str(&buf, ": ");
	buf_str(&buf, line);
	buf_char(&buf, '\n');
	if (report->question.len > 0) {
		buf_add(&buf, report->question.data, report->question.len);
	}
	write_errors(report, &buf);
	mutex_unlock(&report->lock);
	buf_free(&buf);
}

int report_flush(struct report *report) {
	mutex_lock(&report->lock);
	flush_locked(report);
	int ret = report->out_err;
	mutex_unlock(&report->lock);
	return ret;
}

void report_out_silent(struct report *report) {
	mutex_lock(&report->lock);
	report->out_err_silent = true;
	mutex_unlock(&report->lock);
}

bool report_log_to(struct report *report, int fd, const char *path) {
	int ret = log_begin(&report->log, fd, path);
	if (ret == -EEXIST) {
		report_error(report, ERROR_OPEN, 0, "%d exists and is no log; remove it first", NULL, path);
	} else if (ret < 0) {
		report_error(report, ERROR_OPEN, -ret, "cannot open %d for writing", NULL, path);
	}
	return ret == 0;
}

void report_log(struct report *report, const char *format, ...) {
	char *text;
	va_list args;
	if (!report->log) {
		return;
	}
	va_start(args, format);
	int len = vasprintf(&text, format, args);
	va_end(args);
	mutex_lock(&report->lock);
	log_add(report->log, len < 0 ? "memory exhausted" : text);
	mutex_unlock(&report->lock);
	if (len >= 0) {
		free(text);
	}
}

/** Close the log. If it is not complete, that is an error. */
static void close_log(struct report *report) {
	struct log *log = report->log;
	if (log) {
		const char *path = log->path;
		report->log = NULL;
		int ret = log_close(log);
		if (ret < 0) {
			report_error(report, ERROR_REPORT, -ret, "error writing %d", NULL, path);
		}
	}
}

int report_finish(struct report *report) {
	report_paint(report, NULL);
	report_rest(report);
	close_log(report);
	int ret = report_flush(report);
	if (ret < 0 && !report->out_err_silent) {
		report_error(report, ERROR_REPORT, -ret, "write error", NULL, NULL);
	}
	buf_free(&report->out);
	buf_free(&report->painted);
	free(report->nospace);
	free(report->too_large);
	report->nospace = report->too_large = NULL;
	free(report->excused_first);
	report->excused_first = NULL;
	return counter_get(&report->errors) > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
