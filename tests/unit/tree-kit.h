// SPDX-License-Identifier: MIT
/**
 * What the tests of tree work with.
 */

#ifndef UCP_TEST_TREE_KIT_H
#define UCP_TEST_TREE_KIT_H

#include "base/limits.h"
#include "base/opts.h"
#include "report/report.h"
#include "scratch.h"
#include "tree/tree.h"
#include "unit.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

// --- What every test needs

static struct {
	struct opts opts;
	struct limits limits;
	struct report report;
	struct trees trees;
	struct tree *base;
} t;

#endif // UCP_TEST_TREE_KIT_H
