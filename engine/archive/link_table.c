#include "engine/archive/link_table.h"

#include <stdlib.h>
#include <string.h>

struct link_slot {
	uint64_t ino;
	uint32_t device; /* which of `devices` */
	uint32_t path;   /* where it begins in `paths`, plus one; 0: free */
};
_Static_assert(LINK_TABLE_MAX < UINT32_MAX, "a path is found by 32 bits");

static struct link_slot *find_slot(const struct link_table *t, uint32_t device, uint64_t ino)
{
	uint64_t hash = (ino ^ (uint64_t)device << 48) * 0x9e3779b97f4a7c15u;

	for (size_t i = (size_t)(hash >> 32);; i++) {
		struct link_slot *s = &t->slots[i & (t->cap - 1)];

		if (!s->path || (s->ino == ino && s->device == device))
			return s;
	}
}

/* n_devices when it is not there. */
static uint32_t find_device(const struct link_table *t, uint64_t dev)
{
	uint32_t i = 0;

	while (i < t->n_devices && t->devices[i] != dev)
		i++;
	return i;
}

static int add_device(struct link_table *t, uint64_t dev)
{
	uint64_t *grown = reallocarray(t->devices, t->n_devices + 1, sizeof(*grown));

	if (!grown)
		return -1;
	t->devices = grown;
	t->devices[t->n_devices++] = dev;
	return 0;
}

static int grow(struct link_table *t)
{
	struct link_table bigger = {.cap = t->cap ? t->cap * 2 : 64};

	bigger.slots = calloc(bigger.cap, sizeof(*bigger.slots));
	if (!bigger.slots)
		return -1;
	for (size_t i = 0; i < t->cap; i++)
		if (t->slots[i].path)
			*find_slot(&bigger, t->slots[i].device, t->slots[i].ino) = t->slots[i];
	free(t->slots);
	t->slots = bigger.slots;
	t->cap = bigger.cap;
	return 0;
}

const char *link_table_find(const struct link_table *t, uint64_t dev, uint64_t ino)
{
	uint32_t device = find_device(t, dev);
	const struct link_slot *s = t->cap && device < t->n_devices ? find_slot(t, device, ino) : NULL;

	return s && s->path ? t->paths.data + s->path - 1 : NULL;
}

int link_table_add(struct link_table *t, uint64_t dev, uint64_t ino, const char *path)
{
	uint32_t device = find_device(t, dev), at = (uint32_t)t->paths.len + 1;

	if (4 * (t->n + 1) > 3 * t->cap && grow(t) < 0)
		return -1;
	if (device == t->n_devices && add_device(t, dev) < 0)
		return -1;
	buf_add(&t->paths, path, strlen(path) + 1);
	if (t->paths.failed)
		return -1;
	*find_slot(t, device, ino) = (struct link_slot){ino, device, at};
	t->n++;
	return 0;
}

void link_table_free(struct link_table *t)
{
	free(t->slots);
	free(t->devices);
	buf_free(&t->paths);
	*t = (struct link_table)LINK_TABLE_INIT;
}
