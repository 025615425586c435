/* Removing many things at once: ask first, say what went. */
#ifndef TARE_CLI_PRUNE_H
#define TARE_CLI_PRUNE_H

#include <stdbool.h>

#include "engine/tare.h"

struct cli;

/* Ask "WARNING: this removes WHAT." on a terminal. 0 to go on; otherwise the exit code. */
int prune_confirm(const struct cli *cli, const char *what, bool force);
/* Prune one kind and print what was removed under `title`; bytes add up. The exit code. */
int prune_kind(struct cli *cli, enum tare_prune_what what, bool all, const char *title, uint64_t *bytes);
/* The last line. */
void prune_total(const struct cli *cli, uint64_t bytes);

#endif
