/* pull: the rows of tare's table; the functions are in transfer_pull.c. */
#ifndef TARE_CLI_PULL_OPTIONS_H
#define TARE_CLI_PULL_OPTIONS_H

#include "cli/command.h"
#include "cli/progress_options.h"

extern const struct command pull_commands[];

#endif
