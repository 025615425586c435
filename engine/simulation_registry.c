/* Pulling from, pushing to and searching the registries of the simulation. */
#include "engine/simulation_registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "engine/oci/reference.h"

#define LAYERS_MAX 16
#define IMAGES_MAX 1000
#define LOGINS_MAX 64
#define FOUND_MAX  14
#define PACKED(n)  ((n)*2 / 5) /* what is left of a layer when it is compressed */

/* ------------------------------------------------------------------ who may ask */

/* Some registries of the demo let nobody in who has not logged in. */
static bool is_private(const char *domain)
{
	return strncmp(domain, "registry.", 9) == 0 || strncmp(domain, "private.", 8) == 0 ||
	       strstr(domain, ".internal") != NULL;
}

static int check_login(const struct simulation *s, const struct reference *r, struct err *e)
{
	if (!is_private(r->domain) || strv_has(s->logins, r->domain))
		return 0;
	return err_set(e, ERR_PERMISSION, "%s wants to know who asks; log in first: tare login %s", r->domain,
	        r->domain);
}

int sim_login(struct tare_engine *t, const char *registry, const char *user, struct err *e)
{
	json *line = sim_action("registry-login", NULL);

	json_set_str(line, "registry", registry);
	json_set_str(line, "user", user);
	return sim_journal_add(sim_of(t), line, e);
}

/* ------------------------------------------------------------------ layers */

static bool has_layer(struct simulation *s, const struct sim_layer_role *layer)
{
	const struct sim_layer_role *layers[LAYERS_MAX];

	for (size_t i = 0; i < s->n_images; i++) {
		size_t n = sim_image_layers(s->images[i].role, layers);

		for (size_t k = 0; k < n; k++)
			if (strcmp(layers[k]->created_by, layer->created_by) == 0 &&
			        layers[k]->size == layer->size)
				return true;
	}
	return false;
}

static size_t moves_of(struct simulation *s, const struct sim_image_role *role, bool is_pull,
        struct sim_layer_move moves[LAYERS_MAX])
{
	const struct sim_layer_role *layers[LAYERS_MAX];
	size_t n = sim_image_layers(role, layers);
	char id[8 + TARE_ID_LEN];

	for (size_t i = 0; i < n; i++) {
		sim_layer_id(layers[i], id);
		moves[i] = (struct sim_layer_move){.size = PACKED(layers[i]->size),
		        .exists = is_pull ? has_layer(s, layers[i]) : i == 0 && n > 1};
		snprintf(moves[i].object, sizeof(moves[i].object), "%.12s", id + 7);
	}
	return n;
}

/* ------------------------------------------------------------------ pull */

static int named(const char *text, struct reference *r, char **familiar, struct err *e)
{
	if (reference_parse(text, r, e) < 0)
		return -1;
	*familiar = reference_familiar(r);
	return *familiar ? 0 : err_no_memory(e);
}

/* The result, once there is nothing left that could fail. */
static int moved(const struct reference *r, const struct sim_image *image, bool changed,
        struct tare_moved *out, struct err *e)
{
	*out = (struct tare_moved){reference_full(r), sim_image_digest(image), changed};
	if (out->reference && out->digest)
		return 0;
	tare_moved_free(out);
	return err_no_memory(e);
}

int sim_image_pull(struct tare_engine *t, const char *ref, const char *platform, struct progress *p,
        struct tare_moved *out, struct err *e)
{
	static const struct sim_phases phases = {"downloading", "unpacking", 0.85};
	struct simulation *s = sim_of(t);
	cleanup_reference struct reference r = REFERENCE_INIT;
	cleanup_free char *familiar = NULL, *repository = NULL;
	struct sim_layer_move moves[LAYERS_MAX];
	const struct sim_image_role *role;
	struct sim_image *image;
	bool changed;
	json *line;

	(void)platform;
	if (sim_refresh(s, e) < 0 || named(ref, &r, &familiar, e) < 0 || check_login(s, &r, e) < 0)
		return -1;
	role = sim_offered(familiar);
	repository = reference_familiar_repository(&r);
	if (!role)
		return err_set(e, ERR_NOT_FOUND, "%s has no image %s; look for one with: tare search %s",
		        r.domain, r.path, repository ? repository : familiar);
	changed = !sim_find_image(s, familiar, NULL);
	sim_move(s, moves, moves_of(s, role, true, moves), &phases, p);
	line = sim_action("registry-pull", NULL);
	json_set_str(line, "name", familiar);
	if (sim_journal_add(s, line, e) < 0)
		return -1;
	image = sim_find_image(s, familiar, e);
	return image ? moved(&r, image, changed, out, e) : -1;
}

