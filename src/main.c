// SPDX-License-Identifier: MIT
/**
 * ucp copies files and trees on its own rings.
 *
 * A folder calls only the folders below it, and no two files of a folder call each other.
 *
 *     - main.c              the beginning and the end
 *
 * - cli/                    what the user asked for
 *     - cli.[ch]            reads the command line
 *     - cli-impl.h          what the files of this folder share
 *     - ahead.c             what is asked for, whatever may be wrong
 *     - options.c           the table of options
 *     - spelling.c          long options that are cut short or misspelt
 *     - values.c            options with a value
 *     - owner.c             options that name owner and mode
 *     - select.c            options that choose what to copy
 *     - complain.c          reports what is wrong with an argument
 *
 * - run/                    threads
 *     - coordinator.[ch]    the main thread: starts workers, ticks, takes signals, sums up
 *     - coordinator-impl.h  what coordinator.c shares with alone.c to end.c, and medium.c
 *     - alone.c             one small file, copied without any thread
 *     - signals.c           handles signals
 *     - limits.c            chooses what the machine allows
 *     - hints.c             prints what can be done about errors
 *     - end.c               flushes everything, and prints what was done
 *     - scaling.[ch]        how many workers are worth having; pure
 *     - medium.c            how the sources are read
 *     - head.[ch]           whether the sources are on a medium with a head; pure
 *     - worker.[ch]         a thread with a ring: takes work, waits, finishes
 *     - worker-impl.h       what worker.c shares with slots.c
 *     - slots.c             the chunks that a worker has in flight
 *     - work.[ch]           the work that is left: shared files, batches, trees
 *
 * - copy/                   the life of a file, in the order of its life
 *     - file.[ch]           a file that is being copied, and what all of them share
 *     - file-impl.h         what the files of this folder share
 *     - begin.c             finds out what an entry is, and begins its copy
 *     - source.c            opens the source, and checks that it is what was listed
 *     - claim.c             reserves sources and destinations for one file
 *     - whose.c             who may have put a destination there
 *     - unchanged.c         a destination that only gets attributes
 *     - target.c            what all destinations have in common
 *     - target-open.c       opens it, by cp's rules if something stands there
 *     - target-in-place.c   a destination that is written to under its name
 *     - target-staged.c     a destination that gets its name when it is whole (--atomic, --resume)
 *     - earlier.c           links to files of an earlier copy (--link-dest)
 *     - target-dry.c        a destination that is not made (--dry-run)
 *     - location.c          where a file gets its name
 *     - hide.c              temporary names
 *     - plan.[ch]           chooses the movers for a file's data; pure
 *     - move.c              asks the movers of the plan
 *     - mover.[ch]          what a mover is, and what all of them share
 *     - move-reflink.c      shares the data with the source
 *     - move-server.c       lets the server that stores the data copy it
 *     - move-cached.c       copies small cached files by two system calls
 *     - move-stream.c       reads and writes up to the end
 *     - move-sequential.c   copies and hashes in order (--verify, --checksums)
 *     - mover-sequential.h  what move-sequential.c and verify.c share
 *     - verify.c            reads the copy back (--verify)
 *     - move-end.c          destinations that only grow at their end
 *     - range.c             hands out ranges to all workers
 *     - cache.c             how ranges use the page cache
 *     - resume.c            uses the journal (--resume)
 *     - commit.c            sets size, attributes and name
 *     - rollback.c          removes what is incomplete
 *     - record.c            counters and messages
 *     - explain.c           prints how a file was copied (--debug)
 *     - rename.c            moves what need not be copied (--move)
 *     - remove-source.c     removes sources whose copies are on the medium (--move)
 *     - retry.c             names for which there was no space
 *     - finish.c            the end of a file, whole or not
 *     - hardlink.c          further names of a file
 *     - special.c           symbolic links, fifos, devices; -l and -s
 *
 * - dest/                   cp's rules
 *     - dest.[ch]           what each operand becomes
 *     - dest-impl.h         what the files of this folder share
 *     - parents.c           the directories of an operand (--parents)
 *     - judge.c             whether what stands at a destination may be replaced
 *     - same.c              whether replacing it would destroy the source
 *     - times.c             whether a destination is as new as the source (-u)
 *     - backup.c            backups
 *     - backup-dir.c        the directory for them (--backup-dir)
 *     - known.c             which operands were met, and what was made of them
 *     - rename.[ch]         moves by renaming (--move)
 *     - remove.[ch]         removes a name and everything in it (--delete)
 *     - surplus.c           what only the destination has (--delete)
 *     - dry.c               what other operands would have made there (--dry-run)
 *     - differ.c            whether a destination differs from the source (--update=differ, checksum)
 *     - whose.c             who owns a destination
 *     - over.c              how many bytes will be overwritten
 *     - hardlinks.[ch]      files with several names
 *
 * - tree/                   pairs of directories
 *     - tree.[ch]           reference-counted, within a budget of descriptors
 *     - tree-impl.h         what the files of this folder share
 *     - listing.[ch]        names and their memory
 *     - path.c              paths and messages
 *     - read.c              reads the names of a directory
 *     - enter.c             opens a directory, and makes its copy
 *     - made.c              links and directories that this run made
 *     - alias.c             a source that is visible in the destination, too
 *     - flush.c             brings directories to their medium
 *     - dry.c               directories that are not made (--dry-run)
 *
 * - journal/                what outlives the run
 *     - journal.[ch]        what an interrupted copy has done (--resume)
 *     - journal-impl.h      what the files of this folder share
 *     - notice.c            notes what a directory is a copy of before it has a journal
 *     - format.c            reads a journal
 *     - finished.c          the set of finished files
 *     - ranges.c            which parts of a file are written
 *     - checksums.[ch]      the list of --checksums
 *
 * - display/                what the user sees
 *     - display.[ch]        the progress line, and the lines of --json
 *     - line.c              the progress line
 *     - room.c              whether the copy will fit
 *     - summary.c           the last line, and --stats
 *     - progress.[ch]       counters, and what can be computed from them
 *     - scan.[ch]           how much there is to copy, and which files
 *     - scan-impl.h         what scan.c shares with the next two files
 *     - scan-walk.c         walks the sources
 *     - scan-sources.c      recognises sources by their inodes
 *     - writeback.[ch]      how much is on the medium (--progress=synced)
 *
 * - engine/                 bytes from descriptor to descriptor
 *     - chunk.[ch]          what to do after each completion of a chunk; pure
 *     - ring.[ch]           requests, on an io_uring or by system calls
 *     - ring-impl.h         what the files of ring share
 *     - ring-uring.c        the io_uring
 *     - ring-sync.c         the system calls
 *     - ring-slot.c         slots and their buffers
 *     - ring-probe.c        what this kernel supports
 *     - throttle.[ch]       how many bytes a second may be moved
 *
 * - sys/                    one file for each feature of the kernel
 *     - machine.[ch]        processors, memory, priorities
 *     - fstype.[ch]         what is known of a file system by its type
 *     - extent.[ch]         where the data of a file is, and where it is cached
 *     - reflink.[ch]        clones
 *     - flush.[ch]          brings what was written to the medium
 *     - symlink.[ch]        whose symbolic links may be followed
 *     - output.[ch]         files that are written to by a name of the user's
 *     - tempfile.[ch]       temporary names, until something is whole
 *     - twin.[ch]           one file that is visible in two file systems
 *     - hash.[ch]           hashes of files, and where two files differ
 *     - meta.[ch]           owner, attributes, mode, times, and their order
 *     - meta-impl.h         what the files of meta share
 *     - meta-acl.c          ACLs
 *     - meta-attr.c         extended attributes, one by one
 *     - meta-xattr.c        all extended attributes of a file
 *     - meta-rules.c        which of them are copied (/etc/xattr.conf)
 *     - meta-differ.c       whether any attribute has to be set
 *     - meta-inherit.c      what a new file takes from the file it replaces
 *     - meta-wanted.c       which owner and mode a copy is to get
 *     - meta-mode.c         sets a mode
 *
 * - report/                 the only place that prints
 *     - report.[ch]         every message; the exit status
 *     - report-impl.h       what the files of this folder share
 *     - event.h             what a line of --json holds
 *     - json.c              lines of JSON
 *     - log.c               a file with all lines and their times (--log-file)
 *     - quote.c             names in messages
 *
 * - filter/                 what to copy
 *     - rules.[ch]          the patterns of --exclude and its like
 *     - glob.c              one pattern; pure
 *     - filelist.[ch]       the list of --files-from
 *     - select.[ch]         all choices together
 *
 * - base/                   depends on nothing
 *     - prelude.h           the dialect
 *     - opts.h              what the user asked for
 *     - limits.h            what the machine allows
 *     - error.h             why something could not be done
 *     - must.h              assertions that are checked in every build
 *     - list.h              lists
 *     - thread.h            locks, and counters of several threads
 *     - array.[ch]          arrays that grow
 *     - buf.[ch]            strings that grow
 *     - path.[ch]           paths as strings
 *     - io.[ch]             what is done with descriptors
 *     - size.[ch]           numbers of bytes as people write them
 *     - modes.[ch]          changes of modes as people write them; pure
 *     - clock.[ch]          clocks
 *     - random.h            numbers derived from a seed
 *     - inode.[ch]          sets of inodes
 *     - name-set.[ch]       sets of names
 *     - open.[ch]           opens names that are not trusted
 */

