// SPDX-License-Identifier: MIT
/**
 * report.c: names as GNU tools quote them, and what goes to which descriptor when.
 */

#include "unit.h"

#include "base/buf.h"
#include "report/report.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

// --- Quoting

/** What GNU cp 9.1 makes of names in its messages: in the C locale, and where it differs in C.UTF-8. */
static const struct {
	const char *name;
	const char *quoted;
	const char *utf8;
} names[] = {
	{"", "''", NULL},
	{"a", "'a'", NULL},
	{" ", "' '", NULL},
	{"a b", "'a b'", NULL},
	{"a'b", "\"a'b\"", NULL},
	{"a\"b", "'a\"b'", NULL},
	{"a'b\"c", "'a'\\''b\"c'", NULL},
	{"'", "\"'\"", NULL},
	{"''", "\"''\"", NULL},
	{"'a", "\"'a\"", NULL},
	{"a'", "\"a'\"", NULL},
	{" '", "\" '\"", NULL},
	{"a\\b", "'a\\b'", NULL},
	{"a\\b'", "'a\\b'\\'''", NULL},
	{"$HOME", "'$HOME'", NULL},
	{"a'$b", "'a'\\''$b'", NULL},
	{"`x`'", "'`x`'\\'''", NULL},
	{"?", "'?'", NULL},
	{"*", "'*'", NULL},
	{"=", "'='", NULL},
	{"'='", "''\\''='\\'''", NULL},
	{"a%d", "'a%d'", NULL},
	{"%s'", "\"%s'\"", NULL},
	{"-x'", "\"-x'\"", NULL},
	{"~a'", "\"~a'\"", NULL},
	{"a~'", "'a~'\\'''", NULL},
	{"#a'", "\"#a'\"", NULL},
	{"a#'", "'a#'\\'''", NULL},
	{"'#", "''\\''#'", NULL},
	{"'~", "''\\''~'", NULL},
	{"a=b'", "'a=b'\\'''", NULL},
	{"a!b'", "'a!b'\\'''", NULL},
	{"a*b'", "'a*b'\\'''", NULL},
	{"a?b'", "'a?b'\\'''", NULL},
	{"a[b'", "'a[b'\\'''", NULL},
	{"a]b'", "\"a]b'\"", NULL},
	{"{'", "'{'\\'''", NULL},
	{"}'", "'}'\\'''", NULL},
	{"{a'", "'{a'\\'''", NULL},
	{"a{b'", "'a{b'\\'''", NULL},
	{"'{a}", "''\\''{a}'", NULL},
	{"a'{", "'a'\\''{'", NULL},
	{"a;b'", "'a;b'\\'''", NULL},
	{"a|b'", "'a|b'\\'''", NULL},
	{"a:b'", "\"a:b'\"", NULL},
	{"a,b'", "\"a,b'\"", NULL},
	{"a+b'", "\"a+b'\"", NULL},
	{"a.b/c'", "\"a.b/c'\"", NULL},
	{"a_b'", "\"a_b'\"", NULL},
	{"a@b'", "\"a@b'\"", NULL},
	{"a^b'", "'a^b'\\'''", NULL},
	{"(a)'", "'(a)'\\'''", NULL},
	{"a<b'", "'a<b'\\'''", NULL},
	{"a&b'", "'a&b'\\'''", NULL},
	{"a\nb", "'a'$'\\n''b'", NULL},
	{"\n", "''$'\\n'", NULL},
	{"\t", "''$'\\t'", NULL},
	{"a\tb\tc", "'a'$'\\t''b'$'\\t''c'", NULL},
	{"\a\b\f\r\v", "''$'\\a\\b\\f\\r\\v'", NULL},
	{"\001", "''$'\\001'", NULL},
	{"\177", "''$'\\177'", NULL},
	{"\033[0m", "''$'\\033''[0m'", NULL},
	{"\n0", "''$'\\n''0'", NULL},
	{"\0010", "''$'\\001''0'", NULL},
	{"a\nb\nc", "'a'$'\\n''b'$'\\n''c'", NULL},
	{"a'\nb", "'a'\\'''$'\\n''b'", NULL},
	{"\n\n'", "''$'\\n\\n'\\'''", NULL},
	{"'\n'", "''\\'''$'\\n'\\'''", NULL},
	{"a\n'b", "'a'$'\\n'\\''b'", NULL},
	{"\377", "''$'\\377'", NULL},
	{"a\377b", "'a'$'\\377''b'", NULL},
	{"\303\251", "''$'\\303\\251'", "'\303\251'"},
	{"a\303\251b", "'a'$'\\303\\251''b'", "'a\303\251b'"},
	{"\303\251'", "''$'\\303\\251'\\'''", "\"\303\251'\""},
	{"\303", "''$'\\303'", NULL},
	{"\342\200", "''$'\\342\\200'", NULL},
	{"\303'", "''$'\\303'\\'''", NULL},
	{"x\303\303\251", "'x'$'\\303\\303\\251'", "'x'$'\\303''\303\251'"},
	{"\n\303\251", "''$'\\n\\303\\251'", "''$'\\n''\303\251'"},
	{"\303\251\n", "''$'\\303\\251\\n'", "'\303\251'$'\\n'"},
	{"\200\201'x", "''$'\\200\\201'\\''x'", NULL},
	{"a'\303\251\"", "'a'\\'''$'\\303\\251''\"'", "'a'\\''\303\251\"'"},
	{"\303\251#'", "''$'\\303\\251''#'\\'''", "'\303\251#'\\'''"},
	{"#\303\251'", "'#'$'\\303\\251'\\'''", "\"#\303\251'\""},
	{"\342\200\250", "''$'\\342\\200\\250'", NULL},
	{"\342\200\250'", "''$'\\342\\200\\250'\\'''", NULL},
	{"\342\200\213", "''$'\\342\\200\\213'", "'\342\200\213'"},
	{"\342\200\231", "''$'\\342\\200\\231'", "'\342\200\231'"},
	{"\360\237\230\200", "''$'\\360\\237\\230\\200'", "'\360\237\230\200'"},
	{"\360\237\230\200'", "''$'\\360\\237\\230\\200'\\'''", "\"\360\237\230\200'\""},
	{"\314\201", "''$'\\314\\201'", "'\314\201'"},
	{"\355\240\200", "''$'\\355\\240\\200'", NULL},
	{"\300\257", "''$'\\300\\257'", NULL},
	{"\302\200", "''$'\\302\\200'", NULL},
	{"\302\240", "''$'\\302\\240'", "'\302\240'"},
	{"\343\200\200", "''$'\\343\\200\\200'", "'\343\200\200'"},
};

