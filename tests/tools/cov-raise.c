// SPDX-License-Identifier: MIT
/**
 * Linked into what is built with --coverage: whoever raises a signal may die of it, and does so without what is done at
 * exit. So what was counted is written first.
 */

#include <pthread.h>
#include <signal.h>

// Of libgcov, whose header only gcc finds
void __gcov_dump(void);
void __gcov_reset(void);

int raise(int number) {
	__gcov_dump();
	__gcov_reset(); // what goes on counts anew, lest something is counted twice
	int err = pthread_kill(pthread_self(), number);
	return err == 0 ? 0 : -1;
}
