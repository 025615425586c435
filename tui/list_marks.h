/* Marked objects of a list, by id: they stay marked however the list is sorted, filtered or read again. */
#ifndef TARE_TUI_LIST_MARKS_H
#define TARE_TUI_LIST_MARKS_H

#include <stdbool.h>
#include <stddef.h>

struct list_marks {
	char **ids; /* sorted */
	size_t n, cap;
};

bool marks_has(const struct list_marks *m, const char *id);
void marks_set(struct list_marks *m, const char *id, bool on);
void marks_clear(struct list_marks *m);
/* Unmark what `exists` does not know. */
void marks_keep(struct list_marks *m, bool (*exists)(void *arg, const char *id), void *arg);

#endif
