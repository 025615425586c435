/* Picking one of a list, which gets shorter as one types. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "tui/app.h"
#include "tui/dialog.h"
#include "tui/dialog_frame.h"
#include "tui/fuzzy.h"
#include "tui/line_edit.h"
#include "tui/view.h"

#define WIDTH_MOST 100

struct item {
	char *text, *detail;
	int value;
};

struct match {
	size_t item;
	int score;
};

struct picker {
	struct view v;
	struct picker_options o; /* its title and items are ours below */
	char *title;
	struct item *items;
	struct match *matches; /* best first */
	size_t n, n_matches, selected, top;
	int text_width, detail_width;
	struct line_edit line;
	struct rect list; /* as last drawn */
};

static int by_score(const void *a, const void *b)
{
	const struct match *x = a, *y = b;

	if (x->score != y->score)
		return x->score < y->score ? 1 : -1;
	return x->item < y->item ? -1 : x->item > y->item;
}

static void filter(struct picker *p)
{
	p->n_matches = 0;
	for (size_t i = 0; i < p->n; i++) {
		int score = p->line.len ? fuzzy_score(p->line.text, p->items[i].text, NULL) : 1;

		/* what the detail says finds it too, after all that are called so */
		if (!score && fuzzy_score(p->line.text, p->items[i].detail, NULL))
			score = 1;
		if (score)
			p->matches[p->n_matches++] = (struct match){i, score};
	}
	qsort(p->matches, p->n_matches, sizeof(*p->matches), by_score);
}

static void select_match(struct picker *p, size_t i)
{
	if (i >= p->n_matches)
		return;
	p->selected = i;
	if (p->o.moved)
		p->o.moved(p->v.app, p->items[p->matches[i].item].value, p->o.arg);
}

static void typed(struct picker *p)
{
	filter(p);
	p->top = 0;
	select_match(p, 0);
}

/* ------------------------------------------------------------------ drawing */

static struct rect picker_place(struct view *v, int rows, int cols)
{
	const struct picker *p = (struct picker *)v;
	int w = p->text_width + p->detail_width + (p->detail_width ? 3 : 0) + 7;
	int title = (int)text_width(p->title) + 8, h = p->n < 1000 ? (int)p->n : 1000;

	if (w < 40)
		w = 40;
	if (w < title)
		w = title;
	if (w > WIDTH_MOST)
		w = WIDTH_MOST;
	h += 4;
	if (h > rows * 3 / 4 && rows > 16)
		h = rows * 3 / 4;
	struct rect r = dialog_place(rows, cols, h, w);
	if (p->o.moved) /* beside what it previews */
		r.x = cols - r.w - 2 > 0 ? cols - r.w - 2 : 0;
	return r;
}

static bool picker_is_preview(struct view *v)
{
	return ((struct picker *)v)->o.moved;
}

/* The letters that were found. The text is harmless: its columns can be reckoned. */
static void show_hits(struct picker *p, const struct canvas *c, struct rect r, const char *text)
{
	struct fuzzy_hits hits;
	size_t len = strlen(text);
	int x = 0;

	if (!p->line.len || !fuzzy_score(p->line.text, text, &hits))
		return;
	for (size_t i = 0, h = 0; i < len && h < hits.n;) {
		uint32_t cp;
		size_t n = utf8_decode(text + i, len - i, &cp);
		int w = cp_width(cp) > 0 ? cp_width(cp) : 0;

		if (x + w > r.w)
			break;
		if (hits.at[h] < i + n)
			canvas_restyle(c, (struct rect){r.y, r.x + x, 1, w}, app_style(p->v.app, UI_MATCH));
		while (h < hits.n && hits.at[h] < i + n)
			h++;
		i += n;
		x += w;
	}
}

static void draw_item(
        struct picker *p, const struct canvas *c, struct rect r, const struct item *it, bool is_selected)
{
	struct app *a = p->v.app;
	struct style text = app_style(a, UI_DIALOG), muted = style_over(text, app_style(a, UI_MUTED));
	int w = p->text_width < r.w - 2 ? p->text_width : r.w - 2;
	int room;

