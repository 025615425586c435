/* A cursor in a list of rows that a detail view draws itself: moves by the usual actions and the mouse,
 * scrolls no more than it must. */
#ifndef TARE_TUI_CURSOR_H
#define TARE_TUI_CURSOR_H

#include <stdbool.h>
#include <stddef.h>

#include "tui/action.h"
#include "tui/canvas.h"
#include "tui/input.h"

struct app;

struct cursor {
	size_t at, top, n; /* n: rows there are */
	int h;             /* rows that are shown, of the last frame */
};

/* There are n rows now, of which h are shown. */
void cursor_set(struct cursor *c, size_t n, int h);
void cursor_go(struct cursor *c, size_t at);
bool cursor_act(struct cursor *c, enum action a); /* false: not a movement */
/* m in rows of the list; true when something moved. */
bool cursor_mouse(struct cursor *c, const struct mouse *m);
/* Lay the selection over row y of the list when it is the cursor's. */
void cursor_draw(const struct cursor *c, struct app *a, const struct canvas *list, int y, bool focused);

#endif
