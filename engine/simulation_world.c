/* The world: containers, images, volumes and networks as the cast says, then changed by the journal; and how
 * they are found by name, id or start of an id. */
#include "engine/simulation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "engine/simulation_backup.h"
#include "engine/simulation_registry.h"
#include "engine/simulation_volume.h"

#define CONTAINERS_MAX 100000
#define TYPICAL        14 /* how many there are when nobody says otherwise */

char **sim_words(const char *text)
{
	cleanup_strv char **v = NULL;

	for (const char *s = text ? text : ""; *s;) {
		size_t len = strcspn(s, " ");
		char *word = strndup(s, len);

		/* A word of the cast that has spaces itself. */
		for (char *p = word; p && *p; p++)
			*p = *p == '_' && s[0] != '_' && strchr(s, ';') ? ' ' : *p;
		if (!word || strv_take(&v, word) < 0)
			return NULL;
		s += len + (s[len] == ' ');
	}
	return steal_ptr(&v);
}

/* ------------------------------------------------------------------ look-up */

static size_t slot_of(const struct simulation *s, const char *id)
{
	return (size_t)sim_hash_text(id) & (s->index_size - 1);
}

static void index_put(struct simulation *s, size_t number)
{
	size_t slot = slot_of(s, s->containers[number]->id);

	while (s->index[slot])
		slot = (slot + 1) & (s->index_size - 1);
	s->index[slot] = (uint32_t)number + 1;
}

/* Twice as many places as containers, so that a search is short. */
static int index_grow(struct simulation *s)
{
	size_t size = s->index_size ? s->index_size : 64;
	uint32_t *grown;

	while (size < 2 * (s->n_containers + 1))
		size *= 2;
	if (size == s->index_size)
		return 0;
	grown = calloc(size, sizeof(*grown));
	if (!grown)
		return -1;
	free(s->index);
	s->index = grown;
	s->index_size = size;
	for (size_t i = 0; i < s->n_containers; i++)
		index_put(s, i);
	return 0;
}

struct sim_container *sim_by_id(struct simulation *s, const char *id)
{
	if (!s->index_size)
		return NULL;
	for (size_t slot = slot_of(s, id); s->index[slot]; slot = (slot + 1) & (s->index_size - 1)) {
		struct sim_container *c = s->containers[s->index[slot] - 1];

		if (strcmp(c->id, id) == 0)
			return c;
	}
	return NULL;
}

static bool is_there(const struct simulation *s, const struct sim_container *c)
{
	return sim_at(c, sim_now(s)).there;
}

struct sim_container *sim_by_name(struct simulation *s, const char *name)
{
	for (size_t i = 0; i < s->n_containers; i++)
		if (strcmp(s->containers[i]->name, name) == 0 && is_there(s, s->containers[i]))
			return s->containers[i];
	return NULL;
}

static struct sim_container *by_prefix(struct simulation *s, const char *ref, bool *several)
{
	struct sim_container *found = NULL;
	size_t len = strlen(ref);

	*several = false;
	for (size_t i = 0; i < s->n_containers && len > 0; i++) {
		struct sim_container *c = s->containers[i];

		if (strncmp(c->id, ref, len) != 0 || !is_there(s, c))
			continue;
		*several = found != NULL;
		if (found)
			return found;
		found = c;
	}
	return found;
}

struct sim_container *sim_find(struct simulation *s, const char *ref, struct err *e)
{
	struct sim_container *c = NULL;
	bool several = false;

	if (sim_refresh(s, e) < 0)
		return NULL;
	if (strlen(ref) == TARE_ID_LEN)
		c = sim_by_id(s, ref);
	if (c && is_there(s, c))
		return c;
	c = sim_by_name(s, ref[0] == '/' ? ref + 1 : ref);
	if (!c)
		c = by_prefix(s, ref, &several);
	if (several)
		return err_set_null(
		        e, ERR_USAGE, "\"%.64s\" is the start of several ids; give more digits", ref);
	if (!c)
		return err_set_null(
		        e, ERR_NOT_FOUND, "there is no container \"%.200s\"; see: tare ps -a", ref);
	return c;
}

