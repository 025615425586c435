/* The Images panel: the images, and beneath them a line for each that is on its way. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "tui/figures.h"
#include "tui/job.h"
#include "tui/job_progress.h"
#include "tui/keymap.h"
#include "tui/list_view.h"
#include "tui/views.h"

#define NAME_SIZE       256
#define TRANSFERS_SHOWN 3
#define LIST_LEAST      4 /* rows that are left to the list */

struct image_row {
	const struct tare_image *image;
	struct object object;
	char name[NAME_SIZE]; /* as one would type it */
};

struct images_panel {
	struct list_view l;
	struct image_row *rows;
	size_t cap;
	struct rect under_way; /* where the lines of what is on its way were drawn */
};

#define ROW(row)   ((const struct image_row *)(row))
#define IMAGE(row) (ROW(row)->image)

static const char *short_id(const struct tare_image *image)
{
	return !strncmp(image->id, "sha256:", 7) ? image->id + 7 : image->id;
}

/* ------------------------------------------------------------------ columns */

static const char *name_of(const void *row)
{
	return ROW(row)->name;
}

static void draw_name(const struct cell *at, const void *row)
{
	const char *name = name_of(row);
	int over = (int)text_width(name) - at->w;
	char end[NAME_SIZE + 4];

	/* They differ at their ends: many begin with the same registry. A name is ASCII. */
	if (over > 0 && IMAGE(row)->reference) {
		bool ascii = app_glyph(at->list->v.app, GLYPH_ELLIPSIS) < 0x80;
		snprintf(end, sizeof(end), "%s%s", ascii ? "~" : "…", name + over + 1);
		name = end;
	}
	/* an image without a name is likely in the way */
	cell_name(at, name, IMAGE(row)->reference ? at->base : cell_style(at, UI_MUTED));
}

static int compare_name(const void *a, const void *b)
{
	return compare_texts(name_of(a), name_of(b));
}

static void draw_size(const struct cell *at, const void *row)
{
	char text[FIGURE_SIZE];

	cell_right(at, figure_bytes(IMAGE(row)->size, text), at->base);
}

static int compare_size(const void *a, const void *b)
{
	return compare_numbers(IMAGE(a)->size, IMAGE(b)->size);
}

static void draw_used(const struct cell *at, const void *row)
{
	char text[FIGURE_SIZE];
	unsigned n = IMAGE(row)->n_containers;

	snprintf(text, sizeof text, "%u", n);
	cell_right(at, n ? text : "-", n ? at->base : cell_style(at, UI_MUTED));
}

static int compare_used(const void *a, const void *b)
{
	return compare_numbers(IMAGE(a)->n_containers, IMAGE(b)->n_containers);
}

static void draw_layers(const struct cell *at, const void *row)
{
	char text[FIGURE_SIZE];

	snprintf(text, sizeof text, "%u", IMAGE(row)->n_layers);
	cell_right(at, text, cell_style(at, UI_MUTED));
}

static int compare_layers(const void *a, const void *b)
{
	return compare_numbers(IMAGE(a)->n_layers, IMAGE(b)->n_layers);
}

static void draw_age(const struct cell *at, const void *row)
{
	char text[FIGURE_SIZE];

	if (IMAGE(row)->created)
		cell_right(at, figure_age(app_now(at->list->v.app) - IMAGE(row)->created, text),
		        cell_style(at, UI_MUTED));
}

static int compare_age(const void *a, const void *b)
{
	return IMAGE(a)->created < IMAGE(b)->created ? 1 : IMAGE(a)->created > IMAGE(b)->created ? -1 : 0;
}

static void draw_id(const struct cell *at, const void *row)
{
	char text[13];

	snprintf(text, sizeof text, "%s", short_id(IMAGE(row)));
	cell_text(at, text, cell_style(at, UI_MUTED));
}

