/* volume prune --filter: volumes that fit go one by one, so the engine needs to know nothing of filters. */
#ifndef TARE_CLI_VOLUME_PRUNE_H
#define TARE_CLI_VOLUME_PRUNE_H

#include <stdbool.h>

#include "engine/tare.h"

struct err;

struct volume_prune {
	char *const *filters; /* "label=k=v", "label!=k", "all=true" */
	bool all, dry_run;
};
/* `out` collects what went or would go. */
int volume_prune_filtered(struct tare_engine *engine, const struct volume_prune *q,
        struct tare_prune_result *out, struct err *e);

#endif