static const struct sim_image_role *sim_image_role_named(const char *name)
{
	for (size_t i = 0; i < sim_n_images; i++)
		if (sim_image_roles[i].name && strcmp(sim_image_roles[i].name, name) == 0)
			return &sim_image_roles[i];
	for (size_t i = 0; i < sim_n_offers; i++)
		if (strcmp(sim_offers[i].image.name, name) == 0)
			return &sim_offers[i].image;
	return NULL;
}

/* "docker.io/library/x" and "x:latest" are what people mean by "x". */
static bool same_reference(const char *reference, const char *ref)
{
	static const char *const prefixes[] = {"docker.io/library/", "docker.io/", "library/"};
	const char *slash;
	size_t len;

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++)
		if (strncmp(ref, prefixes[i], strlen(prefixes[i])) == 0)
			ref += strlen(prefixes[i]);
	slash = strrchr(ref, '/');
	len = strlen(ref);
	if (strchr(slash ? slash : ref, ':'))
		return strcmp(reference, ref) == 0;
	return strncmp(reference, ref, len) == 0 && strcmp(reference + len, ":latest") == 0;
}

struct sim_image *sim_find_image(struct simulation *s, const char *ref, struct err *e)
{
	const char *digits = strncmp(ref, "sha256:", 7) == 0 ? ref + 7 : ref;
	size_t len = strlen(digits);

	if (sim_refresh(s, e) < 0)
		return NULL;
	for (size_t i = 0; i < s->n_images; i++)
		if (s->images[i].reference && same_reference(s->images[i].reference, ref))
			return &s->images[i];
	for (size_t i = 0; i < s->n_images && len >= 3; i++)
		if (strncmp(s->images[i].id + 7, digits, len) == 0)
			return &s->images[i];
	return err_set_null(
	        e, ERR_NOT_FOUND, "there is no image \"%.200s\" in the demo; see: tare --demo images", ref);
}

struct sim_volume *sim_find_volume(struct simulation *s, const char *name, struct err *e)
{
	if (sim_refresh(s, e) < 0)
		return NULL;
	for (size_t i = 0; i < s->n_volumes; i++)
		if (strcmp(s->volumes[i].name, name) == 0)
			return &s->volumes[i];
	return err_set_null(e, ERR_NOT_FOUND, "there is no volume \"%.200s\"; see: tare volume ls", name);
}

/* ------------------------------------------------------------------ what is in it */

void sim_container_free(struct sim_container *c)
{
	if (!c)
		return;
	free(c->name);
	free(c->image);
	free(c->image_id);
	strv_free(c->command);
	strv_free(c->env);
	strv_free(c->mounts);
	strv_free(c->probe);
	json_free(&c->labels);
	json_free(&c->asked);
	json_free(&c->limits);
	sim_endpoints_free(c);
	free(c->output);
	free(c->episodes);
	free(c);
}

struct sim_container *sim_container_add(struct simulation *s, struct sim_container *c)
{
	struct sim_container **grown;

	if (!c || s->n_containers >= CONTAINERS_MAX || index_grow(s) < 0) {
		sim_container_free(c);
		return NULL;
	}
	if (s->n_containers == s->cap_containers) {
		size_t cap = s->cap_containers ? s->cap_containers * 2 : 32;

		grown = realloc(s->containers, cap * sizeof(struct sim_container *));
		if (!grown) {
			sim_container_free(c);
			return NULL;
		}
		s->containers = grown;
		s->cap_containers = cap;
	}
	s->containers[s->n_containers] = c;
	index_put(s, s->n_containers++);
	return c;
}

int sim_image_add(struct simulation *s, const struct sim_image_role *role, const char *reference)
{
	struct sim_image *grown = realloc(s->images, (s->n_images + 1) * sizeof(*grown)), *i;
	char hex[TARE_ID_LEN + 1];

	if (!grown)
		return -1;
	s->images = grown;
	i = &grown[s->n_images];
	*i = (struct sim_image){.role = role, .created = -role->created * SIM_SECOND};
	sim_hex(sim_hash_text(role->name ? role->name : role->layers[0].created_by), hex, TARE_ID_LEN);
	snprintf(i->id, sizeof(i->id), "sha256:%s", hex);
	i->reference = reference ? strdup(reference) : NULL;
	if (reference && !i->reference)
		return -1;
	s->n_images++;
	return 0;
}