	/* on a narrow screen the text leaves some of it to the detail */
	if (it->detail[0] && w > r.w * 3 / 5)
		w = r.w * 3 / 5;
	room = r.w - w - 4;

	if (is_selected)
		muted = text = style_over(text, app_style(a, UI_SELECTION));
	canvas_fill(c, r, text);
	canvas_cell(c, r.y, r.x + 1, w, it->text, text);
	show_hits(p, c, (struct rect){r.y, r.x + 1, 1, w}, it->text);
	if (it->detail[0] && room > 3)
		canvas_cell(c, r.y, r.x + 1 + w + 2, room, it->detail, muted);
}

static void picker_draw(struct view *v, const struct canvas *c, bool focused)
{
	struct picker *p = (struct picker *)v;
	struct app *a = v->app;
	struct rect in = dialog_frame(a, c, p->title), field = rect_cut_top(&in, 1);
	struct line_edit_style s = {app_style(a, UI_FIELD_FOCUS),
	        style_over(app_style(a, UI_FIELD_FOCUS), app_style(a, UI_MUTED))};
	char count[96];

	if (in.h > 4)
		rect_cut_top(&in, 1);
	p->list = (struct rect){in.y, 1, in.h, c->r.w - 2};
	dialog_scroll_to(p->selected, p->n_matches, in.h > 0 ? (size_t)in.h : 0, &p->top);
	for (int i = 0; i < in.h && p->top + (size_t)i < p->n_matches; i++) {
		size_t at = p->top + (size_t)i;

		draw_item(p, c, (struct rect){p->list.y + i, p->list.x, 1, p->list.w},
		        &p->items[p->matches[at].item], at == p->selected);
	}
	if (!p->n_matches)
		canvas_cell(c, in.y, in.x, in.w, "Nothing matches; Backspace takes a letter back",
		        style_over(app_style(a, UI_DIALOG), app_style(a, UI_MUTED)));
	dialog_scrollbar(a, c, p->list, c->r.w - 1, p->top, p->n_matches);
	snprintf(count, sizeof(count), "%s%s%zu/%zu", p->o.footer ? p->o.footer : "", p->o.footer ? "  " : "",
	        p->n_matches, p->n);
	dialog_footer(a, c, count);
	line_edit_draw(&p->line, c, field.y, field.x, field.w, "type to search", s, focused);
}

/* ------------------------------------------------------------------ keys */

static unsigned cancel(struct picker *p)
{
	if (p->o.cancelled)
		p->o.cancelled(p->v.app, p->o.arg);
	return VIEW_DONE | VIEW_CLOSE;
}

static unsigned pick(struct picker *p)
{
	if (p->selected >= p->n_matches)
		return VIEW_DONE;
	if (p->o.picked)
		p->o.picked(p->v.app, p->items[p->matches[p->selected].item].value, p->o.arg);
	return VIEW_DONE | VIEW_CLOSE;
}

static unsigned open_item(struct picker *p)
{
	if (p->selected < p->n_matches)
		p->o.opened(p->v.app, p->items[p->matches[p->selected].item].value, p->o.arg);
	return VIEW_DONE | VIEW_CLOSE;
}

static void move(struct picker *p, long by)
{
	long at = (long)p->selected + by, last = (long)p->n_matches - 1;

	if (last < 0)
		return;
	/* a single step goes round, a page stops at the end */
	if (at < 0)
		at = by == -1 ? last : 0;
	if (at > last)
		at = by == 1 ? 0 : last;
	select_match(p, (size_t)at);
}

/* ^N ^P, ^J ^K: as in shells and in vi. */
static bool move_key(struct picker *p, struct key k)
{
	long page = p->list.h > 1 ? p->list.h - 1 : 1;

	if (k.code == KEYC_UP || (k.code == KEYC_TAB && k.mods & MOD_SHIFT))
		move(p, -1);
	else if (k.code == KEYC_DOWN || k.code == KEYC_TAB)
		move(p, 1);
	else if (k.code == KEYC_PAGE_UP)
		move(p, -page);
	else if (k.code == KEYC_PAGE_DOWN)
		move(p, page);
	else if (k.mods == MOD_CTRL && (k.code == 'p' || k.code == 'k'))
		move(p, -1);
	else if (k.mods == MOD_CTRL && (k.code == 'n' || k.code == 'j'))
		move(p, 1);
	else
		return false;
	return true;
}

