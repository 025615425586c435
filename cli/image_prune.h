/* image prune --filter: images that fit go one by one, so the engine needs to know nothing of filters. */
#ifndef TARE_CLI_IMAGE_PRUNE_H
#define TARE_CLI_IMAGE_PRUNE_H

#include <stdbool.h>

#include "engine/tare.h"

struct err;

struct image_prune {
	char *const *filters; /* "until=24h", "label=k=v", "label!=k", "dangling=false" */
	bool all, dry_run;
};
/* `out` collects what went or would go; bytes of a dry run are what its images unpack to, shared layers too.
 */
int image_prune_filtered(struct tare_engine *engine, const struct image_prune *q,
        struct tare_prune_result *out, struct err *e);

#endif
