/* What a line of the journal does to the world. Any user may have edited the file, so a line is believed only
 * as far as it makes sense; what doesn't is passed over, in every process alike. */
#include "engine/simulation.h"
#include "engine/simulation_backup.h"
#include "engine/simulation_registry.h"
#include "engine/simulation_volume.h"

#include <stdlib.h>
#include <string.h>

#include "base/proc.h"

#define MADE_MAX 10000 /* containers made by users */

static struct sim_container *named(struct simulation *s, json *line)
{
	const char *id = json_str(line, "id", "");
	struct sim_container *c = strlen(id) == TARE_ID_LEN ? sim_by_id(s, id) : NULL;

	return c && !c->removed ? c : NULL;
}

static void tell(struct simulation *s, const struct sim_container *c, const char *action, int64_t at)
{
	sim_event_keep(s, sim_event_of(s, c, action, at), at);
}

static void tell_end(struct simulation *s, const struct sim_container *c, int code, int64_t at)
{
	json *event = sim_event_of(s, c, "die", at);
	cleanup_free char *text = str_printf("%d", code);

	json_set_str(json_path(event, "Actor.Attributes"), "exitCode", text);
	sim_event_keep(s, event, at);
}

/* ------------------------------------------------------------------ life */

static bool is_hex_id(const char *id)
{
	return strlen(id) == TARE_ID_LEN && strspn(id, "0123456789abcdef") == TARE_ID_LEN;
}

static json *strings_of(json *line, const char *key)
{
	json *o = json_get(line, key);

	if (!json_object_is_type(o, json_type_object))
		return NULL;
	json_object_object_foreach (o, name, value)
		if (!*name || !json_object_is_type(value, json_type_string))
			return NULL;
	return json_object_get(o);
}

static void nature_of(struct sim_container *c, const struct sim_image_role *image, json *line)
{
	int64_t up = json_int(line, "seconds", 0);

	c->nature = image->nature;
	if (!json_get(line, "output"))
		return;
	/* A command of the pretend shell's: it prints what it printed when it was made, and ends. */
	c->nature = (struct sim_nature){.voice = VOICE_NONE,
	        .cpu = 0.01,
	        .memory = 3 * SIM_MIB,
	        .pids = 1,
	        .code = (int)json_int(line, "code", 0) & 255};
	c->output = strdup(json_str(line, "output", ""));
	if (up >= 0 && up < 1000000000) {
		c->nature.plot = SIM_ONCE;
		c->nature.up = up;
	}
}

static int fill_made(struct simulation *s, struct sim_container *c, const struct sim_image *image, json *line)
{
	int64_t memory = json_int(line, "memory", 0), cpus = json_int(line, "cpus", 0);
	int64_t pids = json_int(line, "pids", 0);

	memcpy(c->id, json_str(line, "id", ""), sizeof(c->id));
	c->seed = sim_hash_text(c->id);
	c->name = strdup(json_str(line, "name", ""));
	c->image = strdup(json_str(line, "image", ""));
	c->image_id = strdup(image->id);
	c->command = json_strv(line, "args");
	c->env = json_strv(line, "env");
	c->mounts = json_strv(line, "mounts");
	c->labels = strings_of(line, "labels");
	c->asked = json_object_get(line);
	c->auto_remove = json_bool(line, "rm", false);
	c->probe = json_strv(line, "probe");
	c->ill = strv_has(c->probe, "false") || strv_has(c->probe, "exit 1");
	c->tty = json_bool(line, "tty", false);
	c->interactive = json_bool(line, "stdin", false);
	c->memory_limit = memory > 0 ? (uint64_t)memory : 0;
	c->cpus = cpus > 0 && cpus < 100000 ? (unsigned)cpus : 0;
	c->pids_limit = pids > 0 && pids < 1 << 22 ? (unsigned)pids : 0;
	c->limits = json_object_get(json_get(line, "limits"));
	c->created = json_int(line, "at", 0);
	nature_of(c, image->role, line);
	if (!c->auto_remove)
		sim_policy_made(c, line);
	return c->name && c->image && c->image_id ? sim_endpoints_made(s, c, line) : -1;
}

/* Its volumes that are not there yet. */
static void make_volumes(struct simulation *s, const struct sim_container *c)
{
	strv_foreach (m, c->mounts) {
		cleanup_free char *name = strndup(*m, strcspn(*m, ":"));
		bool known = !name || *name == '/' || tare_name_check(name, NULL) < 0;

		for (size_t i = 0; !known && i < s->n_volumes; i++)
			known = strcmp(s->volumes[i].name, name) == 0;
		if (!known && sim_volume_add(s, name, is_hex_id(name), c->created) == 0)
			s->volumes[s->n_volumes - 1].size = sim_hash_text(name) % 4000000;
	}
}

