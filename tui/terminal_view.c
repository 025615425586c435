/* What a terminal shows: on a canvas, and as text to copy. */
#include "base/buf.h"
#include "base/text.h"
#include "tui/terminal_core.h"

static struct style laid_on(struct style base, struct style s)
{
	if (s.fg == COLOUR_DEFAULT)
		s.fg = base.fg;
	if (s.bg == COLOUR_DEFAULT)
		s.bg = base.bg;
	return s;
}

void term_draw(struct term *t, const struct canvas *c, int64_t first, struct style base)
{
	int cols = c->r.w < t->cols ? c->r.w : t->cols;

	canvas_clear(c, base);
	for (int y = 0; y < c->r.h; y++) {
		if (first + y >= t->top + t->rows)
			break;
		term_load_line(t, first + y);
		for (int x = 0; x < cols; x++) {
			const struct term_cell *cell = &t->row[x];

			if (cell->n > 0 && cell->width > 0)
				canvas_glyph(
				        c, y, x, cell->cps, cell->n, cell->width, laid_on(base, cell->style));
			else if (!term_cell_is_empty(cell) && cell->width > 0)
				canvas_char(c, y, x, ' ', laid_on(base, cell->style));
		}
	}
}

bool term_cursor(const struct term *t, int64_t *line, int *col)
{
	VTermPos pos;

	vterm_state_get_cursorpos(t->state, &pos);
	*line = t->top + pos.row;
	*col = pos.col;
	return t->cursor_visible;
}

static void add_cell(struct buf *out, const struct term_cell *c)
{
	char bytes[4];

	if (c->n == 0)
		buf_char(out, ' ');
	for (unsigned i = 0; i < c->n; i++)
		buf_add(out, bytes, utf8_encode(c->cps[i], bytes));
}

static bool is_blank(const struct term_cell *c)
{
	return c->n == 0 || (c->n == 1 && c->cps[0] == ' ');
}

void term_text(struct term *t, struct term_place from, struct term_place to, struct buf *out)
{
	int64_t last = t->top + t->rows - 1;

	if (from.line < term_oldest(t))
		from = (struct term_place){term_oldest(t), 0};
	if (to.line > last)
		to = (struct term_place){last, t->cols - 1};
	for (int64_t n = from.line; n <= to.line; n++) {
		int x = n == from.line ? from.col : 0, end = n == to.line ? to.col + 1 : t->cols;
		bool goes_on;

		term_load_line(t, n);
		if (end > t->cols)
			end = t->cols;
		goes_on = end == t->cols && !is_blank(&t->row[end - 1]);
		while (end > x && is_blank(&t->row[end - 1]))
			end--;
		for (; x < end; x++)
			if (t->row[x].width > 0)
				add_cell(out, &t->row[x]);
		if (n < to.line && !goes_on)
			buf_char(out, '\n');
	}
}

/* What belongs to a word: what paths, addresses and names are made of. */
static bool is_word(const struct term_cell *c)
{
	uint32_t cp = c->n > 0 ? c->cps[0] : ' ';

	if (c->width == 0 || cp >= 0x80)
		return true;
	return (cp >= '0' && cp <= '9') || (cp >= 'a' && cp <= 'z') || (cp >= 'A' && cp <= 'Z') ||
	       cp == '_' || cp == '-' || cp == '.' || cp == '/' || cp == '~' || cp == ':' || cp == '@' ||
	       cp == '+' || cp == '%';
}

void term_word(struct term *t, struct term_place at, int *from, int *to)
{
	term_load_line(t, at.line);
	*from = *to = at.col < t->cols ? at.col : t->cols - 1;
	if (!is_word(&t->row[*from]))
		return;
	while (*from > 0 && is_word(&t->row[*from - 1]))
		--*from;
	while (*to + 1 < t->cols && is_word(&t->row[*to + 1]))
		++*to;
}
