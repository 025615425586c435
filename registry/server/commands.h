/* The commands of tare-registry; their rows are in cli/registry_options.c. */
#ifndef TARE_REGISTRY_COMMANDS_H
#define TARE_REGISTRY_COMMANDS_H

#include "cli/command.h"

struct err;

/* start.c: the exit code, or -1 with e. */
int registry_start(struct cli *cli, void *options, struct err *e);
/* control.c */
int registry_stop(struct cli *cli, void *options, struct err *e);
int registry_status(struct cli *cli, void *options, struct err *e);
int registry_gc(struct cli *cli, void *options, struct err *e);

#endif