/** What GNU cp makes of names that it quotes only if the shell would not take them as they are. */
static const struct {
	const char *name;
	const char *quoted;
	const char *utf8;
} paths[] = {
	{"d/a", "d/a", NULL},
	{"d/a~b", "d/a~b", NULL},
	{"d/a#b", "d/a#b", NULL},
	{"d/a%b", "d/a%b", NULL},
	{"d/a]b", "d/a]b", NULL},
	{"d/a,b+c@d-e_f.g", "d/a,b+c@d-e_f.g", NULL},
	{"d/{", "d/{", NULL},
	{"{/x", "{/x", NULL},
	{"d/a:b", "'d/a:b'", NULL},
	{"d/a b", "'d/a b'", NULL},
	{"~d/x", "'~d/x'", NULL},
	{"#d/x", "'#d/x'", NULL},
	{"=d/x", "'=d/x'", NULL},
	{"d/a=b", "'d/a=b'", NULL},
	{"d/a'b", "\"d/a'b\"", NULL},
	{"d/a\"b", "'d/a\"b'", NULL},
	{"d/a[b", "'d/a[b'", NULL},
	{"d/a\\b", "'d/a\\b'", NULL},
	{"d/a^b", "'d/a^b'", NULL},
	{"d/$x", "'d/$x'", NULL},
	{"d/a`b", "'d/a`b'", NULL},
	{"d/a!b", "'d/a!b'", NULL},
	{"d/a*b", "'d/a*b'", NULL},
	{"d/a?b", "'d/a?b'", NULL},
	{"d/a|b;c&d(e)<f>", "'d/a|b;c&d(e)<f>'", NULL},
	{"d/a\nb", "'d/a'$'\\n''b'", NULL},
	{"d/\377", "'d/'$'\\377'", NULL},
	{"d/\303\251", "'d/'$'\\303\\251'", "d/\303\251"},
	{"", "''", NULL},
};

