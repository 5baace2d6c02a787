// SPDX-License-Identifier: MIT
/** cli_parse(): words, each ended by a NUL, as a command line. What it says goes nowhere. */

#include "fuzz.h"

#include "base/opts.h"
#include "cli/cli.h"
#include "report/report.h"

#include <fcntl.h>
#include <unistd.h>

#define MOST_WORDS 64

/** What must hold of whatever was taken. */
static void check(const struct opts *opts, char **argv, int argc) {
	MUST(opts->operand_count >= 0 && opts->operand_count < argc);
	for (int i = 0; i < opts->operand_count; ++i) {
		bool found = false;
		for (int k = 1; k < argc; ++k) {
			found |= argv[k] == opts->operands[i];
		}
		MUST(found);
	}
	MUST(opts->chunk_size >= 512 && opts->chunk_size <= (64u << 20));
	MUST(opts->queue_depth >= 1 && opts->queue_depth <= 4096 && opts->threads <= 1024);
	// cp takes slashes at its end too, and fails later
	const char *slash = opts->suffix ? strchr(opts->suffix, '/') : NULL;
	MUST(opts->suffix && (opts->suffix[0] || opts->backup_dir) && (!slash || !slash[strspn(slash, "/")]));
	MUST(opts->deref != DEREF_UNDEFINED);
	MUST(!((opts->flags & OPT_HARD_LINK) && (opts->flags & OPT_SYMBOLIC_LINK)));
}

/** Send what is printed nowhere, and have it back. */
static void mute(int saved[2]) {
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	MUST(null >= 0);
	for (int i = 0; i < 2; ++i) {
		saved[i] = dup(1 + i);
		dup2(null, 1 + i);
	}
	close(null);
}

static void unmute(const int saved[2]) {
	for (int i = 0; i < 2; ++i) {
		dup2(saved[i], 1 + i);
		close(saved[i]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	char *text = fuzz_string(data, size);
	char name[] = "ucp";
	char *argv[MOST_WORDS + 2] = {name};
	int argc = 1;
	for (char *word = text; word < text + size && argc <= MOST_WORDS; word += strlen(word) + 1) {
		argv[argc++] = word;
	}
	// argp may reorder the words, never lose one
	char *given[MOST_WORDS + 2];
	memcpy(given, argv, sizeof(given));

	int saved[2];
	struct opts opts;
	struct report report;
	mute(saved);
	report_init(&report, "ucp");
	bool taken = cli_parse(&opts, &report, argc, argv);
	fflush(stdout);
	report_finish(&report);
	unmute(saved);
	if (taken) {
		check(&opts, given, argc);
	}
	cli_free(&opts);
	free(text);
	return 0;
}
