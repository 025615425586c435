/* How much history decoders keep: zstd's is said by each frame, up to 128 MiB, and a pull of many layers at
 * once has 64 MiB for everything. Decoders of at most 8 MiB go side by side, a larger one goes alone. */
#ifndef TARE_REGISTRY_PULL_HISTORY_H
#define TARE_REGISTRY_PULL_HISTORY_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PULL_HISTORY_SHARED ((uint64_t)8 << 20)
#define PULL_HISTORY_MOST   ((uint64_t)32 << 20) /* what the highest usual levels write */
#define PULL_HISTORY_HEADER 18                   /* bytes at the start of a layer that tell */

struct pull_history {
	pthread_mutex_t lock;
	unsigned taken;
};
void pull_history_init(struct pull_history *h);
void pull_history_free(struct pull_history *h);

/* What the layer that begins so asks for: 0 for all but zstd; UINT64_MAX when that can't be seen here. */
uint64_t pull_history_wanted(const unsigned char *start, size_t len);
/* Room for it, if there is some just now; what was taken is given back. */
unsigned pull_history_take(struct pull_history *h, uint64_t wanted);
void pull_history_give(struct pull_history *h, unsigned taken);

#endif
