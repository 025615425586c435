#include "engine/backup/linked_files.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "base/err.h"
#include "engine/backup/repository_own.h"

static int by_ino(const void *a, const void *b)
{
	const struct linked_file *x = a, *y = b;
	return x->ino < y->ino ? -1 : x->ino > y->ino;
}

static int add(struct linked_files *l, uint64_t ino, struct err *e)
{
	if (l->n == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 64;
		struct linked_file *grown = reallocarray(l->rows, cap, sizeof(*grown));
		if (!grown)
			return err_no_memory(e);
		l->rows = grown;
		l->cap = cap;
	}
	l->rows[l->n++] = (struct linked_file){.ino = ino};
	return 0;
}

/* A file of many names is kept once. */
static void sort(struct linked_files *l)
{
	size_t n = 0;
	if (!l->n)
		return;
	qsort(l->rows, l->n, sizeof(*l->rows), by_ino);
	for (size_t i = 0; i < l->n; i++)
		if (n == 0 || l->rows[n - 1].ino != l->rows[i].ino)
			l->rows[n++] = l->rows[i];
	l->n = n;
}

int linked_files_load(struct linked_files *l, struct repository *r, const struct snapshot *s, struct err *e)
{
	cleanup_snapshot_files struct snapshot_files f = {0};
	const struct tree_entry *entry;
	int rc;
	*l = (struct linked_files){0};
	if (snapshot_files_open(&f, r, s->id, e) < 0)
		return -1;
	while ((rc = listing_next(f.reader, &entry, e)) > 0)
		if (entry->first && add(l, entry->ino, e) < 0)
			return -1;
	sort(l);
	return rc < 0 ? err_wrap(e, "backup %s", s->id) : 0;
}

void linked_files_free(struct linked_files *l)
{
	free(l->rows);
	*l = (struct linked_files){0};
}

struct linked_file *linked_files_find(const struct linked_files *l, const struct tree_entry *entry)
{
	const struct linked_file key = {.ino = entry->ino};
	return l->n && !S_ISDIR(entry->mode) ? bsearch(&key, l->rows, l->n, sizeof(*l->rows), by_ino) : NULL;
}

void linked_files_note(const struct linked_files *l, const struct tree_entry *entry, char change)
{
	struct linked_file *file = entry->first ? NULL : linked_files_find(l, entry);
	if (!file)
		return;
	file->size = entry->size;
	file->change = change;
}
