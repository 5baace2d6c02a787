// SPDX-License-Identifier: MIT
/**
 * measure [--repeat=N] [--unlink=FILE] [--timeout=SECONDS] RESULT COMMAND [ARG...]: run a command, and write to the
 * file RESULT, as one JSON object, what it took, its children included:
 *
 *     wall user system    seconds
 *     rss                 KiB, the largest process's
 *     status              exit status, or 128 and the number of the signal that ended it
 *     timeout             whether it was stopped for taking too long
 *
 * With --repeat, the command is run so often, and times are those of one run on the average. Before each run, and not
 * counted, FILE is removed. Done in C, since the peak of a process counts from before its exec: a large parent would
 * show in it.
 */

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/** What to do. */
struct job {
	unsigned repeat;
	const char *unlink;
	unsigned timeout;
	const char *result;
	char **command;
};

/** What it took, in all. */
struct took {
	double wall;
	double user;
	double system;
	long rss;
	int status;
	bool timeout;
};

static volatile sig_atomic_t alarmed;

static void on_alarm(int number) {
	(void)number;
	alarmed = 1;
}

static double seconds(struct timespec time) {
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static double of_timeval(struct timeval time) {
	return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

static void run(char **command) {
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL); // nobody is to copy on when the race is called off
	execvp(command[0], command);
	perror(command[0]);
	_exit(127);
}

/** Run the command once and add to what it took. Returns whether to go on. */
static bool once(const struct job *job, struct took *took) {
	struct timespec start, end;
	struct rusage usage;
	int status;
	if (job->unlink && unlink(job->unlink) != 0 && errno != ENOENT) {
		perror(job->unlink);
		exit(1);
	}
	clock_gettime(CLOCK_MONOTONIC, &start);
	pid_t pid = fork();
	if (pid == 0) {
		run(job->command);
	}
	setpgid(pid, pid);
	alarm(job->timeout);
	while (pid < 0 || wait4(pid, &status, 0, &usage) < 0) {
		if (pid < 0 || errno != EINTR) {
			perror("measure");
			exit(1);
		}
		kill(-pid, SIGKILL);
	}
	alarm(0);
	clock_gettime(CLOCK_MONOTONIC, &end);
	took->wall += seconds(end) - seconds(start);
	took->user += of_timeval(usage.ru_utime);
	took->system += of_timeval(usage.ru_stime);
	took->rss = max(took->rss, usage.ru_maxrss);
	took->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	took->timeout = alarmed;
	return took->status == 0;
}

static bool parse(struct job *job, int argc, char **argv) {
	static const struct option known[] = {
		{"repeat", required_argument, NULL, 'r'},
		{"unlink", required_argument, NULL, 'u'},
		{"timeout", required_argument, NULL, 't'},
		{0},
	};
	for (int letter; (letter = getopt_long(argc, argv, "+", known, NULL)) != -1;) {
		switch (letter) {
		case 'r':
			job->repeat = (unsigned)atoi(optarg);
			break;
		case 'u':
			job->unlink = optarg;
			break;
		case 't':
			job->timeout = (unsigned)atoi(optarg);
			break;
		default:
			return false;
		}
	}
	if (argc - optind < 2 || job->repeat == 0) {
		return false;
	}
	job->result = argv[optind];
	job->command = argv + optind + 1;
	return true;
}

int main(int argc, char **argv) {
	struct job job = {.repeat = 1};
	struct took took = {0};
	// Whatever ends us early ends the command, too; and it is ended with all it started.
	struct sigaction action = {.sa_handler = on_alarm};
	if (!parse(&job, argc, argv)) {
		fprintf(stderr, "usage: measure [--repeat=N] [--unlink=FILE] [--timeout=SECONDS] RESULT COMMAND [ARG...]\n");
		return 2;
	}
	sigaction(SIGALRM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	for (unsigned i = 0; i < job.repeat && once(&job, &took); ++i) {
	}
	FILE *out = fopen(job.result, "w");
	if (!out) {
		perror(job.result);
		return 1;
	}
	double n = job.repeat;
	fprintf(out, "{\"wall\": %.6f, \"user\": %.6f, \"system\": %.6f, \"rss\": %ld, \"status\": %d, \"timeout\": %s}\n",
		took.wall / n, took.user / n, took.system / n, took.rss, took.status, took.timeout ? "true" : "false");
	return fclose(out) == 0 ? 0 : 1;
}
