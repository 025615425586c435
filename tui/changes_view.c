/* What a container changed in its root: added, deleted, changed. A worker reads it, for the whole of what the
 * container wrote is looked at. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "tui/app.h"
#include "tui/change_lines.h"
#include "tui/view.h"
#include "tui/views.h"
#include "tui/worker.h"

struct changes_view {
	struct view view;
	struct object object;
	struct change_lines lines;
	struct reading *reading; /* under way */
	bool is_known, is_visible;
	struct err trouble;
};

/* ------------------------------------------------------------------ reading */

struct reading {
	struct work w;
	struct changes_view *owner; /* NULL: nobody waits any longer */
	struct tare_engine *engine;
	char id[OBJECT_ID_SIZE];
	struct change_list list;
	struct err e;
	bool is_done;
};

static void reading_free(struct reading *r)
{
	change_list_free(&r->list);
	r->engine->close(r->engine);
	free(r);
}

static void work(struct work *w)
{
	struct reading *r = (struct reading *)w;
	cleanup_json json *rows = NULL;

	r->is_done = r->engine->diff(r->engine, r->id, &rows, &r->e) == 0 &&
	             change_list_take(rows, &r->list, &r->e) == 0;
}

static void done(struct work *w)
{
	struct reading *r = (struct reading *)w;
	struct changes_view *v = r->owner;

	if (v) {
		v->reading = NULL;
		v->trouble = r->e; /* nothing in it when it went well */
		if (r->is_done)
			change_lines_set(&v->lines, &r->list, v->is_known);
		v->is_known = r->is_done;
		app_redraw(v->view.app);
	}
	reading_free(r);
}

static void forget_reading(struct changes_view *v)
{
	if (!v->reading)
		return;
	v->reading->owner = NULL;
	v->reading->w.cancel = true;
	v->reading = NULL;
}

static void read_again(struct changes_view *v)
{
	struct app *a = v->view.app;
	struct reading *r;

	if (v->object.kind != OBJECT_CONTAINER || v->reading || !v->is_visible)
		return;
	if (!app_engine(a)->diff) {
		err_set(&v->trouble, ERR_UNSUPPORTED, "this cannot be told here");
		return;
	}
	r = calloc(1, sizeof(*r));
	if (!r)
		return;
	r->engine = app_open_engine(a, &v->trouble);
	if (!r->engine) {
		free(r);
		return;
	}
	r->owner = v;
	r->w.work = work;
	r->w.done = done;
	memcpy(r->id, v->object.id, sizeof(r->id));
	if (workers_add(app_workers(a), &r->w, &v->trouble) != 0)
		reading_free(r);
	else
		v->reading = r;
}

/* ------------------------------------------------------------------ the view */

static void changes_show(struct view *view, const struct object *o)
{
	struct changes_view *v = (struct changes_view *)view;
	static const struct object none = {.kind = OBJECT_NONE};
	struct change_list empty = {0};

	if (object_equal(o ? o : &none, &v->object))
		return;
	v->object = o ? *o : none;
	v->is_known = false;
	v->trouble = (struct err)ERR_INIT;
	forget_reading(v);
	change_lines_set(&v->lines, &empty, false);
	read_again(v);
}

static void changes_visible(struct view *view, bool on)
{
	struct changes_view *v = (struct changes_view *)view;

	v->is_visible = on;
	read_again(v);
}

static bool changes_changed(struct view *view, unsigned what)
{
	if (what & (MODEL_CONTAINERS | MODEL_FILES))
		read_again((struct changes_view *)view);
	return false;
}

static void draw_lines(struct changes_view *v, const struct canvas *c, bool focused)
{
	struct rect rest = {0, 0, c->r.h, c->r.w};
	struct canvas body;

	change_lines_legend(&v->lines, c, 0);
	rect_cut_top(&rest, 1);
	body = canvas_part(c, rest);
	change_lines_draw(&v->lines, &body, focused);
}

static void changes_draw(struct view *view, const struct canvas *c, bool focused)
{
	struct changes_view *v = (struct changes_view *)view;
	struct app *a = view->app;

	if (v->object.kind != OBJECT_CONTAINER)
		return;
	if (*v->trouble.msg)
		canvas_str(c, 0, 1, c->r.w - 2, v->trouble.msg, app_style(a, UI_ERROR));
	else if (!v->is_known)
		canvas_str(c, 0, 1, c->r.w - 2, "Looking at what it wrote …", app_style(a, UI_MUTED));
	else if (!v->lines.list.n)
		canvas_str(c, 0, 1, c->r.w - 2, "It changed nothing: its root is as in its image.",
		        app_style(a, UI_MUTED));
	else
		draw_lines(v, c, focused);
}

static unsigned changes_act(struct view *view, enum action a)
{
	return change_lines_act(&((struct changes_view *)view)->lines, a);
}

static unsigned changes_mouse(struct view *view, const struct mouse *m)
{
	struct mouse inside = *m;

	inside.y -= 1; /* the legend */
	return text_pane_mouse(&((struct changes_view *)view)->lines.pane, &inside);
}

static void changes_status(struct view *view, char *dst, size_t size)
{
	struct changes_view *v = (struct changes_view *)view;

	*dst = '\0';
	if (v->is_known && v->lines.list.n)
		change_lines_status(&v->lines, dst, size);
}

static bool changes_copy(struct view *view, struct buf *out)
{
	return change_lines_copy(&((struct changes_view *)view)->lines, out);
}

static int changes_save(struct view *view, int fd, struct err *e)
{
	return text_pane_save(&((struct changes_view *)view)->lines.pane, fd, e);
}

static void changes_free(struct view *view)
{
	struct changes_view *v = (struct changes_view *)view;

	forget_reading(v);
	change_lines_free(&v->lines);
	free(v);
}

struct view *changes_view_new(struct app *a)
{
	static const struct view_ops ops = {
	        .title = "Changes",
	        .context = CONTEXT_CHANGES,
	        .draw = changes_draw,
	        .act = changes_act,
	        .mouse = changes_mouse,
	        .show = changes_show,
	        .changed = changes_changed,
	        .visible = changes_visible,
	        .status = changes_status,
	        .copy = changes_copy,
	        .save = changes_save,
	        .free = changes_free,
	};
	struct changes_view *v = calloc(1, sizeof *v);

	if (!v)
		return NULL;
	v->view = (struct view){&ops, a};
	change_lines_init(&v->lines, a);
	return &v->view;
}
