/* The frame that all dialogs share: place, border, title, buttons. */
#ifndef TARE_TUI_DIALOG_FRAME_H
#define TARE_TUI_DIALOG_FRAME_H

#include <stdbool.h>
#include <stddef.h>

#include "tui/canvas.h"
#include "tui/input.h"

struct app;

/* Centred, at most the screen; h and w count the frame. */
struct rect dialog_place(int rows, int cols, int h, int w);
/* A line above the hint bar. */
struct rect dialog_place_at_bottom(int rows, int cols);
/* Background, border and title; what is left inside, one column from the border, in the canvas's coordinates.
 */
struct rect dialog_frame(struct app *a, const struct canvas *c, const char *title);
/* At the lower border's right, "3/12" or the keys that count here. */
void dialog_footer(struct app *a, const struct canvas *c, const char *text);

/* Rows that a harmless text needs when broken at blanks to `w` columns, at most `max`; drawn there where `c`
 * is given. */
int dialog_wrap(const struct canvas *c, int y, int x, int w, int max, const char *text, struct style s);

struct dialog_button {
	const char *label;
	struct rect r; /* where it was last drawn */
};
/* In row y of `inner`, from the right; the one with the focus stands out without colour too. */
void dialog_buttons(struct app *a, const struct canvas *c, struct rect inner, int y,
        struct dialog_button *buttons, size_t n, size_t focus);
/* Which one a press met, or n. */
size_t dialog_button_at(const struct dialog_button *buttons, size_t n, const struct mouse *m);

/* A list that is longer than its place: `top` so that `selected` is seen. */
void dialog_scroll_to(size_t selected, size_t n, size_t rows, size_t *top);
/* A thin mark in column x beside rows of a list that goes on above or below. */
void dialog_scrollbar(struct app *a, const struct canvas *c, struct rect r, int x, size_t top, size_t n);

#endif
