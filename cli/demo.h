/* What helper programs do with real images, the simulated engine does itself: `tare --demo pull alpine`. */
#ifndef TARE_CLI_DEMO_H
#define TARE_CLI_DEMO_H

#include "cli/command.h"

/* A row that a helper has: as command_run. */
int demo_run(struct cli *cli, void *options, char **operands);

#endif
