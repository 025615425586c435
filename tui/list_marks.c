/* Marked objects of a list. */
#include "tui/list_marks.h"

#include <stdlib.h>
#include <string.h>

static size_t place_of(const struct list_marks *m, const char *id)
{
	size_t low = 0, high = m->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(m->ids[middle], id) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool marks_has(const struct list_marks *m, const char *id)
{
	size_t at = m->n ? place_of(m, id) : 0;

	return at < m->n && !strcmp(m->ids[at], id);
}

static void drop(struct list_marks *m, size_t at)
{
	free(m->ids[at]);
	memmove(m->ids + at, m->ids + at + 1, (m->n - at - 1) * sizeof *m->ids);
	m->n--;
}

void marks_set(struct list_marks *m, const char *id, bool on)
{
	size_t at = place_of(m, id);
	char *copy;

	if (marks_has(m, id) == on)
		return;
	if (!on) {
		drop(m, at);
		return;
	}
	if (m->n == m->cap) {
		size_t cap = m->cap ? 2 * m->cap : 16;
		char **grown = realloc(m->ids, cap * sizeof *grown);

		if (!grown)
			return;
		m->ids = grown;
		m->cap = cap;
	}
	copy = strdup(id);
	if (!copy)
		return;
	memmove(m->ids + at + 1, m->ids + at, (m->n - at) * sizeof *m->ids);
	m->ids[at] = copy;
	m->n++;
}

void marks_clear(struct list_marks *m)
{
	for (size_t i = 0; i < m->n; i++)
		free(m->ids[i]);
	free(m->ids);
	*m = (struct list_marks){0};
}

void marks_keep(struct list_marks *m, bool (*exists)(void *arg, const char *id), void *arg)
{
	for (size_t i = m->n; i-- > 0;)
		if (!exists(arg, m->ids[i]))
			drop(m, i);
}
