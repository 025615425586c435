/* The file `stats` in a container's state directory: an hour of samples, one every ten seconds, written by
 * its monitor, read by anybody.
 *
 * Layout, in the host's byte order: struct stats_ring_header, then `slots` times struct sample. Sample
 * number n (from 0) lies in slot n % slots; `count` is the number of samples written so far and is
 * written after the sample itself. The file never grows. */
#ifndef TARE_MONITOR_STATS_RING_H
#define TARE_MONITOR_STATS_RING_H

#include <stddef.h>
#include <stdint.h>

#include "engine/monitor/sampler.h"

#define STATS_RING_FILE    "stats"
#define STATS_RING_MAGIC   0x5441545345524154ull /* "TARESTAT" */
#define STATS_RING_VERSION 1
#define STATS_RING_SLOTS   361 /* an hour, both ends included */
#define STATS_RING_SECONDS 10

struct stats_ring_header {
	uint64_t magic;
	uint32_t version, sample_size, slots, unused;
	uint64_t count;
};

struct stats_ring {
	int fd; /* -1: could not be made; samples are dropped then */
	uint64_t count;
};

/* An existing ring of the same shape is continued (a restart keeps its hour). */
void stats_ring_open(struct stats_ring *r, int state_fd);
void stats_ring_add(struct stats_ring *r, const struct sample *s);

/* The newest `max` samples, oldest first; the number, or -1 with errno (ENOENT: none; EINVAL: not a ring that
 * this version reads). Samples that are overwritten meanwhile are left out. */
ssize_t stats_ring_read(int state_fd, struct sample *out, size_t max);

#endif
