/* Freeze: a running container held still while its files are read, and let go whatever becomes of us. */
#ifndef TARE_ENGINE_FREEZE_H
#define TARE_ENGINE_FREEZE_H

#include <sys/types.h>

#include "engine/engine.h"

struct err;

struct freeze {
	const struct store *store; /* borrowed; NULL: nothing is frozen */
	struct container *container;
	pid_t watcher;
	int fd; /* as long as it is open, the container stays frozen */
};
#define FREEZE_INIT                                                                                          \
	{                                                                                                    \
		.watcher = -1, .fd = -1                                                                      \
	}
/* The container is locked, and stays so until freeze_end(). One that does not run, or is paused already, is
 * left as it is. Call before threads are made and before anything is locked that a sweep may want soon. Of
 * several, the last one has to be ended first. */
int freeze_begin(struct freeze *f, const struct store *s, struct container *c, struct err *e);
void freeze_end(struct freeze *f);
#define cleanup_freeze __attribute__((cleanup(freeze_end)))

#endif