static void check_quoted(void (*quote)(struct buf *buf, const char *name), const char *name, const char *quoted) {
	struct buf buf = {0};
	buf_str(&buf, "x");
	quote(&buf, name);
	CHECK_STR(buf.data + 1, quoted);
	buf_free(&buf);
}

static void need_utf8(void) {
	if (!setlocale(LC_ALL, "C.UTF-8")) {
		SKIP("no locale C.UTF-8");
	}
}

TEST(names_are_quoted) {
	setlocale(LC_ALL, "C");
	for (size_t i = 0; i < countof(names); ++i) {
		check_quoted(quote_name, names[i].name, names[i].quoted);
	}
}

TEST(names_in_utf8_are_quoted) {
	need_utf8();
	for (size_t i = 0; i < countof(names); ++i) {
		check_quoted(quote_name, names[i].name, names[i].utf8 ? names[i].utf8 : names[i].quoted);
	}
	setlocale(LC_ALL, "C");
}

/** Work that grows with the square of the length would take an hour. */
TEST(long_names_are_quoted_in_time) {
	enum { LENGTH = 8 << 20 };
	struct buf buf = {0};
	char *name = malloc(LENGTH + 1);
	REQUIRE(name);
	memset(name, 'n', LENGTH);
	name[LENGTH] = '\0';
	quote_name(&buf, name);
	CHECK_EQ(buf.len, LENGTH + 2);
	buf_free(&buf);
	name[LENGTH - 1] = '\'';
	quote_name(&buf, name);
	CHECK_EQ(buf.len, LENGTH + 2);
	buf_free(&buf);
	free(name);
}

TEST(some_names_need_no_quotes) {
	setlocale(LC_ALL, "C");
	for (size_t i = 0; i < countof(paths); ++i) {
		check_quoted(quote_name_if_needed, paths[i].name, paths[i].quoted);
	}
	need_utf8();
	for (size_t i = 0; i < countof(paths); ++i) {
		check_quoted(quote_name_if_needed, paths[i].name, paths[i].utf8 ? paths[i].utf8 : paths[i].quoted);
	}
	setlocale(LC_ALL, "C");
}

/** Append what an escape after P (a backslash) stands for. Returns what follows it. */
static const char *unescape(struct buf *buf, const char *p) {
	static const char letters[] = "abfnrtv";
	static const char codes[] = "\a\b\f\n\r\t\v";
	const char *letter = strchr(letters, p[1]);
	if (p[1] && letter) {
		buf_char(buf, codes[letter - letters]);
		return p + 2;
	}
	CHECK(strspn(p + 1, "01234567") >= 3);
	buf_char(buf, (char)((p[1] - '0') << 6 | (p[2] - '0') << 3 | (p[3] - '0')));
	return p + 4;
}

/** What a shell makes of a word. */
static char *as_the_shell(const char *word) {
	struct buf buf = {0};
	buf_str(&buf, "");
	for (const char *p = word; *p; ++p) {
		if (*p == '\'') {
			for (++p; *p && *p != '\''; ++p) {
				buf_char(&buf, *p);
			}
		} else if (*p == '"') {
			for (++p; *p && *p != '"'; ++p) {
				CHECK(!strchr("$`\\!", *p));
				buf_char(&buf, *p);
			}
		} else if (p[0] == '$' && p[1] == '\'') {
			for (p += 2; *p && *p != '\'';) {
				CHECK(*p == '\\');
				p = unescape(&buf, p);
			}
		} else {
			CHECK(p[0] == '\\' && p[1] == '\'');
			buf_char(&buf, *++p);
		}
		if (!*p) {
			CHECK_MSG(false, "quotes are left open");
			break;
		}
	}
	return buf.data;
}