int sim_volume_add(struct simulation *s, const char *name, bool anonymous, int64_t created)
{
	struct sim_volume *grown = realloc(s->volumes, (s->n_volumes + 1) * sizeof(*grown));

	if (!grown)
		return -1;
	s->volumes = grown;
	grown[s->n_volumes] = (struct sim_volume){
	        .name = strdup(name), .anonymous = anonymous, .created = created, .kind = "directory"};
	if (!grown[s->n_volumes].name)
		return -1;
	s->n_volumes++;
	return 0;
}

size_t sim_image_layers(const struct sim_image_role *role, const struct sim_layer_role *out[16])
{
	const struct sim_image_role *base = role->base ? sim_image_role_named(role->base) : NULL;
	size_t n = base ? sim_image_layers(base, out) : 0;

	for (size_t i = 0; i < 8 && role->layers[i].created_by && n < 16; i++)
		out[n++] = &role->layers[i];
	return n;
}

void sim_layer_id(const struct sim_layer_role *layer, char dst[8 + TARE_ID_LEN])
{
	char hex[TARE_ID_LEN + 1];

	sim_hex(sim_hash(sim_hash_text(layer->created_by), layer->size), hex, TARE_ID_LEN);
	snprintf(dst, 8 + TARE_ID_LEN, "sha256:%s", hex);
}

unsigned sim_image_users(struct simulation *s, const struct sim_image *i)
{
	unsigned n = 0;

	for (size_t k = 0; k < s->n_containers; k++)
		n += strcmp(s->containers[k]->image_id, i->id) == 0 && is_there(s, s->containers[k]);
	return n;
}

/* ------------------------------------------------------------------ made from the cast */

static void add_label(struct sim_container *c, const char *key, const char *value)
{
	if (!value)
		return;
	if (!c->labels)
		c->labels = json_object_new_object();
	json_set_str(c->labels, key, value);
}

static int add_episodes(struct sim_container *c, const struct sim_role *role)
{
	int64_t begun = -role->begun * SIM_SECOND, paused = -role->paused * SIM_SECOND;
	int rc = sim_episode_add(c, (struct sim_episode){.kind = EPISODE_CREATED, .at = c->created});

	if (rc == 0 && role->begun)
		rc = sim_episode_add(c, (struct sim_episode){.kind = EPISODE_RUNNING,
		                                .at = begun,
		                                .origin = begun,
		                                .limit = sim_restarts_left(c)});
	if (rc == 0 && role->paused)
		rc = sim_episode_add(c, (struct sim_episode){.kind = EPISODE_PAUSED,
		                                .at = paused,
		                                .origin = begun,
		                                .limit = sim_restarts_left(c)});
	return rc;
}

/* Before the journal is read: by the cast's names. */
static const char *cast_image_id(const struct simulation *s, const char *name)
{
	for (size_t i = 0; i < s->n_images; i++)
		if (s->images[i].reference && strcmp(s->images[i].reference, name) == 0)
			return s->images[i].id;
	return "";
}

static int fill_cast(struct simulation *s, struct sim_container *c, const struct sim_role *role)
{
	c->role = role;
	c->nature = role->nature;
	c->image = strdup(role->image);
	c->image_id = strdup(cast_image_id(s, role->image));
	c->command = sim_words(role->command);
	c->env = sim_words(role->env);
	c->mounts = sim_words(role->mounts);
	c->memory_limit = role->memory_limit;
	c->cpus = role->cpus;
	c->created = -role->created * SIM_SECOND;
	c->restart = role->restart;
	c->restart_max = role->restart_max;
	if (role->health && (strv_add(&c->probe, "CMD-SHELL") < 0 || strv_add(&c->probe, role->probe) < 0))
		return -1;
	c->ill = role->health && strcmp(role->health, "unhealthy") == 0;
	add_label(c, "com.docker.compose.service", role->service);
	if (role->label)
		add_label(c, role->label, role->label_value);
	return c->name && c->image && c->image_id && c->command ? add_episodes(c, role) : -1;
}

