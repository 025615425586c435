/* What the user does in a list. */
#include <string.h>

#include "tui/list_view.h"

#define WHEEL_ROWS 3

/* ------------------------------------------------------------------ moving */

static size_t page(const struct list_view *l)
{
	return l->body.h > 2 ? (size_t)l->body.h - 1 : 1;
}

static unsigned move(struct list_view *l, size_t by, bool down)
{
	if (down)
		list_select(l, l->selected + by);
	else
		list_select(l, l->selected > by ? l->selected - by : 0);
	return VIEW_DONE;
}

static unsigned move_act(struct list_view *l, enum action a)
{
	switch (a) {
	case ACTION_DOWN:
		return move(l, 1, true);
	case ACTION_UP:
		return move(l, 1, false);
	case ACTION_HALF_DOWN:
		return move(l, page(l) / 2 + 1, true);
	case ACTION_HALF_UP:
		return move(l, page(l) / 2 + 1, false);
	case ACTION_PAGE_DOWN:
		return move(l, page(l), true);
	case ACTION_PAGE_UP:
		return move(l, page(l), false);
	case ACTION_TOP:
		return move(l, l->n_rows, false);
	case ACTION_BOTTOM:
		return move(l, l->n_rows, true);
	default:
		return VIEW_IGNORED;
	}
}

/* ------------------------------------------------------------------ marks */

static void mark_row(struct list_view *l, const struct list_row *r, bool on)
{
	if (r->row)
		marks_set(&l->marks, l->ops->id(r->row), on);
	for (size_t i = 0; !r->row && i < r->n; i++)
		marks_set(&l->marks, l->ops->id(l->found[r->first + i]), on);
}

static bool is_marked(struct list_view *l, const struct list_row *r)
{
	return marks_has(&l->marks, l->ops->id(r->row ? r->row : l->found[r->first]));
}

static unsigned mark(struct list_view *l)
{
	const struct list_row *r = list_selected(l);

	if (!r)
		return VIEW_DONE;
	mark_row(l, r, !is_marked(l, r));
	memcpy(l->range_from, l->key, sizeof l->range_from);
	return move(l, 1, true);
}

/* From the row that was marked last to this one. */
static unsigned mark_range(struct list_view *l)
{
	const struct list_row *r = list_selected(l);
	size_t from = l->selected, to = l->selected;

	for (size_t i = 0; i < l->n_rows; i++)
		if (l->rows[i].row && !strcmp(l->ops->id(l->rows[i].row), l->range_from))
			from = i;
	if (from > to) {
		to = from;
		from = l->selected;
	}
	for (size_t i = from; r && i <= to && i < l->n_rows; i++)
		if (l->rows[i].row)
			mark_row(l, &l->rows[i], true);
	return VIEW_DONE;
}

static unsigned mark_invert(struct list_view *l)
{
	for (size_t i = 0; i < l->n_found; i++) {
		const char *id = l->ops->id(l->found[i]);

		marks_set(&l->marks, id, !marks_has(&l->marks, id));
	}
	return VIEW_DONE;
}

/* ------------------------------------------------------------------ order */

/* By the next of the columns that are shown; after the last comes the order in which they were collected. */
static unsigned sort_step(struct list_view *l, bool next)
{
	size_t n = l->choice.n, at = n, column;

	for (size_t i = 0; i < n; i++)
		if (l->choice.at[i] == l->sort)
			at = i;
	for (size_t i = 0; i <= n; i++) {
		at = next ? (at + 1) % (n + 1) : (at + n) % (n + 1);
		if (at == n && l->ops->sort)
			continue; /* this list always has an order */
		if (at == n || l->ops->columns[l->choice.at[at]].compare)
			break;
	}
	column = at < n ? l->choice.at[at] : l->ops->n_columns;
	list_sort_by(l, column, at < n && l->ops->columns[column].flags & COLUMN_DESCENDING);
	return VIEW_DONE;
}

static unsigned sort_click(struct list_view *l, int x)
{
	for (size_t i = 0; i < l->choice.n; i++) {
		size_t column = l->choice.at[i];
		bool descending = l->ops->columns[column].flags & COLUMN_DESCENDING;

		if (l->heads_w[i] <= 0 || x < l->heads_x[i] || x >= l->heads_x[i] + l->heads_w[i] ||
		        !l->ops->columns[column].compare)
			continue;
		list_sort_by(l, column, column == l->sort ? !l->reverse : descending);
		return VIEW_DONE;
	}
	return VIEW_HANDLED;
}

/* ------------------------------------------------------------------ filter */

static unsigned filter_open(struct list_view *l)
{
	l->filtering = true;
	return VIEW_DONE;
}

static void filter_clear(struct list_view *l)
{
	l->filtering = false;
	line_edit_set(&l->line, "");
	list_filter(l, "");
}

bool list_typing(struct view *v)
{
	return ((struct list_view *)v)->filtering;
}

