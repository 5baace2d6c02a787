// SPDX-License-Identifier: MIT
#include "run/coordinator-impl.h"

#include "base/clock.h"
#include "base/opts.h"
#include "report/report.h"

#include <time.h>
#include <unistd.h>

/** Nanoseconds between two attempts to wake threads that sleep, after a signal. */
#define CALL_AGAIN 100000000L

/** Seconds that a second signal leaves for a normal end, and then seconds to remove incomplete files. */
#define PATIENCE 0.5
#define CLEAN_SECONDS 1

static void on_wake(int signal) {
	(void)signal;
}

void coordinator_cancel(struct run *run, int signal) {
	int none = 0;
	if (signal != 0) {
		atomic_compare_exchange_strong(&run->signal, &none, signal);
	}
	atomic_store(&run->files.cancelled, true);
	mutex_lock(&run->guard.lock);
	if (run->guard.working) {
		work_cancel(&run->work);
		throttle_stop(&run->files.throttle);
		for (unsigned i = run->alone ? 1 : 0; i < run->worker_count; ++i) {
			if (!atomic_load(&run->workers[i].done)) {
				pthread_kill(run->workers[i].thread, WAKE_SIGNAL);
			}
		}
	}
	mutex_unlock(&run->guard.lock);
}

/** Stop when the terminal asks for it (SIGTSTP), and continue later. */
static void stop(struct run *run) {
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTSTP);
	display_suspend(&run->display);
	raise(SIGTSTP);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	display_resume(&run->display);
}

void coordinator_obey(struct run *run, int signal) {
	if (signal == SIGUSR1) {
		display_ask(&run->display);
	} else if (signal == SIGTSTP) {
		stop(run);
	}
}

/**
 * Die of a second signal although a thread hangs in the kernel, on storage that does not answer. First remove what is
 * incomplete, unless that hangs, too.
 */
static void die_of(struct run *run, int number) {
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = number};
	const struct itimerspec soon = {.it_value = {.tv_sec = CLEAN_SECONDS}};
	timer_t timer;
	sigset_t set;
	signal(number, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, number);
	if (timer_create(CLOCK_MONOTONIC, &event, &timer) == 0 && timer_settime(timer, 0, &soon, NULL) == 0) {
		pthread_sigmask(SIG_UNBLOCK, &set, NULL);
		report_paint(run->report, NULL);
		files_take_away(&run->files);
	}
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	kill(getpid(), number);
}

/** Wait for signals until the run is over. */
static void *guard(void *arg) {
	struct run *run = arg;
	struct guard *guard = &run->guard;
	const struct timespec at_once = {0};
	const struct timespec interval = {.tv_nsec = CALL_AGAIN};
	sigset_t signals = guard->deadly;
	sigset_t wake;
	double end = 0;
	int number;

	// Block it, so that it is not lost if it comes before the wait
	sigemptyset(&wake);
	sigaddset(&wake, WAKE_SIGNAL);
	pthread_sigmask(SIG_BLOCK, &wake, NULL);
	sigaddset(&signals, WAKE_SIGNAL);
	while (!atomic_load(&guard->over)) {
		number = sigtimedwait(&signals, NULL, run->signal != 0 ? &interval : NULL);
		if (number > 0 && number != WAKE_SIGNAL && run->signal != 0 && end == 0) {
			end = now() + PATIENCE;
		}
		if (number > 0 && number != WAKE_SIGNAL) {
			coordinator_cancel(run, number);
		} else if (run->signal != 0) {
			coordinator_cancel(run, 0);
		}
		if (run->signal != 0) {
			pthread_kill(guard->main, WAKE_SIGNAL);
		}
		if (end > 0 && now() >= end) {
			die_of(run, run->signal);
		}
	}
	while ((number = sigtimedwait(&guard->deadly, NULL, &at_once)) > 0) {
		coordinator_cancel(run, number);
	}
	return NULL;
}

void coordinator_take_signals(struct run *run) {
	static const int deadly[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGQUIT, SIGALRM, SIGXCPU};
	struct guard *it = &run->guard;
	struct sigaction action = {.sa_handler = on_wake};
	struct sigaction old;
	sigset_t all;

	sigemptyset(&run->questions);
	sigaddset(&run->questions, SIGUSR1);
	if (run->display.style == DISPLAY_BAR && run->display.terminal && sigaction(SIGTSTP, NULL, &old) == 0
		&& old.sa_handler != SIG_IGN)
	{
		sigaddset(&run->questions, SIGTSTP);
	}
	all = run->questions;
	sigaddset(&all, SIGCHLD);
	sigemptyset(&it->deadly);
	for (size_t i = 0; i < countof(deadly); ++i) {
		if (sigaction(deadly[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN) {
			sigaddset(&it->deadly, deadly[i]);
			sigaddset(&all, deadly[i]);
		}
	}
	pthread_sigmask(SIG_BLOCK, &all, &it->before);
	// Without SA_RESTART, so that it ends blocking calls
	sigaction(WAKE_SIGNAL, &action, NULL);
	// A file that grows too large is an error like any other
	action.sa_handler = SIG_IGN;
	sigaction(SIGXFSZ, &action, NULL);
	// If it was ignored, we would not learn how our child processes end
	action.sa_handler = SIG_DFL;
	sigaction(SIGCHLD, &action, NULL);
	it->main = pthread_self();
	thread_must(pthread_mutex_init(&it->lock, NULL));
	it->started = !(run->limits.flags & LIMITS_ALONE) && pthread_create(&it->thread, NULL, guard, run) == 0;
	if (!it->started) {
		// No thread would take these signals: let them end the program, even if something is left behind
		pthread_sigmask(SIG_UNBLOCK, &it->deadly, NULL);
	}
}

int coordinator_give_signals(struct run *run) {
	struct guard *it = &run->guard;
	atomic_store(&it->over, true);
	if (it->started) {
		pthread_kill(it->thread, WAKE_SIGNAL);
		thread_must(pthread_join(it->thread, NULL));
	}
	pthread_sigmask(SIG_SETMASK, &it->before, NULL);
	thread_must(pthread_mutex_destroy(&it->lock));
	return run->signal;
}
