/* The inside of a terminal, shared by terminal*.c. The only file that includes vterm.h. */
#ifndef TARE_TUI_TERMINAL_CORE_H
#define TARE_TUI_TERMINAL_CORE_H

#include <vterm.h>

#include "base/buf.h"
#include "tui/scrollback.h"
#include "tui/terminal.h"

#define TERM_TITLE_SIZE 128

struct term {
	VTerm *vt;
	VTermState *state;
	VTermScreen *screen;
	int rows, cols;
	struct scrollback *past;
	int64_t top;           /* the number of the line in the topmost row */
	struct term_cell *row; /* of `cols`: the line being drawn or kept */

	struct buf out;
	size_t taken; /* of out */
	bool feeding; /* what comes out now is an answer, not a key */
	bool muted;

	char title[TERM_TITLE_SIZE];
	bool bell, alternate, ascii_only;
	int mouse;        /* VTERM_PROP_MOUSE_… */
	unsigned buttons; /* the child believes to be pressed, bits from 1 << 1 */
	int cursor_visible, cursor_blink, cursor_shape;
	unsigned matched; /* bytes of the sequence that clears the past */
};

/* Line `n` into t->row; blank when there is none. */
void term_load_line(struct term *t, int64_t n);

#endif
