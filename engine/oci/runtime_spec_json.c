/* config.json: the OCI runtime spec 1.1 (https://github.com/opencontainers/runtime-spec, config.md and
 * config-linux.md) to and from struct runtime_spec.
 *
 * What OCI has no field for stands in these annotations; a user's annotation of the same start is left out:
 *   tare.user             the user as written: "web:staff"
 *   tare.groups           JSON array of further groups
 *   tare.seccomp          "unconfined" or the profile's path (linux.seccomp would be 20 KB in every record)
 *   tare.seccomp_log      "true": what the filter refuses is logged
 *   tare.apparmor_optional  "true": without the label where it can't be had
 *   tare.init             "true": tare-init stays as process 1
 *   tare.copy_up          JSON array of destinations to be filled from the image
 *   tare.cgroup_writable  "true": /sys/fs/cgroup is writable
 *   tare.volumes          JSON array of [destination, volume, subpath or nothing] */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "engine/oci/capability.h"
#include "engine/oci/resources_json.h"
#include "engine/oci/rlimit.h"
#include "engine/oci/runtime_spec.h"

#define OWN_PREFIX "tare."

static const char *const namespace_types[NS_KIND_COUNT] = {
        [NS_MOUNT] = "mount",
        [NS_PID] = "pid",
        [NS_UTS] = "uts",
        [NS_IPC] = "ipc",
        [NS_NETWORK] = "network",
        [NS_CGROUP] = "cgroup",
        [NS_USER] = "user",
};

/* The five sets, by name and place. */
static const struct {
	const char *name;
	size_t offset;
} cap_sets[] = {
        {"bounding", offsetof(struct spec_capabilities, bounding)},
        {"effective", offsetof(struct spec_capabilities, effective)},
        {"permitted", offsetof(struct spec_capabilities, permitted)},
        {"inheritable", offsetof(struct spec_capabilities, inheritable)},
        {"ambient", offsetof(struct spec_capabilities, ambient)},
};
#define N_CAP_SETS (sizeof cap_sets / sizeof cap_sets[0])

static void set_text(json *j, const char *key, const char *s)
{
	if (s && *s)
		json_set_str(j, key, s);
}

/* ------------------------------------------------------------------ to JSON */

static json *caps_to_json(const struct spec_capabilities *caps)
{
	json *j = json_object_new_object();

	for (size_t i = 0; i < N_CAP_SETS; i++) {
		uint64_t set = *(const uint64_t *)((const char *)caps + cap_sets[i].offset);
		json *list = json_object_new_array();
		for (unsigned cap = 0; capability_name(cap); cap++)
			if (set >> cap & 1)
				json_add_str(list, capability_name(cap));
		json_set(j, cap_sets[i].name, list);
	}
	return j;
}

/* "nofile" of our table is OCI's "RLIMIT_NOFILE". */
static void set_rlimit_type(json *j, const char *name)
{
	char type[32] = "RLIMIT_";

	for (size_t i = strlen(type); *name && i + 1 < sizeof type; name++)
		type[i++] = (char)toupper((unsigned char)*name);
	json_set_str(j, "type", type);
}

static json *rlimits_to_json(const struct runtime_spec *s)
{
	json *list = json_object_new_array();

	for (size_t i = 0; i < s->n_rlimits; i++) {
		const char *name = rlimit_name(s->rlimits[i].resource);
		if (!name)
			continue;
		json *j = json_object_new_object();
		set_rlimit_type(j, name);
		json_set(j, "hard", json_object_new_uint64(s->rlimits[i].hard));
		json_set(j, "soft", json_object_new_uint64(s->rlimits[i].soft));
		json_object_array_add(list, j);
	}
	return list;
}

/* OCI knows numbers only; names are looked up inside the container, so there they are 0 and tare.user counts.
 */
static json *user_to_json(const struct runtime_spec *s)
{
	json *j = json_object_new_object();
	const char *user = s->user ? s->user : "", *colon = strchr(user, ':');

	json_set_int(j, "uid", strtoll(user, NULL, 10));
	json_set_int(j, "gid", colon ? strtoll(colon + 1, NULL, 10) : 0);
	json_set_int(j, "umask", s->umask);
	set_text(j, "username", s->user);
	return j;
}

