/* Debris: what a crash left in the directories and cgroups of the engine and no container owns. */
#ifndef TARE_ENGINE_DEBRIS_H
#define TARE_ENGINE_DEBRIS_H

#include <stdbool.h>
#include <stdint.h>

struct store;

struct debris {
	const char *what;    /* "containers/0123…", "cgroup tare/0123…" */
	const char *problem; /* why it is debris */
	uint64_t bytes;
	bool removed;
};
typedef void (*debris_fn)(const struct debris *d, void *arg);
/* Tell fn of each, after its removal when `remove`. What is under way is none: it is locked. */
void debris_sweep(const struct store *s, bool remove, debris_fn fn, void *arg);

#endif
