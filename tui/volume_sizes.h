/* Sizes of volumes, added up by a worker with an engine of its own: whole trees are read for that. */
#ifndef TARE_TUI_VOLUME_SIZES_H
#define TARE_TUI_VOLUME_SIZES_H

#include <stdint.h>

struct app;
struct volume_sizes;

/* `news` is called on the loop's thread when a size became known. */
struct volume_sizes *volume_sizes_new(struct app *a, void (*news)(void *arg), void *arg);
void volume_sizes_free(struct volume_sizes *s); /* NULL allowed; what is under way ends by itself */
/* Add up again, unless it is under way, or was done within the last minute with as many volumes as now. */
void volume_sizes_ask(struct volume_sizes *s);
/* What was added up is out of date: the next ask counts. */
void volume_sizes_forget(struct volume_sizes *s);
#define VOLUME_SIZE_UNKNOWN UINT64_MAX
uint64_t volume_sizes_of(const struct volume_sizes *s, const char *name);

#endif
