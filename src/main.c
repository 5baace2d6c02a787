/**
 * ucp copies files and trees on its own rings.
 *
 * - main(): reads the command line and copies
 *     - main.c              (this file)
 *     - cli.[ch]            (the options; the only place that knows their letters)
 *     - opts.h              (what the user asked for)
 *
 * - coordinator_run(): resolves the operands, starts workers, ticks, takes signals, sums up
 *     - coordinator.[ch]    (the main thread)
 *     - machine.[ch]        (processors, memory, priorities)
 *     - growth.[ch]         (how many workers are worth having)
 *     - dest.[ch]           (cp's rules: what each operand becomes, what may be replaced)
 *     - select.[ch]         (which of the things found are copied)
 *     - filter.[ch]         (patterns of --exclude and its like)
 *     - names.[ch]          (the list of --files-from)
 *     - scan.[ch]           (how much there is to copy, and which files)
 *     - show.[ch]           (what the user sees of it)
 *     - progress.[ch]       (counters, what can be told from them, the line that tells it)
 *
 * - worker_run(): takes work and finishes it on its own ring
 *     - worker.[ch]         (the thread: take, fill chunks, wait, step, finish)
 *     - work.[ch]           (what is left: shared files, batches, trees)
 *     - file.[ch]           (files on their way: open, choose, claim ranges, finish)
 *     - journal.[ch]        (what an interrupted copy has done)
 *     - hidden.[ch]         (names under which something stands until it is whole)
 *     - tree.[ch]           (directory pairs, reference-counted, within a budget of descriptors)
 *     - listing.[ch]        (names of a directory, or of operands)
 *     - sums.[ch]           (the list of checksums)
 *     - links.[ch]          (files with several names)
 *     - reach.[ch]          (symbolic links in a destination, and whose may be followed)
 *
 * - Moving data
 *     - ring.[ch]           (one io_uring, its buffers and slots, and its synchronous twin)
 *     - pair.[ch]           (what to do after each completion of a chunk; pure)
 *     - extent.[ch]         (where the data is)
 *     - offload.[ch]        (copies the file system makes by itself)
 *     - hash.[ch]           (hashes of files, and where two part)
 *     - flush.[ch]          (getting what was written onto its medium)
 *     - throttle.[ch]       (how much may be moved)
 *     - medium.[ch]         (what is on the medium)
 *
 * - Everything else
 *     - meta.[ch]           (owner, attributes, mode, times, and their order)
 *     - report.[ch]         (every message; the exit status)
 *     - event.h             (what --json prints besides)
 *     - fail.h              (why something could not be done)
 *     - inode.[ch]          (sets of inodes)
 *     - open.[ch]           (opening what a name that is not trusted leads to)
 *     - twin.[ch]           (one thing seen through two file systems)
 *     - std.[ch] list.h thread.h prelude.h
 */

#include "cli.h"
#include "coordinator.h"
#include "opts.h"
#include "report.h"

#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>

/** End as the signal would have ended us. */
static void die_of(int number) {
	sigset_t set;
	signal(number, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, number);
	raise(number);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

/**
 * See that the standard descriptors are taken, lest a file that is being copied gets one and messages end up in it.
 * They get a descriptor that can be neither read nor written, so that using them still fails; "/" is there without /dev.
 */
static bool open_standard_fds(void) {
	for (int fd = 0; fd < 3; ++fd) {
		if (fcntl(fd, F_GETFD) < 0 && open("/", O_PATH) != fd) {
			return false;
		}
	}
	return true;
}

/** SIGUSR1 asks how far we are. Whoever asks early or late gets no answer, but does no harm. */
static void block_questions(void) {
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

int main(int argc, char **argv) {
	struct opts opts;
	struct report report;

	block_questions();
	if (!open_standard_fds()) {
		return EXIT_FAILURE;
	}
	setlocale(LC_ALL, "");
	report_init(&report, "ucp");
	if (!cli_parse(&opts, &report, argc, argv)) {
		cli_free(&opts);
		return report_finish(&report);
	}
	report.json = opts.flags & OPT_JSON;
	int ended_by = coordinator_run(&opts, &report);
	int status = report_finish(&report);
	cli_free(&opts);
	if (ended_by != 0) {
		die_of(ended_by);
	}
	return status;
}
