#include "engine/archive/link_table.h"

#include <stdlib.h>
#include <string.h>

struct link_slot {
	uint64_t dev, ino;
	size_t path; /* where it begins in `paths`, plus one; 0: free */
};

static struct link_slot *find_slot(const struct link_table *t, uint64_t dev, uint64_t ino)
{
	uint64_t hash = (ino ^ dev << 32) * 0x9e3779b97f4a7c15u;

	for (size_t i = (size_t)(hash >> 32);; i++) {
		struct link_slot *s = &t->slots[i & (t->cap - 1)];

		if (!s->path || (s->ino == ino && s->dev == dev))
			return s;
	}
}

static int grow(struct link_table *t)
{
	struct link_table bigger = {.cap = t->cap ? t->cap * 2 : 64};

	bigger.slots = calloc(bigger.cap, sizeof(*bigger.slots));
	if (!bigger.slots)
		return -1;
	for (size_t i = 0; i < t->cap; i++)
		if (t->slots[i].path)
			*find_slot(&bigger, t->slots[i].dev, t->slots[i].ino) = t->slots[i];
	free(t->slots);
	t->slots = bigger.slots;
	t->cap = bigger.cap;
	return 0;
}

const char *link_table_find(const struct link_table *t, uint64_t dev, uint64_t ino)
{
	const struct link_slot *s = t->cap ? find_slot(t, dev, ino) : NULL;

	return s && s->path ? t->paths.data + s->path - 1 : NULL;
}

int link_table_add(struct link_table *t, uint64_t dev, uint64_t ino, const char *path)
{
	if (4 * (t->n + 1) > 3 * t->cap && grow(t) < 0)
		return -1;
	size_t at = t->paths.len + 1;
	buf_add(&t->paths, path, strlen(path) + 1);
	if (t->paths.failed)
		return -1;
	*find_slot(t, dev, ino) = (struct link_slot){dev, ino, at};
	t->n++;
	return 0;
}

void link_table_free(struct link_table *t)
{
	free(t->slots);
	buf_free(&t->paths);
	*t = (struct link_table)LINK_TABLE_INIT;
}