/** All names of up to four bytes of an alphabet. */
static void check_names_of(const char *alphabet) {
	size_t count = strlen(alphabet) + 1; // the last one ends the name
	size_t all = count * count * count * count;
	for (size_t i = 0; i < all; ++i) {
		char name[5] = {
			alphabet[i % count], alphabet[i / count % count], alphabet[i / count / count % count],
			alphabet[i / count / count / count],
		};
		struct buf buf = {0};
		quote_name(&buf, name);
		char *back = as_the_shell(buf.data);
		CHECK_STR(back, name);
		free(back);
		buf_free(&buf);
	}
}

TEST(the_shell_reads_names_back) {
	static const char alphabet[] = "a0'\"\n\\$~\377\303\251";
	setlocale(LC_ALL, "C");
	check_names_of(alphabet);
	need_utf8();
	check_names_of(alphabet);
	setlocale(LC_ALL, "C");
}

TEST(names_in_templates) {
	check_quoted(quote_in_template, "100%s %d%", "'100%%s %%d%%'");
}

// --- Messages

/** Standard output and standard error while they lead to files. */
static struct {
	int saved[3];
	int file[3];
	char text[3][16384];
} captured;

static void capture(void) {
	fflush(stdout);
	for (int fd = 1; fd <= 2; ++fd) {
		captured.saved[fd] = dup(fd);
		captured.file[fd] = memfd_create("capture", MFD_CLOEXEC);
		dup2(captured.file[fd], fd);
	}
}

static void release(void) {
	for (int fd = 1; fd <= 2; ++fd) {
		dup2(captured.saved[fd], fd);
		close(captured.saved[fd]);
		ssize_t n = pread(captured.file[fd], captured.text[fd], sizeof(captured.text[fd]) - 1, 0);
		captured.text[fd][max(n, 0)] = '\0';
		close(captured.file[fd]);
	}
}

#define OUT (captured.text[1])
#define ERR (captured.text[2])

TEST(errors_and_warnings) {
	struct report report;
	capture();
	report_init(&report, "ucp");
	report_warn(&report, ERROR_COPY, 0, "warning: source file %s specified more than once", "a b", NULL);
	uint64_t after_warning = counter_get(&report.errors);
	struct error none = NO_ERROR;
	report_failure(&report, &none, "x", "y");
	struct error warning = {.err = EIO, .text = "odd %d", .warning = true};
	report_failure(&report, &warning, "x", "y");
	uint64_t after_fails = counter_get(&report.errors);
	struct error fail = error_make(ERROR_WRITE, -ENOSPC, "error writing %d");
	report_failure(&report, &fail, "x", "y");
	report_error(&report, ERROR_STAT, ENOENT, "cannot stat %s", "it's", "unused");
	report_error(&report, ERROR_COPY, 0, "%s and %d are the same file", "a", "b");
	report_error(&report, ERROR_COPY, 0, "100%% of %S is %E, not %D", "a b", "c d");
	uint64_t errors = counter_get(&report.errors);
	int status = report_finish(&report);
	release();
	CHECK_STR(OUT, "");
	CHECK_STR(ERR,
		"ucp: warning: source file 'a b' specified more than once\n"
		"ucp: odd 'y': Input/output error\n"
		"ucp: error writing 'y': No space left on device\n"
		"ucp: cannot stat \"it's\": No such file or directory\n"
		"ucp: 'a' and 'b' are the same file\n"
		"ucp: 100% of a b is c d, not 'c d'\n");
	CHECK_EQ(after_warning, 0);
	CHECK_EQ(after_fails, 0);
	CHECK_EQ(errors, 4);
	CHECK_EQ(status, 1);
}

TEST(only_errors_make_the_status_1) {
	struct report report;
	capture();
	report_init(&report, "ucp");
	report_warn(&report, ERROR_COPY, EIO, "odd", NULL, NULL);
	report_say(&report, SAY_NOTE, "%s -> %d", "a", "b c");
	report_text(&report, "%d files\n", 3);
	int status = report_finish(&report);
	release();
	CHECK_EQ(status, 0);
	CHECK_STR(OUT, "'a' -> 'b c'\n3 files\n");
	CHECK_STR(ERR, "ucp: odd: Input/output error\n");

	capture();
	report_init(&report, "ucp");
	report_declined(&report);
	status = report_finish(&report);
	release();
	CHECK_EQ(status, 1);
	CHECK_STR(ERR, "");
}

