/* The simulation's images: list, inspect, tag, remove, layers. */
#include "engine/simulation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "engine/oci/reference.h"

uint64_t sim_image_size(const struct sim_image_role *role)
{
	const struct sim_layer_role *layers[16];
	size_t n = sim_image_layers(role, layers);
	uint64_t size = 0;

	for (size_t i = 0; i < n; i++)
		size += layers[i]->size;
	return size;
}

/* ------------------------------------------------------------------ list */

char *sim_image_digest(const struct sim_image *i)
{
	char hex[TARE_ID_LEN + 1];

	sim_hex(sim_hash_text(i->id), hex, TARE_ID_LEN);
	return str_printf("sha256:%s", hex);
}

static char *full_reference(const char *familiar)
{
	cleanup_reference struct reference r = REFERENCE_INIT;

	return reference_parse(familiar, &r, NULL) < 0 ? strdup(familiar) : reference_full(&r);
}

static int fill(struct simulation *s, const struct sim_image *i, struct tare_image *row)
{
	const char *colon = i->reference ? strrchr(i->reference, ':') : NULL;
	const struct sim_layer_role *layers[16];

	*row = (struct tare_image){.id = strdup(i->id),
	        .reference = i->reference ? full_reference(i->reference) : NULL,
	        .repository =
	                colon ? strndup(i->reference, (size_t)(colon - i->reference)) : strdup("<none>"),
	        .tag = strdup(colon ? colon + 1 : "<none>"),
	        .digest = sim_image_digest(i),
	        .created = sim_wall(s, i->created),
	        .size = sim_image_size(i->role),
	        .n_layers = (unsigned)sim_image_layers(i->role, layers),
	        .n_containers = sim_image_users(s, i)};
	if (i->role->maintainer) {
		row->labels = json_object_new_object();
		json_set_str(row->labels, "maintainer", i->role->maintainer);
	}
	return row->id && row->repository && row->tag && row->digest ? 0 : -1;
}

static int newest_first(const void *a, const void *b)
{
	const struct tare_image *x = a, *y = b;

	if (x->created != y->created)
		return x->created < y->created ? 1 : -1;
	return strcmp(x->repository, y->repository) ? strcmp(x->repository, y->repository)
	                                            : strcmp(x->tag, y->tag);
}

int sim_image_list(struct tare_engine *t, struct tare_image_list *out, struct err *e)
{
	struct simulation *s = sim_of(t);

	*out = (struct tare_image_list){0};
	if (sim_refresh(s, e) < 0)
		return -1;
	out->rows = calloc(s->n_images + 1, sizeof(*out->rows));
	for (size_t i = 0; out->rows && i < s->n_images; i++) {
		out->n++;
		if (fill(s, &s->images[i], &out->rows[i]) < 0) {
			tare_image_list_free(out);
			return err_no_memory(e);
		}
	}
	if (!out->rows)
		return err_no_memory(e);
	qsort(out->rows, out->n, sizeof(*out->rows), newest_first);
	return 0;
}

/* ------------------------------------------------------------------ inspect */

