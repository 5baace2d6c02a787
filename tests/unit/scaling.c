// SPDX-License-Identifier: MIT
/**
 * scaling.c: when more workers are wanted, or fewer.
 */

#include "unit.h"

#include "run/scaling.h"

/** Two processors and looks every 0.1 s. */
#define STEP 0.1

/** So many workers need not help. */
#define FREE 8

struct scene {
	struct scaling scaling;
	double t, used, done;
	unsigned workers;
};

static struct scene scene_of(unsigned workers) {
	struct scaling scaling = {.processors = 2, .share = -1, .most = 4096, .freely = FREE};
	return (struct scene) {.scaling = scaling, .workers = workers};
}

/** Let one step go by in which so much of the processors was used and work done a second. Returns what was added. */
static int step(struct scene *scene, double share, double rate) {
	scene->t += STEP;
	scene->used += share * 2 * STEP;
	scene->done += rate * STEP;
	int more = scaling_step(&scene->scaling, scene->t, scene->used, scene->done, scene->workers);
	scene->workers += (unsigned)more;
	return more;
}

TEST(busy_workers_are_enough) {
	struct scene scene = scene_of(1);
	for (int i = 0; i < 1000; ++i) {
		CHECK(step(&scene, 0.7, i * i) == 0);
	}
}

TEST(a_moment_of_waiting_is_passed_over) {
	struct scene scene = scene_of(2);
	for (int i = 0; i < 100; ++i) {
		CHECK(step(&scene, 0.95, 100) == 0);
		CHECK(step(&scene, 0.5, 100) == 0);
	}
	CHECK(step(&scene, 0.5, 100) == 2);
}

TEST(waiting_workers_double_while_it_helps) {
	struct scene scene = scene_of(1);
	double rate = 100;
	for (int want = 1; want < 1000; want *= 2, rate *= 1.2) {
		CHECK(step(&scene, 0.1, rate) == want);
	}
}

TEST(workers_that_do_not_help_become_few_again) {
	struct scene scene = scene_of(2);
	CHECK(step(&scene, 0.1, 100) == 2);
	CHECK(step(&scene, 0.1, 100) == 4);
	unsigned most = 0, long_few = 0;
	for (int i = 0; i < 1000; ++i) {
		step(&scene, 0.1, 100);
		most = scene.workers > most ? scene.workers : most;
		long_few += scene.workers <= 4 ? 1 : 0;
	}
	CHECK_MSG(most <= 2 * FREE, "%u", most);
	CHECK_MSG(long_few > 800, "%u", long_few);
}

TEST(no_more_than_there_may_be) {
	struct scene scene = scene_of(4);
	scene.scaling.most = 6;
	CHECK(step(&scene, 0.1, 100) == 2);
	for (int i = 0; i < 100; ++i) {
		step(&scene, 0.1, 100 * i);
		CHECK_MSG(scene.workers <= 6, "%u", scene.workers);
	}
}

TEST(fewer_busy_workers_are_tried) {
	struct scene scene = scene_of(2);
	CHECK(step(&scene, 0.1, 100) == 2);
	int looks = 0;
	while (step(&scene, 0.9, 1000) == 0 && looks < 100) {
		++looks;
	}
	CHECK_MSG(scene.workers == 2, "%u", scene.workers);
	// They are too few
	for (looks = 0; step(&scene, 0.9, 800) == 0 && looks < 100;) {
		++looks;
	}
	CHECK_MSG(scene.workers == 4 && looks < 10, "%u after %d", scene.workers, looks);
	for (looks = 0; step(&scene, 0.9, 1000) == 0 && looks < 1000;) {
		++looks;
	}
	CHECK_MSG(looks >= 30 && looks < 100, "%d", looks);
}

TEST(what_helps_later_is_seen) {
	struct scene scene = scene_of(8);
	step(&scene, 0.1, 100);
	while (scene.workers < 16) {
		step(&scene, 0.1, 100);
	}
	CHECK(step(&scene, 0.1, 105) == 0);
	CHECK(step(&scene, 0.1, 120) == 16);
	CHECK(step(&scene, 0.9, 120) == 0);
	CHECK(step(&scene, 0.9, 1000) == 0);
	CHECK(step(&scene, 0.1, 140) == 32);
}

TEST(those_that_hinder_each_other_become_fewer) {
	struct scene scene = scene_of(2);
	CHECK(step(&scene, 0.5, 1000) == 2);
	CHECK(step(&scene, 0.5, 700) == 4);
	for (int i = 0; i < 4; ++i) {
		CHECK(step(&scene, 0.9, 600) == 0);
	}
	// However busy they are
	CHECK(step(&scene, 0.9, 600) == -6);
	CHECK(scene.workers == 2);
	// It is tried again, after ever longer
	int looks = 0;
	while (step(&scene, 0.3, 1000) == 0 && looks < 1000) {
		++looks;
	}
	CHECK_MSG(looks > 10 && looks < 100, "%d", looks);
	CHECK(scene.workers == 4);
	while (step(&scene, 0.3, 700) == 0) {
	}
	CHECK(scene.workers == 2);
	int before = looks;
	for (looks = 0; step(&scene, 0.3, 1000) == 0 && looks < 1000;) {
		++looks;
	}
	CHECK_MSG(looks > 2 * before, "%d, then %d", before, looks);
}

TEST(those_that_hinder_each_other_once_may_help_later) {
	struct scene scene = scene_of(4);
	CHECK(step(&scene, 0.5, 1000) == 4);
	while (step(&scene, 0.5, 500) == 0) {
	}
	CHECK(scene.workers == 4);
	// Each for itself now, and slow
	for (int i = 0; i < 200; ++i) {
		step(&scene, 0.1, 20 * scene.workers);
	}
	CHECK_MSG(scene.workers >= 64, "%u", scene.workers);
}

TEST(a_moment_without_work_does_not_make_fewer) {
	struct scene scene = scene_of(4);
	CHECK(step(&scene, 0.5, 1000) == 4);
	for (int i = 0; i < 8; ++i) {
		CHECK(step(&scene, 0.7, i == 1 ? 950 : 0) == 0);
	}
}

UNIT_MAIN
