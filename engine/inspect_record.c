/* The request as Docker's Config, HostConfig, NetworkingConfig and Mounts: made at creation, kept in the
 * container's record, completed for inspection. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "engine/endpoint.h"
#include "engine/engine.h"
#include "engine/oci/rlimit.h"

/* Members that are nearly always empty: left out of the record, which every list reads, and put back for
 * inspection. Only where empty means what missing means: StopTimeout 0 and DetachKeys "" do not. */
struct field {
	const char *name;
	json_type type;
};
static const struct field config_fields[] = {{"Domainname", json_type_string}, {"User", json_type_string},
        {"Tty", json_type_boolean}, {"OpenStdin", json_type_boolean}, {"Env", json_type_array},
        {"Cmd", json_type_array}, {"Entrypoint", json_type_array}, {"Image", json_type_string},
        {"Volumes", json_type_object}, {"ExposedPorts", json_type_object}, {"Labels", json_type_object},
        {NULL, json_type_null}};
static const struct field host_config_fields[] = {{"AutoRemove", json_type_boolean},
        {"VolumesFrom", json_type_array}, {"CapAdd", json_type_array}, {"CapDrop", json_type_array},
        {"Dns", json_type_array}, {"DnsOptions", json_type_array}, {"DnsSearch", json_type_array},
        {"ExtraHosts", json_type_array}, {"GroupAdd", json_type_array}, {"PidMode", json_type_string},
        {"UTSMode", json_type_string}, {"UsernsMode", json_type_string}, {"OomScoreAdj", json_type_int},
        {"Privileged", json_type_boolean}, {"ReadonlyRootfs", json_type_boolean},
        {"SecurityOpt", json_type_array}, {"CgroupParent", json_type_string}, {"Init", json_type_boolean},
        {"Ulimits", json_type_array}, {"Devices", json_type_array}, {"Sysctls", json_type_array},
        {"PortBindings", json_type_object}, {"PublishAllPorts", json_type_boolean},
        {"PublishGroup", json_type_string}, {"Memory", json_type_int}, {"MemorySwap", json_type_int},
        {"MemoryReservation", json_type_int}, {"OomKillDisable", json_type_boolean},
        {"CpuShares", json_type_int}, {"CpuQuota", json_type_int}, {"CpuPeriod", json_type_int},
        {"NanoCpus", json_type_int}, {"CpusetCpus", json_type_string}, {"CpusetMems", json_type_string},
        {"PidsLimit", json_type_int}, {"BlkioWeight", json_type_int}, {NULL, json_type_null}};

static bool is_empty(json *v, json_type type)
{
	switch (type) {
	case json_type_string:
		return json_object_get_string_len(v) == 0;
	case json_type_array:
		return json_object_array_length(v) == 0;
	case json_type_object:
		return json_object_object_length(v) == 0;
	case json_type_boolean:
		return !json_object_get_boolean(v);
	default:
		return json_object_get_int64(v) == 0;
	}
}

static json *empty_of(json_type type)
{
	switch (type) {
	case json_type_string:
		return json_object_new_string("");
	case json_type_array:
		return json_object_new_array();
	case json_type_object:
		return json_object_new_object();
	case json_type_boolean:
		return json_object_new_boolean(false);
	default:
		return json_object_new_int64(0);
	}
}

static void drop_empty(json *o, const struct field *fields)
{
	for (const struct field *f = fields; f->name; f++) {
		json *v = json_get(o, f->name);
		if (v && json_object_is_type(v, f->type) && is_empty(v, f->type))
			json_object_object_del(o, f->name);
	}
}

/* A copy that has them all. */
static json *complete(json *o, const struct field *fields)
{
	json *full = json_object_new_object();

	if (o) {
		json_object_object_foreach (o, key, value)
			json_set(full, key, json_object_get(value));
	}
	for (const struct field *f = fields; f->name; f++)
		if (!json_get(full, f->name))
			json_set(full, f->name, empty_of(f->type));
	return full;
}

