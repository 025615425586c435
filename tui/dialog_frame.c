#include "tui/dialog_frame.h"

#include <stdio.h>

#include "base/text.h"
#include "tui/app.h"

struct rect dialog_place(int rows, int cols, int h, int w)
{
	if (h > rows)
		h = rows;
	if (w > cols)
		w = cols;
	return (struct rect){(rows - h) / 2, (cols - w) / 2, h, w};
}

struct rect dialog_place_at_bottom(int rows, int cols)
{
	return (struct rect){rows > 1 ? rows - 2 : 0, 0, 1, cols};
}

struct rect dialog_frame(struct app *a, const struct canvas *c, const char *title)
{
	int h = c->r.h, w = c->r.w;
	struct style border = app_style(a, UI_DIALOG_BORDER);

	canvas_clear(c, app_style(a, UI_DIALOG));
	canvas_box(c, (struct rect){0, 0, h, w}, border);
	if (title && *title && w > 6) {
		canvas_char(c, 0, 2, ' ', border);
		int n = canvas_str(c, 0, 3, w - 6, title, app_style(a, UI_TITLE_FOCUS));
		canvas_char(c, 0, 3 + n, ' ', border);
	}
	return (struct rect){1, 2, h > 2 ? h - 2 : 0, w > 4 ? w - 4 : 0};
}

void dialog_footer(struct app *a, const struct canvas *c, const char *text)
{
	int w = (int)text_width(text), x = c->r.w - w - 3;
	struct style s = app_style(a, UI_MUTED);

	if (x < 2 || !*text)
		return;
	s = style_over(app_style(a, UI_DIALOG), s);
	canvas_char(c, c->r.h - 1, x - 1, ' ', s);
	canvas_str(c, c->r.h - 1, x, w, text, s);
	canvas_char(c, c->r.h - 1, x + w, ' ', s);
}

int dialog_wrap(const struct canvas *c, int y, int x, int w, int max, const char *text, struct style s)
{
	int rows = 0;

	while (*text && w > 0 && rows < max) {
		size_t n = text_prefix(text, (size_t)w);

		if (!n)
			break;
		if (text[n]) {
			size_t blank = n;

			while (blank && text[blank] != ' ')
				blank--;
			n = blank ? blank : n;
		}
		if (c && rows + 1 == max && text[n])
			canvas_cell(c, y + rows, x, w, text, s); /* with an ellipsis */
		else if (c)
			canvas_text(c, y + rows, x, w, text, n, s);
		rows++;
		text += n;
		while (*text == ' ')
			text++;
	}
	return rows;
}

void dialog_buttons(struct app *a, const struct canvas *c, struct rect inner, int y,
        struct dialog_button *buttons, size_t n, size_t focus)
{
	int x = inner.x + inner.w;

	for (size_t i = n; i-- > 0;) {
		int w = (int)text_width(buttons[i].label) + 4;
		struct style s = app_style(a, i == focus ? UI_BUTTON_FOCUS : UI_BUTTON);

		x -= w;
		buttons[i].r = (struct rect){y, x, 1, w};
		canvas_fill(c, buttons[i].r, s);
		canvas_str(c, y, x, 2, i == focus ? "[ " : "  ", s);
		canvas_str(c, y, x + 2, w - 4, buttons[i].label, s);
		canvas_str(c, y, x + w - 2, 2, i == focus ? " ]" : "  ", s);
		if (i == focus)
			canvas_cursor(c, y, x + 2);
		x -= 2;
	}
}

size_t dialog_button_at(const struct dialog_button *buttons, size_t n, const struct mouse *m)
{
	if (m->kind != MOUSE_PRESS || m->button != 1)
		return n;
	for (size_t i = 0; i < n; i++)
		if (rect_has(buttons[i].r, m->y, m->x))
			return i;
	return n;
}

void dialog_scroll_to(size_t selected, size_t n, size_t rows, size_t *top)
{
	if (*top + rows > n)
		*top = n > rows ? n - rows : 0;
	if (selected < *top)
		*top = selected;
	else if (rows && selected >= *top + rows)
		*top = selected - rows + 1;
}

void dialog_scrollbar(struct app *a, const struct canvas *c, struct rect r, int x, size_t top, size_t n)
{
	size_t rows = r.h > 0 ? (size_t)r.h : 0, size, at;

	if (n <= rows || !rows)
		return;
	size = rows * rows / n;
	if (!size)
		size = 1;
	at = top * (rows - size) / (n - rows);
	for (size_t i = at; i < at + size && i < rows; i++)
		canvas_char(c, r.y + (int)i, x, app_glyph(a, GLYPH_SCROLL), app_style(a, UI_DIALOG_BORDER));
}
