/* Removing many things at once: ask first, say what went. */
#ifndef TARE_CLI_PRUNE_H
#define TARE_CLI_PRUNE_H

#include <stdbool.h>

#include "engine/tare.h"

struct cli;

/* Ask "WARNING: this removes WHAT." on a terminal. 0 to go on; otherwise the exit code. */
int prune_confirm(const struct cli *cli, const char *what, bool force);
/* What went so far, over several kinds. Starts as PRUNED_INIT. */
struct pruned {
	uint64_t bytes;
	char **names;
};
#define PRUNED_INIT                                                                                          \
	{                                                                                                    \
		0                                                                                            \
	}
/* Prune one kind and print what was removed under `title` (with --json at the end). The exit code. */
int prune_kind(struct cli *cli, enum tare_prune_what what, bool all, const char *title, struct pruned *p);
/* The last line, or the document, when `code` is 0. Frees what p holds; gives `code` back. */
int prune_end(const struct cli *cli, struct pruned *p, int code);

#endif
