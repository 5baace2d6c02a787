// SPDX-License-Identifier: MIT
/**
 * To be preloaded: somebody makes a symbolic link at the moment between a look at a name and its creation.
 *
 *   UCP_APPEAR=NAME=TARGET   once a look at a name, of which NAME is the last component, has shown nothing, it is a link to
 *                            TARGET
 */

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/** The program's look, and then ours into the directory. */
int fstatat(int dir, const char *restrict path, struct stat *restrict st, int flags) {
	int (*real)(int, const char *, struct stat *, int);
	*(void **)&real = dlsym(RTLD_NEXT, "fstatat");
	int ret = real(dir, path, st, flags);
	int err = errno;
	const char *appear = getenv("UCP_APPEAR");
	const char *equals = appear ? strchr(appear, '=') : NULL;
	const char *slash = strrchr(path, '/');
	const char *last = slash ? slash + 1 : path;
	if (ret != 0 && err == ENOENT && equals && strlen(last) == (size_t)(equals - appear)
		&& strncmp(last, appear, (size_t)(equals - appear)) == 0 && symlinkat(equals + 1, dir, path) != 0)
	{
		perror("preload-appear");
	}
	errno = err;
	return ret;
}