TEST(lines_come_before_the_errors_that_follow) {
	struct report report;
	capture();
	// Both to one file, to see the order
	dup2(1, 2);
	report_init(&report, "ucp");
	report_say(&report, SAY_NOTE, "%s -> %d", "a", "b");
	report_error(&report, ERROR_COPY, 0, "bad", NULL, NULL);
	report_say(&report, SAY_NOTE, "%s -> %d", "c", "d");
	report_finish(&report);
	release();
	CHECK_STR(OUT, "'a' -> 'b'\nucp: bad\n'c' -> 'd'\n");
}

TEST(lines_are_held_back_but_not_for_ever) {
	struct report report;
	capture();
	report_init(&report, "ucp");
	for (int i = 0; i < 1000; ++i) {
		report_say(&report, SAY_NOTE, "%s -> %d", "a", "b");
	}
	release();
	size_t held_back = 11 * 1000 - strlen(OUT);
	CHECK(strlen(OUT) % 11 == 0);
	CHECK(held_back > 0 && held_back < 5000);
	capture();
	CHECK_EQ(report_flush(&report), 0);
	report_finish(&report);
	release();
	CHECK_EQ(strlen(OUT), held_back);
}

TEST(output_that_cannot_be_written) {
	struct report report;
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	REQUIRE(full >= 0);
	capture();
	dup2(full, 1);
	report_init(&report, "ucp");
	report_say(&report, SAY_NOTE, "%s -> %d", "a", "b");
	int ret = report_flush(&report);
	report_say(&report, SAY_NOTE, "%s -> %d", "a", "b");
	int status = report_finish(&report);
	release();
	close(full);
	CHECK_EQ(ret, -ENOSPC);
	CHECK_EQ(status, 1);
	CHECK_STR(ERR, "ucp: write error: No space left on device\n");
}

TEST(each_message_is_one_write) {
	struct report report;
	char text[4096] = "";
	int pipes[2];
	REQUIRE(pipe2(pipes, O_DIRECT | O_NONBLOCK) == 0);
	capture();
	dup2(pipes[1], 2);
	report_init(&report, "ucp");
	report_paint(&report, "12%");
	report_error(&report, ERROR_COPY, EIO, "%s and %d", "a\n'b", "c");
	report_paint(&report, "34%");
	report_paint(&report, "34%");
	report_paint(&report, "35%");
	report_finish(&report);
	release();
	close(pipes[1]);
	static const char *const wanted[] = {
		"\r12%\033[J\r", "\r\033[Jucp: 'a'$'\\n'\\''b' and 'c': Input/output error\n", "\r34%\033[J\r", "\r35%\033[J\r",
		"\r\033[J",
	};
	for (size_t i = 0; i < countof(wanted); ++i) {
		// A pipe like this one keeps writes apart
		ssize_t n = read(pipes[0], text, sizeof(text) - 1);
		text[max(n, 0)] = '\0';
		CHECK_STR(text, wanted[i]);
	}
	CHECK_EQ(read(pipes[0], text, sizeof(text)), 0);
	close(pipes[0]);
}

TEST(the_progress_line_makes_way) {
	struct report report;
	capture();
	dup2(1, 2);
	report_init(&report, "ucp");
	report_paint(&report, "1");
	report_paint(&report, "2");
	report_say(&report, SAY_NOTE, "%s -> %d", "a", "b");
	report_paint(&report, "3\n");
	report_paint(&report, NULL);
	report_error(&report, ERROR_COPY, 0, "bad", NULL, NULL);
	report_finish(&report);
	release();
	CHECK_STR(OUT, "\r1\033[J\r\r2\033[J\r\r\033[J'a' -> 'b'\n3\nucp: bad\n");
}

