// SPDX-License-Identifier: MIT
/**
 * What happens when memory is refused: whole runs, in which each allocation fails once (see the Makefile: --wrap).
 */

#include "scratch.h"
#include "unit.h"

#include "base/buf.h"
#include "base/opts.h"
#include "cli/cli.h"
#include "journal/journal-impl.h"
#include "report/report.h"
#include "run/coordinator.h"
#include "run/worker-impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

// --- Allocations, all that are in src/

static atomic_long allocations;
/** How many bytes were asked for. */
static atomic_size_t asked;
/** Which one fails; 0: none. */
static long refused;
/** If not 0, all objects of so many bytes fail. */
static size_t refused_size;

static bool is_refused(size_t bytes) {
	atomic_fetch_add(&asked, bytes);
	if (atomic_fetch_add(&allocations, 1) + 1 != refused) {
		return false;
	}
	errno = ENOMEM;
	return true;
}

/** TYPE NAME(PARAMETERS), which asks for BYTES, and fails by returning FAILURE. */
#define WRAP(type, failure, name, parameters, arguments, bytes)         \
	type __real_##name parameters;                                  \
	type __wrap_##name parameters;                                  \
	type __wrap_##name parameters {                                 \
		return is_refused(bytes) ? failure : __real_##name arguments; \
	}

WRAP(void *, NULL, malloc, (size_t size), (size), size)
WRAP(void *, NULL, realloc, (void *old, size_t size), (old, size), size)
WRAP(void *, NULL, reallocarray, (void *old, size_t count, size_t size), (old, count, size),
	count * size)
WRAP(void *, NULL, aligned_alloc, (size_t alignment, size_t size), (alignment, size), size)
WRAP(char *, NULL, strdup, (const char *text), (text), strlen(text))
WRAP(char *, NULL, strndup, (const char *text, size_t len), (text, len), len)
WRAP(int, -1, vasprintf, (char **text, const char *format, va_list args), (text, format, args), 0)

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size) {
	if (is_refused(count * size) || (count == 1 && size == refused_size)) {
		errno = ENOMEM;
		return NULL;
	}
	return __real_calloc(count, size);
}

int __wrap_asprintf(char **text, const char *format, ...);
int __wrap_asprintf(char **text, const char *format, ...) {
	va_list args;
	va_start(args, format);
	int len = __wrap_vasprintf(text, format, args);
	va_end(args);
	return len;
}

// --- Runs

static void write_text(const char *path, const char *text) {
	FILE *file = fopen(path, "w");
	REQUIRE(file);
	fputs(text, file);
	REQUIRE(fclose(file) == 0);
}

static void read_text(const char *path, char *text, size_t size) {
	FILE *file = fopen(path, "r");
	text[0] = '\0';
	if (file) {
		text[fread(text, 1, size - 1, file)] = '\0';
		fclose(file);
	}
}

static const char *const files[] = {"a", "sub/b", "sub/c"};
static const char wanted[] = "what is copied\n";
static const char before[] = "before\n";

static void make_tree(const char *top, const char *text) {
	char path[100];
	REQUIRE(mkdir(top, 0755) == 0);
	snprintf(path, sizeof(path), "%s/sub", top);
	REQUIRE(mkdir(path, 0755) == 0);
	for (size_t i = 0; i < countof(files); ++i) {
		snprintf(path, sizeof(path), "%s/%s", top, files[i]);
		write_text(path, text);
	}
	snprintf(path, sizeof(path), "%s/link", top);
	REQUIRE(symlink("a", path) == 0);
}

/** Run ucp with a command line, as main() does. Returns its exit status. */
static int run(char **argv, long refuse) {
	struct opts opts;
	struct report report;
	int argc = 0;
	while (argv[argc]) {
		++argc;
	}
	atomic_store(&allocations, 0);
	refused = refuse;
	report_init(&report, "ucp");
	if (cli_parse(&opts, &report, argc, argv)) {
		CHECK_EQ(coordinator_run(&opts, &report), 0);
	}
	int status = report_finish(&report);
	cli_free(&opts);
	refused = 0;
	return status;
}

/** Each file is the copy, or what was there before, or not there. Returns whether all are copies. */
static bool look_at_copies(bool over) {
	bool all = true;
	for (size_t i = 0; i < countof(files); ++i) {
		char path[100];
		char text[100];
		snprintf(path, sizeof(path), "d/%s", files[i]);
		read_text(path, text, sizeof(text));
		bool is = strcmp(text, wanted) == 0;
		CHECK_MSG(is || text[0] == '\0' || (over && strcmp(text, before) == 0), "%s is \"%s\"", path, text);
		all = all && is;
	}
	return all;
}