static json *set_of(char *const *keys)
{
	json *o = json_object_new_object();

	strv_foreach (k, keys)
		json_set(o, *k, json_object_new_object());
	return o;
}

static json *labels(const struct tare_create *q, const struct image_config *image)
{
	json *o = json_object_new_object();

	if (image && image->labels) {
		json_object_object_foreach (image->labels, key, value)
			json_set(o, key, json_object_get(value));
	}
	if (q->labels) {
		json_object_object_foreach (q->labels, key, value)
			json_set(o, key, json_object_get(value));
	}
	return o;
}

static json *config_json(
        const struct tare_create *q, const struct image_config *image, const struct runtime_spec *spec)
{
	json *o = json_object_new_object();
	const char *signal = q->stop_signal                ? q->stop_signal
	                     : image && image->stop_signal ? image->stop_signal
	                                                   : "SIGTERM";

	json_set_str(o, "Hostname", spec->hostname);
	json_set_str(o, "Domainname", spec->domainname ? spec->domainname : "");
	json_set_str(o, "User", spec->user);
	json_set_bool(o, "Tty", q->tty);
	json_set_bool(o, "OpenStdin", q->interactive);
	json_set_strv(o, "Env", spec->env);
	json_set_strv(o, "Cmd",
	        strv_len(q->args)             ? q->args
	        : image && !q->has_entrypoint ? image->cmd
	                                      : NULL);
	json_set_strv(o, "Entrypoint", q->has_entrypoint ? q->entrypoint : image ? image->entrypoint : NULL);
	json_set_str(o, "Image", q->image ? q->image : "");
	json_set(o, "Volumes", set_of(image ? image->volumes : NULL));
	json_set(o, "ExposedPorts", exposed_ports_document(q, image));
	json_set_str(o, "WorkingDir", spec->cwd);
	json_set(o, "Labels", labels(q, image));
	json_set_str(o, "StopSignal", signal);
	if (q->stop_timeout != TARE_TIMEOUT_DEFAULT)
		json_set_int(o, "StopTimeout", q->stop_timeout);
	if (q->detach_keys)
		json_set_str(o, "DetachKeys", q->detach_keys);
	if (q->health_on_failure)
		json_set_str(o, "HealthcheckOnFailureAction", tare_health_action_name(q->health_on_failure));
	drop_empty(o, config_fields);
	return o;
}

static json *log_json(const struct tare_create *q)
{
	bool none = q->log_driver && strcmp(q->log_driver, "none") == 0;
	json *o = json_object_new_object(), *options = json_object_new_object(),
	     *ours = json_object_new_object();
	char text[32];

	json_set_str(o, "Type", none ? "none" : "cri");
	if (q->log_max_size) {
		snprintf(text, sizeof text, "%llu", (unsigned long long)q->log_max_size);
		json_set_str(options, "max-size", text);
	}
	if (q->log_max_files) {
		snprintf(text, sizeof text, "%u", q->log_max_files);
		json_set_str(options, "max-file", text);
	}
	json_set(o, "Config", options);
	json_set_int(ours, "enabled", !none);
	json_set_int(ours, "maxSize", (int64_t)q->log_max_size);
	json_set_int(ours, "maxFiles", q->log_max_files ? q->log_max_files : 1);
	json_set(o, "Tare", ours);
	return o;
}

void inspect_set_restart(json *o, enum tare_restart policy, unsigned max)
{
	json *restart = json_object_new_object();

	json_set_str(restart, "Name", tare_restart_name(policy));
	json_set_int(restart, "MaximumRetryCount", max);
	json_set(o, "RestartPolicy", restart);
}

