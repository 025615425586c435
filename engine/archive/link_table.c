#include "engine/archive/link_table.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct link_slot {
	dev_t dev;
	ino_t ino;
	char *path; /* NULL: free */
};

static struct link_slot *find_slot(const struct link_table *t, dev_t dev, ino_t ino)
{
	uint64_t hash = ((uint64_t)ino ^ (uint64_t)dev << 32) * 0x9e3779b97f4a7c15u;

	for (size_t i = (size_t)(hash >> 32);; i++) {
		struct link_slot *s = &t->slots[i & (t->cap - 1)];

		if (!s->path || (s->ino == ino && s->dev == dev))
			return s;
	}
}

static int grow(struct link_table *t)
{
	struct link_table bigger = {.cap = t->cap ? t->cap * 2 : 64, .n = t->n};

	bigger.slots = calloc(bigger.cap, sizeof(*bigger.slots));
	if (!bigger.slots)
		return -1;
	for (size_t i = 0; i < t->cap; i++)
		if (t->slots[i].path)
			*find_slot(&bigger, t->slots[i].dev, t->slots[i].ino) = t->slots[i];
	free(t->slots);
	*t = bigger;
	return 0;
}

int link_table_find(struct link_table *t, const struct stat *st, const char *path, const char **first)
{
	if (2 * (t->n + 1) > t->cap && grow(t) < 0)
		return -1;
	struct link_slot *s = find_slot(t, st->st_dev, st->st_ino);
	*first = s->path;
	if (s->path)
		return 0;
	*s = (struct link_slot){st->st_dev, st->st_ino, strdup(path)};
	if (!s->path)
		return -1;
	t->n++;
	return 0;
}

void link_table_free(struct link_table *t)
{
	for (size_t i = 0; i < t->cap; i++)
		free(t->slots[i].path);
	free(t->slots);
	*t = (struct link_table){0};
}
