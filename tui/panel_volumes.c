/* The Volumes panel. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "tui/figures.h"
#include "tui/list_view.h"
#include "tui/views.h"
#include "tui/volume_sizes.h"

#define USERS_SIZE  128
#define LABELS_SIZE 160
#define SHORT_NAME  12

struct volume_row {
	const struct tare_volume *volume;
	uint64_t size;
	char name[OBJECT_ID_SIZE]; /* as it is shown */
	char users[USERS_SIZE];    /* names of the containers, "web, api" */
	char labels[LABELS_SIZE];  /* "team=shop, tier=data" */
};

struct volumes_panel {
	struct list_view l;
	struct volume_row *rows;
	size_t cap;
	struct volume_sizes *sizes;
	bool is_visible;
};

#define ROW(row)    ((const struct volume_row *)(row))
#define VOLUME(row) (ROW(row)->volume)

/* ------------------------------------------------------------------ columns */

static const char *name_of(const void *row)
{
	return VOLUME(row)->name;
}

/* Of 64 random digits a few are enough. */
static const char *shown_name(const void *row)
{
	return ROW(row)->name;
}

static void draw_name(const struct cell *at, const void *row)
{
	cell_name(at, shown_name(row), VOLUME(row)->anonymous ? cell_style(at, UI_MUTED) : at->base);
}

static int compare_name(const void *a, const void *b)
{
	return compare_texts(name_of(a), name_of(b));
}

static void draw_size(const struct cell *at, const void *row)
{
	char text[FIGURE_SIZE];

	if (ROW(row)->size == VOLUME_SIZE_UNKNOWN)
		cell_right(at, "-", cell_style(at, UI_MUTED));
	else
		cell_right(at, figure_bytes(ROW(row)->size, text), at->base);
}

static int compare_size(const void *a, const void *b)
{
	return compare_numbers(ROW(a)->size, ROW(b)->size);
}

static const char *users_of(const void *row)
{
	return ROW(row)->users;
}

static void draw_users(const struct cell *at, const void *row)
{
	bool used = *users_of(row);

	cell_text(at, used ? users_of(row) : "unused", used ? at->base : cell_style(at, UI_MUTED));
}

static int compare_users(const void *a, const void *b)
{
	return compare_numbers(strv_len(VOLUME(a)->used_by), strv_len(VOLUME(b)->used_by));
}

static void draw_age(const struct cell *at, const void *row)
{
	char text[FIGURE_SIZE];

	if (VOLUME(row)->created)
		cell_right(at, figure_age(app_now(at->list->v.app) - VOLUME(row)->created, text),
		        cell_style(at, UI_MUTED));
}

static int compare_age(const void *a, const void *b)
{
	int64_t x = VOLUME(a)->created, y = VOLUME(b)->created;

	return x < y ? 1 : x > y ? -1 : 0;
}

static const char *kind_of(const void *row)
{
	return VOLUME(row)->anonymous ? "anonymous" : VOLUME(row)->kind ? VOLUME(row)->kind : "directory";
}

/* Most are plain directories: that is not worth a word. */
static const char *shown_kind(const void *row)
{
	return strcmp(kind_of(row), "directory") ? kind_of(row) : NULL;
}

static void draw_kind(const struct cell *at, const void *row)
{
	if (shown_kind(row))
		cell_text(at, shown_kind(row), cell_style(at, UI_MUTED));
}

static const char *shown_quota(const void *row)
{
	return VOLUME(row)->quota ? "10.0G" : NULL;
}

static int compare_kind(const void *a, const void *b)
{
	return strcmp(kind_of(a), kind_of(b));
}

static void draw_quota(const struct cell *at, const void *row)
{
	const struct volume_row *r = ROW(row);
	uint64_t quota = r->volume->quota;
	bool is_full = quota && r->size != VOLUME_SIZE_UNKNOWN && r->size >= quota - quota / 10;
	char text[FIGURE_SIZE];

	if (quota)
		cell_right(at, figure_bytes(quota, text), cell_style(at, is_full ? UI_WARN : UI_MUTED));
}

