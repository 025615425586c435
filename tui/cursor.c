/* A cursor in a list of rows: see cursor.h. */
#include "tui/app.h"
#include "tui/cursor.h"

#define WHEEL_STEP 3

void cursor_go(struct cursor *c, size_t at)
{
	size_t h = c->h > 0 ? (size_t)c->h : 1;

	c->at = at < c->n ? at : c->n ? c->n - 1 : 0;
	if (c->at < c->top)
		c->top = c->at;
	if (c->at >= c->top + h)
		c->top = c->at - h + 1;
	if (c->top + h > c->n)
		c->top = c->n > h ? c->n - h : 0;
}

void cursor_set(struct cursor *c, size_t n, int h)
{
	c->n = n;
	c->h = h;
	cursor_go(c, c->at);
}

static void move(struct cursor *c, long by)
{
	if (by < 0)
		cursor_go(c, (size_t)-by < c->at ? c->at - (size_t)-by : 0);
	else
		cursor_go(c, c->at + (size_t)by);
}

bool cursor_act(struct cursor *c, enum action a)
{
	long page = c->h > 2 ? c->h - 1 : 1;

	switch ((int)a) {
	case ACTION_SCROLL_DOWN:
		move(c, 1);
		return true;
	case ACTION_SCROLL_UP:
		move(c, -1);
		return true;
	case ACTION_SCROLL_HALF_DOWN:
		move(c, page / 2 + 1);
		return true;
	case ACTION_SCROLL_HALF_UP:
		move(c, -(page / 2 + 1));
		return true;
	case ACTION_SCROLL_PAGE_DOWN:
		move(c, page);
		return true;
	case ACTION_SCROLL_PAGE_UP:
		move(c, -page);
		return true;
	case ACTION_SCROLL_TOP:
		cursor_go(c, 0);
		return true;
	case ACTION_SCROLL_BOTTOM:
		cursor_go(c, c->n);
		return true;
	default:
		return false;
	}
}

bool cursor_mouse(struct cursor *c, const struct mouse *m)
{
	switch (m->kind) {
	case MOUSE_WHEEL_UP:
		move(c, -WHEEL_STEP);
		return true;
	case MOUSE_WHEEL_DOWN:
		move(c, WHEEL_STEP);
		return true;
	case MOUSE_PRESS:
		if (m->button != 1 || m->y < 0 || m->y >= c->h || c->top + (size_t)m->y >= c->n)
			return false;
		cursor_go(c, c->top + (size_t)m->y);
		return true;
	default:
		return false;
	}
}

void cursor_draw(const struct cursor *c, struct app *a, const struct canvas *list, int y, bool focused)
{
	if (c->top + (size_t)y != c->at)
		return;
	canvas_restyle(list, (struct rect){y, 0, 1, list->r.w},
	        app_style(a, focused ? UI_SELECTION : UI_SELECTION_IDLE));
	if (focused)
		canvas_point(list, y, 0);
}
