/* One look at a container's health: the command that its image or its flags name, run in it. */
#ifndef TARE_ENGINE_HEALTH_PROBE_H
#define TARE_ENGINE_HEALTH_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/oci/health_check.h"

struct container;
struct store;

struct health_probe {
	int64_t start, end; /* ns, realtime */
	int64_t took;       /* ns, whatever the clock was set to meanwhile */
	int exit_code;      /* -1: it was killed when its time was up */
	bool frozen;        /* -1 says nothing: the container was paused meanwhile */
	char output[HEALTH_OUTPUT_MAX];
	size_t len;
};
/* Never fails: what could not be run is unhealthy, and says why. `shell`: of the image, or NULL. */
void health_probe_run(const struct store *s, struct container *c, const struct health_check *check,
        char *const *shell, struct health_probe *p);

#endif