static int compare_quota(const void *a, const void *b)
{
	return compare_numbers(VOLUME(a)->quota, VOLUME(b)->quota);
}

static const char *labels_of(const void *row)
{
	return ROW(row)->labels;
}

static void draw_labels(const struct cell *at, const void *row)
{
	cell_text(at, labels_of(row), cell_style(at, UI_MUTED));
}

static int compare_labels(const void *a, const void *b)
{
	return compare_texts(labels_of(a), labels_of(b));
}

/* clang-format off */
#define FIGURE (COLUMN_RIGHT | COLUMN_DESCENDING)
static const struct column columns[] = {
        {"name", "VOLUME", "Name", 14, 40, 0, 0, 0, shown_name, draw_name, compare_name},
        {"size", "SIZE", "Bytes its files hold", 5, 5, 0, 9, FIGURE, NULL, draw_size, compare_size},
        {"used", "USED BY", "Containers that mount it", 12, 40, 1, 1, COLUMN_DESCENDING, users_of, draw_users, compare_users},
        {"age", "AGE", "How old it is", 4, 4, 2, 9, COLUMN_RIGHT, NULL, draw_age, compare_age},
        {"quota", "LIMIT", "How large it may become", 5, 5, 3, 9, FIGURE | COLUMN_NEEDED, shown_quota, draw_quota, compare_quota},
        {"kind", "KIND", "Without a name, in memory, or a directory elsewhere", 9, 9, 4, 9, COLUMN_NEEDED, shown_kind, draw_kind, compare_kind},
        {"labels", "LABELS", "Its labels", 8, 40, 5, 2, COLUMN_NEEDED, labels_of, draw_labels, compare_labels},
};
/* clang-format on */

/* ------------------------------------------------------------------ rows */

static void name_users(struct model *m, struct volume_row *r)
{
	size_t at = 0;

	*r->users = '\0';
	strv_foreach (id, r->volume->used_by) {
		const struct model_container *c = model_container(m, *id);
		int n = snprintf(r->users + at, sizeof r->users - at, "%s%.*s", at ? ", " : "",
		        c ? (int)sizeof r->users : 12, c ? c->row.name : *id);

		if (n < 0 || (size_t)n >= sizeof r->users - at)
			return; /* enough to see that there are many */
		at += (size_t)n;
	}
}

static void name_labels(struct volume_row *r)
{
	size_t at = 0;

	*r->labels = '\0';
	if (!json_object_is_type(r->volume->labels, json_type_object))
		return;
	json_object_object_foreach (r->volume->labels, key, value) {
		const char *text = json_object_get_string(value);
		int n = snprintf(r->labels + at, sizeof r->labels - at, "%s%s%s%s", at ? ", " : "", key,
		        text && *text ? "=" : "", text ? text : "");

		if (n < 0 || (size_t)n >= sizeof r->labels - at)
			return;
		at += (size_t)n;
	}
}

static void collect(struct list_view *l)
{
	struct volumes_panel *p = (struct volumes_panel *)l;
	struct model *m = app_model(l->v.app);
	const struct tare_volume_list *volumes = model_volumes(m);

	if (volumes->n > p->cap) {
		struct volume_row *grown = realloc(p->rows, (volumes->n + 16) * sizeof *grown);

		if (!grown)
			return;
		p->rows = grown;
		p->cap = volumes->n + 16;
	}
	for (size_t i = 0; i < volumes->n; i++) {
		struct volume_row *r = &p->rows[i];

		r->volume = &volumes->rows[i];
		r->size = volume_sizes_of(p->sizes, r->volume->name);
		snprintf(r->name, sizeof r->name, "%.*s",
		        r->volume->anonymous ? SHORT_NAME : OBJECT_ID_SIZE - 1, r->volume->name);
		name_users(m, r);
		name_labels(r);
		list_add(l, r);
	}
}

static const char *id_of(const void *row)
{
	return VOLUME(row)->name;
}

