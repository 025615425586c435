/* The simulation's volumes: made, looked at, removed. */
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "engine/simulation_volume.h"

#define VOLUMES_MAX 1000

/* ------------------------------------------------------------------ what one is */

/* "k=v k=v" or a vector of such as an object; NULL: none. */
static json *pairs(char *const *words)
{
	json *object = words && *words ? json_object_new_object() : NULL;

	strv_foreach (s, words) {
		cleanup_free char *key = strndup(*s, strcspn(*s, "="));
		const char *value = strchr(*s, '=');

		if (object && key)
			json_set_str(object, key, value ? value + 1 : "");
	}
	return object;
}

void sim_volume_cast(struct sim_volume *v, const struct sim_volume_role *role)
{
	cleanup_strv char **labels = role->labels ? sim_words(role->labels) : NULL;

	v->role = role;
	v->quota = role->quota;
	v->labels = pairs(labels);
}

void sim_volume_free(struct sim_volume *v)
{
	free(v->name);
	free(v->files);
	json_free(&v->labels);
	json_free(&v->options);
}

uint64_t sim_volume_bytes(const struct sim_volume *v)
{
	return v->role ? v->role->size : v->size;
}

/* The value behind `key` in "o", a list with commas; NULL: it is not there. The caller's to free. */
static char *mount_option(json *options, const char *key)
{
	const char *s = json_str(options, "o", "");
	size_t len = strlen(key);

	while (*s) {
		size_t n = strcspn(s, ",");

		if (n > len && strncmp(s, key, len) == 0 && s[len] == '=')
			return strndup(s + len + 1, n - len - 1);
		s += n + (s[n] == ',');
	}
	return NULL;
}

static void take_options(struct sim_volume *v)
{
	const char *type = json_str(v->options, "type", "");
	cleanup_free char *size = mount_option(v->options, "size");

	v->kind = !strcmp(type, "tmpfs") ? "tmpfs" : !strcmp(type, "none") ? "bind" : "directory";
	if (size_parse(size ? size : json_str(v->options, "size", ""), &v->quota, NULL) < 0)
		v->quota = 0;
}

/* ------------------------------------------------------------------ who uses it */

char *sim_volume_mounted(const struct sim_container *c, const char *volume, bool *writes)
{
	size_t len = strlen(volume);

	strv_foreach (m, c->mounts) {
		const char *target = *m + len + 1, *end;

		if (strncmp(*m, volume, len) != 0 || (*m)[len] != ':')
			continue;
		end = target + strcspn(target, ":");
		*writes = strcmp(end, ":ro") != 0;
		return strndup(target, (size_t)(end - target));
	}
	return NULL;
}

static bool runs(const struct sim_status *st)
{
	return st->state == TARE_RUNNING || st->state == TARE_PAUSED || st->state == TARE_RESTARTING;
}

char **sim_volume_users(struct simulation *s, const char *volume, bool writes_only)
{
	char **names = NULL;
	int64_t now = sim_now(s);

	for (size_t i = 0; i < s->n_containers; i++) {
		struct sim_status st = sim_at(s->containers[i], now);
		bool writes = false;
		cleanup_free char *target = sim_volume_mounted(s->containers[i], volume, &writes);

		if (target && st.there && (!writes_only || (writes && runs(&st))))
			strv_add(&names, s->containers[i]->name);
	}
	return names;
}

/* ------------------------------------------------------------------ create */

static int check_options(json *options, struct err *e)
{
	const char *type = json_str(options, "type", "");
	cleanup_free char *size = mount_option(options, "size");
	uint64_t bytes;

	if (*type && strcmp(type, "tmpfs") != 0 && strcmp(type, "none") != 0)
		return err_set(e, ERR_USAGE,
		        "a volume of type \"%.40s\" cannot be; use tmpfs, or none with o=bind", type);
	if (!strcmp(type, "none") && *json_str(options, "device", "") != '/')
		return err_set(e, ERR_USAGE, "a bind needs a directory: --opt device=/path");
	if (size && size_parse(size, &bytes, e) < 0)
		return -1;
	return *json_str(options, "size", "") ? size_parse(json_str(options, "size", ""), &bytes, e) : 0;
}

static bool same(json *a, json *b)
{
	cleanup_buf struct buf x = BUF_INIT, y = BUF_INIT;

	if (a)
		json_print(&x, a, JSON_COMPACT);
	if (b)
		json_print(&y, b, JSON_COMPACT);
	return !strcmp(buf_str(&x), buf_str(&y));
}

int sim_volume_create(struct tare_engine *t, const struct tare_volume_create *q,
        char name[TARE_VOLUME_NAME_SIZE], struct err *e)
{
	struct simulation *s = sim_of(t);
	cleanup_json json *options = pairs(q->options);
	const struct sim_volume *known;
	char hex[TARE_ID_LEN + 1];
	json *line;

	if (sim_refresh(s, e) < 0 || (q->name && tare_name_check(q->name, e) < 0) ||
	        check_options(options, e) < 0)
		return -1;
	sim_hex(sim_hash(s->journal_read, (uint64_t)sim_now(s)), hex, TARE_ID_LEN);
	strncpy(name, q->name ? q->name : hex, TARE_VOLUME_NAME_SIZE - 1);
	name[TARE_VOLUME_NAME_SIZE - 1] = '\0';
	known = sim_find_volume(s, name, NULL);
	if (known)
		return same(known->options, options) ? 0
		                                     : err_set(e, ERR_CONFLICT,
		                                               "there is a volume %s with other options; "
		                                               "remove it first: tare volume rm %s",
		                                               name, name);
	line = sim_action("volume-create", NULL);
	json_set_str(line, "name", name);
	json_set_bool(line, "anonymous", !q->name);
	if (q->labels)
		json_set(line, "labels", json_object_get(q->labels));
	if (options)
		json_set(line, "options", json_object_get(options));
	return sim_journal_add(s, line, e);
}

