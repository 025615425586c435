/* Frames: what is drawn where, and when. A key is answered at once; what the
 * engine reports is drawn at most once per frame interval, which grows while
 * the terminal cannot keep up. */
#include <string.h>

#include "tui/app_core.h"
#include "tui/config.h"
#include "tui/hints.h"
#include "tui/toast.h"
#include "tui/top_bar.h"
#include "tui/view.h"

#define FRAME_NS     16000000
#define FRAME_MAX_NS 250000000

/* ------------------------------------------------------------------ focus */

struct view *app_panel_view(struct app *a)
{
	return a->panels[a->panel];
}

struct view *app_focused(struct app *a)
{
	if (a->n_dialogs)
		return a->dialogs[a->n_dialogs - 1];
	struct view *detail = a->on_detail ? panes_focused_view(&a->panes) : NULL;
	return detail ? detail : app_panel_view(a);
}

enum context app_hint_context(struct app *a)
{
	struct view *v = app_focused(a);

	return a->n_dialogs || (v->ops->typing && v->ops->typing(v)) ? CONTEXT_GLOBAL : v->ops->context;
}

/* ------------------------------------------------------------------ layout */

void app_layout(struct app *a)
{
	struct layout_request r = {
	        .rows = screen_rows(a->screen),
	        .cols = screen_cols(a->screen),
	        .list_percent = (int)config_int(a->config, "sidebar", 46),
	        .banner = a->options.demo,
	        .on_detail = a->on_detail,
	        .zoomed = a->zoomed,
	};

	a->layout = layout_compute(&r);
	panes_layout(&a->panes, a->layout.detail, &a->selected, a->zoomed);
	a->laid_out = true;
}

void app_selection_moved(struct app *a)
{
	struct view *panel = app_panel_view(a);
	struct object o = {.kind = OBJECT_NONE};

	if (!panel->ops->selected || !panel->ops->selected(panel, &o))
		o = (struct object){.kind = OBJECT_NONE};
	if (object_equal(&o, &a->selected) && a->laid_out)
		return;
	a->selected = o;
	a->laid_out = false;
	app_redraw(a);
}

/* ------------------------------------------------------------------ drawing */

static void draw_too_small(struct app *a, const struct canvas *c)
{
	struct style s = app_style(a, UI_WARN);

	canvas_clear(c, app_style(a, UI_TEXT));
	canvas_printf(c, c->r.h / 2, 0, -1, s, "Tare needs %dx%d,", LAYOUT_MIN_COLS, LAYOUT_MIN_ROWS);
	canvas_printf(c, c->r.h / 2 + 1, 0, -1, s, "this is %dx%d", c->r.w, c->r.h);
}

static void draw_banner(struct app *a, const struct canvas *c)
{
	canvas_clear(c, app_style(a, UI_BANNER));
	canvas_cell(c, 0, 1, c->r.w - 2,
	        "SIMULATED: nothing here is real, and nothing you do changes "
	        "this machine",
	        app_style(a, UI_BANNER));
}

/* Placed anew in each frame: what a dialog wants may change with what is typed in it. */
static void draw_dialogs(struct app *a, const struct canvas *screen)
{
	int rows = screen->r.h, cols = screen->r.w;

	for (size_t i = 0; i < a->n_dialogs; i++) {
		struct view *v = a->dialogs[i];
		struct rect all = {0, 0, rows, cols}, r = v->ops->place ? v->ops->place(v, rows, cols) : all;
		struct canvas c = canvas_part(screen, r);
		bool is_line = r.w == cols && r.y + r.h == rows - 1; /* above the hint bar */

		a->dialog_rects[i] = r;
		if (!is_line && !(v->ops->is_preview && v->ops->is_preview(v)))
			canvas_restyle(screen, all, app_style(a, UI_SHADE));
		v->ops->draw(v, &c, i + 1 == a->n_dialogs);
	}
}

static void draw_body(struct app *a, const struct canvas *screen)
{
	struct view *panel = app_panel_view(a);
	bool list_has_focus = !a->n_dialogs && app_focused(a) == panel;
	struct canvas part = canvas_part(screen, a->layout.top);

	top_bar_draw(a, &part);
	if (!rect_is_empty(a->layout.banner)) {
		part = canvas_part(screen, a->layout.banner);
		draw_banner(a, &part);
	}
	if (!rect_is_empty(a->layout.list)) {
		part = canvas_part(screen, a->layout.list);
		panel->ops->draw(panel, &part, list_has_focus);
	}
	if (!rect_is_empty(a->layout.divider)) {
		struct rect d = a->layout.divider;
		bool detail_has_focus = !a->n_dialogs && !list_has_focus;
		canvas_vline(
		        screen, d.y, d.x, d.h, app_style(a, detail_has_focus ? UI_BORDER_FOCUS : UI_BORDER));
	}
	if (!rect_is_empty(a->layout.detail))
		panes_draw(&a->panes, screen, !a->n_dialogs && a->on_detail);
	part = canvas_part(screen, a->layout.hints);
	enum context context = app_hint_context(a);
	if (a->chord.code != KEYC_NONE)
		hints_draw_chord(&part, a, context, a->chord);
	else
		hints_draw(&part, a, context);
}

static void draw(struct app *a)
{
	if (!a->laid_out)
		app_layout(a);
	struct canvas screen = screen_begin(a->screen);

	if (a->layout.too_small) {
		draw_too_small(a, &screen);
	} else {
		canvas_clear(&screen, app_style(a, UI_TEXT));
		draw_body(a, &screen);
		draw_dialogs(a, &screen);
		app_draw_selection(a, &screen);
		toasts_draw(a->toasts, &screen);
	}
	a->dirty = a->urgent = false;
	a->last_frame = now_monotonic();
	if (screen_flush(a->screen) < 0)
		app_quit(a); /* nobody is looking any more */
}

/* ------------------------------------------------------------------ when */

/* A slow line gets fewer frames, and each is whole: the interval doubles while
 * the terminal is behind. */
static void pace(struct app *a)
{
	if (screen_is_behind(a->screen))
		a->frame_interval =
		        a->frame_interval * 2 < FRAME_MAX_NS ? a->frame_interval * 2 : FRAME_MAX_NS;
	else if (a->frame_interval > FRAME_NS)
		a->frame_interval = a->frame_interval / 2 > FRAME_NS ? a->frame_interval / 2 : FRAME_NS;
}

static void before_wait(void *arg)
{
	struct app *a = arg;

	app_selection_moved(a);
	/* While the terminal has not taken the last frame there is no use in another: it tells when it has.
	 */
	bool behind = screen_is_behind(a->screen);
	loop_want(a->loop, screen_tty(a->screen), LOOP_READ | (behind ? LOOP_WRITE : 0));
	if (!a->dirty || behind)
		return;
	int64_t due = a->last_frame + a->frame_interval;
	if (!a->urgent && due > now_monotonic()) {
		loop_arm(a->loop, &a->frame_timer, due);
		return;
	}
	draw(a);
	pace(a);
	if (screen_is_behind(a->screen))
		loop_want(a->loop, screen_tty(a->screen), LOOP_READ | LOOP_WRITE);
}

static void frame_due(void *arg)
{
	struct app *a = arg;

	a->dirty = true; /* before_wait() does the rest */
}

void app_frame_init(struct app *a)
{
	a->frame_interval = FRAME_NS;
	a->frame_timer = (struct loop_timer){.fn = frame_due, .arg = a};
	a->dirty = a->urgent = true;
	loop_before_wait(a->loop, before_wait, a);
}

void app_redraw(struct app *a)
{
	a->dirty = true;
}