TEST(the_progress_line_may_stay_where_lines_go_elsewhere) {
	struct report report;
	capture();
	report_init(&report, "ucp");
	report_paint(&report, "1");
	report_say(&report, SAY_NOTE, "%s -> %d", "a", "b");
	report_flush(&report);
	report_paint(&report, "1");
	report_paint(&report, "2\n");
	report_finish(&report);
	release();
	CHECK_STR(OUT, "'a' -> 'b'\n");
	CHECK_STR(ERR, "\r1\033[J\r\r2\033[J\n");
}

TEST(a_status_line_stands_alone) {
	struct report report;
	capture();
	report_init(&report, "ucp");
	report_paint(&report, "1");
	report_status(&report, "so far");
	report_paint(&report, "2");
	report_finish(&report);
	release();
	CHECK_STR(ERR, "\r1\033[J\r\r\033[Jucp: so far\n\r2\033[J\r\r\033[J");
}

TEST(usage_errors) {
	struct report report;
	capture();
	report_init(&report, "ucp");
	report_usage(&report, "invalid argument %s for %d", "x", "--sparse", "  - 'auto'\n  - 'never'\n");
	report_usage(&report, NULL, NULL, NULL, NULL);
	int status = report_finish(&report);
	release();
	CHECK_EQ(status, 1);
	CHECK_STR(OUT, "");
	CHECK_STR(ERR,
		"ucp: invalid argument 'x' for '--sparse'\n"
		"Valid arguments are:\n  - 'auto'\n  - 'never'\n"
		"Try 'ucp --help' for more information.\n"
		"Try 'ucp --help' for more information.\n");
}

TEST(questions) {
	static const char answers[] = "y\nn\nYes\n\nno\nmaybe\ny";
	static const bool yes[] = {true, false, true, false, false, false, true, false, false};
	bool got[countof(yes)];
	struct report report;
	int saved = dup(0);
	int file = memfd_create("answers", MFD_CLOEXEC);
	REQUIRE(file >= 0);
	CHECK_EQ(pwrite(file, answers, sizeof(answers) - 1, 0), sizeof(answers) - 1);
	dup2(file, 0);
	capture();
	report_init(&report, "ucp");
	for (size_t i = 0; i < countof(yes); ++i) {
		got[i] = report_ask(&report, "overwrite %d? ", "b");
	}
	int status = report_finish(&report);
	release();
	clearerr(stdin);
	dup2(saved, 0);
	close(saved);
	close(file);
	for (size_t i = 0; i < countof(yes); ++i) {
		CHECK_MSG(got[i] == yes[i], "answer %zu", i);
		CHECK_MSG(strncmp(ERR + i * 20, "ucp: overwrite 'b'? ", 20) == 0, "question %zu", i);
	}
	CHECK_EQ(status, 0);
}

static void *complain(void *arg) {
	struct report *report = arg;
	for (int i = 0; i < 50; ++i) {
		report_error(report, ERROR_COPY, 0, "cannot do %s", "a", NULL);
		report_say(report, SAY_COPYING, "%s -> %d", "a", "b");
		report_paint(report, i % 2 ? "50%" : NULL);
	}
	return NULL;
}

TEST(lines_of_several_threads_do_not_mix) {
	struct report report;
	pthread_t threads[4];
	capture();
	report_init(&report, "ucp");
	for (size_t i = 0; i < countof(threads); ++i) {
		thread_must(pthread_create(&threads[i], NULL, complain, &report));
	}
	for (size_t i = 0; i < countof(threads); ++i) {
		thread_must(pthread_join(threads[i], NULL));
	}
	uint64_t errors = counter_get(&report.errors);
	report_finish(&report);
	release();
	CHECK_EQ(errors, 200);
	unsigned count = 0;
	for (char *save, *line = strtok_r(ERR, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		// What stands before it on the line was painted, and is taken away
		char *message = strstr(line, "ucp:");
		CHECK(!message || strcmp(message, "ucp: cannot do 'a'") == 0);
		count += message != NULL;
	}
	CHECK_EQ(count, 200);
	CHECK_EQ(strlen(OUT), 200 * strlen("'a' -> 'b'\n"));
}

UNIT_MAIN