/** What was said is whole lines of ucp's. */
static void look_at_messages(const char *text, int status, long n) {
	size_t len = strlen(text);
	bool warned = strncmp(text, "ucp: warning: ", 14) == 0;
	CHECK_MSG((status == 0) == (len == 0 || warned), "allocation %ld: status %d, but \"%s\"", n, status, text);
	for (const char *line = text; *line; line = strchr(line, '\n') + 1) {
		bool known = strncmp(line, "ucp: ", 5) == 0 || strncmp(line, "Try 'ucp --help'", 16) == 0;
		if (!known || !strchr(line, '\n')) {
			CHECK_MSG(false, "allocation %ld: \"%s\" is no message", n, line);
			break;
		}
	}
}

enum { OVER = 1, DRY = 2 };

/** Run a command line with each allocation refused once, until there is none any more. */
static void refuse_each(unsigned flags, const char *const *options) {
	char *argv[16] = {(char[]) {"ucp"}, (char[]) {"-j1"}, (char[]) {"-T"}};
	int argc = 3;
	for (; *options; ++options) {
		argv[argc++] = strdup(*options);
	}
	argv[argc] = (char[]) {"s"};
	argv[argc + 1] = (char[]) {"d"};
	int status = 1;
	long n = 1;
	long count = n;
	for (; n <= count; ++n) {
		go_to_scratch();
		make_tree("s", wanted);
		write_text("list", "a\nsub\n");
		if (flags & OVER) {
			make_tree("d", before);
		}
		char text[4096];
		int file = memfd_create("errors", MFD_CLOEXEC);
		int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
		int saved[] = {dup(1), dup(2)};
		fflush(stdout);
		dup2(null, 1);
		dup2(file, 2);
		unsigned open_before = open_fds();
		status = run(argv, n);
		unsigned open_after = open_fds();
		count = max(count, atomic_load(&allocations));
		dup2(saved[0], 1);
		dup2(saved[1], 2);
		ssize_t len = pread(file, text, sizeof(text) - 1, 0);
		text[max(len, 0)] = '\0';
		close(file);
		close(null);
		close(saved[0]);
		close(saved[1]);
		CHECK_MSG(open_after == open_before, "allocation %ld: %u descriptors, then %u", n, open_before, open_after);
		CHECK_MSG(status == 0 || status == 1, "allocation %ld: status %d", n, status);
		look_at_messages(text, status, n);
		bool all = look_at_copies(flags & OVER);
		CHECK_MSG(status == 1 || all || (flags & DRY), "allocation %ld: status 0, and not all is there", n);
	}
	CHECK_MSG(count > 30, "only %ld allocations were seen", count);
	while (argc > 3) {
		free(argv[--argc]);
	}
}

static void check_files_of_one_worker(char *engine, char *threads) {
	char *argv[] = {(char[]) {"ucp"}, threads, engine, (char[]) {"--reflink=never"}, (char[]) {"-rT"}, (char[]) {"s"},
		(char[]) {"d"}, NULL};
	static char data[1 << 20];
	go_to_scratch();
	make_tree("s", wanted);
	memset(data, 'x', sizeof(data));
	FILE *big = fopen("s/sub/big", "w");
	REQUIRE(big);
	for (int i = 0; i < 40; ++i) {
		fwrite(data, 1, sizeof(data), big);
	}
	REQUIRE(fclose(big) == 0);
	refused_size = sizeof(struct hold);
	CHECK_EQ(run(argv, 0), 0);
	refused_size = 0;
	CHECK(look_at_copies(false));
	struct stat st;
	CHECK(stat("d/sub/big", &st) == 0 && st.st_size == 40 << 20);
}

TEST(without_memory_for_several_files_one_is_moved_after_the_other) {
	check_files_of_one_worker((char[]) {"--engine=sync"}, (char[]) {"-j1"});
	check_files_of_one_worker((char[]) {"--engine=auto"}, (char[]) {"-j1"});
	check_files_of_one_worker((char[]) {"--engine=auto"}, (char[]) {"-j4"});
}

// --- What is said

static void refuse_nth(long n) {
	atomic_store(&allocations, 0);
	refused = n;
}

TEST(a_string_that_was_cut_short_does_not_grow_again) {
	struct buf buf = {0};
	buf_str(&buf, "one");
	refuse_nth(1);
	buf_str(&buf, ", and much more than there was room for");
	buf_str(&buf, "!");
	refuse_nth(0);
	buf_str(&buf, "!");
	CHECK(buf.failed);
	CHECK_STR(buf.data, "one");
	buf_free(&buf);
	buf_str(&buf, "!");
	CHECK(!buf.failed);
	CHECK_STR(buf.data, "!");
	buf_free(&buf);
}