static unsigned picker_key(struct view *v, struct key k)
{
	struct picker *p = (struct picker *)v;

	if (k.code == KEYC_ENTER)
		return pick(p);
	if (k.code == KEYC_RIGHT && p->o.opened && p->line.at == p->line.len)
		return open_item(p);
	if (k.code == KEYC_ESCAPE || (k.mods == MOD_CTRL && (k.code == 'c' || k.code == 'g')))
		return cancel(p);
	if (!move_key(p, k) && line_edit_key(&p->line, k))
		typed(p);
	return VIEW_DONE;
}

static unsigned picker_paste(struct view *v, const char *text, size_t len)
{
	struct picker *p = (struct picker *)v;

	line_edit_insert(&p->line, text, len);
	typed(p);
	return VIEW_DONE;
}

static unsigned picker_mouse(struct view *v, const struct mouse *m)
{
	struct picker *p = (struct picker *)v;

	if (m->kind == MOUSE_WHEEL_UP && p->selected)
		move(p, -1);
	else if (m->kind == MOUSE_WHEEL_DOWN && p->selected + 1 < p->n_matches)
		move(p, 1);
	if (m->kind != MOUSE_PRESS || m->button != 1 || !rect_has(p->list, m->y, m->x))
		return VIEW_DONE;
	size_t at = p->top + (size_t)(m->y - p->list.y);
	if (at >= p->n_matches)
		return VIEW_DONE;
	select_match(p, at);
	return pick(p);
}

static unsigned picker_act(struct view *v, enum action action)
{
	return action == ACTION_BACK ? cancel((struct picker *)v) : VIEW_HANDLED;
}

static void picker_free(struct view *v)
{
	struct picker *p = (struct picker *)v;

	if (p->o.free_arg)
		p->o.free_arg(p->o.arg);
	for (size_t i = 0; p->items && i < p->n; i++) {
		free(p->items[i].text);
		free(p->items[i].detail);
	}
	free(p->items);
	free(p->matches);
	free(p->title);
	free(p);
}

static const struct view_ops picker_ops = {
        .title = "Pick",
        .context = CONTEXT_GLOBAL,
        .draw = picker_draw,
        .act = picker_act,
        .key = picker_key,
        .paste = picker_paste,
        .mouse = picker_mouse,
        .place = picker_place,
        .is_preview = picker_is_preview,
        .free = picker_free,
};

/* Foreign bytes become harmless here once, so that columns can be reckoned with. */
static char *harmless(const char *text)
{
	struct buf b = BUF_INIT;

	text_harmless(&b, text ? text : "", text ? strlen(text) : 0);
	return buf_take(&b);
}

static int wider(int w, const char *text)
{
	int n = (int)text_width(text);

	return n > w ? n : w;
}

static bool add_items(struct picker *p, const struct picker_options *o)
{
	p->items = calloc(o->n + 1, sizeof(*p->items));
	p->matches = calloc(o->n + 1, sizeof(*p->matches));
	if (!p->items || !p->matches)
		return false;
	for (; p->n < o->n; p->n++) {
		struct item *it = &p->items[p->n];

		it->value = o->items[p->n].value;
		it->text = harmless(o->items[p->n].text);
		it->detail = harmless(o->items[p->n].detail);
		if (!it->text || !it->detail) {
			p->n++;
			return false;
		}
		p->text_width = wider(p->text_width, it->text);
		p->detail_width = wider(p->detail_width, it->detail);
	}
	return true;
}

struct view *picker_new(struct app *a, const struct picker_options *o)
{
	struct picker *p = calloc(1, sizeof(*p));

	if (!p) {
		if (o->free_arg)
			o->free_arg(o->arg);
		return NULL;
	}
	p->v = (struct view){&picker_ops, a};
	p->o = *o;
	p->title = harmless(o->title);
	if (!p->title || !add_items(p, o)) {
		picker_free(&p->v);
		return NULL;
	}
	filter(p);
	p->selected = o->selected < p->n_matches ? o->selected : 0;
	return &p->v;
}
