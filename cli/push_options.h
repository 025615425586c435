/* push: the rows of tare's table; the functions are in transfer_push.c. */
#ifndef TARE_CLI_PUSH_OPTIONS_H
#define TARE_CLI_PUSH_OPTIONS_H

#include "cli/command.h"
#include "cli/progress_options.h"

extern const struct command push_commands[];

#endif
