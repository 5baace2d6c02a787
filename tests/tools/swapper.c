// SPDX-License-Identifier: MIT
/**
 * Changes a directory under somebody's hands, and looks where it should not be able to.
 *
 *   swapper swap SECONDS DIR NAME=OTHER…   exchange each NAME with OTHER (paths below DIR), as fast as it goes
 *   swapper watch SECONDS DIR WORD         read all files below DIR, and open them for writing; exit status 1 and a line
 *                                          on standard output if one begins with WORD
 *
 * SECONDS 0: until killed. Run as the user who is to do it.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/** Directories deeper than this are not looked into. */
#define MAX_DEPTH 16

static double now(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void die(const char *what) {
	fprintf(stderr, "swapper: %s: %s\n", what, strerror(errno));
	exit(2);
}

/** Exchange two names; where there is only one of them, move it to the other's. */
static void swap(int dir, const char *a, const char *b) {
	if (renameat2(dir, a, dir, b, RENAME_EXCHANGE) != 0 && errno == ENOENT
		&& renameat2(dir, b, dir, a, RENAME_NOREPLACE) != 0)
	{
		renameat2(dir, a, dir, b, RENAME_NOREPLACE);
	}
}

static int do_swap(double seconds, const char *path, char **pairs, int count) {
	double end = now() + seconds;
	unsigned seed = (unsigned)getpid();
	int dir = open(path, O_RDONLY | O_DIRECTORY);
	if (dir < 0) {
		die(path);
	}
	for (int i = 0; i < count; ++i) {
		char *other = strchr(pairs[i], '=');
		if (!other) {
			errno = EINVAL;
			die(pairs[i]);
		}
		*other = '\0';
	}
	for (unsigned n = 0; seconds <= 0 || n % 256 != 0 || now() < end; ++n) {
		char *name = pairs[rand_r(&seed) % (unsigned)count];
		swap(dir, name, name + strlen(name) + 1);
	}
	return 0;
}

/** Look at one file. Returns whether it tells what it should not. */
static bool look_at(int dir, const char *name, const char *word) {
	char text[64] = "";
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
	bool readable = fd >= 0 && read(fd, text, sizeof(text) - 1) > 0 && strncmp(text, word, strlen(word)) == 0;
	if (fd >= 0) {
		close(fd);
	}
	if (readable) {
		printf("could be read: %s: %s\n", name, text);
		return true;
	}
	return false;
}

/** Look into a directory, which is closed. Returns whether something in it tells what it should not. */
static bool look_into(int fd, const char *word, int depth) {
	DIR *stream = fdopendir(fd);
	bool found = false;
	if (!stream) {
		close(fd);
		return false;
	}
	for (struct dirent *entry; !found && (entry = readdir(stream));) {
		const char *name = entry->d_name;
		if (entry->d_type == DT_REG) {
			found = look_at(fd, name, word);
		} else if (entry->d_type == DT_DIR && depth < MAX_DEPTH && strcmp(name, ".") != 0 && strcmp(name, "..") != 0) {
			int below = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
			found = below >= 0 && look_into(below, word, depth + 1);
		}
	}
	closedir(stream);
	return found;
}

static int do_watch(double seconds, const char *path, const char *word) {
	double end = now() + seconds;
	do {
		int fd = open(path, O_RDONLY | O_DIRECTORY);
		if (fd >= 0 && look_into(fd, word, 0)) {
			return 1;
		}
	} while (seconds <= 0 || now() < end);
	return 0;
}

int main(int argc, char **argv) {
	// Whoever started it may be killed
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (argc >= 5 && strcmp(argv[1], "swap") == 0) {
		return do_swap(atof(argv[2]), argv[3], argv + 4, argc - 4);
	}
	if (argc == 5 && strcmp(argv[1], "watch") == 0) {
		return do_watch(atof(argv[2]), argv[3], argv[4]);
	}
	fprintf(stderr, "usage: swapper swap SECONDS DIR NAME=OTHER...\n       swapper watch SECONDS DIR WORD\n");
	return 2;
}
