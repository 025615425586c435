#include "tui/log_detail.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "tui/log_json.h"
#include "tui/log_view.h"
#include "tui/sgr.h"

#define ROWS_MOST   20000
#define WHEEL_STEP  3
#define HEAD_ROWS   2 /* where it comes from, and a blank row */
#define BORDER_ROWS 2

struct log_detail {
	struct view view;
	char *text; /* laid out */
	size_t len;
	bool lines;
	char head[160];
	int top, rows, height, width;
};

static struct log_look look_of(const struct log_detail *d)
{
	return (struct log_look){
	        .theme = app_theme(d->view.app),
	        .wrap = true,
	        .lines = d->lines,
	        .keys = true,
	};
}

static void scroll(struct log_detail *d, int rows)
{
	d->top += rows;
	if (d->top > d->rows - d->height)
		d->top = d->rows - d->height;
	if (d->top < 0)
		d->top = 0;
}

static void draw(struct view *v, const struct canvas *c, bool focused)
{
	struct log_detail *d = (struct log_detail *)v;
	struct log_look look = look_of(d);
	struct rect all = {0, 0, c->r.h, c->r.w};

	(void)focused;
	canvas_clear(c, app_style(v->app, UI_DIALOG));
	canvas_box(c, all, app_style(v->app, UI_DIALOG_BORDER));
	canvas_str(c, 0, 2, c->r.w - 4, " Line ", app_style(v->app, UI_TITLE_FOCUS));
	canvas_str(c, 1, 2, c->r.w - 4, d->head, app_style(v->app, UI_MUTED));
	struct canvas body =
	        canvas_part(c, (struct rect){1 + HEAD_ROWS, 2, c->r.h - 2 - HEAD_ROWS, c->r.w - 4});
	d->height = body.r.h;
	d->width = body.r.w;
	d->rows = log_paint_height(&look, d->text, d->len, body.r.w, ROWS_MOST);
	scroll(d, 0);
	log_paint(&look, &body, 0, d->top, d->text, d->len);
	if (d->rows > d->height)
		canvas_printf(c, c->r.h - 1, c->r.w - 16, -1, app_style(v->app, UI_MUTED), " %d-%d of %d ",
		        d->top + 1, d->top + d->height < d->rows ? d->top + d->height : d->rows, d->rows);
}

static unsigned act(struct view *v, enum action a)
{
	struct log_detail *d = (struct log_detail *)v;

	switch (a) {
	case ACTION_SCROLL_DOWN:
		scroll(d, 1);
		return VIEW_DONE;
	case ACTION_SCROLL_UP:
		scroll(d, -1);
		return VIEW_DONE;
	case ACTION_SCROLL_HALF_DOWN:
	case ACTION_SCROLL_PAGE_DOWN:
		scroll(d, d->height - 1);
		return VIEW_DONE;
	case ACTION_SCROLL_HALF_UP:
	case ACTION_SCROLL_PAGE_UP:
		scroll(d, 1 - d->height);
		return VIEW_DONE;
	case ACTION_SCROLL_TOP:
		d->top = 0;
		return VIEW_DONE;
	case ACTION_SCROLL_BOTTOM:
		scroll(d, d->rows);
		return VIEW_DONE;
	case ACTION_DETAIL_COPY:
		app_copy(v->app, d->text, d->len);
		return VIEW_DONE;
	case ACTION_DETAIL_OPEN:
	case ACTION_BACK:
	case ACTION_LEAVE:
		return VIEW_DONE | VIEW_CLOSE;
	default:
		return VIEW_IGNORED;
	}
}

static unsigned mouse(struct view *v, const struct mouse *m)
{
	if (m->kind == MOUSE_WHEEL_UP || m->kind == MOUSE_WHEEL_DOWN)
		scroll((struct log_detail *)v, m->kind == MOUSE_WHEEL_UP ? -WHEEL_STEP : WHEEL_STEP);
	return VIEW_DONE;
}

static struct rect place(struct view *v, int rows, int cols)
{
	struct log_detail *d = (struct log_detail *)v;
	struct log_look look = look_of(d);
	int w = cols > 120 ? 112 : cols - 4, h;

	if (w < 10)
		w = cols;
	h = log_paint_height(&look, d->text, d->len, w - 4, ROWS_MOST) + HEAD_ROWS + BORDER_ROWS;
	if (h > rows - 2)
		h = rows - 2;
	return (struct rect){(rows - h) / 2, (cols - w) / 2, h, w};
}

static void detail_free(struct view *v)
{
	free(((struct log_detail *)v)->text);
	free(v);
}

static const struct view_ops detail_ops = {
        .title = "Line",
        .context = CONTEXT_DETAIL,
        .draw = draw,
        .act = act,
        .mouse = mouse,
        .place = place,
        .free = detail_free,
};

static void set_head(struct log_detail *d, const struct log_source *s, const struct log_item *it)
{
	time_t t = (time_t)(it->entry.time / 1000000000);
	struct tm tm;
	char day[32] = "no time";

	if (it->entry.time && localtime_r(&t, &tm))
		strftime(day, sizeof(day), "%Y-%m-%d %H:%M:%S", &tm);
	snprintf(d->head, sizeof(d->head), "%.60s  %s.%09lld  %s%s%s", s->name, day,
	        (long long)(it->entry.time % 1000000000), it->entry.err ? "stderr" : "stdout",
	        it->entry.slice ? "  part of a longer line" : "", it->entry.cut ? "  goes on" : "");
}

void log_detail_open(struct log_view *lv)
{
	struct log_detail *d = calloc(1, sizeof(*d));
	int i = log_view_line(lv);
	size_t len;

	if (!d || i < 0) {
		free(d);
		return;
	}
	const struct log_item *it = &lv->page.v[i].item;
	const char *text = log_set_text(&lv->set, it, &len);
	size_t size = len * 3 + 16 > LOG_LAID_MAX ? len * 3 + 16 : LOG_LAID_MAX;
	d->text = malloc(size);
	if (!d->text) {
		free(d);
		return;
	}
	d->view = (struct view){&detail_ops, lv->view.app};
	d->len = log_json_layout(text, len, d->text, size - 1);
	d->lines = d->len > 0;
	if (!d->lines)
		d->len = sgr_strip(d->text, size, text, len);
	d->text[d->len] = '\0';
	set_head(d, lv->set.sources[it->source], it);
	app_push(lv->view.app, &d->view);
}
