/* The choice of columns: which a list shows, and in which order. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/dialog_frame.h"
#include "tui/list_view.h"

#define WIDTH 60

struct column_dialog {
	struct view v;
	struct list_view *list;
	uint8_t order[COLUMNS_MAX]; /* the shown ones first, in their order */
	size_t n_shown, selected, top, rows;
};

static struct rect place(struct view *v, int rows, int cols)
{
	const struct column_dialog *d = (struct column_dialog *)v;

	return dialog_place(rows, cols, (int)d->list->ops->n_columns + 4, WIDTH);
}

static void draw_line(struct column_dialog *d, const struct canvas *c, struct rect r, size_t i)
{
	const struct column *col = &d->list->ops->columns[d->order[i]];
	struct style s = app_style(d->v.app, i < d->n_shown ? UI_DIALOG : UI_MUTED);
	int y = r.y + (int)(i - d->top);

	canvas_str(c, y, r.x, 3, i < d->n_shown ? "[x]" : "[ ]", s);
	canvas_cell(c, y, r.x + 4, 9, col->heading, s);
	canvas_cell(c, y, r.x + 14, r.w - 14, col->help, s);
	if (i == d->selected) {
		canvas_restyle(c, (struct rect){y, r.x - 1, 1, r.w + 2}, app_style(d->v.app, UI_SELECTION));
		canvas_point(c, y, r.x);
	}
}

static void draw(struct view *v, const struct canvas *c, bool focused)
{
	struct column_dialog *d = (struct column_dialog *)v;
	struct rect in = dialog_frame(v->app, c, "Columns");
	size_t n = d->list->ops->n_columns;

	(void)focused;
	dialog_footer(v->app, c, "space: show  < >: move  enter: done");
	d->rows = in.h > 0 ? (size_t)in.h : 0;
	dialog_scroll_to(d->selected, n, d->rows, &d->top);
	for (size_t i = d->top; i < n && i < d->top + d->rows; i++)
		draw_line(d, c, in, i);
	dialog_scrollbar(v->app, c, in, c->r.w - 2, d->top, n);
}

/* The list follows at once, so that one sees what one does. */
static void apply(struct column_dialog *d)
{
	struct column_choice *ch = &d->list->choice;

	ch->n = d->n_shown;
	memcpy(ch->at, d->order, d->n_shown);
	list_stale(d->list);
	list_remember(d->list);
}

static void swap(struct column_dialog *d, size_t a, size_t b)
{
	uint8_t column = d->order[a];

	d->order[a] = d->order[b];
	d->order[b] = column;
}

/* Shown ones move to the end of those that are shown, others to the beginning of the rest; one always stays.
 */
static void toggle(struct column_dialog *d)
{
	size_t at = d->selected;

	if (at < d->n_shown) {
		if (d->n_shown == 1)
			return;
		for (; at + 1 < d->n_shown; at++)
			swap(d, at, at + 1);
		d->n_shown--;
	} else {
		for (; at > d->n_shown; at--)
			swap(d, at, at - 1);
		d->n_shown++;
	}
	d->selected = at;
	apply(d);
}

static void shift(struct column_dialog *d, bool up)
{
	size_t at = d->selected, other = up ? at - 1 : at + 1;

	if (at >= d->n_shown || (up && at == 0) || other >= d->n_shown)
		return;
	swap(d, at, other);
	d->selected = other;
	apply(d);
}

static unsigned key(struct view *v, struct key k)
{
	struct column_dialog *d = (struct column_dialog *)v;
	size_t n = d->list->ops->n_columns;

	switch (k.code) {
	case KEYC_ESCAPE:
	case KEYC_ENTER:
	case 'q':
	case 'C':
		return VIEW_DONE | VIEW_CLOSE;
	case KEYC_DOWN:
	case 'j':
		d->selected += d->selected + 1 < n;
		return VIEW_DONE;
	case KEYC_UP:
	case 'k':
		d->selected -= d->selected > 0;
		return VIEW_DONE;
	case ' ':
		toggle(d);
		return VIEW_DONE;
	case '<':
	case 'K':
	case KEYC_LEFT:
	case '>':
	case 'J':
	case KEYC_RIGHT:
		shift(d, k.code == '<' || k.code == 'K' || k.code == KEYC_LEFT);
		return VIEW_DONE;
	default:
		return k.code == 'c' && k.mods & MOD_CTRL ? VIEW_DONE | VIEW_CLOSE : VIEW_HANDLED;
	}
}

static unsigned mouse(struct view *v, const struct mouse *m)
{
	struct column_dialog *d = (struct column_dialog *)v;
	size_t at = d->top + (size_t)(m->y - 1);

	if (m->kind == MOUSE_WHEEL_DOWN || m->kind == MOUSE_WHEEL_UP)
		return key(v, (struct key){.code = m->kind == MOUSE_WHEEL_DOWN ? KEYC_DOWN : KEYC_UP});
	if (m->kind != MOUSE_PRESS || m->y < 1 || at >= d->list->ops->n_columns || at >= d->top + d->rows)
		return VIEW_HANDLED;
	d->selected = at;
	toggle(d);
	return VIEW_DONE;
}

static void dialog_free(struct view *v)
{
	free(v);
}

static const struct view_ops ops = {
        .title = "Columns",
        .context = CONTEXT_NONE,
        .draw = draw,
        .key = key,
        .mouse = mouse,
        .place = place,
        .free = dialog_free,
};

struct view *column_dialog_new(struct app *a, struct list_view *l)
{
	struct column_dialog *d = calloc(1, sizeof *d);
	size_t n = 0;

	if (!d)
		return NULL;
	d->v = (struct view){.ops = &ops, .app = a};
	d->list = l;
	for (; n < l->choice.n; n++)
		d->order[n] = l->choice.at[n];
	d->n_shown = n;
	for (size_t i = 0; i < l->ops->n_columns; i++)
		if (!columns_shown(&l->choice, i))
			d->order[n++] = (uint8_t)i;
	return &d->v;
}
