/* The Events panel: what happened, oldest first; the newest stays in sight unless one scrolls up. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tui/list_view.h"
#include "tui/views.h"

#define ID_SIZE 48

struct event_row {
	const struct model_event *event;
	char id[ID_SIZE]; /* its time, then its number */
};

struct events_panel {
	struct list_view l;
	struct event_row *rows;
};

#define EVENT(row) (((const struct event_row *)(row))->event)

/* ------------------------------------------------------------------ columns */

static void draw_time(const struct cell *at, const void *row)
{
	int64_t now = app_now(at->list->v.app) / 1000000000, then = EVENT(row)->time / 1000000000;
	time_t seconds = (time_t)then;
	struct tm tm;
	char text[32];

	if (!localtime_r(&seconds, &tm))
		return;
	strftime(text, sizeof text, now - then < 20 * 3600 ? "%H:%M:%S" : "%b %d", &tm);
	cell_text(at, text, cell_style(at, UI_MUTED));
}

static int compare_time(const void *a, const void *b)
{
	return EVENT(a)->time < EVENT(b)->time ? -1 : EVENT(a)->time > EVENT(b)->time;
}

static void draw_type(const struct cell *at, const void *row)
{
	cell_text(at, EVENT(row)->type, cell_style(at, UI_MUTED));
}

static int compare_type(const void *a, const void *b)
{
	return strcmp(EVENT(a)->type, EVENT(b)->type);
}

/* Only what says that something is wrong, or that something came to life, has a colour. */
static struct style action_style(const struct cell *at, const struct model_event *ev)
{
	struct app *a = at->list->v.app;

	if (!strcmp(ev->action, "oom"))
		return app_style(a, STATE_OOM);
	if (!strcmp(ev->action, "die") && ev->detail && strcmp(ev->detail, "exit code 0") != 0)
		return app_style(a, STATE_FAILED);
	if (!strcmp(ev->action, "start"))
		return app_style(a, STATE_RUNNING);
	return at->base;
}

static const char *action_of(const void *row)
{
	return EVENT(row)->action;
}

static void draw_action(const struct cell *at, const void *row)
{
	cell_text(at, action_of(row), action_style(at, EVENT(row)));
}

static int compare_action(const void *a, const void *b)
{
	return strcmp(action_of(a), action_of(b));
}

/* The name, or what else there is to call it by. */
static const char *name_of(const void *row)
{
	const struct model_event *ev = EVENT(row);

	if (ev->name)
		return ev->name;
	return !strncmp(ev->id, "sha256:", 7) ? ev->id + 7 : ev->id;
}

static void draw_name(const struct cell *at, const void *row)
{
	cell_name(at, name_of(row), at->base);
}

static int compare_name(const void *a, const void *b)
{
	return compare_texts(name_of(a), name_of(b));
}

static const char *detail_of(const void *row)
{
	return EVENT(row)->detail ? EVENT(row)->detail : "";
}

static void draw_detail(const struct cell *at, const void *row)
{
	cell_text(at, detail_of(row), cell_style(at, UI_MUTED));
}

/* clang-format off */
static const struct column columns[] = {
        {"time", "TIME", "When it happened", 8, 8, 0, 0, 0, NULL, draw_time, compare_time},
        {"type", "TYPE", "What kind of object", 9, 9, 3, 9, 0, NULL, draw_type, compare_type},
        {"action", "ACTION", "What happened", 7, 14, 0, 1, 0, action_of, draw_action, compare_action},
        {"name", "NAME", "To what", 12, 40, 0, 2, 0, name_of, draw_name, compare_name},
        {"detail", "DETAIL", "Exit code, signal, image", 12, 60, 2, 3, 0, detail_of, draw_detail, NULL},
};
/* clang-format on */

/* ------------------------------------------------------------------ rows */

static void collect(struct list_view *l)
{
	struct events_panel *p = (struct events_panel *)l;
	const struct model_event *const *events;
	size_t n = model_events(app_model(l->v.app), &events);

	for (size_t i = 0; i < n && i < MODEL_EVENTS_MAX; i++) {
		struct event_row *r = &p->rows[i];

		r->event = events[i];
		snprintf(r->id, sizeof r->id, "%lld %llu", (long long)events[i]->time,
		        (unsigned long long)events[i]->number);
		list_add(l, r);
	}
}

static const char *id_of(const void *row)
{
	return ((const struct event_row *)row)->id;
}

static int by_number(const void *a, const void *b)
{
	return EVENT(a)->number < EVENT(b)->number ? -1 : EVENT(a)->number > EVENT(b)->number;
}

