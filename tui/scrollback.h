/* The lines that have left the top of an embedded terminal: a ring with a limit in lines and in bytes. A line
 * is kept as runs of one style and UTF-8, without its trailing blanks: a plain one costs little more than its
 * text. */
#ifndef TARE_TUI_SCROLLBACK_H
#define TARE_TUI_SCROLLBACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tui/style.h"

/* One column of a line. What is in it has been checked: its width is what cp_width() says. */
#define TERM_CELL_CPS 4
struct term_cell {
	uint32_t cps[TERM_CELL_CPS]; /* a character and its combining marks */
	uint8_t n;                   /* of cps; 0: blank */
	uint8_t width;               /* 1, 2, or 0: the second half of a wide one */
	struct style style;
};

struct scrollback;
struct scrollback *scrollback_new(size_t max_lines, size_t max_bytes); /* NULL: out of memory */
void scrollback_free(struct scrollback *sb);

/* The oldest go when a limit is reached. Without memory the line is lost. */
void scrollback_push(struct scrollback *sb, const struct term_cell *cells, int cols);
/* Line `i` (0: the oldest) into cells[0..cols), cut or filled with blanks. */
void scrollback_get(const struct scrollback *sb, size_t i, struct term_cell *cells, int cols);
void scrollback_drop_newest(struct scrollback *sb);
void scrollback_clear(struct scrollback *sb);
size_t scrollback_lines(const struct scrollback *sb);

/* A blank column in the terminal's own colours. */
static inline struct term_cell term_cell_blank(void)
{
	return (struct term_cell){.width = 1};
}
/* A blank that shows nothing: no colour behind it, no line through it. */
bool term_cell_is_empty(const struct term_cell *c);

#endif
