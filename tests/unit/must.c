// SPDX-License-Identifier: MIT
/**
 * must.h: what is not true ends the program, in every build.
 */

#include "unit.h"

#include "base/io.h"
#include "base/must.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

TEST(what_is_true_goes_on) {
	int evaluated = 0;
	must(++evaluated == 1);
	CHECK_EQ(evaluated, 1);
}

TEST(what_is_not_true_aborts_and_says_where) {
	int pipes[2];
	int status;
	char text[512] = "";
	REQUIRE(pipe(pipes) == 0);
	pid_t pid = fork();
	REQUIRE(pid >= 0);
	if (pid == 0) {
		const struct rlimit none = {0};
		setrlimit(RLIMIT_CORE, &none);
		signal(SIGABRT, SIG_DFL);
		dup2(pipes[1], STDERR_FILENO);
		int refs = 0;
		must(refs > 0);
		_exit(0);
	}
	close_fd(&pipes[1]);
	CHECK(read(pipes[0], text, sizeof(text) - 1) > 0);
	close_fd(&pipes[0]);
	REQUIRE(waitpid(pid, &status, 0) == pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	CHECK_MSG(strstr(text, "must.c:") && strstr(text, "refs > 0"), "%s", text);
}

UNIT_MAIN