static json *process_to_json(const struct runtime_spec *s)
{
	json *j = json_object_new_object();

	json_set_bool(j, "terminal", s->terminal);
	if (s->rows && s->cols) {
		json *size = json_object_new_object();
		json_set_int(size, "height", s->rows);
		json_set_int(size, "width", s->cols);
		json_set(j, "consoleSize", size);
	}
	json_set(j, "user", user_to_json(s));
	json_set_strv(j, "args", s->args);
	json_set_strv(j, "env", s->env);
	json_set_str(j, "cwd", s->cwd && *s->cwd ? s->cwd : "/");
	json_set(j, "capabilities", caps_to_json(&s->caps));
	json_set(j, "rlimits", rlimits_to_json(s));
	json_set_bool(j, "noNewPrivileges", s->no_new_privileges);
	set_text(j, "apparmorProfile", s->apparmor);
	if (s->has_oom_score_adj)
		json_set_int(j, "oomScoreAdj", s->oom_score_adj);
	return j;
}

static json *mounts_to_json(const struct runtime_spec *s)
{
	json *list = json_object_new_array();

	for (size_t i = 0; i < s->n_mounts; i++) {
		json *j = json_object_new_object();
		json_set_str(j, "destination", s->mounts[i].destination);
		json_set_str(j, "type", s->mounts[i].type);
		set_text(j, "source", s->mounts[i].source);
		json_set_strv(j, "options", s->mounts[i].options);
		json_object_array_add(list, j);
	}
	return list;
}

static json *namespaces_to_json(const struct runtime_spec *s)
{
	json *list = json_object_new_array();

	for (int k = 0; k < NS_KIND_COUNT; k++) {
		if (s->ns[k].mode == NS_HOST)
			continue;
		json *j = json_object_new_object();
		json_set_str(j, "type", namespace_types[k]);
		if (s->ns[k].mode == NS_JOIN)
			json_set_str(j, "path", s->ns[k].path);
		json_object_array_add(list, j);
	}
	return list;
}

static json *spec_devices_to_json(const struct runtime_spec *s)
{
	json *list = json_object_new_array();

	for (size_t i = 0; i < s->n_devices; i++) {
		const struct spec_device *d = &s->devices[i];
		json *j = json_object_new_object();
		json_set_str(j, "path", d->path);
		json_set_str(j, "type", (char[]){d->type, 0});
		json_set_int(j, "major", d->major);
		json_set_int(j, "minor", d->minor);
		json_set_int(j, "fileMode", d->mode);
		json_set_int(j, "uid", d->uid);
		json_set_int(j, "gid", d->gid);
		json_object_array_add(list, j);
	}
	return list;
}

static json *sysctl_to_json(const struct runtime_spec *s)
{
	json *j = json_object_new_object();

	strv_foreach (kv, s->sysctl) {
		const char *eq = strchr(*kv, '=');
		cleanup_free char *key = eq ? strndup(*kv, (size_t)(eq - *kv)) : NULL;
		if (key)
			json_set_str(j, key, eq + 1);
	}
	return j;
}

static json *linux_to_json(const struct runtime_spec *s)
{
	json *j = json_object_new_object();

	json_set(j, "namespaces", namespaces_to_json(s));
	if (s->ids.uid.n) {
		json_set(j, "uidMappings", id_map_to_json(&s->ids.uid));
		json_set(j, "gidMappings", id_map_to_json(&s->ids.gid));
	}
	json_set(j, "resources", resources_to_json(&s->resources));
	json_set(j, "devices", spec_devices_to_json(s));
	json_set_strv(j, "maskedPaths", s->masked_paths);
	json_set_strv(j, "readonlyPaths", s->readonly_paths);
	json_set(j, "sysctl", sysctl_to_json(s));
	set_text(j, "cgroupsPath", s->cgroup_path);
	return j;
}

/* A list as the text of a JSON array, since annotations are strings. */
static void set_list_text(json *j, const char *key, json *list)
{
	cleanup_buf struct buf b = BUF_INIT;

	if (json_object_array_length(list)) {
		json_print(&b, list, JSON_COMPACT);
		json_set_str(j, key, buf_str(&b));
	}
	json_object_put(list);
}

static json *volumes_to_json(const struct runtime_spec *s)
{
	json *list = json_object_new_array();

	for (size_t i = 0; i < s->n_mounts; i++) {
		const struct spec_mount *m = &s->mounts[i];
		if (!m->volume)
			continue;
		json *one = json_object_new_array();
		json_add_str(one, m->destination);
		json_add_str(one, m->volume);
		if (m->subpath)
			json_add_str(one, m->subpath);
		json_object_array_add(list, one);
	}
	return list;
}

