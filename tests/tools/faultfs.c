// SPDX-License-Identifier: MIT
/**
 * faultfs: shows a directory as a file system that answers late, or does things wrong on demand.
 *
 *     faultfs [OPTION...] DIRECTORY MOUNTPOINT [COMMAND...]
 *
 * Stays in the foreground until it is unmounted. The commands, see faults.h, are obeyed at the start, and also when
 * they are written to the file .faultfs at the mount's root, which is not listed; reading it shows the rules, how often
 * each has struck, and how many requests of each kind there were.
 *
 * It also obeys the commands in faults-power.h: a disk with a volatile cache, and its power fails.
 *
 * Every request is answered so much later as `latency` says, by as many threads as there are requests. The kernel may
 * keep names and attributes for one second (--cache), as little as the usual file system of another machine lets it,
 * and no name that did not exist. It forgets a file's data when the file is opened, and writes through (--writeback: it
 * collects what is written, up to the close). A copy within the file system is refused unless --server-copy says so.
 * With --fold upper and lower case make no difference in names (ASCII), which stay as they were first made; use it with
 * --cache=0, as the kernel does not know that two names are one. With --time-step=NS all times are multiples of that,
 * and no time of a change is kept, as on FAT. With --time-ahead=SECONDS all times are shown so much later than they
 * are, as if the server's clock were ahead. With --compressed files have half the blocks that they have below. With
 * --unlisted-acls files have ACLs, but these are not listed among their attributes.
 *
 * Files for which there is a rule `short read` when they are opened are not cached at all, so that each read comes as
 * the program made it: the kernel would take a short answer to a cached read for the end of the file. Of a write that is
 * not cached and done in part the kernel makes EIO where the write is asynchronous, as through an io_uring.
 */

#include "faultfs.h"

#include <errno.h>
#include <fuse_lowlevel.h>
#include <getopt.h>
#include <linux/fuse.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/** Whether anybody waits for the answer to such a request. */
static bool is_answered(unsigned opcode) {
	return opcode != FUSE_FORGET && opcode != FUSE_BATCH_FORGET && opcode != FUSE_INTERRUPT && opcode != FUSE_INIT;
}

/** Answer one request. Returns false when there will be none any more. */
static bool serve_one(struct fuse_session *session, struct fuse_buf *request) {
	int len = fuse_session_receive_buf(session, request);
	if (len == -EINTR || len == -EAGAIN) {
		return true;
	}
	if (len < (int)sizeof(struct fuse_in_header)) {
		return false;
	}
	unsigned opcode = ((const struct fuse_in_header *)request->mem)->opcode;
	if (!is_answered(opcode)) {
		fuse_session_process_buf(session, request);
		return true;
	}
	faults_begin(&faults, opcode);
	fuse_session_process_buf(session, request);
	faults_end(&faults);
	return true;
}

static void *serve(void *arg) {
	struct fuse_session *session = (struct fuse_session *)arg;
	struct fuse_buf request = {0};
	while (!fuse_session_exited(session) && serve_one(session, &request)) {
	}
	free(request.mem);
	return NULL;
}

static int serve_all(struct fuse *fuse) {
	struct fuse_session *session = fuse_get_session(fuse);
	struct fuse_buf first = {0};
	pthread_t *threads = calloc(options.threads, sizeof(*threads));
	unsigned count = 0;
	// The first request settles how large the others may be.
	if (threads && serve_one(session, &first)) {
		while (count < options.threads && pthread_create(&threads[count], NULL, serve, session) == 0) {
			++count;
		}
	}
	for (unsigned i = 0; i < count; ++i) {
		pthread_join(threads[i], NULL);
	}
	free(first.mem);
	free(threads);
	return count == options.threads ? 0 : 1;
}

static int run(const char *directory, const char *mountpoint) {
	char mount_options[] = "-odefault_permissions,fsname=faultfs,allow_other";
	char *argv[] = {(char[]) {"faultfs"}, mount_options, NULL};
	struct fuse_args args = FUSE_ARGS_INIT(2, argv);
	if (geteuid() != 0) {
		*strrchr(mount_options, ',') = '\0'; // the machine may not allow it
	}
	struct fuse *fuse = fuse_new(&args, &faultfs_operations, sizeof(faultfs_operations), NULL);
	if (!fuse) {
		return 1;
	}
	if (fuse_mount(fuse, mountpoint) != 0) {
		fuse_destroy(fuse);
		return 1;
	}
	int ret = 1;
	if (chdir(directory) == 0) {
		ret = serve_all(fuse);
	} else {
		perror(directory);
	}
	fuse_unmount(fuse);
	fuse_destroy(fuse);
	return ret;
}

static int usage(void) {
	fprintf(stderr, "usage: faultfs [--latency=MS] [--threads=N] [--cache=SECONDS] [--writeback] [--server-copy]\n"
			"               [--fold] [--odd-inodes] [--time-step=NS] [--time-ahead=SECONDS]\n"
			"               [--compressed] [--unlisted-acls] DIRECTORY MOUNTPOINT [COMMAND...]\n");
	return 2;
}

static bool parse(int argc, char **argv) {
	static const struct option known[] = {
		{"latency", required_argument, NULL, 'l'},
		{"threads", required_argument, NULL, 't'},
		{"cache", required_argument, NULL, 'c'},
		{"writeback", no_argument, NULL, 'w'},
		{"odd-inodes", no_argument, NULL, 'o'},
		{"server-copy", no_argument, NULL, 's'},
		{"fold", no_argument, NULL, 'f'},
		{"unlisted-acls", no_argument, NULL, 'u'},
		{"compressed", no_argument, NULL, 'z'},
		{"time-step", required_argument, NULL, 'm'},
		{"time-ahead", required_argument, NULL, 'a'},
		{0},
	};
	for (int letter; (letter = getopt_long(argc, argv, "+", known, NULL)) != -1;) {
		char command[64];
		switch (letter) {
		case 'l':
			snprintf(command, sizeof(command), "latency %s", optarg);
			if (faults_command(&faults, command) != 0) {
				return false;
			}
			break;
		case 't':
			options.threads = (unsigned)atoi(optarg);
			break;
		case 'c':
			options.cache = atof(optarg);
			break;
		case 'w':
			options.writeback = true;
			break;
		case 'o':
			options.odd_inodes = true;
			break;
		case 's':
			options.server_copy = true;
			break;
		case 'f':
			options.fold = true;
			break;
		case 'u':
			options.unlisted_acls = true;
			break;
		case 'z':
			options.compressed = true;
			break;
		case 'm':
			options.time_step = atol(optarg);
			break;
		case 'a':
			options.time_ahead = atol(optarg);
			break;
		default:
			return false;
		}
	}
	return argc - optind >= 2 && options.threads > 0 && options.threads <= 4096;
}

int main(int argc, char **argv) {
	faults_init(&faults);
	if (!parse(argc, argv)) {
		return usage();
	}
	for (int i = optind + 2; i < argc; ++i) {
		if (faults_command(&faults, argv[i]) != 0) {
			fprintf(stderr, "faultfs: what is '%s'?\n", argv[i]);
			return 2;
		}
	}
	struct rlimit files;
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	umask(0);
	prctl(PR_SET_TIMERSLACK, 1); // a millisecond is to be one
	// The mount hides the directory where they are the same.
	char *mountpoint = realpath(argv[optind + 1], NULL);
	int ret = mountpoint ? run(argv[optind], mountpoint) : usage();
	free(mountpoint);
	return ret;
}