static const struct sim_image *image_asked(struct simulation *s, json *line)
{
	const char *id = json_str(line, "imageID", "");

	for (size_t i = 0; i < s->n_images; i++)
		if (strcmp(s->images[i].id, id) == 0)
			return &s->images[i];
	return NULL;
}

static bool name_is_free(
        const struct simulation *s, const char *name, const struct sim_container *besides, int64_t at)
{
	for (size_t i = 0; i < s->n_containers; i++)
		if (s->containers[i] != besides && strcmp(s->containers[i]->name, name) == 0 &&
		        sim_at(s->containers[i], at).there)
			return false;
	return true;
}

static void create(struct simulation *s, json *line, int64_t at)
{
	const char *id = json_str(line, "id", ""), *name = json_str(line, "name", "");
	const struct sim_image *image = image_asked(s, line);
	struct sim_container *c;

	if (!image || !is_hex_id(id) || sim_by_id(s, id) || tare_name_check(name, NULL) < 0 ||
	        !name_is_free(s, name, NULL, at) || s->n_containers > MADE_MAX + 100000)
		return;
	c = calloc(1, sizeof(*c));
	if (!c)
		return;
	if (fill_made(s, c, image, line) < 0 ||
	        sim_episode_add(c, (struct sim_episode){.kind = EPISODE_CREATED, .at = at}) < 0) {
		sim_container_free(c);
		return;
	}
	c = sim_container_add(s, c);
	if (!c)
		return;
	make_volumes(s, c);
	tell(s, c, "create", at);
}

static void start(struct simulation *s, struct sim_container *c, int64_t at)
{
	struct sim_status st = sim_at(c, at);

	if (st.state == TARE_RUNNING || st.state == TARE_PAUSED)
		return;
	sim_episode_add(
	        c, (struct sim_episode){
	                   .kind = EPISODE_RUNNING, .at = at, .origin = at, .limit = sim_restarts_left(c)});
	tell(s, c, "start", at);
}

/* "how": exit (by itself), stop, kill, host (which goes down). */
static void end(struct simulation *s, struct sim_container *c, json *line, int64_t at)
{
	struct sim_status st = sim_at(c, at);
	const char *how = json_str(line, "how", "exit");
	struct sim_episode ep = {
	        .kind = EPISODE_ENDED, .at = at, .code = (int)json_int(line, "code", 0) & 255};

	if (st.state != TARE_RUNNING && st.state != TARE_PAUSED && st.state != TARE_RESTARTING)
		return;
	ep.started = st.started;
	ep.stopped = strcmp(how, "stop") == 0 || strcmp(how, "kill") == 0;
	if (strcmp(how, "exit") != 0) {
		json *event = sim_event_of(s, c, "kill", at);
		cleanup_free char *number = str_printf("%d", (int)json_int(line, "signal", 15));

		json_set_str(json_path(event, "Actor.Attributes"), "signal", number);
		sim_event_keep(s, event, at);
	}
	sim_episode_add(c, ep);
	if (st.state != TARE_RESTARTING)
		tell_end(s, c, ep.code, at);
	if (strcmp(how, "stop") == 0 || strcmp(how, "host") == 0)
		tell(s, c, "stop", at);
	if (c->auto_remove && !json_bool(line, "restarts", false))
		tell(s, c, "destroy", at);
}

static void pause_it(struct simulation *s, struct sim_container *c, int64_t at)
{
	struct sim_status st = sim_at(c, at);
	struct sim_episode ep;

	if (st.state != TARE_RUNNING || !c->n_episodes)
		return;
	ep = c->episodes[c->n_episodes - 1];
	ep.kind = EPISODE_PAUSED;
	ep.at = at;
	sim_episode_add(c, ep);
	tell(s, c, "pause", at);
}

/* Its nature goes on where it stood. */
static void unpause(struct simulation *s, struct sim_container *c, int64_t at)
{
	struct sim_episode ep = c->n_episodes ? c->episodes[c->n_episodes - 1] : (struct sim_episode){0};

	if (ep.kind != EPISODE_PAUSED || at < ep.at)
		return;
	ep.kind = EPISODE_RUNNING;
	ep.origin += at - ep.at;
	ep.at = at;
	sim_episode_add(c, ep);
	tell(s, c, "unpause", at);
}

static void rename_it(struct simulation *s, struct sim_container *c, json *line, int64_t at)
{
	const char *name = json_str(line, "name", "");
	char *copy;
	json *event;

	if (tare_name_check(name, NULL) < 0 || !name_is_free(s, name, c, at))
		return;
	copy = strdup(name);
	if (!copy)
		return;
	event = sim_event_of(s, c, "rename", at);
	json_set_str(json_path(event, "Actor.Attributes"), "oldName", c->name);
	json_set_str(json_path(event, "Actor.Attributes"), "name", copy);
	sim_event_keep(s, event, at);
	free(c->name);
	c->name = copy;
}