static json *annotations_to_json(const struct runtime_spec *s)
{
	json *j = json_object_new_object(), *groups = json_object_new_array(),
	     *copy_up = json_object_new_array();

	if (s->annotations) {
		json_object_object_foreach (s->annotations, key, val) {
			if (strncmp(key, OWN_PREFIX, strlen(OWN_PREFIX)) != 0)
				json_set(j, key, json_object_get(val));
		}
	}
	strv_foreach (g, s->groups)
		json_add_str(groups, *g);
	for (size_t i = 0; i < s->n_mounts; i++)
		if (s->mounts[i].copy_up)
			json_add_str(copy_up, s->mounts[i].destination);
	/* Also when it is empty: "nobody said" is root with root's groups, "0:0" is root without. */
	json_set_str(j, "tare.user", s->user ? s->user : "");
	set_list_text(j, "tare.groups", groups);
	set_text(j, "tare.seccomp", s->seccomp);
	if (s->seccomp_log)
		json_set_str(j, "tare.seccomp_log", "true");
	if (s->apparmor_optional)
		json_set_str(j, "tare.apparmor_optional", "true");
	if (s->init)
		json_set_str(j, "tare.init", "true");
	set_list_text(j, "tare.copy_up", copy_up);
	set_list_text(j, "tare.volumes", volumes_to_json(s));
	if (s->cgroup_writable)
		json_set_str(j, "tare.cgroup_writable", "true");
	return j;
}

json *runtime_spec_to_json(const struct runtime_spec *s)
{
	json *j = json_object_new_object(), *root = json_object_new_object();

	json_set_str(j, "ociVersion", "1.1.0");
	json_set(j, "process", process_to_json(s));
	json_set_str(root, "path", "rootfs");
	json_set_bool(root, "readonly", s->root_readonly);
	json_set(j, "root", root);
	set_text(j, "hostname", s->hostname);
	set_text(j, "domainname", s->domainname);
	json_set(j, "mounts", mounts_to_json(s));
	json_set(j, "linux", linux_to_json(s));
	json_set(j, "annotations", annotations_to_json(s));
	return j;
}

/* ------------------------------------------------------------------ from JSON */

static size_t list_length(json *list)
{
	return list && json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
}

static int take_text(json *j, const char *key, char **dst, struct err *e)
{
	const char *s = json_str(j, key, NULL);

	return s && !(*dst = strdup(s)) ? err_no_memory(e) : 0;
}

static uint64_t get_u64(json *j, const char *key)
{
	json *v = json_get(j, key);

	return v ? json_object_get_uint64(v) : 0;
}

static void caps_from_json(json *j, struct spec_capabilities *caps)
{
	for (size_t i = 0; i < N_CAP_SETS; i++) {
		json *list = json_get(j, cap_sets[i].name);
		uint64_t set = 0;
		for (size_t k = 0; k < list_length(list); k++) {
			const char *name = json_object_get_string(json_object_array_get_idx(list, k));
			uint64_t bit = name ? capability_parse(name) : 0;
			set |= bit == CAPABILITY_ALL ? 0 : bit;
		}
		*(uint64_t *)((char *)caps + cap_sets[i].offset) = set;
	}
}

static int rlimits_from_json(json *list, struct runtime_spec *s, struct err *e)
{
	for (size_t i = 0; i < list_length(list); i++) {
		json *j = json_object_array_get_idx(list, i);
		const char *type = json_str(j, "type", "");
		struct spec_rlimit r = {rlimit_number(type), get_u64(j, "soft"), get_u64(j, "hard")};
		if (r.resource < 0)
			return err_set(
			        e, ERR_CORRUPT, "process.rlimits[%zu]: type \"%.40s\" is not known", i, type);
		if (runtime_spec_add_rlimit(s, r))
			return err_no_memory(e);
	}
	return 0;
}

static int process_from_json(json *j, struct runtime_spec *s, struct err *e)
{
	json *size = json_get(j, "consoleSize"), *user = json_get(j, "user");

	s->terminal = json_bool(j, "terminal", false);
	s->rows = (unsigned)json_int(size, "height", 0);
	s->cols = (unsigned)json_int(size, "width", 0);
	s->umask = (mode_t)json_int(user, "umask", 022);
	s->args = json_strv(j, "args");
	s->env = json_strv(j, "env");
	caps_from_json(json_get(j, "capabilities"), &s->caps);
	s->no_new_privileges = json_bool(j, "noNewPrivileges", false);
	s->has_oom_score_adj = json_get(j, "oomScoreAdj") != NULL;
	s->oom_score_adj = (int)json_int(j, "oomScoreAdj", 0);
	if (take_text(j, "cwd", &s->cwd, e) || take_text(j, "apparmorProfile", &s->apparmor, e))
		return -1;
	if (take_text(user, "username", &s->user, e) || rlimits_from_json(json_get(j, "rlimits"), s, e))
		return -1;
	/* A document that others wrote has numbers only. */
	if (!s->user && user) {
		s->user = str_printf("%lld:%lld", (long long)json_int(user, "uid", 0),
		        (long long)json_int(user, "gid", 0));
		if (!s->user)
			return err_no_memory(e);
	}
	return 0;
}

