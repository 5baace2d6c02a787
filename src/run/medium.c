// SPDX-License-Identifier: MIT
#include "run/coordinator-impl.h"

#include "base/clock.h"
#include "sys/machine.h"

#include <sys/stat.h>

/** Seconds of which head_choose() looks at the work, and how often in a run it may begin a trial. */
#define LOOK 0.3
#define TRIALS 2

double coordinator_work_done(const struct run *run) {
	struct counters sum;
	counters_sum(&sum, run->counters, run->worker_count);
	return (double)(counter_get(&sum.files) + counter_get(&sum.skipped) + counter_get(&sum.failed)
			   + counter_get(&run->trees.created))
		+ (double)counter_get(&sum.bytes) / WORK_UNIT;
}

/** Let the workers read as was chosen. */
static void use_way(struct run *run) {
	struct findings *findings = &run->work.findings;
	bool careful = run->medium.choice.way == HEAD_CAREFUL;
	run->medium.facts.trials -= careful ? 1 : 0;
	atomic_store(&findings->probes, 0);
	atomic_store(&findings->waited, 0);
	atomic_store(&findings->warm, 0);
	atomic_store(&findings->way, run->medium.choice.way);
	work_limit(&run->work, careful ? 1 : run->wanted);
}

void coordinator_look_for_head(struct run *run) {
	const struct opts *opts = run->opts;
	struct medium *medium = &run->medium;
	struct stat st;
	bool reads = !(opts->flags & OPT_DRY_RUN) && !(run->limits.flags & (LIMITS_AT_ONCE | LIMITS_ALONE));
	medium->facts = (struct head_facts) {
		.rotational = reads && opts->operand_count > 0 && stat(opts->operands[0], &st) == 0
			&& machine_is_rotational(st.st_dev),
		.bound = opts->threads > 1 || plan_is_in_order(opts) || throttle_is_active(&run->files.throttle),
		.fast = COORDINATOR_FAST,
		.trials = TRIALS,
		// Nothing is known, so a trial begins
		.cold = 1,
	};
	medium->since = run->start;
	medium->choice = head_choose((struct head_choice) {.way = HEAD_FREE}, &medium->facts);
	run->work.findings.counted = medium->choice.way == HEAD_CAREFUL;
	use_way(run);
}

void coordinator_choose_way(struct run *run) {
	struct findings *findings = &run->work.findings;
	struct medium *medium = &run->medium;
	struct head_facts *facts = &medium->facts;
	if (!findings->counted) {
		return;
	}
	double t = now();
	double seconds = t - medium->since;
	double done = coordinator_work_done(run) - medium->done;
	bool enough = seconds >= LOOK;

	facts->probes = atomic_load(&findings->probes);
	facts->waited = (double)atomic_load(&findings->waited) / 1e9;
	facts->warm = atomic_load(&findings->warm);
	facts->stuck = enough && done <= 0;
	facts->rate = enough ? done / seconds : 0;
	facts->cold = enough && done > 0 ? (double)atomic_load(&findings->cold) / WORK_UNIT / done : 0;
	facts->bound |= throttle_is_active(&run->files.throttle);
	struct head_choice choice = head_choose(medium->choice, facts);
	bool changes = choice.way != medium->choice.way;
	medium->choice = choice;
	if (changes || enough) {
		medium->since = t;
		medium->done += done;
		atomic_store(&findings->cold, 0);
	}
	if (changes) {
		use_way(run);
	}
}
