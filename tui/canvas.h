/* Drawing: a canvas is a rectangle of the screen; coordinates are its own, and nothing is ever drawn outside
 * it. Drawing allocates nothing.
 *
 * This is the one way for text to reach the terminal. Every text is treated as foreign (rule R5): controls,
 * bidirectional marks and ill-formed bytes come out as U+FFFD ('?' in ASCII mode), a wide character that
 * would stick out is cut off, combining marks are limited. */
#ifndef TARE_TUI_CANVAS_H
#define TARE_TUI_CANVAS_H

#include <stddef.h>
#include <stdint.h>

#include "tui/rect.h"
#include "tui/style.h"

struct screen;

struct canvas {
	struct screen *screen;
	struct rect r; /* in screen coordinates, already clipped to the screen */
};

/* The part `r` (in the coordinates of `c`) as a canvas of its own. */
struct canvas canvas_part(const struct canvas *c, struct rect r);

void canvas_fill(const struct canvas *c, struct rect r, struct style s); /* with blanks */
void canvas_clear(const struct canvas *c, struct style s);

/* Text at (y, x), at most `w` columns (w < 0: to the right edge). Returns the columns used. */
int canvas_text(const struct canvas *c, int y, int x, int w, const char *text, size_t len, struct style s);
int canvas_str(const struct canvas *c, int y, int x, int w, const char *text, struct style s);
/* The same, cut with an ellipsis where it doesn't fit, and padded with blanks to exactly w columns. */
void canvas_cell(const struct canvas *c, int y, int x, int w, const char *text, struct style s);
void canvas_cell_right(const struct canvas *c, int y, int x, int w, const char *text, struct style s);
/* snprintf into a fixed buffer of 512 bytes, then canvas_str(). */
int canvas_printf(const struct canvas *c, int y, int x, int w, struct style s, const char *fmt, ...)
        __attribute__((format(printf, 6, 7)));

/* One character with its combining marks (cps[0..n)), `width` columns wide (1 or 2), for embedded terminals
 * and graphs. In ASCII mode a non-ASCII one becomes '?'. */
void canvas_glyph(
        const struct canvas *c, int y, int x, const uint32_t *cps, size_t n, int width, struct style s);
static inline void canvas_char(const struct canvas *c, int y, int x, uint32_t cp, struct style s)
{
	canvas_glyph(c, y, x, &cp, 1, 1, s);
}

/* Lay a style over what is drawn there already (selection, matches, dimming beneath a dialog). */
void canvas_restyle(const struct canvas *c, struct rect r, struct style over);

void canvas_hline(const struct canvas *c, int y, int x, int w, struct style s); /* thin; '-' in ASCII */
void canvas_vline(const struct canvas *c, int y, int x, int h, struct style s);
void canvas_box(const struct canvas *c, struct rect r, struct style s);

/* Where the hardware cursor goes when the frame is done; the last call of a frame counts; none: hidden. */
void canvas_cursor(const struct canvas *c, int y, int x);
/* The same only for a screen reader, which reads where the cursor is: the selected row of the list. */
void canvas_point(const struct canvas *c, int y, int x);

#endif