static int mounts_from_json(json *list, struct runtime_spec *s, struct err *e)
{
	for (size_t i = 0; i < list_length(list); i++) {
		json *j = json_object_array_get_idx(list, i);
		struct spec_mount *m = runtime_spec_add_mount(s);
		if (!m)
			return err_no_memory(e);
		m->options = json_strv(j, "options");
		if (take_text(j, "destination", &m->destination, e) || take_text(j, "type", &m->type, e) ||
		        take_text(j, "source", &m->source, e))
			return -1;
		if (!m->type && (strv_has(m->options, "bind") || strv_has(m->options, "rbind")))
			m->type = strdup("bind");
		if (!m->destination || !m->type)
			return err_set(e, ERR_CORRUPT, "mounts[%zu]: destination or type is missing", i);
	}
	return 0;
}

static int namespaces_from_json(json *list, struct runtime_spec *s, struct err *e)
{
	for (size_t i = 0; i < list_length(list); i++) {
		json *j = json_object_array_get_idx(list, i);
		const char *type = json_str(j, "type", "");
		int k = 0;
		while (k < NS_KIND_COUNT && strcmp(namespace_types[k], type))
			k++;
		if (k == NS_KIND_COUNT)
			return err_set(e, ERR_UNSUPPORTED,
			        "linux.namespaces[%zu]: type \"%.40s\" is not known", i, type);
		if (take_text(j, "path", &s->ns[k].path, e))
			return -1;
		s->ns[k].mode = s->ns[k].path ? NS_JOIN : NS_PRIVATE;
	}
	return 0;
}

static int spec_devices_from_json(json *list, struct runtime_spec *s, struct err *e)
{
	for (size_t i = 0; i < list_length(list); i++) {
		json *j = json_object_array_get_idx(list, i);
		const char *type = json_str(j, "type", "");
		struct spec_device *d = runtime_spec_add_device(s);
		if (!d || take_text(j, "path", &d->path, e))
			return d ? -1 : err_no_memory(e);
		d->type = *type == 'u' ? 'c'
		                       : *type; /* "u": a character device without buffer, of other systems */
		d->major = (unsigned)json_int(j, "major", 0);
		d->minor = (unsigned)json_int(j, "minor", 0);
		d->mode = (mode_t)json_int(j, "fileMode", 0666);
		d->uid = (uid_t)json_int(j, "uid", 0);
		d->gid = (gid_t)json_int(j, "gid", 0);
		if (!d->path || (d->type != 'c' && d->type != 'b'))
			return err_set(e, ERR_CORRUPT, "linux.devices[%zu]: path or type is missing", i);
	}
	return 0;
}

static int sysctl_from_json(json *j, struct runtime_spec *s, struct err *e)
{
	if (!j || !json_object_is_type(j, json_type_object))
		return 0;
	json_object_object_foreach (j, key, val) {
		const char *text = json_object_get_string(val);
		if (strv_take(&s->sysctl, str_printf("%s=%s", key, text ? text : "")))
			return err_no_memory(e);
	}
	return 0;
}

static int linux_from_json(json *j, struct runtime_spec *s, struct err *e)
{
	s->masked_paths = json_strv(j, "maskedPaths");
	s->readonly_paths = json_strv(j, "readonlyPaths");
	if (namespaces_from_json(json_get(j, "namespaces"), s, e) ||
	        id_map_from_json(&s->ids.uid, json_get(j, "uidMappings"), e) ||
	        id_map_from_json(&s->ids.gid, json_get(j, "gidMappings"), e))
		return -1;
	if (resources_from_json(json_get(j, "resources"), &s->resources, e))
		return -1;
	if (spec_devices_from_json(json_get(j, "devices"), s, e) ||
	        sysctl_from_json(json_get(j, "sysctl"), s, e))
		return -1;
	return take_text(j, "cgroupsPath", &s->cgroup_path, e);
}

/* The JSON array in an annotation's text; NULL with e, or without when there is none. */
static json *list_from_text(json *j, const char *key, struct err *e)
{
	const char *text = json_str(j, key, NULL);

	return text ? json_parse(text, strlen(text), key, e) : NULL;
}