unsigned list_keys(struct view *v, struct key k)
{
	struct list_view *l = (struct list_view *)v;

	if (!l->filtering)
		return VIEW_IGNORED;
	list_sync(l);
	if (k.code == KEYC_ESCAPE || (k.code == 'c' && k.mods == MOD_CTRL)) {
		filter_clear(l);
		return VIEW_DONE;
	}
	if (k.code == KEYC_ENTER || k.code == KEYC_TAB) {
		l->filtering = false;
		return VIEW_DONE;
	}
	if (k.code == KEYC_BACKSPACE && l->line.len == 0) {
		filter_clear(l);
		return VIEW_DONE;
	}
	if (k.code == KEYC_DOWN || k.code == KEYC_UP)
		return move(l, 1, k.code == KEYC_DOWN);
	if (k.code == KEYC_PAGE_DOWN || k.code == KEYC_PAGE_UP)
		return move(l, page(l), k.code == KEYC_PAGE_DOWN);
	if (!line_edit_key(&l->line, k))
		return VIEW_IGNORED;
	list_filter(l, l->line.text);
	return VIEW_DONE;
}

unsigned list_paste(struct view *v, const char *text, size_t len)
{
	struct list_view *l = (struct list_view *)v;

	if (!l->filtering)
		return VIEW_IGNORED;
	line_edit_insert(&l->line, text, len);
	list_filter(l, l->line.text);
	return VIEW_DONE;
}

/* ------------------------------------------------------------------ actions */

/* One step back: first the filter, then the marks. */
static unsigned back(struct list_view *l)
{
	if (l->filtering || l->line.len) {
		filter_clear(l);
		return VIEW_DONE;
	}
	if (l->marks.n) {
		marks_clear(&l->marks);
		return VIEW_DONE;
	}
	return VIEW_IGNORED;
}

static unsigned open_row(struct list_view *l)
{
	const struct list_row *r = list_selected(l);

	if (!r)
		return VIEW_HANDLED;
	if (r->row)
		return VIEW_IGNORED; /* the detail is the app's */
	list_toggle_group(l, r);
	return VIEW_DONE;
}

unsigned list_act(struct view *v, enum action a)
{
	struct list_view *l = (struct list_view *)v;

	list_sync(l);
	switch (a) {
	case ACTION_OPEN:
		return open_row(l);
	case ACTION_MARK:
		return mark(l);
	case ACTION_MARK_RANGE:
		return mark_range(l);
	case ACTION_MARK_INVERT:
		return mark_invert(l);
	case ACTION_MARK_NONE:
		marks_clear(&l->marks);
		return VIEW_DONE;
	case ACTION_SORT_NEXT:
	case ACTION_SORT_PREVIOUS:
		return sort_step(l, a == ACTION_SORT_NEXT);
	case ACTION_SORT_REVERSE:
		list_sort_by(l, l->sort, !l->reverse);
		return VIEW_DONE;
	case ACTION_COLUMNS:
		app_push(l->v.app, column_dialog_new(l->v.app, l));
		return VIEW_DONE;
	case ACTION_FILTER:
		return filter_open(l);
	case ACTION_BACK:
		return back(l);
	default:
		return move_act(l, a);
	}
}

/* ------------------------------------------------------------------ mouse */

/* What two clicks on a row do. */
static enum action open_action(enum context c)
{
	return c == CONTEXT_EVENTS    ? ACTION_EVENT_JUMP
	       : c == CONTEXT_MEMBERS ? ACTION_MEMBER_JUMP
	                              : ACTION_OPEN;
}

static unsigned press(struct list_view *l, const struct mouse *m)
{
	size_t at;

	if (m->y == 0 && l->body.y == 1)
		return sort_click(l, m->x);
	if (l->line.len && m->y >= l->body.y + l->body.h)
		return filter_open(l);
	if (m->y < l->body.y || m->y >= l->body.y + l->body.h)
		return VIEW_HANDLED;
	at = l->top + (size_t)(m->y - l->body.y);
	if (at >= l->n_rows)
		return VIEW_HANDLED;
	list_select(l, at);
	if (!l->rows[at].row && (m->twice || m->x <= l->body.x + 2))
		list_toggle_group(l, &l->rows[at]);
	else if (m->mods & MOD_CTRL)
		mark_row(l, &l->rows[at], !is_marked(l, &l->rows[at]));
	else if (m->twice)
		app_act(l->v.app, open_action(l->v.ops->context));
	return VIEW_DONE;
}

/* The rows move beneath the pointer; the selection is taken along when it would be lost from sight. */
static unsigned wheel(struct list_view *l, bool down)
{
	size_t h = l->body.h > 0 ? (size_t)l->body.h : 1;
	size_t last = l->n_rows > h ? l->n_rows - h : 0;

	if (down)
		l->top = l->top + WHEEL_ROWS < last ? l->top + WHEEL_ROWS : last;
	else
		l->top = l->top > WHEEL_ROWS ? l->top - WHEEL_ROWS : 0;
	if (l->selected < l->top)
		list_select(l, l->top);
	else if (l->selected >= l->top + h)
		list_select(l, l->top + h - 1);
	return VIEW_DONE;
}

unsigned list_mouse(struct view *v, const struct mouse *m)
{
	struct list_view *l = (struct list_view *)v;

	list_sync(l);
	switch (m->kind) {
	case MOUSE_WHEEL_UP:
	case MOUSE_WHEEL_DOWN:
		return wheel(l, m->kind == MOUSE_WHEEL_DOWN);
	case MOUSE_PRESS:
		return m->button == 1 ? press(l, m) : VIEW_IGNORED;
	default:
		return VIEW_IGNORED;
	}
}
