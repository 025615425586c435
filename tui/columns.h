/* Columns of a list: which there are, which are shown, and how wide. Widths are a pure function of the room
 * and of what the rows need. */
#ifndef TARE_TUI_COLUMNS_H
#define TARE_TUI_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tui/canvas.h"

struct list_view;

#define COLUMNS_MAX 32

enum {
	COLUMN_RIGHT = 1,      /* a number: heading and cells at the right edge */
	COLUMN_MOVING = 2,     /* changes with each sample */
	COLUMN_HIDDEN = 4,     /* not shown unless chosen */
	COLUMN_DESCENDING = 8, /* sorting by it begins with the largest */
	COLUMN_WHOLE = 16,     /* has its least or its best width, nothing between */
	COLUMN_SPARE = 32,     /* not shown where a whole one would have its best width without it */
	COLUMN_NEEDED = 64,    /* not shown where no row has a text for it */
};

/* Where a cell is drawn. */
struct cell {
	struct list_view *list;
	const struct canvas *c;
	int y, x, w;
	struct style base;
};

struct column {
	const char *id;      /* in settings: "cpu" */
	const char *heading; /* "CPU%" */
	const char *help;    /* for the choice of columns */
	int min, ideal;      /* widths */
	unsigned drop;       /* 0: always there; else the higher, the sooner it goes where there is no room */
	unsigned grow;       /* the lower, the sooner it gets its ideal width */
	unsigned flags;
	const char *(*text)(const void *row); /* what its ideal width is measured by; NULL: it is fixed */
	void (*draw)(const struct cell *at, const void *row);
	int (*compare)(const void *a, const void *b);
};

/* Which are shown, in which order: indexes into the table. */
struct column_choice {
	uint8_t at[COLUMNS_MAX];
	size_t n;
};

void columns_default(struct column_choice *ch, const struct column *table, size_t n);
/* "state,name,cpu"; unknown words are ignored; without any known one the default. */
void columns_parse(struct column_choice *ch, const struct column *table, size_t n, const char *text);
void columns_print(const struct column_choice *ch, const struct column *table, char *dst, size_t size);
bool columns_shown(const struct column_choice *ch, size_t column);

/* widths[i] for ch->at[i], 0: dropped. `needs` (per table index) is the widest text, 0: none, or not known.
 * `gap` columns stand between two shown ones. Returns the columns used in all, never more than `room`. */
int columns_fit(const struct column *table, const struct column_choice *ch, const uint16_t *needs, int room,
        int gap, int widths[COLUMNS_MAX]);
/* The same with gaps of 1 where a whole column has its best width only so. Returns the gap taken. */
int columns_fit_closer(const struct column *table, const struct column_choice *ch, const uint16_t *needs,
        int room, int gap, int widths[COLUMNS_MAX]);

#endif
