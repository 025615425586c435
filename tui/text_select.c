/* Selecting text of a pane by mouse, and getting text out of it. */
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "tui/app.h"
#include "tui/text_view.h"
#include "tui/view.h"

#define WHEEL_STEP 3

/* The place in the text at a cell of the last frame. */
static bool spot_at(const struct text_pane *p, int y, int x, struct text_spot *spot)
{
	size_t i = p->top, row = p->top_row, n = p->source.count(p->source.arg);

	for (; y > 0 && i < n; y--) {
		if (row + 1 < text_pane_rows(p, i)) {
			row++;
		} else {
			i++;
			row = 0;
		}
	}
	if (i >= n)
		return false;
	struct text_line l = text_pane_line(p, i);
	struct text_place at = text_line_row(&l, p->wrap ? row : 0, p->w);
	if (x + p->left > 0)
		text_line_advance(&l, &at, x + p->left);
	*spot = (struct text_spot){i, at.flat};
	return true;
}

static bool is_before(struct text_spot a, struct text_spot b)
{
	return a.line != b.line ? a.line < b.line : a.flat < b.flat;
}

bool text_pane_selected(const struct text_pane *p, size_t i, size_t *from, size_t *to)
{
	struct text_spot a = p->anchor, b = p->head;

	if (is_before(b, a)) {
		a = p->head;
		b = p->anchor;
	}
	if (!p->has_selection || i < a.line || i > b.line)
		return false;
	*from = i == a.line ? a.flat : 0;
	*to = i == b.line ? b.flat : SIZE_MAX;
	return *to > *from;
}

static void add_part(struct buf *out, const struct text_line *l, size_t from, size_t to)
{
	size_t flat = 0;

	for (size_t i = 0; i < l->n; flat += l->spans[i++].len) {
		size_t a = from > flat ? from - flat : 0, b = to - flat;
		if (to <= flat || a >= l->spans[i].len)
			continue;
		if (b > l->spans[i].len)
			b = l->spans[i].len;
		buf_add(out, l->spans[i].text + a, b - a);
	}
}

bool text_pane_selection(const struct text_pane *p, struct buf *out)
{
	size_t first = p->anchor.line < p->head.line ? p->anchor.line : p->head.line;
	size_t last = p->anchor.line < p->head.line ? p->head.line : p->anchor.line, from, to;

	if (!p->has_selection)
		return false;
	for (size_t i = first; i <= last && i < p->source.count(p->source.arg); i++) {
		struct text_line l = text_pane_line(p, i);
		if (i > first)
			buf_char(out, '\n');
		if (text_pane_selected(p, i, &from, &to))
			add_part(out, &l, from, to);
	}
	return !out->failed && out->len > 0;
}

static unsigned drag(struct text_pane *p, const struct mouse *m)
{
	if (!p->is_selecting)
		return VIEW_IGNORED;
	if (m->y < 0)
		text_pane_scroll(p, -1);
	else if (m->y >= p->h)
		text_pane_scroll(p, 1);
	int y = m->y < 0 ? 0 : m->y >= p->h ? p->h - 1 : m->y;
	if (spot_at(p, y, m->x < 0 ? 0 : m->x + 1, &p->head))
		p->has_selection = p->head.line != p->anchor.line || p->head.flat != p->anchor.flat;
	return VIEW_DONE;
}

static unsigned release(struct text_pane *p)
{
	cleanup_buf struct buf text = BUF_INIT_MAX(TEXT_BLOCK_MAX);

	p->is_selecting = false;
	if (text_pane_selection(p, &text))
		app_copy(p->app, text.data, text.len);
	return VIEW_DONE;
}

unsigned text_pane_mouse(struct text_pane *p, const struct mouse *m)
{
	switch (m->kind) {
	case MOUSE_WHEEL_UP:
	case MOUSE_WHEEL_DOWN:
		text_pane_scroll(p, m->kind == MOUSE_WHEEL_UP ? -WHEEL_STEP : WHEEL_STEP);
		return VIEW_DONE;
	case MOUSE_PRESS:
		p->has_selection = false;
		p->is_selecting = m->button == 1 && spot_at(p, m->y, m->x, &p->anchor);
		p->head = p->anchor;
		if (p->is_selecting && p->has_cursor)
			p->cursor = p->anchor.line;
		return VIEW_DONE;
	case MOUSE_DRAG:
		return drag(p, m);
	case MOUSE_RELEASE:
		return p->is_selecting ? release(p) : VIEW_IGNORED;
	}
	return VIEW_IGNORED;
}

int text_pane_save(const struct text_pane *p, int fd, struct err *e)
{
	cleanup_buf struct buf out = BUF_INIT;

	for (size_t i = 0, n = p->source.count(p->source.arg); i < n; i++) {
		struct text_line l = text_pane_line(p, i);
		add_part(&out, &l, 0, SIZE_MAX);
		buf_char(&out, '\n');
	}
	if (out.failed)
		return err_no_memory(e);
	return write_all(fd, out.data, out.len) == 0 ? 0 : err_sys(e, "cannot save the text");
}
