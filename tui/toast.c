#include "tui/toast.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "tui/dialog_frame.h"
#include "tui/loop.h"

#define TOASTS_MAX 3
#define TEXT_SIZE  400
#define WIDTH_MOST 76
#define ROWS_MOST  3 /* of one toast */
#define SHOWN_NS   INT64_C(4000000000)
#define ERROR_NS   INT64_C(10000000000)

struct toast {
	enum toast_kind kind;
	char text[TEXT_SIZE];
	int64_t until;
	struct rect r; /* as last drawn */
};

struct toasts {
	struct app *app;
	struct toast shown[TOASTS_MAX]; /* oldest first */
	size_t n;
	struct loop_timer timer;
};

static void take_away(struct toasts *ts, size_t i)
{
	memmove(&ts->shown[i], &ts->shown[i + 1], (ts->n - i - 1) * sizeof(ts->shown[0]));
	ts->n--;
}

/* The one timer goes off when the first of them ends; with none shown it is not armed. */
static void arm(struct toasts *ts)
{
	int64_t first = INT64_MAX;

	for (size_t i = 0; i < ts->n; i++)
		if (ts->shown[i].until < first)
			first = ts->shown[i].until;
	if (ts->n)
		loop_arm(app_loop(ts->app), &ts->timer, first);
	else
		loop_disarm(app_loop(ts->app), &ts->timer);
	app_redraw(ts->app);
}

static void time_is_up(void *arg)
{
	struct toasts *ts = arg;
	int64_t now = now_monotonic();

	for (size_t i = ts->n; i-- > 0;)
		if (ts->shown[i].until <= now)
			take_away(ts, i);
	arm(ts);
}

struct toasts *toasts_new(struct app *a)
{
	struct toasts *ts = calloc(1, sizeof(*ts));

	if (!ts)
		return NULL;
	ts->app = a;
	ts->timer.fn = time_is_up;
	ts->timer.arg = ts;
	return ts;
}

void toasts_free(struct toasts *ts)
{
	if (ts)
		loop_disarm(app_loop(ts->app), &ts->timer);
	free(ts);
}

void toasts_add(struct toasts *ts, enum toast_kind kind, const char *fmt, va_list ap)
{
	char raw[TEXT_SIZE];
	struct toast t = {
	        .kind = kind, .until = now_monotonic() + (kind == TOAST_ERROR ? ERROR_NS : SHOWN_NS)};

	vsnprintf(raw, sizeof(raw), fmt, ap);
	text_harmless_to(t.text, sizeof(t.text), raw);
	for (size_t i = ts->n; i-- > 0;)
		if (!strcmp(ts->shown[i].text, t.text))
			take_away(ts, i);
	if (ts->n == TOASTS_MAX)
		take_away(ts, 0);
	ts->shown[ts->n++] = t;
	arm(ts);
}

bool toasts_shown(const struct toasts *ts)
{
	return ts->n > 0;
}

bool toasts_dismiss(struct toasts *ts)
{
	bool had_some = ts->n > 0;

	ts->n = 0;
	arm(ts);
	return had_some;
}

static void draw_one(struct app *a, const struct canvas *c, const struct toast *t)
{
	static const struct {
		enum theme_element style;
		enum glyph glyph;
	} looks[] = {
	        [TOAST_INFO] = {UI_ACCENT, GLYPH_BELL},
	        [TOAST_OK] = {UI_OK, GLYPH_HEALTHY},
	        [TOAST_WARN] = {UI_WARN, GLYPH_UNHEALTHY},
	        [TOAST_ERROR] = {UI_ERROR, GLYPH_UNHEALTHY},
	};
	struct style text = app_style(a, UI_DIALOG),
	             sign = style_over(text, app_style(a, looks[t->kind].style));

	canvas_fill(c, t->r, text);
	if (t->kind != TOAST_INFO)
		canvas_char(c, t->r.y, t->r.x + 1, app_glyph(a, looks[t->kind].glyph), sign);
	dialog_wrap(c, t->r.y, t->r.x + 3, t->r.w - 4, t->r.h, t->text, t->kind == TOAST_ERROR ? sign : text);
}

void toasts_draw(struct toasts *ts, const struct canvas *screen)
{
	int bottom = screen->r.h - 1;

	for (size_t i = ts->n; i-- > 0;) {
		struct toast *t = &ts->shown[i];
		int w = (int)text_width(t->text) + 4,
		    most = screen->r.w < WIDTH_MOST ? screen->r.w : WIDTH_MOST, h;

		if (w > most)
			w = most;
		h = dialog_wrap(NULL, 0, 0, w - 4, ROWS_MOST, t->text, (struct style){0});
		bottom -= h;
		t->r = (struct rect){bottom, screen->r.w - w, h, w};
		if (bottom < 1)
			t->r.h = 0; /* no room is left for this older one */
		else
			draw_one(ts->app, screen, t);
	}
}

bool toasts_mouse(struct toasts *ts, const struct mouse *m)
{
	if (m->kind != MOUSE_PRESS)
		return false;
	for (size_t i = 0; i < ts->n; i++) {
		if (!rect_has(ts->shown[i].r, m->y, m->x))
			continue;
		take_away(ts, i);
		arm(ts);
		return true;
	}
	return false;
}
