/* A terminal without a screen: the bytes of a child go in, what it shows is drawn on a canvas, keys come out
 * as bytes for the child. The emulation is libvterm's, behind this interface so that it can be replaced; only
 * terminal*.c and terminal_core.h know it.
 *
 * What the child sends is hostile: sizes, titles, replies, the past and the work per call are bounded, and
 * nothing of it reaches the real terminal but checked characters and colours. */
#ifndef TARE_TUI_TERMINAL_H
#define TARE_TUI_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tui/canvas.h"
#include "tui/input.h"

struct buf;
struct term;

#define TERM_MIN_ROWS 2
#define TERM_MIN_COLS 10
#define TERM_MAX_ROWS 500
#define TERM_MAX_COLS 1000

/* Sizes are brought within the limits above. `scrollback`: lines. NULL: out of memory. */
struct term *term_new(int rows, int cols, size_t scrollback);
void term_free(struct term *t);
void term_resize(struct term *t, int rows, int cols);
int term_rows(const struct term *t);
int term_cols(const struct term *t);

/* What the child wrote. */
void term_feed(struct term *t, const char *bytes, size_t len);

/* What the child is to get: keys, pastes, and answers to its questions. At most 1 MiB waits. */
size_t term_output(const struct term *t, const char **bytes);
void term_output_taken(struct term *t, size_t len);

/* False: there was no room, the child does not read. */
bool term_key(struct term *t, struct key k);
/* Bracketed when the child asked for it; controls but tab and line ends are left out. False: too long. */
bool term_paste(struct term *t, const char *text, size_t len);
/* In the terminal's cells. False: the child does not want it. */
bool term_mouse(struct term *t, const struct mouse *m);
/* The terminal has the keys now, or not: told to the child where it asked. */
void term_focus(struct term *t, bool on);

/* Lines are numbered through the past and the screen: those on the screen are term_top() … + rows - 1. A
 * number stays with its line. Lines before term_oldest() are forgotten. */
int64_t term_top(const struct term *t);
int64_t term_oldest(const struct term *t);
/* Line `first` in the topmost row. `base`: what the child's default colours are. */
void term_draw(struct term *t, const struct canvas *c, int64_t first, struct style base);
/* Where the cursor is; false: hidden. */
bool term_cursor(const struct term *t, int64_t *line, int *col);
/* The text from one place up to and with another, lines without trailing blanks; a line that is full to its
 * last column goes on in the next. */
struct term_place {
	int64_t line;
	int col;
};
void term_text(struct term *t, struct term_place from, struct term_place to, struct buf *out);
/* The columns of the word at a place (what a shell would take as one), for a double click. */
void term_word(struct term *t, struct term_place at, int *from, int *to);

const char *term_title(const struct term *t); /* harmless; "" */
bool term_bell(struct term *t);               /* rung since last asked */
bool term_wants_mouse(const struct term *t);
bool term_is_alternate(const struct term *t); /* a full-screen program */

#endif
