/* The Containers panel: one flat list, or grouped by project. How its cells look is in container_columns.c.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/alert.h"
#include "tui/container_columns.h"
#include "tui/figures.h"
#include "tui/list_view.h"
#include "tui/port_text.h"
#include "tui/views.h"

struct containers_panel {
	struct list_view l;
	bool only_running;
};

enum {
	KEY_STATE,
	KEY_NAME,
	KEY_IMAGE,
	KEY_LABEL,
	KEY_PROJECT,
	KEY_NETWORK,
	KEY_PORT,
	KEY_HEALTH,
	KEY_ID,
	KEY_EXIT
};
static const char *const filter_keys[] = {
        "state", "name", "image", "label", "project", "network", "port", "health", "id", "exit", NULL};

static void collect(struct list_view *l)
{
	struct containers_panel *p = (struct containers_panel *)l;
	struct model_container *const *rows;
	size_t n = model_containers(app_model(l->v.app), &rows);

	for (size_t i = 0; i < n; i++)
		if (!p->only_running || container_runs(rows[i]))
			list_add(l, rows[i]);
	l->n_all = n;
}

static const char *id_of(const void *row)
{
	return ((const struct model_container *)row)->row.id;
}

static int by_name(const void *a, const void *b)
{
	const struct model_container *x = a, *y = b;
	int rc = compare_texts(x->row.name, y->row.name);

	return rc ? rc : strcmp(x->row.id, y->row.id);
}

static bool has(const void *row, int property, const char *value)
{
	const struct model_container *c = row;
	char text[16];

	switch (property) {
	case KEY_STATE:
		return filter_contains(tare_state_name(c->row.state), value);
	case KEY_NAME:
		return filter_contains(c->row.name, value);
	case KEY_IMAGE:
		return filter_contains(c->row.image, value);
	case KEY_LABEL:
		return filter_label(c->row.labels, value);
	case KEY_PROJECT:
		return filter_contains(c->project, value);
	case KEY_NETWORK:
		return filter_contains(c->row.network, value);
	case KEY_PORT:
		return port_matches(c->row.ports, c->row.n_ports, c->ports, value);
	case KEY_HEALTH:
		return c->row.health && filter_contains(tare_health_name(c->row.health), value);
	case KEY_EXIT:
		snprintf(text, sizeof text, "%d", c->row.exit_code);
		return c->row.state == TARE_EXITED && !strcmp(text, value);
	default:
		return !strncmp(c->row.id, value, strlen(value));
	}
}

static void describe(struct list_view *l, const void *row, struct filter_row *out)
{
	const struct model_container *c = row;

	(void)l;
	*out = (struct filter_row){.texts = {c->row.name, c->row.image, c->project}, .has = has, .row = row};
}

static bool exists(struct list_view *l, const char *id)
{
	return model_container(app_model(l->v.app), id) != NULL;
}

static void object(struct list_view *l, const void *row, struct object *o)
{
	(void)l;
	o->kind = OBJECT_CONTAINER;
	snprintf(o->id, sizeof o->id, "%s", id_of(row));
}

static const char *group(const void *row)
{
	return ((const struct model_container *)row)->project;
}

static void totals(struct list_view *l, const struct cell *at, const void *const *rows, size_t n)
{
	struct style muted = app_style(l->v.app, UI_MUTED);
	struct cell cell = *at;
	char text[FIGURE_SIZE];
	size_t running = 0;
	double cpu = NAN; /* as long as nothing is known of any */
	uint64_t memory = 0;

	for (size_t i = 0; i < n; i++) {
		const struct model_container *c = rows[i];

		running += container_runs(c);
		if (!isnan(c->cpu))
			cpu = isnan(cpu) ? c->cpu : cpu + c->cpu;
		memory += c->now.time && c->now.memory != UINT64_MAX ? c->now.memory : 0;
	}
	canvas_printf(at->c, at->y, at->x, at->w, muted, "%zu/%zu", running, n);
	if (running && list_column_cell(l, "cpu", &cell))
		cell_right(&cell, figure_percent(cpu * 100, text), muted);
	if (running && list_column_cell(l, "mem", &cell))
		cell_right(&cell, figure_bytes(memory, text), muted);
}

static void empty(struct list_view *l, const struct canvas *c)
{
	char key[64], second[128];

	if (l->n_all) {
		snprintf(second, sizeof second, "%s shows all %zu", list_key(l, ACTION_CTR_ALL, key),
		        l->n_all);
		list_say(l, c, (const char *const[]){"No container is running", second, NULL});
		return;
	}
	snprintf(second, sizeof second, "%s runs the first one", list_key(l, ACTION_CTR_RUN, key));
	list_say(l, c,
	        (const char *const[]){
	                "No containers yet", "Here stands what runs, and what it uses.", second, NULL});
}

static void reveal(struct list_view *l)
{
	((struct containers_panel *)l)->only_running = false;
}

/* It is on the list's screen and selected: whatever happened to it is known now. */
static void seen(struct list_view *l, const void *row)
{
	struct model_container *c = model_container(app_model(l->v.app), id_of(row));

	if (c)
		c->alert = false;
}

/* Something happened that was not looked at; or the bell will ring when it ends. */
static uint32_t sign(struct list_view *l, const void *row, struct style *s)
{
	const struct model_container *c = row;

	if (!c->alert && !alerts_is_watched(app_alerts(l->v.app), c->row.id))
		return 0;
	*s = app_style(l->v.app, c->alert ? UI_WARN : UI_MUTED);
	return app_glyph(l->v.app, GLYPH_BELL);
}

static unsigned act(struct view *v, enum action a)
{
	struct containers_panel *p = (struct containers_panel *)v;

	switch (a) {
	case ACTION_CTR_ALL:
		p->only_running = !p->only_running;
		list_remember_flag(&p->l, "all", !p->only_running);
		list_stale(&p->l);
		return VIEW_DONE;
	case ACTION_CTR_GROUP:
		p->l.grouped = !p->l.grouped;
		list_remember_flag(&p->l, "group", p->l.grouped);
		list_stale(&p->l);
		return VIEW_DONE;
	default:
		return list_act(v, a);
	}
}

static void panel_free(struct view *v)
{
	list_end((struct list_view *)v);
	free(v);
}

static const struct view_ops view = {
        .title = "Containers",
        .context = CONTEXT_CONTAINERS,
        LIST_VIEW_OPS,
        .act = act,
        .changed = list_changed,
        .visible = list_visible,
        .free = panel_free,
};

static const struct list_ops ops = {
        .name = "containers",
        .kind = OBJECT_CONTAINER,
        .columns = container_columns,
        .n_columns = CONTAINER_COLUMNS,
        .sort = "state",
        .filter_keys = filter_keys,
        .rows_from = MODEL_CONTAINERS,
        .figures_from = MODEL_STATS,
        .collect = collect,
        .id = id_of,
        .compare = by_name,
        .describe = describe,
        .exists = exists,
        .object = object,
        .empty = empty,
        .group = group,
        .totals = totals,
        .reveal = reveal,
        .seen = seen,
        .sign = sign,
};

struct view *containers_panel_new(struct app *a)
{
	struct containers_panel *p = calloc(1, sizeof *p);

	if (!p)
		return NULL;
	list_init(&p->l, a, &view, &ops);
	p->only_running = !list_recall_flag(&p->l, "all", true);
	return &p->l.v;
}
