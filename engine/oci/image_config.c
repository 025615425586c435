#include "engine/oci/image_config.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/units.h"
#include "engine/oci/manifest.h"

void image_config_free(struct image_config *c)
{
	char **strings[] = {
	        &c->user, &c->workdir, &c->stop_signal, &c->author, &c->architecture, &c->os, &c->variant};
	char ***vectors[] = {&c->env, &c->entrypoint, &c->cmd, &c->shell, &c->volumes, &c->exposed_ports};
	for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++)
		free(*strings[i]);
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
		strv_free(*vectors[i]);
	json_free(&c->labels);
	json_free(&c->healthcheck);
	json_free(&c->history);
	free(c->diff_ids);
	memset(c, 0, sizeof(*c));
}

/* A NUL inside a JSON string would silently cut it short where C reads it. */
static bool string_whole(json *j)
{
	return strlen(json_object_get_string(j)) == (size_t)json_object_get_string_len(j);
}

static int read_string(json *obj, const char *key, char **dst, struct err *e)
{
	json *j = json_get(obj, key);
	if (!j || json_object_is_type(j, json_type_null))
		return 0;
	if (!json_object_is_type(j, json_type_string) || !string_whole(j))
		return err_set(e, ERR_CORRUPT, "\"%s\" is not a plain string", key);
	if (json_object_get_string_len(j) == 0)
		return 0;
	*dst = strdup(json_object_get_string(j));
	return *dst ? 0 : err_no_memory(e);
}

static int read_strv(json *obj, const char *key, char ***dst, struct err *e)
{
	json *j = json_get(obj, key);
	if (!j || json_object_is_type(j, json_type_null))
		return 0;
	if (!json_object_is_type(j, json_type_array))
		return err_set(e, ERR_CORRUPT, "\"%s\" is not a list", key);
	size_t n = json_object_array_length(j);
	for (size_t i = 0; i < n; i++) {
		json *item = json_object_array_get_idx(j, i);
		if (!json_object_is_type(item, json_type_string) || !string_whole(item))
			return err_set(e, ERR_CORRUPT, "\"%s\" has a member that is not a plain string", key);
		if (strv_add(dst, json_object_get_string(item)) < 0)
			return err_no_memory(e);
	}
	return 0;
}

/* The keys of an object used as a set ({"/data": {}}). */
static int read_keys(json *obj, const char *key, char ***dst, struct err *e)
{
	json *j = json_get(obj, key);
	if (!j || json_object_is_type(j, json_type_null))
		return 0;
	if (!json_object_is_type(j, json_type_object))
		return err_set(e, ERR_CORRUPT, "\"%s\" is not an object", key);
	json_object_object_foreach (j, name, value) {
		(void)value;
		if (strv_add(dst, name) < 0)
			return err_no_memory(e);
	}
	return 0;
}

static json *read_typed(json *obj, const char *key, enum json_type type)
{
	json *j = json_get(obj, key);
	return j && json_object_is_type(j, type) ? json_object_get(j) : NULL;
}

static int read_diff_ids(json *j, struct image_config *c, struct err *e)
{
	json *rootfs = json_get(j, "rootfs");
	json *list = json_get(rootfs, "diff_ids");
	if (strcmp(json_str(rootfs, "type", ""), "layers") != 0)
		return err_set(e, ERR_CORRUPT, "\"rootfs\" is not of type \"layers\"");
	if (list && !json_object_is_type(list, json_type_array) && !json_object_is_type(list, json_type_null))
		return err_set(e, ERR_CORRUPT, "\"diff_ids\" is not a list");
	size_t n = list && json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
	if (n > MANIFEST_MAX_LAYERS)
		return err_set(
		        e, ERR_CORRUPT, "%zu layers, more than the limit of %d", n, MANIFEST_MAX_LAYERS);
	c->diff_ids = calloc(n ? n : 1, sizeof(*c->diff_ids));
	if (!c->diff_ids)
		return err_no_memory(e);
	for (; c->n_diff_ids < n; c->n_diff_ids++)
		if (digest_parse(json_object_get_string(json_object_array_get_idx(list, c->n_diff_ids)),
		            &c->diff_ids[c->n_diff_ids], e) < 0)
			return -1;
	return 0;
}