/* The 15th and later: copies of the steady ones, each with a project, a pace and an age of its own. */
static struct sim_container *make_extra(struct simulation *s, size_t number)
{
	static const struct sim_role *const steady[] = {&sim_roles[0], &sim_roles[1], &sim_roles[2],
	        &sim_roles[4], &sim_roles[8], &sim_roles[3], &sim_roles[6]};
	struct sim_container *c = calloc(1, sizeof(*c));
	const struct sim_role *like = steady[number % (sizeof(steady) / sizeof(*steady))];
	struct sim_role role = *like;
	char project[32];

	if (!c)
		return NULL;
	c->seed = sim_hash(2, number);
	c->name = str_printf(
	        "fleet-%02zu-%s-%04zu", number / 50, like->service ? like->service : "metrics", number);
	role.begun = 600 + (int64_t)(sim_unit(c->seed, 1) * 400000);
	role.created = role.begun + 2;
	role.mounts = NULL;
	if (fill_cast(s, c, &role) < 0) {
		sim_container_free(c);
		return NULL;
	}
	c->role = like;
	if (sim_endpoints_cast(s, c, false) < 0) {
		sim_container_free(c);
		return NULL;
	}
	c->nature.cpu *= 0.05 + 0.2 * sim_unit(c->seed, 2);
	snprintf(project, sizeof(project), "fleet-%02zu", number / 50);
	add_label(c, "com.docker.compose.project", project);
	return c;
}

static struct sim_container *make_cast(struct simulation *s, const struct sim_role *role)
{
	struct sim_container *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->seed = sim_hash_text(role->name);
	c->name = strdup(role->name);
	if (fill_cast(s, c, role) < 0) {
		sim_container_free(c);
		return NULL;
	}
	if (sim_endpoints_cast(s, c, true) < 0) {
		sim_container_free(c);
		return NULL;
	}
	add_label(c, "com.docker.compose.project", role->project);
	return c;
}

static int add_containers(struct simulation *s, struct err *e)
{
	const char *asked = getenv("TARE_DEMO_CONTAINERS");
	int64_t n = TYPICAL;

	if (asked && *asked && int_parse(asked, 0, CONTAINERS_MAX, "TARE_DEMO_CONTAINERS", &n, e) < 0)
		return -1;
	for (size_t i = 0; i < (size_t)n; i++) {
		struct sim_container *c = i < sim_n_roles ? make_cast(s, &sim_roles[i]) : make_extra(s, i);

		if (c)
			sim_hex(c->seed, c->id, TARE_ID_LEN);
		if (!sim_container_add(s, c))
			return err_no_memory(e);
	}
	return 0;
}

int sim_world_build(struct simulation *s, struct err *e)
{
	char hex[TARE_ID_LEN + 1];

	for (size_t i = 0; i < sim_n_images; i++)
		if (sim_image_add(s, &sim_image_roles[i], sim_image_roles[i].name) < 0)
			return err_no_memory(e);
	for (size_t i = 0; i < sim_n_volumes; i++) {
		const struct sim_volume_role *role = &sim_volume_roles[i];

		sim_hex(sim_hash(3, i), hex, TARE_ID_LEN);
		if (sim_volume_add(
		            s, role->name ? role->name : hex, !role->name, -role->created * SIM_SECOND) < 0)
			return err_no_memory(e);
		sim_volume_cast(&s->volumes[i], role);
	}
	return sim_networks_build(s, e) < 0 ? -1 : add_containers(s, e);
}

void sim_world_free(struct simulation *s)
{
	for (size_t i = 0; i < s->n_containers; i++)
		sim_container_free(s->containers[i]);
	free(s->containers);
	free(s->index);
	for (size_t i = 0; i < s->n_images; i++)
		free(s->images[i].reference);
	free(s->images);
	sim_made_free(s);
	strv_free(s->logins);
	for (size_t i = 0; i < s->n_volumes; i++)
		sim_volume_free(&s->volumes[i]);
	free(s->volumes);
	sim_backups_free(s);
	sim_copied_free(s);
	sim_networks_free(s);
	for (size_t i = 0; i < s->n_events; i++)
		json_free(&s->events[i].event);
	free(s->events);
}
