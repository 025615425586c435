/* Images that users make of the simulation's containers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/oci/reference.h"
#include "engine/simulation_registry.h"

#define IMAGES_MAX 1000
#define LAYERS_OWN 8

void sim_made_free(struct simulation *s)
{
	for (size_t i = 0; i < s->n_made; i++) {
		free(s->made[i]->created_by);
		free(s->made[i]);
	}
	free(s->made);
}

/* ------------------------------------------------------------------ the role of what was made */

static const struct sim_image *image_with(const struct simulation *s, const char *id)
{
	for (size_t i = 0; i < s->n_images; i++)
		if (strcmp(s->images[i].id, id) == 0)
			return &s->images[i];
	return NULL;
}

/* The base's layers and one more. A base that somebody made cannot be found by a name, so its layers are
 * taken over.
 */
static void put_layer(
        struct sim_image_role *role, const struct sim_image_role *base, const struct sim_layer_role *own)
{
	size_t n = 0;

	*role = *base;
	if (base->name) {
		role->base = base->name;
		memset(role->layers, 0, sizeof(role->layers));
	}
	while (n + 1 < LAYERS_OWN && role->layers[n].created_by)
		n++;
	role->layers[n] = *own;
	role->name = NULL;
	role->created = 0;
}

static const struct sim_image_role *make_role(
        struct simulation *s, const struct sim_image_role *base, json *line)
{
	struct sim_made_role **grown = realloc(s->made, (s->n_made + 1) * sizeof(*grown)), *m;
	int64_t bytes = json_int(line, "bytes", 0);

	if (!grown)
		return NULL;
	s->made = grown;
	m = calloc(1, sizeof(*m));
	if (!m)
		return NULL;
	m->created_by = strdup(json_str(line, "message", ""));
	if (m->created_by && !*m->created_by) {
		free(m->created_by);
		m->created_by = strdup("tare commit");
	}
	if (!m->created_by) {
		free(m);
		return NULL;
	}
	put_layer(&m->role, base,
	        &(struct sim_layer_role){
	                .created_by = m->created_by, .size = bytes > 0 ? (uint64_t)bytes : 0, .files = 12});
	s->made[s->n_made++] = m;
	return &m->role;
}

void sim_commit_apply(struct simulation *s, json *line, int64_t at)
{
	const struct sim_image *base = image_with(s, json_str(line, "imageID", ""));
	const char *name = json_str(line, "name", NULL), *id = json_str(line, "newID", "");
	const struct sim_image_role *role;
	json *attributes;

	if (!base || s->n_images > IMAGES_MAX || s->n_made > IMAGES_MAX || strncmp(id, "sha256:", 7) != 0 ||
	        strlen(id) != 7 + TARE_ID_LEN || image_with(s, id) || (name && strlen(name) > 255))
		return;
	role = make_role(s, base->role, line);
	for (size_t i = 0; name && i < s->n_images; i++)
		if (s->images[i].reference && strcmp(s->images[i].reference, name) == 0) {
			free(s->images[i].reference); /* that one goes on without a name */
			s->images[i].reference = NULL;
		}
	if (!role || sim_image_add(s, role, name) < 0)
		return;
	memcpy(s->images[s->n_images - 1].id, id, sizeof(s->images->id));
	s->images[s->n_images - 1].created = at;
	attributes = json_object_new_object();
	json_set_str(attributes, "name", name ? name : "");
	sim_event_keep(s, sim_event_new(s, "image", "create", id, attributes, at), at);
}

/* ------------------------------------------------------------------ commit */

static int familiar_name(const char *text, char **familiar, struct err *e)
{
	cleanup_reference struct reference r = REFERENCE_INIT;

	if (!text)
		return 0;
	if (reference_parse(text, &r, e) < 0)
		return -1;
	*familiar = reference_familiar(&r);
	return *familiar ? 0 : err_no_memory(e);
}

int sim_commit(
        struct tare_engine *t, const struct tare_commit *q, struct progress *p, char **id, struct err *e)
{
	static const struct sim_phases phases = {"reading", "compressing", 0.5};
	struct simulation *s = sim_of(t);
	const struct sim_container *c = sim_find(s, q->container, e);
	struct sim_layer_move move = {.object = "layer"};
	cleanup_free char *name = NULL;
	char hex[TARE_ID_LEN + 1];
	json *line;

	if (!c || familiar_name(q->reference, &name, e) < 0)
		return -1;
	move.size = sim_written(c, sim_now(s));
	if (sim_runs(s)) /* a held clock has not the time to wait */
		sim_move(s, &move, 1, &phases, p);
	sim_hex(sim_hash(c->seed, s->journal_read), hex, TARE_ID_LEN);
	*id = str_printf("sha256:%s", hex);
	if (!*id)
		return err_no_memory(e);
	line = sim_action("registry-commit", NULL);
	json_set_str(line, "imageID", c->image_id);
	json_set_str(line, "newID", *id);
	if (name)
		json_set_str(line, "name", name);
	if (q->message)
		json_set_str(line, "message", q->message);
	json_set_int(line, "bytes", (int64_t)move.size);
	return sim_journal_add(s, line, e);
}