enum { KEY_TYPE, KEY_ACTION, KEY_NAME, KEY_DETAIL };
static const char *const filter_keys[] = {"type", "action", "name", "detail", NULL};

static bool has(const void *row, int property, const char *value)
{
	switch (property) {
	case KEY_TYPE:
		return filter_contains(EVENT(row)->type, value);
	case KEY_ACTION:
		return filter_contains(EVENT(row)->action, value);
	case KEY_NAME:
		return filter_contains(name_of(row), value);
	default:
		return filter_contains(detail_of(row), value);
	}
}

static void describe(struct list_view *l, const void *row, struct filter_row *out)
{
	(void)l;
	*out = (struct filter_row){
	        .texts = {name_of(row), action_of(row), detail_of(row)}, .has = has, .row = row};
}

static bool exists(struct list_view *l, const char *id)
{
	const struct model_event *const *events;
	size_t n = model_events(app_model(l->v.app), &events);
	const char *blank = strchr(id, ' ');
	unsigned long long number = blank ? strtoull(blank, NULL, 10) : 0;

	return n && number >= events[0]->number && number <= events[n - 1]->number;
}

static void object(struct list_view *l, const void *row, struct object *o)
{
	(void)l;
	o->kind = OBJECT_EVENT;
	snprintf(o->id, sizeof o->id, "%s", id_of(row));
}

static void empty(struct list_view *l, const struct canvas *c)
{
	list_say(l, c,
	        (const char *const[]){"Nothing has happened yet",
	                "Starts, ends, removals and alerts appear here as they happen.", NULL});
}

/* ------------------------------------------------------------------ the view */

/* What the event is about, if it is still there. */
static bool find_object(struct app *a, const struct model_event *ev, struct object *o)
{
	struct model *m = app_model(a);
	const struct tare_image_list *images = model_images(m);

	memset(o, 0, sizeof *o);
	snprintf(o->id, sizeof o->id, "%s", ev->id);
	if (!strcmp(ev->type, "container")) {
		o->kind = OBJECT_CONTAINER;
		return model_container(m, ev->id);
	}
	if (!strcmp(ev->type, "volume")) {
		o->kind = OBJECT_VOLUME;
		return model_volume(m, ev->id);
	}
	if (!strcmp(ev->type, "network")) {
		o->kind = OBJECT_NETWORK;
		return model_network(m, ev->id);
	}
	for (size_t i = 0; i < images->n && !strcmp(ev->type, "image"); i++) {
		const struct tare_image *image = &images->rows[i];

		if (strcmp(image->id, ev->id) != 0 &&
		        !(image->reference && !strcmp(image->reference, ev->id)))
			continue;
		model_image_object(image, o);
		return true;
	}
	return false;
}

static unsigned jump(struct list_view *l)
{
	const struct list_row *r = list_selected(l);
	struct object o;

	if (!r || !r->row)
		return VIEW_DONE;
	if (find_object(l->v.app, EVENT(r->row), &o))
		app_show(l->v.app, &o, NULL);
	else
		app_toast(l->v.app, TOAST_INFO, "%s is gone", name_of(r->row));
	return VIEW_DONE;
}

static unsigned act(struct view *v, enum action a)
{
	return a == ACTION_EVENT_JUMP ? jump((struct list_view *)v) : list_act(v, a);
}

static void panel_free(struct view *v)
{
	struct events_panel *p = (struct events_panel *)v;

	list_end(&p->l);
	free(p->rows);
	free(p);
}

static const struct view_ops view = {
        .title = "Events",
        .context = CONTEXT_EVENTS,
        LIST_VIEW_OPS,
        .act = act,
        .changed = list_changed,
        .visible = list_visible,
        .free = panel_free,
};

static const struct list_ops ops = {
        .name = "events",
        .kind = OBJECT_EVENT,
        .columns = columns,
        .n_columns = sizeof columns / sizeof *columns,
        .filter_keys = filter_keys,
        .rows_from = MODEL_EVENTS,
        .collect = collect,
        .id = id_of,
        .compare = by_number,
        .describe = describe,
        .exists = exists,
        .object = object,
        .empty = empty,
};

struct view *events_panel_new(struct app *a)
{
	struct events_panel *p = calloc(1, sizeof *p);

	if (!p)
		return NULL;
	p->rows = calloc(MODEL_EVENTS_MAX, sizeof *p->rows);
	if (!p->rows) {
		free(p);
		return NULL;
	}
	list_init(&p->l, a, &view, &ops);
	p->l.follow = p->l.follows_end = true;
	return &p->l.v;
}