#include "base/opts.h"
#include "base/path.h"
#include "cli/cli.h"
#include "display/display.h"
#include "report/report.h"
#include "run/coordinator.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

/** Die of the signal that ended the run. */
static void die_of(int number) {
	sigset_t set;
	signal(number, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, number);
	raise(number);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

/**
 * Open the standard descriptors that are closed: otherwise a file that is being copied could get one, and messages
 * would end up in it. They can be neither read nor written, so using them still fails; "/" is there even without /dev.
 */
static bool open_standard_fds(void) {
	for (int fd = 0; fd < 3; ++fd) {
		if (fcntl(fd, F_GETFD) < 0 && open("/", O_PATH) != fd) {
			return false;
		}
	}
	return true;
}

/** Block SIGUSR1, which asks for progress: too early or too late it gets no answer, but does no harm. */
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
	report_init(&report, argc > 0 && strcmp(last_component(argv[0]), "umv") == 0 ? "umv" : "ucp");
	if (!cli_parse(&opts, &report, argc, argv)) {
		cli_free(&opts);
		display_nothing(&report);
		return report_finish(&report);
	}
	int ended_by = coordinator_run(&opts, &report);
	int status = report_finish(&report);
	cli_free(&opts);
	if (ended_by != 0) {
		die_of(ended_by);
	}
	return status;
}