void inspect_set_resources(json *o, const struct resources *r)
{
	json_set_int(o, "Memory", r->memory);
	json_set_int(o, "MemorySwap", r->memory_swap);
	json_set_int(o, "MemoryReservation", r->memory_reservation);
	json_set_int(o, "MemorySwappiness", r->swappiness - 1);
	json_set_bool(o, "OomKillDisable", r->oom_kill_disable);
	json_set_int(o, "CpuShares", (int64_t)r->cpu_shares);
	json_set_int(o, "CpuQuota", r->cpu_quota_us);
	json_set_int(o, "CpuPeriod", r->cpu_quota_us ? (int64_t)r->cpu_period_us : 0);
	json_set_int(o, "NanoCpus",
	        r->cpu_quota_us > 0 && r->cpu_period_us
	                ? r->cpu_quota_us * 1000000000 / (int64_t)r->cpu_period_us
	                : 0);
	json_set_str(o, "CpusetCpus", r->cpuset_cpus ? r->cpuset_cpus : "");
	json_set_str(o, "CpusetMems", r->cpuset_mems ? r->cpuset_mems : "");
	json_set_int(o, "PidsLimit", r->pids);
	json_set_int(o, "BlkioWeight", r->blkio_weight);
}

static json *ulimits_json(const struct tare_create *q)
{
	json *a = json_object_new_array();

	for (size_t i = 0; i < q->n_ulimits; i++) {
		json *u = json_object_new_object();
		json_set_str(u, "Name", rlimit_name(q->ulimits[i].resource));
		json_set_int(u, "Soft", (int64_t)q->ulimits[i].soft);
		json_set_int(u, "Hard", (int64_t)q->ulimits[i].hard);
		json_object_array_add(a, u);
	}
	return a;
}

static json *devices_json(const struct tare_create *q)
{
	json *a = json_object_new_array();

	for (size_t i = 0; i < q->n_devices; i++) {
		json *d = json_object_new_object();
		json_set_str(d, "PathOnHost", q->devices[i].host_path);
		json_set_str(d, "PathInContainer", q->devices[i].container_path);
		json_set_str(d, "CgroupPermissions", q->devices[i].access);
		json_object_array_add(a, d);
	}
	return a;
}

/* What the user reads back is what is in force: container:NAME has become container:ID, an id of a network
 * its name. */
static const char *network_mode(const struct runtime_spec *spec, char *const *networks)
{
	const struct spec_namespace *n = &spec->ns[NS_NETWORK];

	return n->mode == NS_HOST ? "host" : n->mode == NS_JOIN ? n->path : networks ? networks[0] : "none";
}

/* As podman has it: "private" for maps that were named. */
static const char *userns_mode(const struct tare_create *q, const struct runtime_spec *spec)
{
	if (spec->ns[NS_USER].mode != NS_PRIVATE)
		return "";
	bool named =
	        q->uid_maps || q->gid_maps || (q->userns_mode && strncmp(q->userns_mode, "auto", 4) != 0);
	return named ? "private" : "auto";
}

static json *host_config_json(
        const struct tare_create *q, const struct runtime_spec *spec, char *const *networks)
{
	json *o = json_object_new_object();

	json_set(o, "LogConfig", log_json(q));
	json_set_str(o, "NetworkMode", network_mode(spec, networks));
	json_set(o, "PortBindings", port_bindings_document(q));
	json_set_bool(o, "PublishAllPorts", q->publish_all);
	json_set_str(o, "PublishGroup", q->publish_group ? q->publish_group : "");
	inspect_set_restart(o, q->restart, q->restart_max);
	json_set_bool(o, "AutoRemove", q->auto_remove);
	json_set_strv(o, "VolumesFrom", q->volumes_from);
	json_set_strv(o, "CapAdd", q->cap_add);
	json_set_strv(o, "CapDrop", q->cap_drop);
	json_set_str(o, "CgroupnsMode", q->cgroupns_mode ? q->cgroupns_mode : "private");
	json_set_strv(o, "Dns", q->dns);
	json_set_strv(o, "DnsOptions", q->dns_options);
	json_set_strv(o, "DnsSearch", q->dns_search);
	json_set_strv(o, "ExtraHosts", q->add_hosts);
	json_set_strv(o, "GroupAdd", q->groups);
	json_set_str(o, "IpcMode", q->ipc_mode ? q->ipc_mode : "private");
	json_set_str(o, "PidMode", q->pid_mode ? q->pid_mode : "");
	json_set_str(o, "UTSMode", q->uts_mode ? q->uts_mode : "");
	json_set_str(o, "UsernsMode", userns_mode(q, spec));
	if (spec->ids.uid.n) {
		json *ids = json_object_new_object();
		json_set(ids, "UidMap", id_map_texts(&spec->ids.uid));
		json_set(ids, "GidMap", id_map_texts(&spec->ids.gid));
		json_set(o, "IDMappings", ids);
	}
	json_set_int(o, "OomScoreAdj", q->oom_score_adj);
	json_set_bool(o, "Privileged", q->privileged);
	json_set_bool(o, "ReadonlyRootfs", spec->root_readonly);
	json_set_strv(o, "SecurityOpt", q->security_opts);
	json_set_str(o, "SecurityProfile",
	        q->security_profile ? q->security_profile
	        : q->privileged     ? "privileged"
	                            : "default");
	json_set_int(o, "ShmSize", (int64_t)(q->shm_size ? q->shm_size : (uint64_t)64 << 20));
	json_set_str(o, "CgroupParent", q->cgroup_parent ? q->cgroup_parent : "");
	json_set_bool(o, "Init", q->init);
	json_set(o, "Ulimits", ulimits_json(q));
	json_set(o, "Devices", devices_json(q));
	json_set_strv(o, "Sysctls", q->sysctls);
	inspect_set_resources(o, &spec->resources);
	drop_empty(o, host_config_fields);
	return o;
}

