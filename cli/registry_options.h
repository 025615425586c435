/* registry start, stop, status, gc: the rows of tare's table, run by tare-registry. */
#ifndef TARE_CLI_REGISTRY_OPTIONS_H
#define TARE_CLI_REGISTRY_OPTIONS_H

#include "cli/command.h"

extern const struct command registry_commands[];

#endif