static json *config_of(const struct sim_image_role *role)
{
	json *o = json_object_new_object(), *ports = json_object_new_object(),
	     *labels = json_object_new_object();
	cleanup_strv char **cmd = sim_words(role->command), **env = sim_words(role->env);

	strv_add(&env, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	json_set_strv(o, "Env", env);
	json_set_strv(o, "Cmd", cmd);
	if (role->port)
		json_set(ports, role->port, json_object_new_object());
	json_set(o, "ExposedPorts", ports);
	if (role->maintainer)
		json_set_str(labels, "maintainer", role->maintainer);
	json_set(o, "Labels", labels);
	json_set_str(o, "WorkingDir", "/");
	json_set_str(o, "User", "");
	return o;
}

static json *layers_of(const struct sim_image_role *role)
{
	json *o = json_object_new_object(), *ids = json_object_new_array();
	const struct sim_layer_role *layers[16];
	size_t n = sim_image_layers(role, layers);
	char id[8 + TARE_ID_LEN];

	for (size_t i = 0; i < n; i++) {
		sim_layer_id(layers[i], id);
		json_add_str(ids, id);
	}
	json_set_str(o, "Type", "layers");
	json_set(o, "Layers", ids);
	return o;
}

int sim_image_inspect(struct tare_engine *t, const char *ref, json **out, struct err *e)
{
	struct simulation *s = sim_of(t);
	const struct sim_image *i = sim_find_image(s, ref, e);
	cleanup_free char *digest = i ? sim_image_digest(i) : NULL;
	json *o, *tags;
	char stamp[TIME_TEXT_SIZE];

	if (!i)
		return -1;
	o = json_object_new_object();
	tags = json_object_new_array();
	for (size_t k = 0; k < s->n_images; k++)
		if (strcmp(s->images[k].id, i->id) == 0 && s->images[k].reference)
			json_add_str(tags, s->images[k].reference);
	json_set_str(o, "Id", i->id);
	json_set(o, "RepoTags", tags);
	json_set_str(o, "Digest", digest);
	json_set_str(o, "Created", time_format(sim_wall(s, i->created), stamp));
	json_set_str(o, "Architecture", "amd64");
	json_set_str(o, "Os", "linux");
	json_set_int(o, "Size", (int64_t)sim_image_size(i->role));
	json_set(o, "Config", config_of(i->role));
	json_set(o, "RootFS", layers_of(i->role));
	*out = o;
	return 0;
}

/* ------------------------------------------------------------------ tag, remove */

int sim_image_tag(struct tare_engine *t, const char *ref, const char *new_ref, struct err *e)
{
	struct simulation *s = sim_of(t);
	const struct sim_image *i = sim_find_image(s, ref, e);
	const char *slash = strrchr(new_ref, '/');
	cleanup_free char *name = NULL;
	json *line;

	if (!i)
		return -1;
	if (!*new_ref || strlen(new_ref) > 200 ||
	        strspn(new_ref, "abcdefghijklmnopqrstuvwxyz0123456789._-/:ABCDEFGHIJKLMNOPQRSTUVWXYZ") !=
	                strlen(new_ref))
		return err_set(e, ERR_USAGE,
		        "\"%.200s\" is no name for an image; use NAME[:TAG], as in shop/api:2.5", new_ref);
	name = str_printf("%s%s", new_ref, strchr(slash ? slash : new_ref, ':') ? "" : ":latest");
	line = sim_action("image-tag", NULL);
	json_set_str(line, "imageID", i->id);
	json_set_str(line, "name", name);
	return sim_journal_add(s, line, e);
}

static unsigned names_of(const struct simulation *s, const char *id)
{
	unsigned n = 0;

	for (size_t i = 0; i < s->n_images; i++)
		n += strcmp(s->images[i].id, id) == 0 && s->images[i].reference;
	return n;
}

static int journal_remove(struct simulation *s, const char *id, const char *name, struct err *e)
{
	json *line = sim_action("image-remove", NULL);

	json_set_str(line, "imageID", id);
	if (name)
		json_set_str(line, "name", name);
	return sim_journal_add(s, line, e);
}

int sim_image_remove(struct tare_engine *t, const char *ref, bool force, char ***done, struct err *e)
{
	struct simulation *s = sim_of(t);
	const struct sim_image *i = sim_find_image(s, ref, e);
	cleanup_free char *name = NULL, *id = NULL;
	bool by_id, last;

	if (!i)
		return -1;
	by_id = strncmp(ref, "sha256:", 7) == 0 || strncmp(i->id + 7, ref, strlen(ref)) == 0;
	last = by_id || names_of(s, i->id) <= 1;
	if (by_id && names_of(s, i->id) > 1 && !force)
		return err_set(e, ERR_CONFLICT,
		        "image %.12s has several names; remove them one by one, or use --force", i->id + 7);
	if (last && sim_image_users(s, i) && !force)
		return err_set(e, ERR_CONFLICT,
		        "image %s is in use (containers: %u); remove them first, or use --force", ref,
		        sim_image_users(s, i));
	id = strdup(i->id);
	name = i->reference ? strdup(i->reference) : NULL;
	if (name && strv_take(done, str_printf("Untagged: %s", name)) < 0)
		return err_no_memory(e);
	if (last && strv_take(done, str_printf("Deleted: %s", id)) < 0)
		return err_no_memory(e);
	return journal_remove(s, id, last ? NULL : name, e);
}

/* ------------------------------------------------------------------ layers */

int sim_image_layers_of(struct tare_engine *t, const char *ref, struct tare_layer_list *out, struct err *e)
{
	struct simulation *s = sim_of(t);
	const struct sim_image *i = sim_find_image(s, ref, e);
	const struct sim_layer_role *layers[16];
	char id[8 + TARE_ID_LEN];
	size_t n;

	*out = (struct tare_layer_list){0};
	if (!i)
		return -1;
	n = sim_image_layers(i->role, layers);
	out->rows = calloc(n + 1, sizeof(*out->rows));
	if (!out->rows)
		return err_no_memory(e);
	for (size_t k = 0; k < n; k++) {
		sim_layer_id(layers[k], id);
		out->rows[out->n++] = (struct tare_layer){.diff_id = strdup(id),
		        .created_by = strdup(layers[k]->created_by),
		        .created = sim_wall(s, i->created),
		        .size = layers[k]->size,
		        .wasted = layers[k]->wasted,
		        .files = layers[k]->files};
		if (!out->rows[k].diff_id || !out->rows[k].created_by) {
			tare_layer_list_free(out);
			return err_no_memory(e);
		}
	}
	return 0;
}