static bool has_option(const struct spec_mount *m, const char *option)
{
	return strv_has(m->options, option);
}

/* The system's own mounts are not in Docker's list. */
static bool is_ours(const struct spec_mount *m)
{
	static const char *const targets[] = {
	        "/dev", "/dev/shm", "/etc/hosts", "/etc/hostname", "/etc/resolv.conf"};

	if (strcmp(m->type, "bind") != 0 && strcmp(m->type, "tmpfs") != 0)
		return true;
	for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++)
		if (strcmp(m->destination, targets[i]) == 0)
			return true;
	return false;
}

static const char *propagation_of(const struct spec_mount *m)
{
	static const char *const words[] = {"rshared", "shared", "rslave", "slave", "private"};

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (has_option(m, words[i]))
			return words[i];
	return "rprivate";
}

static json *mounts_json(const struct runtime_spec *spec)
{
	json *a = json_object_new_array();

	for (size_t i = 0; i < spec->n_mounts; i++) {
		const struct spec_mount *m = &spec->mounts[i];
		if (is_ours(m))
			continue;
		json *o = json_object_new_object();
		const char *volume = m->volume;
		json_set_str(o, "Type", volume ? "volume" : m->type);
		if (volume) {
			json_set_str(o, "Name", volume);
			json_set_str(o, "Driver", "local");
		}
		json_set_str(o, "Source", m->source ? m->source : "");
		json_set_str(o, "Destination", m->destination);
		json_set_str(o, "Mode", has_option(m, "ro") ? "ro" : "");
		json_set_bool(o, "RW", !has_option(m, "ro"));
		json_set_str(
		        o, "Propagation", strcmp(m->type, "bind") == 0 && !volume ? propagation_of(m) : "");
		if (m->subpath)
			json_set_str(o, "Subpath", m->subpath);
		json_object_array_add(a, o);
	}
	return a;
}

json *inspect_record(const struct tare_create *q, const struct image_config *image,
        const struct runtime_spec *spec, char *const *networks)
{
	json *o = json_object_new_object();

	json_set(o, "Config", config_json(q, image, spec));
	json_set(o, "HostConfig", host_config_json(q, spec, networks));
	if (networks)
		json_set(o, "NetworkingConfig", endpoints_document(q, networks));
	json_set(o, "Mounts", mounts_json(spec));
	return o;
}

json *inspect_config(const struct container_record *r)
{
	return complete(json_get(r->config, "Config"), config_fields);
}

json *inspect_host_config(const struct container_record *r)
{
	return complete(json_get(r->config, "HostConfig"), host_config_fields);
}