static json *object_of(json *line, const char *key)
{
	json *o = json_get(line, key);

	return json_object_is_type(o, json_type_object) ? json_object_get(o) : NULL;
}

static void created(struct simulation *s, json *line, int64_t at)
{
	const char *name = json_str(line, "name", ""), *files = json_str(line, "files", NULL);
	struct sim_volume *v;

	if (tare_name_check(name, NULL) < 0 || strlen(name) >= TARE_VOLUME_NAME_SIZE ||
	        s->n_volumes >= VOLUMES_MAX)
		return;
	for (size_t i = 0; i < s->n_volumes; i++)
		if (!strcmp(s->volumes[i].name, name))
			return;
	if (sim_volume_add(s, name, json_bool(line, "anonymous", false), at) < 0)
		return;
	v = &s->volumes[s->n_volumes - 1];
	v->labels = object_of(line, "labels");
	v->options = object_of(line, "options");
	v->files = files ? strdup(files) : NULL;
	v->size = json_int(line, "bytes", 0) > 0 ? (uint64_t)json_int(line, "bytes", 0) : 0;
	take_options(v);
	sim_event_keep(s, sim_event_new(s, "volume", "create", name, NULL, at), at);
}

/* ------------------------------------------------------------------ inspect */

static json *users_json(struct simulation *s, const struct sim_volume *v)
{
	json *list = json_object_new_array();
	int64_t now = sim_now(s);

	for (size_t i = 0; i < s->n_containers; i++) {
		const struct sim_container *c = s->containers[i];
		struct sim_status st = sim_at(c, now);
		bool writes = false;
		cleanup_free char *target = sim_volume_mounted(c, v->name, &writes);
		json *user;

		if (!target || !st.there)
			continue;
		user = json_object_new_object();
		json_set_str(user, "Id", c->id);
		json_set_str(user, "Name", c->name);
		json_set_bool(user, "Running", runs(&st));
		json_set_str(user, "Destination", target);
		json_set_bool(user, "RW", writes);
		json_object_array_add(list, user);
	}
	return list;
}

int sim_volume_inspect(struct tare_engine *t, const char *name, json **out, struct err *e)
{
	struct simulation *s = sim_of(t);
	const struct sim_volume *v = sim_find_volume(s, name, e);
	char time[TIME_TEXT_SIZE];
	cleanup_free char *path = v ? str_printf("/var/lib/tare/volumes/%s/data", v->name) : NULL;
	json *j;

	if (!v)
		return -1;
	*out = j = json_object_new_object();
	json_set_str(j, "Name", v->name);
	json_set_str(j, "Driver", "local");
	json_set_str(j, "Scope", "local");
	json_set_str(j, "Mountpoint", path);
	json_set_str(j, "CreatedAt", time_format(sim_wall(s, v->created), time));
	json_set(j, "Labels", v->labels ? json_object_get(v->labels) : json_object_new_object());
	json_set(j, "Options", v->options ? json_object_get(v->options) : json_object_new_object());
	json_set_str(j, "Kind", v->kind);
	json_set_bool(j, "Anonymous", v->anonymous);
	if (v->quota)
		json_set_int(j, "Quota", (int64_t)v->quota);
	json_set(j, "UsedBy", users_json(s, v));
	return 0;
}

/* ------------------------------------------------------------------ remove */

int sim_volume_remove(struct tare_engine *t, const char *name, struct err *e)
{
	struct simulation *s = sim_of(t);
	const struct sim_volume *v = sim_find_volume(s, name, e);
	cleanup_strv char **users = v ? sim_volume_users(s, name, false) : NULL;
	json *line;

	if (!v)
		return -1;
	if (users)
		return err_set(e, ERR_CONFLICT, "volume %s is used by %s%s; remove %s first: tare rm %s",
		        name, users[0], users[1] ? " and others" : "", users[1] ? "them" : "it", users[0]);
	line = sim_action("volume-remove", NULL);
	json_set_str(line, "name", name);
	return sim_journal_add(s, line, e);
}

static void removed(struct simulation *s, json *line, int64_t at)
{
	const char *name = json_str(line, "name", "");

	for (size_t i = 0; i < s->n_volumes; i++) {
		if (strcmp(s->volumes[i].name, name) != 0)
			continue;
		sim_event_keep(s, sim_event_new(s, "volume", "destroy", name, NULL, at), at);
		sim_volume_free(&s->volumes[i]);
		memmove(s->volumes + i, s->volumes + i + 1, (s->n_volumes - i - 1) * sizeof(*s->volumes));
		s->n_volumes--;
		return;
	}
}

/* Files that were brought in after the backup are gone. */
static void restored(struct simulation *s, json *line)
{
	cleanup_free char *owner = str_printf("volume:%s", json_str(line, "name", ""));
	int64_t time = json_int(line, "time", 0);

	for (size_t i = s->n_copied; owner && i > 0; i--) {
		struct sim_copied *c = &s->copied[i - 1];

		if (strcmp(c->owner, owner) != 0 || sim_wall(s, c->at) <= time)
			continue;
		free(c->owner);
		free(c->path);
		free(c->text);
		memmove(c, c + 1, (s->n_copied - i) * sizeof(*c));
		s->n_copied--;
	}
}

void sim_volume_apply(struct simulation *s, const char *verb, json *line, int64_t at)
{
	if (strcmp(verb, "volume-create") == 0)
		created(s, line, at);
	else if (strcmp(verb, "volume-remove") == 0)
		removed(s, line, at);
	else if (strcmp(verb, "volume-restored") == 0)
		restored(s, line);
}