/* clang-format off */
#define FIGURE (COLUMN_RIGHT | COLUMN_DESCENDING)
static const struct column columns[] = {
        {"name", "IMAGE", "Repository and tag", 14, 64, 0, 0, 0, name_of, draw_name, compare_name},
        {"size", "SIZE", "Bytes unpacked", 5, 5, 0, 9, FIGURE, NULL, draw_size, compare_size},
        {"used", "USED", "How many containers were made of it", 4, 4, 1, 9, FIGURE, NULL, draw_used, compare_used},
        {"age", "AGE", "How old it is", 4, 4, 2, 9, COLUMN_RIGHT, NULL, draw_age, compare_age},
        {"layers", "LAYERS", "How many layers it has", 6, 6, 3, 9, FIGURE, NULL, draw_layers, compare_layers},
        {"id", "ID", "The first digits of its id", 12, 12, 4, 9, 0, NULL, draw_id, NULL},
};
/* clang-format on */

/* ------------------------------------------------------------------ rows */

static void collect(struct list_view *l)
{
	struct images_panel *p = (struct images_panel *)l;
	const struct tare_image_list *images = model_images(app_model(l->v.app));

	if (images->n > p->cap) {
		struct image_row *grown = realloc(p->rows, (images->n + 16) * sizeof *grown);

		if (!grown)
			return;
		p->rows = grown;
		p->cap = images->n + 16;
	}
	for (size_t i = 0; i < images->n; i++) {
		struct image_row *r = &p->rows[i];

		r->image = &images->rows[i];
		model_image_object(r->image, &r->object);
		if (r->image->reference)
			snprintf(r->name, sizeof r->name, "%s:%s", r->image->repository, r->image->tag);
		else
			snprintf(r->name, sizeof r->name, "%s", r->image->repository);
		list_add(l, r);
	}
}

static const char *id_of(const void *row)
{
	return ROW(row)->object.id;
}

static int by_name(const void *a, const void *b)
{
	int rc = compare_name(a, b);

	return rc ? rc : strcmp(id_of(a), id_of(b));
}

enum { KEY_NAME, KEY_USED, KEY_LABEL, KEY_ID };
static const char *const filter_keys[] = {"name", "used", "label", "id", NULL};

static bool has(const void *row, int property, const char *value)
{
	switch (property) {
	case KEY_NAME:
		return filter_contains(name_of(row), value);
	case KEY_USED:
		return (*value == 'n') == (IMAGE(row)->n_containers == 0);
	case KEY_LABEL:
		return filter_label(IMAGE(row)->labels, value);
	default:
		return !strncmp(short_id(IMAGE(row)), value, strlen(value)) ||
		       !strncmp(IMAGE(row)->id, value, strlen(value));
	}
}

static void describe(struct list_view *l, const void *row, struct filter_row *out)
{
	(void)l;
	*out = (struct filter_row){.texts = {name_of(row)}, .has = has, .row = row};
}

static bool exists(struct list_view *l, const char *id)
{
	return model_image(app_model(l->v.app), id) != NULL;
}

static void object(struct list_view *l, const void *row, struct object *o)
{
	(void)l;
	*o = ROW(row)->object;
}

static void empty(struct list_view *l, const struct canvas *c)
{
	char pull[64], search[64], keys[160];

	snprintf(keys, sizeof keys, "%s pulls one, %s searches a registry",
	        list_key(l, ACTION_IMG_PULL, pull), list_key(l, ACTION_IMG_SEARCH, search));
	list_say(l, c,
	        (const char *const[]){"No images yet", "What containers are made of.", keys,
	                "tare load -i FILE  or  tare import FILE NAME  brings one in", NULL});
}

/* ------------------------------------------------------------------ those on their way */

/* The newest ones that run and tell how far they are. */
static size_t transfers(struct app *a, const struct job *out[TRANSFERS_SHOWN])
{
	const struct job *const *jobs;
	size_t n = jobs_list(app_jobs(a), &jobs), found = 0;

	for (size_t i = n; i-- > 0;) {
		if (!job_has_progress(jobs[i]))
			continue;
		if (found < TRANSFERS_SHOWN)
			out[found] = jobs[i];
		found++;
	}
	return found;
}

