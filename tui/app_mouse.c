/* The mouse: to the view that lies beneath it; and selecting what is on the screen by dragging over it. */
#include "base/buf.h"
#include "tui/app_core.h"
#include "tui/hints.h"
#include "tui/toast.h"
#include "tui/top_bar.h"
#include "tui/view.h"
#include "tui/views.h"

static unsigned give_mouse(struct app *a, struct view *v, struct rect r, struct mouse m)
{
	if (m.kind == MOUSE_PRESS) {
		a->pressed = v;
		a->pressed_rect = r;
		a->drag = (struct drag){.y = m.y, .x = m.x, .to_y = m.y, .to_x = m.x};
	}
	m.y -= r.y;
	m.x -= r.x;
	unsigned result = v->ops->mouse ? v->ops->mouse(v, &m) : VIEW_IGNORED;
	app_take_result(a, v, result);
	return result;
}

/* ------------------------------------------------------------------ selecting text on the screen */

/* Calls fn for each row of the selection: from where it began to where it is, as text flows, within the view.
 */
static void each_selected_row(const struct app *a, void (*fn)(void *arg, struct rect row), void *arg)
{
	const struct drag *d = &a->drag;
	struct rect r = a->pressed_rect;
	bool forwards = d->y < d->to_y || (d->y == d->to_y && d->x <= d->to_x);
	int y1 = forwards ? d->y : d->to_y, x1 = forwards ? d->x : d->to_x;
	int y2 = forwards ? d->to_y : d->y, x2 = forwards ? d->to_x : d->x;

	for (int y = y1; y <= y2; y++) {
		int from = y == y1 ? x1 : r.x, to = y == y2 ? x2 : r.x + r.w - 1;
		if (to >= from)
			fn(arg, (struct rect){y, from, 1, to - from + 1});
	}
}

struct selection_drawing {
	const struct canvas *c;
	struct style style;
};

static void draw_row(void *arg, struct rect row)
{
	const struct selection_drawing *d = arg;

	canvas_restyle(d->c, row, d->style);
}

void app_draw_selection(struct app *a, const struct canvas *screen)
{
	struct selection_drawing d = {screen, app_style(a, UI_SELECTION)};

	if (a->drag.selects)
		each_selected_row(a, draw_row, &d);
}

struct selection_text {
	const struct screen *screen;
	struct buf *out;
};

static void take_row(void *arg, struct rect row)
{
	const struct selection_text *t = arg;

	screen_text(t->screen, row, t->out);
}

/* A view that does not select text itself has what is on the screen selected, within its own edges. */
static void drag_on(struct app *a, const struct mouse *m, unsigned result)
{
	struct rect r = a->pressed_rect;
	struct drag *d = &a->drag;

	if (m->kind == MOUSE_DRAG && !(result & VIEW_HANDLED)) {
		d->to_y = m->y < r.y ? r.y : m->y >= r.y + r.h ? r.y + r.h - 1 : m->y;
		d->to_x = m->x < r.x ? r.x : m->x >= r.x + r.w ? r.x + r.w - 1 : m->x;
		d->selects = d->to_y != d->y || d->to_x != d->x;
	} else if (m->kind == MOUSE_RELEASE && d->selects) {
		cleanup_buf struct buf text = BUF_INIT;
		struct selection_text t = {a->screen, &text};
		each_selected_row(a, take_row, &t);
		d->selects = false;
		if (text.len)
			app_copy(a, buf_str(&text), text.len);
	}
}

/* ------------------------------------------------------------------ what lies beneath it */

static void mouse_in_dialog(struct app *a, const struct mouse *m)
{
	size_t top = a->n_dialogs - 1;

	if (rect_has(a->dialog_rects[top], m->y, m->x))
		give_mouse(a, a->dialogs[top], a->dialog_rects[top], *m);
	else if (m->kind == MOUSE_PRESS)
		app_act(a, ACTION_BACK); /* a click beside it */
}

static void mouse_in_pane(struct app *a, const struct mouse *m)
{
	struct pane *leaf = panes_at(&a->panes, m->y, m->x);

	if (!leaf)
		return;
	if (m->kind == MOUSE_PRESS) {
		a->panes.focus = leaf;
		app_focus_detail(a, true);
	}
	if (m->y == leaf->r.y) {
		if (m->kind == MOUSE_PRESS)
			panes_choose(&a->panes, leaf, panes_tab_at(&a->panes, leaf, m->x - leaf->r.x));
		a->laid_out = false;
		return;
	}
	struct rect body = leaf->r;
	rect_cut_top(&body, 1);
	if (panes_view(&a->panes, leaf))
		give_mouse(a, panes_view(&a->panes, leaf), body, *m);
}

void app_mouse(struct app *a, const struct mouse *m)
{
	const struct layout *l = &a->layout;
	bool is_press = m->kind == MOUSE_PRESS;

	a->dirty = a->urgent = true;
	if (is_press && toasts_mouse(a->toasts, m))
		return;
	if (a->pressed && (m->kind == MOUSE_DRAG || m->kind == MOUSE_RELEASE)) {
		drag_on(a, m, give_mouse(a, a->pressed, a->pressed_rect, *m)); /* also outside of it */
		if (m->kind == MOUSE_RELEASE)
			a->pressed = NULL;
		return;
	}
	if (rect_has(l->hints, m->y, m->x) && is_press) {
		app_act(a, hints_click(a, app_hint_context(a), l->hints.w, m->x - l->hints.x));
	} else if (a->n_dialogs) {
		mouse_in_dialog(a, m);
	} else if (rect_has(l->top, m->y, m->x)) {
		if (is_press && top_bar_is_badge(a, m->x)) {
			app_act(a, ACTION_ALERTS);
			return;
		}
		enum panel p = is_press ? top_bar_panel_at(a, m->x) : PANEL_N;
		if (p != PANEL_N)
			app_set_panel(a, p);
	} else if (rect_has(l->list, m->y, m->x)) {
		if (is_press)
			app_focus_detail(a, false);
		give_mouse(a, app_panel_view(a), l->list, *m);
	} else if (rect_has(l->detail, m->y, m->x)) {
		mouse_in_pane(a, m);
	}
}