static void pulled(struct simulation *s, json *line, int64_t at)
{
	cleanup_reference struct reference r = REFERENCE_INIT;
	cleanup_free char *familiar = NULL;
	const struct sim_image_role *role;
	json *attributes;
	char hex[TARE_ID_LEN + 1];

	if (named(json_str(line, "name", ""), &r, &familiar, NULL) < 0 || s->n_images > IMAGES_MAX)
		return;
	role = sim_offered(familiar);
	for (size_t i = 0; i < s->n_images; i++)
		if (s->images[i].reference && strcmp(s->images[i].reference, familiar) == 0)
			return;
	if (!role || sim_image_add(s, role, familiar) < 0)
		return;
	if (strcmp(familiar, role->name) != 0) {
		sim_hex(sim_hash_text(familiar), hex, TARE_ID_LEN);
		snprintf(s->images[s->n_images - 1].id, sizeof(s->images->id), "sha256:%s", hex);
	}
	attributes = json_object_new_object();
	json_set_str(attributes, "name", familiar);
	sim_event_keep(
	        s, sim_event_new(s, "image", "pull", s->images[s->n_images - 1].id, attributes, at), at);
}

/* ------------------------------------------------------------------ push */

int sim_image_push(struct tare_engine *t, const char *ref, const char *destination, struct progress *p,
        struct tare_moved *out, struct err *e)
{
	static const struct sim_phases phases = {"compressing", "pushing", 0.2};
	struct simulation *s = sim_of(t);
	const struct sim_image *image = sim_find_image(s, ref, e);
	cleanup_reference struct reference r = REFERENCE_INIT;
	struct sim_layer_move moves[LAYERS_MAX];

	if (!image || reference_parse(destination ? destination : ref, &r, e) < 0 ||
	        check_login(s, &r, e) < 0)
		return -1;
	sim_move(s, moves, moves_of(s, image->role, false, moves), &phases, p);
	return moved(&r, image, false, out, e);
}

/* ------------------------------------------------------------------ search */

static void add_found(json *found, const char *name, const char *about, unsigned stars, bool is_official)
{
	json *o = json_object_new_object();

	json_set_str(o, "Name", name);
	json_set_str(o, "Description", about);
	json_set_int(o, "StarCount", stars);
	json_set_bool(o, "IsOfficial", is_official);
	json_object_array_add(found, o);
}

static bool contains(const char *text, const char *term)
{
	size_t n = strlen(term);

	for (; *text; text++)
		if (strncasecmp(text, term, n) == 0)
			return true;
	return false;
}

/* What others have made under the same name. */
static void add_others(json *found, const char *term)
{
	static const char *const makers[] = {"bitnami", "linuxserver", "rancher", "cimg", "chainguard",
	        "ubuntu", "amd64", "arm64v8", "circleci", "homeops"};

	if (term[strspn(term, "abcdefghijklmnopqrstuvwxyz0123456789-_.")] || strlen(term) > 60)
		return;
	for (size_t i = 0; i < sizeof(makers) / sizeof(*makers); i++) {
		cleanup_free char *name = str_printf("%s/%s", makers[i], term);
		cleanup_free char *about = str_printf("%s, as %s makes it", term, makers[i]);

		if (!name || !about || json_object_array_length(found) >= FOUND_MAX)
			return;
		add_found(found, name, about, (unsigned)(sim_hash_text(name) % 400 >> i), false);
	}
}

static int search_tags(const char *name, json **out, struct err *e)
{
	for (size_t i = 0; i < sim_n_offers; i++) {
		cleanup_strv char **tags = NULL;
		json *o;

		if (strcmp(sim_offers[i].name, name) != 0)
			continue;
		tags = sim_words(sim_offers[i].tags);
		o = json_object_new_object();
		json_set_str(o, "Name", name);
		json_set_strv(o, "Tags", tags);
		*out = o;
		return 0;
	}
	if (!strchr(name, '/'))
		return err_set(e, ERR_NOT_FOUND, "docker.io has no repository library/%.100s", name);
	*out = json_object_new_object();
	json_set_str(*out, "Name", name);
	json_set_strv(*out, "Tags", (char *const[]){"latest", "stable", NULL});
	return 0;
}

int sim_image_search(struct tare_engine *t, const char *term, bool tags, json **out, struct err *e)
{
	(void)t;
	if (tags)
		return search_tags(term, out, e);
	*out = json_object_new_array();
	for (size_t i = 0; i < sim_n_offers; i++)
		if (contains(sim_offers[i].name, term) || contains(sim_offers[i].about, term))
			add_found(*out, sim_offers[i].name, sim_offers[i].about, sim_offers[i].stars,
			        sim_offers[i].is_official);
	add_others(*out, term);
	return 0;
}

/* ------------------------------------------------------------------ the journal */

static void logged_in(struct simulation *s, json *line)
{
	const char *registry = json_str(line, "registry", "");

	if (*registry && strlen(registry) < 256 && strv_len(s->logins) < LOGINS_MAX &&
	        !strv_has(s->logins, registry))
		strv_add(&s->logins, registry);
}

void sim_registry_apply(struct simulation *s, const char *verb, json *line, int64_t at)
{
	if (strcmp(verb, "registry-pull") == 0)
		pulled(s, line, at);
	else if (strcmp(verb, "registry-login") == 0)
		logged_in(s, line);
	else if (strcmp(verb, "registry-commit") == 0)
		sim_commit_apply(s, line, at);
}
