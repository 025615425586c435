/* How a container is looked after: tabs of lines that are written anew when a sample or an event came. */
#include "tui/care_view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/units.h"
#include "tui/app.h"
#include "tui/update_form.h"
#include "tui/views.h"

#define SECOND_NS   INT64_C(1000000000)
#define WIDTH_USUAL 60

/* ------------------------------------------------------------------ words */

char *care_duration(int64_t ns, char *dst, size_t size)
{
	long long s = ns / SECOND_NS, ms = ns / 1000000 % 1000;

	if (s == 0)
		snprintf(dst, size, "%lldms", ms);
	else if (s < 60 && ms)
		snprintf(dst, size, "%lld.%llds", s, ms / 100);
	else if (s < 60)
		snprintf(dst, size, "%llds", s);
	else if (s < 3600)
		snprintf(dst, size, s % 60 ? "%lldm%02llds" : "%lldm", s / 60, s % 60);
	else if (s < 86400)
		snprintf(dst, size, s / 60 % 60 ? "%lldh%02lldm" : "%lldh", s / 3600, s / 60 % 60);
	else
		snprintf(dst, size, "%lldd", s / 86400);
	return dst;
}

char *care_clock(int64_t ns, char *dst, size_t size)
{
	time_t t = (time_t)(ns / SECOND_NS);
	struct tm tm;

	if (ns <= 0 || !localtime_r(&t, &tm) || !strftime(dst, size, "%H:%M:%S", &tm))
		snprintf(dst, size, "%8s", "-");
	return dst;
}

int64_t care_time(json *object, const char *key)
{
	int64_t ns = 0;

	return time_parse(json_str(object, key, ""), 0, &ns, NULL) == 0 && ns > 0 ? ns : 0;
}

/* ------------------------------------------------------------------ what is told */

static void tell_trouble(struct care_view *v)
{
	sheet_line(&v->sheet);
	sheet_printf(&v->sheet, UI_ERROR, " %s", v->trouble.msg);
}

/* True when it is another text than before. */
static bool tell(struct care_view *v)
{
	struct model *m = app_model(v->view.app);

	v->c = v->object.kind == OBJECT_CONTAINER ? model_container(m, v->object.id) : NULL;
	sheet_clear(&v->sheet);
	if (v->document)
		v->tell(v);
	else if (v->object.kind == OBJECT_CONTAINER)
		tell_trouble(v);
	if (!sheet_is_other(&v->sheet))
		return false;
	text_pane_changed(&v->pane);
	return true;
}

static bool load(struct care_view *v)
{
	struct tare_engine *engine = app_engine(v->view.app);

	json_free(&v->document);
	v->document = NULL;
	v->trouble = (struct err)ERR_INIT;
	if (v->object.kind == OBJECT_CONTAINER) {
		model_want(app_model(v->view.app), v->object.id);
		if (engine->inspect(engine, v->object.id, false, &v->document, &v->trouble) != 0)
			v->document = NULL;
	}
	return tell(v);
}

/* ------------------------------------------------------------------ the view */

static void care_show(struct view *view, const struct object *o)
{
	struct care_view *v = (struct care_view *)view;
	static const struct object none = {.kind = OBJECT_NONE};

	if (object_equal(o ? o : &none, &v->object))
		return;
	v->object = o ? *o : none;
	text_pane_reset(&v->pane);
	v->pane.wrap = true;
	load(v);
}

static bool care_changed(struct view *view, unsigned what)
{
	return what & (MODEL_CONTAINERS | MODEL_STATS) ? load((struct care_view *)view) : false;
}

static void care_visible(struct view *view, bool on)
{
	if (on)
		load((struct care_view *)view);
}

static unsigned change(struct care_view *v)
{
	struct model_container *c = model_container(app_model(v->view.app), v->object.id);
	struct view *form = c ? update_form_new(v->view.app, c) : NULL;

	if (form)
		app_push(v->view.app, form);
	return VIEW_DONE;
}

static bool care_copy(struct view *view, struct buf *out)
{
	return text_pane_selection(&((struct care_view *)view)->pane, out);
}

static unsigned copy(struct care_view *v)
{
	cleanup_buf struct buf text = BUF_INIT;

	if (care_copy(&v->view, &text))
		app_copy(v->view.app, text.data, text.len);
	return VIEW_DONE;
}

static unsigned care_act(struct view *view, enum action a)
{
	struct care_view *v = (struct care_view *)view;

	if (a == ACTION_CARE_CHANGE || a == ACTION_DETAIL_OPEN)
		return change(v);
	return a == ACTION_DETAIL_COPY ? copy(v) : text_pane_act(&v->pane, a);
}

static unsigned care_mouse(struct view *view, const struct mouse *m)
{
	return text_pane_mouse(&((struct care_view *)view)->pane, m);
}

static void care_draw(struct view *view, const struct canvas *c, bool focused)
{
	struct care_view *v = (struct care_view *)view;

	if (c->r.w != v->width) {
		v->width = c->r.w;
		tell(v);
	}
	text_pane_draw(&v->pane, c, focused);
}

static void care_status(struct view *view, char *dst, size_t size)
{
	struct care_view *v = (struct care_view *)view;

	if (*v->pane.search)
		text_pane_status(&v->pane, dst, size);
}

static int care_save(struct view *view, int fd, struct err *e)
{
	return text_pane_save(&((struct care_view *)view)->pane, fd, e);
}

static void care_free(struct view *view)
{
	struct care_view *v = (struct care_view *)view;

	json_free(&v->document);
	sheet_free(&v->sheet);
	free(v);
}

static struct view *new_view(struct app *a, const struct view_ops *ops, void (*tell_it)(struct care_view *))
{
	struct care_view *v = calloc(1, sizeof *v);

	if (!v)
		return NULL;
	v->view = (struct view){ops, a};
	v->tell = tell_it;
	v->width = WIDTH_USUAL;
	v->sheet = (struct sheet)SHEET_INIT(a);
	text_pane_init(&v->pane, a, &(struct text_source){0}, false);
	v->pane.source = sheet_source(&v->sheet);
	v->pane.wrap = true;
	return &v->view;
}

#define CARE_OPS(name)                                                                                       \
	{                                                                                                    \
		.title = (name), .context = CONTEXT_CARE, .draw = care_draw, .act = care_act,                \
		.mouse = care_mouse, .show = care_show, .changed = care_changed, .visible = care_visible,    \
		.status = care_status, .copy = care_copy, .save = care_save, .free = care_free,              \
	}

struct view *health_view_new(struct app *a)
{
	static const struct view_ops ops = CARE_OPS("Health");

	return new_view(a, &ops, health_tell);
}

struct view *limits_view_new(struct app *a)
{
	static const struct view_ops ops = CARE_OPS("Limits");

	return new_view(a, &ops, limits_tell);
}