static void remove_it(struct simulation *s, struct sim_container *c, int64_t at)
{
	tell(s, c, "destroy", at);
	c->removed = true;
}

static void kill_it(struct simulation *s, struct sim_container *c, json *line, int64_t at)
{
	json *event = sim_event_of(s, c, "kill", at);
	cleanup_free char *number = str_printf("%d", (int)json_int(line, "signal", 0));

	json_set_str(json_path(event, "Actor.Attributes"), "signal", number);
	sim_event_keep(s, event, at);
}

/* ------------------------------------------------------------------ images */

static void image_tell(struct simulation *s, const char *action, const char *id, const char *name, int64_t at)
{
	json *attributes = json_object_new_object();

	json_set_str(attributes, "name", name);
	sim_event_keep(s, sim_event_new(s, "image", action, id, attributes, at), at);
}

static void image_drop(struct simulation *s, size_t number)
{
	free(s->images[number].reference);
	memmove(s->images + number, s->images + number + 1, (s->n_images - number - 1) * sizeof(*s->images));
	s->n_images--;
}

static void image_tag(struct simulation *s, json *line, int64_t at)
{
	const struct sim_image *image = image_asked(s, line);
	const char *reference = json_str(line, "name", "");
	const struct sim_image_role *role = image ? image->role : NULL;

	if (!role || !*reference || strlen(reference) > 255 || s->n_images > 1000)
		return;
	for (size_t i = 0; i < s->n_images; i++)
		if (s->images[i].reference && strcmp(s->images[i].reference, reference) == 0)
			return;
	image_tell(s, "tag", image->id, reference, at);
	sim_image_add(s, role, reference);
}

/* One name of an image, or, without a name, all of it. */
static void image_remove(struct simulation *s, json *line, int64_t at)
{
	const char *id = json_str(line, "imageID", ""), *name = json_str(line, "name", NULL);

	for (size_t i = s->n_images; i > 0; i--) {
		const struct sim_image *image = &s->images[i - 1];

		if (strcmp(image->id, id) != 0 ||
		        (name && (!image->reference || strcmp(image->reference, name) != 0)))
			continue;
		image_tell(s, name ? "untag" : "delete", image->id, image->reference ? image->reference : "",
		        at);
		image_drop(s, i - 1);
	}
}

/* ------------------------------------------------------------------ the whole */

/* Times far off come from an edited file, or from a clock that was wrong. */
static int64_t moment(const struct simulation *s, json *line)
{
	int64_t at = json_int(line, "at", 0), now = sim_now(s);

	return at < 0 ? 0 : at > now ? now : at;
}

static void apply_to(struct simulation *s, struct sim_container *c, const char *verb, json *line, int64_t at)
{
	if (strcmp(verb, "start") == 0)
		start(s, c, at);
	else if (strcmp(verb, "end") == 0)
		end(s, c, line, at);
	else if (strcmp(verb, "signal") == 0)
		kill_it(s, c, line, at);
	else if (strcmp(verb, "pause") == 0)
		pause_it(s, c, at);
	else if (strcmp(verb, "unpause") == 0)
		unpause(s, c, at);
	else if (strcmp(verb, "rename") == 0)
		rename_it(s, c, line, at);
	else if (strcmp(verb, "restarted") == 0)
		tell(s, c, "restart", at);
	else if (strcmp(verb, "update") == 0)
		sim_update_apply(s, c, line, at);
	else if (strcmp(verb, "remove") == 0)
		remove_it(s, c, at);
}

void sim_apply(struct simulation *s, json *line)
{
	const char *verb = json_str(line, "do", "");
	int64_t at = moment(s, line);
	struct sim_container *c = named(s, line);

	if (strcmp(verb, "boot") == 0)
		s->booted = true;
	else if (strcmp(verb, "shutdown") == 0)
		s->booted = false;
	else if (strcmp(verb, "create") == 0)
		create(s, line, at);
	else if (strcmp(verb, "image-tag") == 0)
		image_tag(s, line, at);
	else if (strcmp(verb, "image-remove") == 0)
		image_remove(s, line, at);
	else if (strncmp(verb, "volume-", 7) == 0)
		sim_volume_apply(s, verb, line, at);
	else if (strncmp(verb, "backup-", 7) == 0)
		sim_backup_apply(s, verb, line, at);
	else if (strcmp(verb, "copy-in") == 0)
		sim_copied_apply(s, line, at);
	else if (strncmp(verb, "registry-", 9) == 0)
		sim_registry_apply(s, verb, line, at);
	else if (strncmp(verb, "network-", 8) == 0)
		sim_network_apply(s, verb, line, at);
	else if (c)
		apply_to(s, c, verb, line, at);
}
