// SPDX-License-Identifier: MIT
#include "cli/cli-impl.h"

#include "report/report.h"

#include <errno.h>

error_t cli_complain(struct parser *p, const char *what, const char *arg) {
	report_error(p->report, ERROR_USAGE, 0, what, arg, NULL);
	p->failed = true;
	return EINVAL;
}