static int copy_up_from_json(json *j, struct runtime_spec *s, struct err *e)
{
	cleanup_json json *list = list_from_text(j, "tare.copy_up", e);

	for (size_t i = 0; i < list_length(list); i++) {
		const char *destination = json_object_get_string(json_object_array_get_idx(list, i));
		for (size_t k = 0; destination && k < s->n_mounts; k++)
			s->mounts[k].copy_up |= !strcmp(s->mounts[k].destination, destination);
	}
	return list || !json_get(j, "tare.copy_up") ? 0 : -1;
}

/* One of them, onto the mount that it belongs to. */
static int volume_from_json(json *one, struct runtime_spec *s, struct err *e)
{
	size_t n = list_length(one);
	const char *text[3] = {NULL};

	for (size_t i = 0; i < n && i < 3; i++)
		text[i] = json_object_get_string(json_object_array_get_idx(one, i));
	for (size_t k = 0; text[0] && text[1] && k < s->n_mounts; k++) {
		struct spec_mount *m = &s->mounts[k];
		if (m->volume || strcmp(m->destination, text[0]) != 0)
			continue;
		m->volume = strdup(text[1]);
		m->subpath = text[2] ? strdup(text[2]) : NULL;
		if (!m->volume || (text[2] && !m->subpath))
			return err_no_memory(e);
	}
	return 0;
}

static int volumes_from_json(json *j, struct runtime_spec *s, struct err *e)
{
	cleanup_json json *list = list_from_text(j, "tare.volumes", e);

	for (size_t i = 0; i < list_length(list); i++)
		if (volume_from_json(json_object_array_get_idx(list, i), s, e))
			return -1;
	return list || !json_get(j, "tare.volumes") ? 0 : -1;
}

static int groups_from_json(json *j, struct runtime_spec *s, struct err *e)
{
	cleanup_json json *list = list_from_text(j, "tare.groups", e);

	for (size_t i = 0; i < list_length(list); i++) {
		const char *group = json_object_get_string(json_object_array_get_idx(list, i));
		if (group && strv_add(&s->groups, group))
			return err_no_memory(e);
	}
	return list || !json_get(j, "tare.groups") ? 0 : -1;
}

static int foreign_annotations(json *j, struct runtime_spec *s, struct err *e)
{
	if (!j || !json_object_is_type(j, json_type_object))
		return 0;
	json_object_object_foreach (j, key, val) {
		if (!strncmp(key, OWN_PREFIX, strlen(OWN_PREFIX)))
			continue;
		if (!s->annotations && !(s->annotations = json_object_new_object()))
			return err_no_memory(e);
		json_set(s->annotations, key, json_object_get(val));
	}
	return 0;
}

static int annotations_from_json(json *j, struct runtime_spec *s, struct err *e)
{
	const char *user = json_str(j, "tare.user", NULL);

	if (user) {
		free(s->user);
		if (!(s->user = strdup(user)))
			return err_no_memory(e);
	}
	s->init = !strcmp(json_str(j, "tare.init", ""), "true");
	s->cgroup_writable = !strcmp(json_str(j, "tare.cgroup_writable", ""), "true");
	s->seccomp_log = !strcmp(json_str(j, "tare.seccomp_log", ""), "true");
	s->apparmor_optional = !strcmp(json_str(j, "tare.apparmor_optional", ""), "true");
	if (take_text(j, "tare.seccomp", &s->seccomp, e) || groups_from_json(j, s, e) ||
	        copy_up_from_json(j, s, e) || volumes_from_json(j, s, e))
		return -1;
	return foreign_annotations(j, s, e);
}

static int parse(json *j, struct runtime_spec *s, struct err *e)
{
	s->root_readonly = json_bool(json_get(j, "root"), "readonly", false);
	if (process_from_json(json_get(j, "process"), s, e))
		return -1;
	if (take_text(j, "hostname", &s->hostname, e) || take_text(j, "domainname", &s->domainname, e))
		return -1;
	if (mounts_from_json(json_get(j, "mounts"), s, e) || linux_from_json(json_get(j, "linux"), s, e))
		return -1;
	return annotations_from_json(json_get(j, "annotations"), s, e);
}

int runtime_spec_from_json(json *j, struct runtime_spec *s, struct err *e)
{
	*s = (struct runtime_spec)RUNTIME_SPEC_INIT;
	if (!j || !json_object_is_type(j, json_type_object))
		return err_set(e, ERR_CORRUPT, "config.json: not a JSON object");
	if (!parse(j, s, e))
		return 0;
	runtime_spec_free(s);
	return err_wrap(e, "config.json");
}