static int read_run(json *run, struct image_config *c, struct err *e)
{
	if (read_string(run, "User", &c->user, e) < 0 || read_string(run, "WorkingDir", &c->workdir, e) < 0 ||
	        read_string(run, "StopSignal", &c->stop_signal, e) < 0 ||
	        read_strv(run, "Env", &c->env, e) < 0 ||
	        read_strv(run, "Entrypoint", &c->entrypoint, e) < 0 ||
	        read_strv(run, "Cmd", &c->cmd, e) < 0 || read_strv(run, "Shell", &c->shell, e) < 0 ||
	        read_keys(run, "Volumes", &c->volumes, e) < 0 ||
	        read_keys(run, "ExposedPorts", &c->exposed_ports, e) < 0)
		return -1;
	c->labels = read_typed(run, "Labels", json_type_object);
	c->healthcheck = read_typed(run, "Healthcheck", json_type_object);
	if (!c->user && !(c->user = strdup("")))
		return err_no_memory(e);
	return 0;
}

static int read_config(json *j, struct image_config *c, struct err *e)
{
	if (!json_object_is_type(j, json_type_object))
		return err_set(e, ERR_CORRUPT, "not an object");
	if (read_string(j, "architecture", &c->architecture, e) < 0 || read_string(j, "os", &c->os, e) < 0 ||
	        read_string(j, "variant", &c->variant, e) < 0 ||
	        read_string(j, "author", &c->author, e) < 0 || read_run(json_get(j, "config"), c, e) < 0 ||
	        read_diff_ids(j, c, e) < 0)
		return -1;
	c->history = read_typed(j, "history", json_type_array);
	const char *created = json_str(j, "created", "");
	/* Only dates: time_parse() would also take "10m" for ten minutes ago. A date that cannot be read,
	 * like Go's zero time in the year 1, is no reason to refuse an image. */
	if (!strchr(created, 'T') || time_parse(created, 0, &c->created, NULL) < 0)
		c->created = 0;
	return 0;
}

int image_config_parse(const char *text, size_t len, struct image_config *c, struct err *e)
{
	memset(c, 0, sizeof(*c));
	if (len > IMAGE_CONFIG_MAX_BYTES)
		return err_set(e, ERR_CORRUPT, "image config: %zu bytes, more than the limit of %zu", len,
		        IMAGE_CONFIG_MAX_BYTES);
	cleanup_json json *j = json_parse(text, len, "image config", e);
	if (!j)
		return -1;
	if (read_config(j, c, e) < 0) {
		image_config_free(c);
		return err_wrap(e, "image config");
	}
	return 0;
}

static void set_keys(json *obj, const char *key, char *const *keys)
{
	if (!keys || !*keys)
		return;
	json *set = json_object_new_object();
	strv_foreach (k, keys)
		json_set(set, *k, json_object_new_object());
	json_set(obj, key, set);
}

static void set_some(json *obj, const char *key, char *const *v)
{
	if (v && *v)
		json_set_strv(obj, key, v);
}

static void set_text(json *obj, const char *key, const char *s)
{
	if (s && *s)
		json_set_str(obj, key, s);
}

json *image_config_run_json(const struct image_config *c)
{
	json *run = json_object_new_object();
	set_text(run, "User", c->user);
	set_keys(run, "ExposedPorts", c->exposed_ports);
	set_some(run, "Env", c->env);
	set_some(run, "Entrypoint", c->entrypoint);
	set_some(run, "Cmd", c->cmd);
	set_some(run, "Shell", c->shell);
	set_keys(run, "Volumes", c->volumes);
	set_text(run, "WorkingDir", c->workdir);
	if (c->labels)
		json_set(run, "Labels", json_object_get(c->labels));
	if (c->healthcheck)
		json_set(run, "Healthcheck", json_object_get(c->healthcheck));
	set_text(run, "StopSignal", c->stop_signal);
	return run;
}

json *image_config_to_json(const struct image_config *c)
{
	char text[DIGEST_TEXT_SIZE], when[TIME_TEXT_SIZE];
	json *j = json_object_new_object(), *rootfs = json_object_new_object(),
	     *ids = json_object_new_array();
	json_set_str(j, "created", time_format(c->created, when));
	set_text(j, "author", c->author);
	set_text(j, "architecture", c->architecture);
	set_text(j, "os", c->os);
	set_text(j, "variant", c->variant);
	json_set(j, "config", image_config_run_json(c));
	for (size_t i = 0; i < c->n_diff_ids; i++)
		json_add_str(ids, digest_text(&c->diff_ids[i], text));
	json_set_str(rootfs, "type", "layers");
	json_set(rootfs, "diff_ids", ids);
	json_set(j, "rootfs", rootfs);
	if (c->history)
		json_set(j, "history", json_object_get(c->history));
	return j;
}
