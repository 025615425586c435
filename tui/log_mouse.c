/* The mouse in the log pane: the wheel scrolls, a press takes a line, a drag selects text and copies it. */
#include <string.h>

#include "base/buf.h"
#include "tui/log_view.h"

#define WHEEL_STEP 3
#define COPY_MOST  ((size_t)1 << 20)

static unsigned wheel(struct log_view *lv, int rows)
{
	struct log_budget b = log_view_budget();

	if (rows > 0 && (lv->page.follow || lv->page.at_end))
		lv->page.follow = true;
	else
		log_page_scroll(&lv->page, rows, &b);
	lv->selection.on = false;
	return VIEW_DONE;
}

static void cell_of(const struct log_view *lv, const struct mouse *m, int *row, int *col)
{
	int x = m->x - lv->text.x;

	*row = m->y < 0 ? 0 : m->y >= lv->text.h ? lv->text.h - 1 : m->y;
	*col = x < 0 ? 0 : x > lv->text.w ? lv->text.w : x;
}

static unsigned press(struct log_view *lv, const struct mouse *m)
{
	int i = log_page_row(&lv->page, m->y);
	struct log_selection *s = &lv->selection;

	*s = (struct log_selection){.dragging = true};
	cell_of(lv, m, &s->row, &s->col);
	if (i >= 0 && !lv->page.follow) {
		const struct log_item *it = &lv->page.v[i].item;
		lv->has_cursor = true;
		lv->cursor = (struct log_place){it->source, it->entry.at, it->entry.time};
	}
	return VIEW_DONE;
}

/* From the first drag on the page stands still, or what is selected would run away. */
static unsigned drag(struct log_view *lv, const struct mouse *m)
{
	struct log_selection *s = &lv->selection;

	if (!s->dragging)
		return VIEW_HANDLED;
	lv->page.follow = false;
	cell_of(lv, m, &s->to_row, &s->to_col);
	/* the cell under the mouse belongs to it, on whichever side it is */
	if (s->to_row > s->row || (s->to_row == s->row && s->to_col >= s->col))
		s->to_col += s->to_col < lv->text.w;
	s->on = true;
	return VIEW_DONE;
}

static void copy_line_part(
        struct log_view *lv, const struct log_shown *shown, const struct log_selection *s, struct buf *out)
{
	struct log_look look = log_view_look(lv);
	struct log_cells cells = {s->row - shown->row, s->col, s->to_row - shown->row, s->to_col};
	size_t len;

	if (cells.row < 0)
		cells.row = cells.col = 0;
	if (cells.to_row >= shown->h) {
		cells.to_row = shown->h;
		cells.to_col = 0;
	}
	const char *text = log_view_text(lv, &shown->item, &len, &look.lines);
	log_paint_copy(&look, lv->text.w, &cells, text, len, out);
}

static unsigned release(struct log_view *lv)
{
	struct log_selection s = lv->selection;
	cleanup_buf struct buf out = BUF_INIT_MAX(COPY_MOST);
	bool first = true;

	lv->selection.dragging = false;
	if (!s.on)
		return VIEW_HANDLED;
	if (s.to_row < s.row || (s.to_row == s.row && s.to_col < s.col))
		s = (struct log_selection){true, false, s.to_row, s.to_col, s.row, s.col};
	for (size_t i = 0; i < lv->page.n; i++) {
		const struct log_shown *shown = &lv->page.v[i];

		if (shown->row + shown->h <= s.row || shown->row > s.to_row)
			continue;
		if (!first)
			buf_char(&out, '\n');
		first = false;
		copy_line_part(lv, shown, &s, &out);
	}
	if (out.len && !out.failed)
		app_copy(lv->view.app, buf_str(&out), out.len);
	return VIEW_DONE;
}

unsigned log_view_mouse(struct view *v, const struct mouse *m)
{
	struct log_view *lv = log_view_of(v);

	switch (m->kind) {
	case MOUSE_WHEEL_UP:
		return wheel(lv, -WHEEL_STEP);
	case MOUSE_WHEEL_DOWN:
		return wheel(lv, WHEEL_STEP);
	case MOUSE_PRESS:
		return m->button == 1 ? press(lv, m) : VIEW_IGNORED;
	case MOUSE_DRAG:
		return drag(lv, m);
	case MOUSE_RELEASE:
		return release(lv);
	}
	return VIEW_IGNORED;
}
