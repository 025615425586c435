#include "tui/jump.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/units.h"
#include "engine/tare.h"
#include "tui/app.h"
#include "tui/dialog.h"
#include "tui/model.h"
#include "tui/shells.h"

#define ITEMS_MAX 20000

/* What there is to jump to: found once when the dialog opens, so that nothing moves under the cursor. */
struct places {
	struct object *objects;
	struct picker_item *items; /* texts are owned */
	size_t n, room;
};

static void places_free(void *arg)
{
	struct places *p = arg;

	for (size_t i = 0; p->items && i < p->n; i++) {
		free((char *)p->items[i].text);
		free((char *)p->items[i].detail);
	}
	free(p->items);
	free(p->objects);
	free(p);
}

static void add(struct places *p, enum object_kind kind, const char *id, const char *text, char *detail)
{
	struct object *o;
	char *copy = text ? strdup(text) : NULL;

	if (!copy || !detail || p->n == p->room) {
		free(copy);
		free(detail);
		return;
	}
	o = &p->objects[p->n];
	*o = (struct object){.kind = kind};
	snprintf(o->id, sizeof(o->id), "%s", id);
	p->items[p->n] = (struct picker_item){copy, detail, (int)p->n};
	p->n++;
}

static void add_containers(struct places *p, struct app *a)
{
	struct model_container *const *rows;
	size_t n = model_containers(app_model(a), &rows);

	for (size_t i = 0; i < n; i++) {
		const struct tare_container *c = &rows[i]->row;

		add(p, OBJECT_CONTAINER, c->id, c->name && *c->name ? c->name : c->id,
		        str_printf(
		                "container  %-10s %s", tare_state_name(c->state), c->image ? c->image : ""));
	}
}

static void add_images(struct places *p, struct app *a)
{
	const struct tare_image_list *l = model_images(app_model(a));
	char size[SIZE_TEXT_SIZE];

	for (size_t i = 0; l && i < l->n; i++) {
		const struct tare_image *im = &l->rows[i];
		cleanup_free char *name =
		        im->reference ? str_printf("%s:%s", im->repository, im->tag) : strdup(im->id);
		struct object o;

		model_image_object(im, &o);
		add(p, OBJECT_IMAGE, o.id, name,
		        str_printf("image      %-10s %s", size_format_decimal(im->size, size),
		                im->n_containers ? "in use" : ""));
	}
}

static void add_volumes(struct places *p, struct app *a)
{
	const struct tare_volume_list *l = model_volumes(app_model(a));

	for (size_t i = 0; l && i < l->n; i++)
		add(p, OBJECT_VOLUME, l->rows[i].name, l->rows[i].name,
		        str_printf("volume     %s",
		                l->rows[i].used_by && l->rows[i].used_by[0] ? "in use" : ""));
}

static void add_networks(struct places *p, struct app *a)
{
	const struct tare_network_list *l = model_networks(app_model(a));

	for (size_t i = 0; i < l->n; i++)
		add(p, OBJECT_NETWORK, l->rows[i].id, l->rows[i].name,
		        str_printf("network    %-10s %s", l->rows[i].driver,
		                l->rows[i].subnet[0] ? l->rows[i].subnet[0] : ""));
}

static void add_shells(struct places *p, struct app *a)
{
	for (size_t i = 0; i < shells_count(app_shells(a)); i++) {
		struct shell *sh = shells_get(app_shells(a), i);
		struct object o = shell_object(sh);
		char state[64];

		add(p, OBJECT_SHELL, o.id, sh->title,
		        str_printf("shell      %s", shell_state(sh, state, sizeof(state))));
	}
}

static void picked(struct app *a, int value, void *arg)
{
	/* a copy: showing it may close this dialog, and with it all places */
	struct object o = ((const struct places *)arg)->objects[value];

	app_show(a, &o, NULL);
}

struct view *jump_new(struct app *a)
{
	struct places *p = calloc(1, sizeof(*p));
	struct model_container *const *rows;
	size_t room = model_containers(app_model(a), &rows);

	if (!p)
		return NULL;
	room += model_images(app_model(a)) ? model_images(app_model(a))->n : 0;
	room += model_volumes(app_model(a)) ? model_volumes(app_model(a))->n : 0;
	room += model_networks(app_model(a))->n;
	room += shells_count(app_shells(a));
	p->room = room < ITEMS_MAX ? room : ITEMS_MAX;
	p->objects = calloc(p->room + 1, sizeof(*p->objects));
	p->items = calloc(p->room + 1, sizeof(*p->items));
	if (!p->objects || !p->items) {
		places_free(p);
		return NULL;
	}
	add_containers(p, a);
	add_images(p, a);
	add_volumes(p, a);
	add_networks(p, a);
	add_shells(p, a);
	return picker_new(a, &(struct picker_options){
	                             .title = "Jump to",
	                             .items = p->items,
	                             .n = p->n,
	                             .picked = picked,
	                             .arg = p,
	                             .free_arg = places_free,
	                     });
}
