/* The cells of a frame: what canvas.c draws into and screen_cells.c compares with what the terminal shows.
 * Private to canvas*.c and screen*.c. */
#ifndef TARE_TUI_SCREEN_CELLS_H
#define TARE_TUI_SCREEN_CELLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tui/rect.h"
#include "tui/style.h"

struct buf;
struct err;
struct screen;

#define CELL_MARKS 4 /* more combining marks draw over the lines above and below */

struct cell {
	uint32_t cp;
	colour fg, bg;
	uint8_t attr;
	uint8_t width;  /* 1; 2: with the cell to the right; 0: that cell */
	uint16_t marks; /* its combining marks: index into cells.marks, 0: none */
};

struct cell_marks {
	uint32_t cp[CELL_MARKS]; /* unused: 0 */
};
#define N_CELL_MARKS 512

struct cells {
	int rows, cols;
	struct cell *now, *shown; /* rows * cols each */
	struct cell_marks *marks;
	bool marks_full;
	bool ascii;
	bool plain;             /* for a screen reader: lines and graphs are blank */
	int cursor_y, cursor_x; /* -1: hidden */
};

int cells_resize(struct cells *c, int rows, int cols, struct err *e); /* all blank, nothing shown */
void cells_free(struct cells *c);
void cells_begin(struct cells *c);      /* blank, cursor hidden */
void cells_invalidate(struct cells *c); /* forget what is shown */
/* The index of these marks, 0 when there are none or no room. */
uint16_t cells_marks(struct cells *c, const uint32_t *cps, size_t n);
void cells_text(const struct cells *c, struct rect r, struct buf *out);

struct cells *screen_cells(struct screen *s);

#endif