enum { KEY_NAME, KEY_USED, KEY_ANONYMOUS, KEY_KIND, KEY_LABEL };
static const char *const filter_keys[] = {"name", "used", "anonymous", "kind", "label", NULL};

static bool has(const void *row, int property, const char *value)
{
	switch (property) {
	case KEY_NAME:
		return filter_contains(name_of(row), value);
	case KEY_KIND:
		return filter_contains(kind_of(row), value);
	case KEY_LABEL:
		return filter_label(VOLUME(row)->labels, value);
	case KEY_ANONYMOUS:
		return (*value == 'n') == !VOLUME(row)->anonymous;
	default: /* "used:no", "used:yes", or by whom */
		if (!strcmp(value, "no"))
			return !*users_of(row);
		return *users_of(row) && (!strcmp(value, "yes") || filter_contains(users_of(row), value));
	}
}

static void describe(struct list_view *l, const void *row, struct filter_row *out)
{
	(void)l;
	*out = (struct filter_row){
	        .texts = {name_of(row), users_of(row), labels_of(row)}, .has = has, .row = row};
}

static bool exists(struct list_view *l, const char *id)
{
	return model_volume(app_model(l->v.app), id) != NULL;
}

static void object(struct list_view *l, const void *row, struct object *o)
{
	(void)l;
	o->kind = OBJECT_VOLUME;
	snprintf(o->id, sizeof o->id, "%s", id_of(row));
}

static void empty(struct list_view *l, const struct canvas *c)
{
	char key[64], second[128];

	snprintf(second, sizeof second, "%s makes one, and so does tare run -v NAME:/data …",
	        list_key(l, ACTION_VOL_CREATE, key));
	list_say(l, c,
	        (const char *const[]){"No volumes yet", "Data that outlives its containers.", second, NULL});
}

/* ------------------------------------------------------------------ the view */

static void ask_sizes(struct volumes_panel *p)
{
	if (p->is_visible)
		volume_sizes_ask(p->sizes);
}

static void sizes_came(void *panel)
{
	struct volumes_panel *p = panel;

	list_stale(&p->l);
	ask_sizes(p);
	if (p->is_visible)
		app_redraw(p->l.v.app);
}

static bool changed(struct view *v, unsigned what)
{
	if (what & MODEL_FILES)
		volume_sizes_forget(((struct volumes_panel *)v)->sizes);
	if (what & (MODEL_VOLUMES | MODEL_FILES))
		ask_sizes((struct volumes_panel *)v);
	return list_changed(v, what);
}

static void visible(struct view *v, bool on)
{
	struct volumes_panel *p = (struct volumes_panel *)v;

	p->is_visible = on;
	ask_sizes(p);
	list_visible(v, on);
}

static void panel_free(struct view *v)
{
	struct volumes_panel *p = (struct volumes_panel *)v;

	volume_sizes_free(p->sizes);
	list_end(&p->l);
	free(p->rows);
	free(p);
}

static const struct view_ops view = {
        .title = "Volumes",
        .context = CONTEXT_VOLUMES,
        LIST_VIEW_OPS,
        .act = list_act,
        .changed = changed,
        .visible = visible,
        .free = panel_free,
};

static const struct list_ops ops = {
        .name = "volumes",
        .kind = OBJECT_VOLUME,
        .columns = columns,
        .n_columns = sizeof columns / sizeof *columns,
        .sort = "name",
        .filter_keys = filter_keys,
        .rows_from = MODEL_VOLUMES | MODEL_CONTAINERS,
        .collect = collect,
        .id = id_of,
        .compare = compare_name,
        .describe = describe,
        .exists = exists,
        .object = object,
        .empty = empty,
};

struct view *volumes_panel_new(struct app *a)
{
	struct volumes_panel *p = calloc(1, sizeof *p);

	if (!p)
		return NULL;
	p->sizes = volume_sizes_new(a, sizes_came, p);
	if (!p->sizes) {
		free(p);
		return NULL;
	}
	list_init(&p->l, a, &view, &ops);
	return &p->l.v;
}
