/* Changing a terminal's size. libvterm 0.1.4 remembers places (margins, the cursor, the saved cursor) that it
 * does not bring within a smaller size, and later writes beside its memory; so we bring them within
 * ourselves. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/terminal_core.h"

#define SAY_SIZE 160

static int within(int n, int low, int high)
{
	return n < low ? low : n > high ? high : n;
}

static void say(struct term *t, const char *bytes)
{
	vterm_input_write(t->vt, bytes, strlen(bytes));
}

static void place_cursor(struct term *t, VTermPos pos, int rows, int cols)
{
	char bytes[48];

	snprintf(bytes, sizeof bytes, "\033[%d;%dH", within(pos.row, 0, rows - 1) + 1,
	        within(pos.col, 0, cols - 1) + 1);
	say(t, bytes);
}

static size_t pen_colour(struct term *t, bool is_bg, char *dst, size_t size)
{
	VTermValue v;
	int base = is_bg ? 48 : 38;

	if (!vterm_state_get_penattr(t->state, is_bg ? VTERM_ATTR_BACKGROUND : VTERM_ATTR_FOREGROUND, &v) ||
	        (is_bg ? VTERM_COLOR_IS_DEFAULT_BG(&v.color) : VTERM_COLOR_IS_DEFAULT_FG(&v.color)))
		return 0;
	if (VTERM_COLOR_IS_INDEXED(&v.color))
		return (size_t)snprintf(dst, size, "\033[%d;5;%dm", base, v.color.indexed.idx);
	return (size_t)snprintf(
	        dst, size, "\033[%d;2;%d;%d;%dm", base, v.color.rgb.red, v.color.rgb.green, v.color.rgb.blue);
}

/* The sequences that set what is written next to look as it would now. */
static void pen_sequence(struct term *t, char dst[SAY_SIZE])
{
	static const struct {
		VTermAttr attr;
		int sgr;
	} pens[] = {{VTERM_ATTR_BOLD, 1}, {VTERM_ATTR_ITALIC, 3}, {VTERM_ATTR_UNDERLINE, 4},
	        {VTERM_ATTR_BLINK, 5}, {VTERM_ATTR_REVERSE, 7}, {VTERM_ATTR_STRIKE, 9}};
	size_t len = (size_t)snprintf(dst, SAY_SIZE, "\033[m");
	VTermValue v;

	for (size_t i = 0; i < sizeof pens / sizeof *pens; i++)
		if (vterm_state_get_penattr(t->state, pens[i].attr, &v) && v.number)
			len += (size_t)snprintf(dst + len, SAY_SIZE - len, "\033[%dm", pens[i].sgr);
	len += pen_colour(t, false, dst + len, SAY_SIZE - len);
	pen_colour(t, true, dst + len, SAY_SIZE - len);
}

/* ESC 8 goes unchecked to where ESC 7 was. So: go there, move within, save that, and put back as it was what
 * ESC 8 has changed besides. */
static void keep_saved_cursor_within(struct term *t, int rows, int cols)
{
	VTermValue visible = {.boolean = t->cursor_visible}, blink = {.boolean = t->cursor_blink};
	VTermValue shape = {.number = t->cursor_shape};
	char pen[SAY_SIZE];
	VTermPos saved;

	pen_sequence(t, pen);
	say(t, "\0338");
	vterm_state_get_cursorpos(t->state, &saved);
	place_cursor(t, saved, rows, cols);
	say(t, "\0337");
	say(t, pen);
	vterm_state_set_termprop(t->state, VTERM_PROP_CURSORVISIBLE, &visible);
	vterm_state_set_termprop(t->state, VTERM_PROP_CURSORBLINK, &blink);
	vterm_state_set_termprop(t->state, VTERM_PROP_CURSORSHAPE, &shape);
}

void term_resize(struct term *t, int rows, int cols)
{
	struct term_cell *row;
	int most;
	VTermPos pos;

	rows = within(rows, TERM_MIN_ROWS, TERM_MAX_ROWS);
	cols = within(cols, TERM_MIN_COLS, TERM_MAX_COLS);
	if (rows == t->rows && cols == t->cols)
		return;
	/* Lines go into the past with the old width and come back with the new. */
	most = cols > t->cols ? cols : t->cols;
	row = realloc(t->row, (size_t)most * sizeof *row);
	if (!row)
		return;
	t->row = row;
	vterm_state_get_cursorpos(t->state, &pos);
	t->muted = true;
	/* No margins, neither of rows nor of columns. It never holds half a sequence: see terminal_stream.c.
	 */
	say(t, "\033[r\033[s");
	if (rows < t->rows || cols < t->cols)
		keep_saved_cursor_within(t, rows, cols);
	place_cursor(t, pos, t->rows, t->cols);
	t->cols = most;
	vterm_set_size(t->vt, rows, cols);
	t->rows = rows;
	t->cols = cols;
	/* Its cursor can now be above the first row. */
	vterm_state_get_cursorpos(t->state, &pos);
	place_cursor(t, pos, rows, cols);
	vterm_screen_flush_damage(t->screen);
	t->muted = false;
}
