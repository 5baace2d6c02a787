#include "run/coordinator-impl.h"

#include "copy/file.h"
#include "run/worker.h"

#include <signal.h>

/** What a signal handler can reach: the flag that ends the copy, and the signal that came. */
static atomic_bool *cancelled;
static volatile sig_atomic_t caught;

static void on_deadly(int signal) {
	caught = signal;
	atomic_store(cancelled, true);
}

int coordinator_work_alone(struct worker *worker, const sigset_t *deadly) {
	// Nobody waits for signals meanwhile. The second one of a kind ends the program at once
	const struct sigaction action = {.sa_handler = on_deadly, .sa_flags = (int)SA_RESETHAND};
	cancelled = &worker->files->cancelled;
	worker->alone = true;
	for (int signal = 1; signal < SIGRTMIN; ++signal) {
		if (sigismember(deadly, signal) == 1) {
			sigaction(signal, &action, NULL);
		}
	}
	pthread_sigmask(SIG_UNBLOCK, deadly, NULL);
	worker_run(worker);
	pthread_sigmask(SIG_BLOCK, deadly, NULL);
	return caught;
}
