/* The last output of the container, kept for whoever attaches: bytes and the stream each came from. */
#ifndef TARE_MONITOR_REPLAY_H
#define TARE_MONITOR_REPLAY_H

#include <stddef.h>
#include <stdint.h>

#include "engine/monitor/log_writer.h"

#define REPLAY_SIZE 16384
#define REPLAY_RUNS 64 /* changes between the two streams that are remembered */

struct replay {
	char ring[REPLAY_SIZE];
	struct {
		uint8_t stream;
		uint16_t len;
	} runs[REPLAY_RUNS]; /* a ring too, oldest first */
	unsigned first_run, n_runs;
	uint64_t end; /* bytes ever added */
	size_t len;   /* bytes held */
};

void replay_add(struct replay *r, enum output_stream stream, const char *data, size_t len);

/* Called with pieces in order; false ends the walk. */
typedef int (*replay_fn)(void *arg, enum output_stream stream, const char *data, size_t len);
void replay_walk(const struct replay *r, replay_fn fn, void *arg);

#endif