TEST(messages_for_which_there_is_no_memory) {
	struct report report;
	capture_errors();
	report_init(&report, "ucp");
	for (long n = 1; n <= 4; ++n) {
		refuse_nth(n);
		report_error(&report, ERROR_OPEN, EIO, "cannot open %s for reading", "a-name-that-is-not-short", NULL);
	}
	refuse_nth(1);
	report_status(&report, "halfway");
	refuse_nth(2);
	report_hint(&report, "%s", "one can do without"); // so nothing is said
	refuse_nth(1);
	CHECK(!report_ask(&report, "overwrite %d? ", "d"));
	refuse_nth(0);
	CHECK_EQ(report_finish(&report), 1);
	check_errors(
		"ucp: memory exhausted, and with it what there is to say\n"
		"ucp: memory exhausted, and with it what there is to say\n"
		"ucp: memory exhausted, and with it what there is to say\n"
		"ucp: memory exhausted, and with it what there is to say\n"
		"ucp: memory exhausted, and with it what there is to say\n"
		"ucp: memory exhausted, and with it what there is to say\n");
}

TEST(lines_that_are_missing_are_an_error) {
	struct report report;
	capture_errors();
	report_init(&report, "ucp");
	refuse_nth(1);
	report_say(&report, SAY_NOTE, "%s -> %d", "a", "b");
	refuse_nth(0);
	CHECK_EQ(report_finish(&report), 1);
	check_errors("ucp: write error: Cannot allocate memory\n");
}

// --- What is kept of a journal

/** Append a record. */
static void append_record(struct buf *buf, enum journal_kind kind, uint64_t seed, const void *payload, size_t len) {
	struct journal_head head = {.magic = JOURNAL_MAGIC, .kind = (uint16_t)kind, .len = (uint16_t)len};
	head.sum = journal_sum(seed, &head, payload);
	buf_add(buf, &head, sizeof(head));
	buf_add(buf, payload, len);
}

TEST(finished_files_take_few_bytes) {
	enum { FILES = 100000 };
	struct buf buf = {0};
	struct journal_index index;
	const struct journal_now now = {.boot = "one", .mount = 1, .dev = 7, .options = 5};
	const struct journal_first first = {.id = 9};
	append_record(&buf, JOURNAL_FIRST, 0, &first, sizeof(first));
	append_record(&buf, JOURNAL_RUN, 9, &now, sizeof(now));
	for (uint64_t i = 1; i <= FILES; ++i) {
		const struct journal_finished finished = {.src = {.ino = i}, .copy = {.dev = 7, .ino = i * 64}};
		append_record(&buf, JOURNAL_FINISHED, 9, &finished, sizeof(finished));
	}
	REQUIRE(!buf.failed);
	atomic_store(&asked, 0);
	atomic_store(&allocations, 0);
	CHECK_EQ(journal_parse(&index, &now, buf.data, buf.len), 0);
	size_t bytes = atomic_load(&asked);
	CHECK_MSG(bytes <= 24 * FILES, "%zu bytes for each", bytes / FILES);
	CHECK_MSG(atomic_load(&allocations) < 100, "%ld allocations", atomic_load(&allocations));
	CHECK_EQ(index.valid, buf.len);
	journal_index_clear(&index);
	buf_free(&buf);
}

// --- Whole runs

#define OPTIONS(...) (const char *const[]) {__VA_ARGS__, NULL}

TEST(archive) {
	refuse_each(0, OPTIONS("-a", "--engine=sync"));
}

TEST(on_a_ring) {
	refuse_each(0, OPTIONS("-a", "--engine=auto", "--queue-depth=4"));
}

TEST(backups_and_staging) {
	refuse_each(OVER, OPTIONS("-a", "--backup=numbered", "--atomic", "--x-inject=no-unnamed"));
}

TEST(journals) {
	refuse_each(0, OPTIONS("-a", "--resume", "--fsync"));
}

TEST(read_back) {
	refuse_each(0, OPTIONS("-r", "--verify", "--checksums=sums", "--reflink=never"));
}

TEST(chosen_and_told) {
	refuse_each(OVER, OPTIONS("-r", "--exclude=x*", "--gitignore", "--files-from=list", "--json", "-v", "--stats"));
}

TEST(logged) {
	refuse_each(OVER, OPTIONS("-a", "--log-file=log", "--itemize", "--xattrs=user.*,-user.x", "--reflink-dest=s"));
}

TEST(dry_runs) {
	refuse_each(DRY, OPTIONS("-rv", "--dry-run", "--progress=never", "--debug"));
}

UNIT_MAIN
