/* The inside of a terminal, shared by terminal*.c. The only file that includes vterm.h. */
#ifndef TARE_TUI_TERMINAL_CORE_H
#define TARE_TUI_TERMINAL_CORE_H

#include <vterm.h>

#include "base/buf.h"
#include "tui/scrollback.h"
#include "tui/terminal.h"

#define TERM_TITLE_SIZE 128
#define TERM_STRING_MAX 256  /* of a control string; the rest of a longer one is lost */
#define TERM_PIECE      4096 /* at once into the emulation: it puts a run of text on the stack */

/* What is fed, up to where the last bytes ended: terminal_stream.c. */
struct term_stream {
	enum { STREAM_TEXT, STREAM_ESCAPE, STREAM_CSI, STREAM_STRING, STREAM_STRING_ESCAPE } state;
	char string;                /* which one: what came after its ESC */
	char held[TERM_STRING_MAX]; /* the sequence so far, without ESC and what says which it is */
	size_t n_held;
	bool too_long;
	char cut[4]; /* the begin of a character */
	size_t n_cut, need;
	unsigned marks; /* on the last character */
	char clean[TERM_PIECE];
	size_t n_clean;
};

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
	bool bell, alternate;
	int mouse;        /* VTERM_PROP_MOUSE_… */
	unsigned buttons; /* the child believes to be pressed, bits from 1 << 1 */
	int cursor_visible, cursor_blink, cursor_shape;
	struct term_stream in;
};

/* Line `n` into t->row; blank when there is none. */
void term_load_line(struct term *t, int64_t n);

#endif
