// SPDX-License-Identifier: MIT
/**
 * The command line. Only this folder knows the options' letters.
 */

#ifndef UCP_CLI_H
#define UCP_CLI_H

struct opts;
struct report;

/**
 * Read the command line.
 *
 * @return Whether to go on. If not, what was asked for (--help, --version) or an error was printed.
 */
bool cli_parse(struct opts *opts, struct report *report, int argc, char **argv);

/** Free what cli_parse() made, whatever it returned. */
void cli_free(struct opts *opts);

#endif // UCP_CLI_H
