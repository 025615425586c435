/* The last line of the screen: what the keys do where the focus is, made from the active key map, and
 * clickable. As many as fit, help and the command line always at the right end. In a shell's pane it shows
 * the prefix key. */
#ifndef TARE_TUI_HINTS_H
#define TARE_TUI_HINTS_H

#include "tui/action.h"
#include "tui/canvas.h"
#include "tui/input.h"

struct app;

/* c: one row. CONTEXT_GLOBAL: of a dialog. */
void hints_draw(const struct canvas *c, struct app *a, enum context context);
/* The same row while a chord waits for its second key: what may follow. */
void hints_draw_chord(const struct canvas *c, struct app *a, enum context context, struct key first);
/* The action of the hint at column x of a row `width` wide; ACTION_NONE beside them. */
enum action hints_click(struct app *a, enum context context, int width, int x);

#endif