static void draw_transfers(struct app *a, const struct canvas *c, const struct job *const *jobs, size_t n)
{
	struct rect rest = {0, 0, c->r.h, c->r.w}, line = rect_cut_top(&rest, 1);
	struct style text = app_style(a, UI_TEXT), muted = app_style(a, UI_MUTED);
	char key[KEYMAP_TEXT_SIZE], head[96];
	int widest = 0;

	keymap_key_text(app_keymap(a), ACTION_ACTION_LOG, key);
	snprintf(head, sizeof head, " on the way: %zu  %s%s", n, key, *key ? " shows all " : " ");
	canvas_hline(c, line.y, line.x, line.w, app_style(a, UI_BORDER));
	canvas_str(c, line.y, line.x + 1, line.w - 2, head, muted);
	if (n > TRANSFERS_SHOWN)
		n = TRANSFERS_SHOWN;
	for (size_t i = 0; i < n; i++) {
		int w = (int)text_width(jobs[i]->title);

		widest = w > widest ? w : widest;
	}
	for (size_t i = 0; i < n && rest.h > 0; i++) {
		struct rect r = rect_cut_top(&rest, 1);

		r.x++;
		r.w -= 2;
		job_progress_draw(a, c, r, jobs[i], jobs[i]->title, widest, text);
	}
}

static void draw(struct view *v, const struct canvas *c, bool focused)
{
	struct images_panel *p = (struct images_panel *)v;
	const struct job *jobs[TRANSFERS_SHOWN];
	size_t n = transfers(v->app, jobs);
	struct rect list = {0, 0, c->r.h, c->r.w};
	int rows = (int)(n < TRANSFERS_SHOWN ? n : TRANSFERS_SHOWN) + 1;
	struct canvas part;

	p->under_way = (struct rect){0};
	if (n && c->r.h >= rows + LIST_LEAST) {
		p->under_way = rect_cut_bottom(&list, rows);
		part = canvas_part(c, p->under_way);
		draw_transfers(v->app, &part, jobs, n);
	}
	part = canvas_part(c, list);
	list_draw(v, &part, focused);
}

static unsigned mouse(struct view *v, const struct mouse *m)
{
	const struct images_panel *p = (struct images_panel *)v;

	if (!rect_has(p->under_way, m->y, m->x))
		return list_mouse(v, m);
	if (m->kind == MOUSE_PRESS)
		app_act(v->app, ACTION_ACTION_LOG);
	return VIEW_DONE;
}

/* ------------------------------------------------------------------ the view */

static void panel_free(struct view *v)
{
	struct images_panel *p = (struct images_panel *)v;

	list_end(&p->l);
	free(p->rows);
	free(p);
}

static const struct view_ops view = {
        .title = "Images",
        .context = CONTEXT_IMAGES,
        .draw = draw,
        .key = list_keys,
        .typing = list_typing,
        .paste = list_paste,
        .mouse = mouse,
        .status = list_status,
        .copy = list_copy,
        .selected = list_selected_object,
        .act = list_act,
        .changed = list_changed,
        .visible = list_visible,
        .free = panel_free,
};

static const struct list_ops ops = {
        .name = "images",
        .kind = OBJECT_IMAGE,
        .columns = columns,
        .n_columns = sizeof columns / sizeof *columns,
        .sort = "name",
        .filter_keys = filter_keys,
        .rows_from = MODEL_IMAGES,
        .collect = collect,
        .id = id_of,
        .compare = by_name,
        .describe = describe,
        .exists = exists,
        .object = object,
        .empty = empty,
};

struct view *images_panel_new(struct app *a)
{
	struct images_panel *p = calloc(1, sizeof *p);

	if (!p)
		return NULL;
	list_init(&p->l, a, &view, &ops);
	return &p->l.v;
}
