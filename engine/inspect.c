/* Docker's document about a container: the request's part is made at creation and kept in the record, the
 * state's part is made when somebody asks. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/units.h"
#include "engine/engine.h"
#include "engine/monitor/handoff.h"
#include "engine/oci/rlimit.h"

/* ------------------------------------------------------------------ at creation */

static json *strv_json(char *const *v)
{
	json *a = json_object_new_array();

	strv_foreach (s, v)
		json_add_str(a, *s);
	return a;
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
	json_set(o, "Env", strv_json(spec->env));
	json_set(o, "Cmd",
	        strv_json(strv_len(q->args)             ? q->args
	                  : image && !q->has_entrypoint ? image->cmd
	                                                : NULL));
	json_set(o, "Entrypoint",
	        strv_json(q->has_entrypoint ? q->entrypoint
	                  : image           ? image->entrypoint
	                                    : NULL));
	json_set_str(o, "Image", q->image ? q->image : "");
	json_set(o, "Volumes", set_of(image ? image->volumes : NULL));
	json_set(o, "ExposedPorts", set_of(image ? image->exposed_ports : NULL));
	json_set_str(o, "WorkingDir", spec->cwd);
	json_set(o, "Labels", labels(q, image));
	json_set_str(o, "StopSignal", signal);
	if (q->stop_timeout != TARE_TIMEOUT_DEFAULT)
		json_set_int(o, "StopTimeout", q->stop_timeout);
	if (q->detach_keys)
		json_set_str(o, "DetachKeys", q->detach_keys);
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

static void resources_json(json *o, const struct resources *r)
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

/* What the user reads back is what is in force: container:NAME has become container:ID. */
static const char *network_mode(const struct runtime_spec *spec)
{
	const struct spec_namespace *n = &spec->ns[NS_NETWORK];

	return n->mode == NS_HOST ? "host" : n->mode == NS_JOIN ? n->path : "none";
}

static json *host_config_json(const struct tare_create *q, const struct runtime_spec *spec)
{
	json *o = json_object_new_object(), *restart = json_object_new_object();

	json_set(o, "LogConfig", log_json(q));
	json_set_str(o, "NetworkMode", network_mode(spec));
	json_set_str(restart, "Name", "no");
	json_set_int(restart, "MaximumRetryCount", 0);
	json_set(o, "RestartPolicy", restart);
	json_set_bool(o, "AutoRemove", q->auto_remove);
	json_set(o, "VolumesFrom", strv_json(q->volumes_from));
	json_set(o, "CapAdd", strv_json(q->cap_add));
	json_set(o, "CapDrop", strv_json(q->cap_drop));
	json_set_str(o, "CgroupnsMode", q->cgroupns_mode ? q->cgroupns_mode : "private");
	json_set(o, "Dns", strv_json(q->dns));
	json_set(o, "DnsOptions", strv_json(q->dns_options));
	json_set(o, "DnsSearch", strv_json(q->dns_search));
	json_set(o, "ExtraHosts", strv_json(q->add_hosts));
	json_set(o, "GroupAdd", strv_json(q->groups));
	json_set_str(o, "IpcMode", q->ipc_mode ? q->ipc_mode : "private");
	json_set_str(o, "PidMode", q->pid_mode ? q->pid_mode : "");
	json_set_str(o, "UTSMode", q->uts_mode ? q->uts_mode : "");
	json_set_int(o, "OomScoreAdj", q->oom_score_adj);
	json_set_bool(o, "Privileged", q->privileged);
	json_set_bool(o, "ReadonlyRootfs", spec->root_readonly);
	json_set(o, "SecurityOpt", strv_json(q->security_opts));
	json_set_str(o, "SecurityProfile",
	        q->security_profile ? q->security_profile
	        : q->privileged     ? "privileged"
	                            : "default");
	json_set_int(o, "ShmSize", (int64_t)(q->shm_size ? q->shm_size : (uint64_t)64 << 20));
	json_set_str(o, "CgroupParent", q->cgroup_parent ? q->cgroup_parent : "");
	json_set_bool(o, "Init", q->init);
	json_set(o, "Ulimits", ulimits_json(q));
	json_set(o, "Devices", devices_json(q));
	json_set(o, "Sysctls", strv_json(q->sysctls));
	resources_json(o, &spec->resources);
	json_set(o, "MaskedPaths", strv_json(spec->masked_paths));
	json_set(o, "ReadonlyPaths", strv_json(spec->readonly_paths));
	return o;
}

static bool has_option(const struct spec_mount *m, const char *option)
{
	return strv_has(m->options, option);
}

/* "…/volumes/NAME/data" -> NAME, else NULL. */
static char *volume_of(const char *source)
{
	size_t n = strlen(source);
	const char *data = n > 5 && strcmp(source + n - 5, "/data") == 0 ? source + n - 5 : NULL;
	const char *name = data ? memrchr(source, '/', (size_t)(data - source)) : NULL;

	if (!name || name - source < 8 || strncmp(name - 8, "/volumes", 8) != 0)
		return NULL;
	return strndup(name + 1, (size_t)(data - name - 1));
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

static json *mounts_json(const struct runtime_spec *spec)
{
	json *a = json_object_new_array();

	for (size_t i = 0; i < spec->n_mounts; i++) {
		const struct spec_mount *m = &spec->mounts[i];
		if (is_ours(m))
			continue;
		json *o = json_object_new_object();
		cleanup_free char *volume = m->source ? volume_of(m->source) : NULL;
		json_set_str(o, "Type", volume ? "volume" : m->type);
		if (volume) {
			json_set_str(o, "Name", volume);
			json_set_str(o, "Driver", "local");
		}
		json_set_str(o, "Source", m->source ? m->source : "");
		json_set_str(o, "Destination", m->destination);
		json_set_str(o, "Mode", has_option(m, "ro") ? "ro" : "");
		json_set_bool(o, "RW", !has_option(m, "ro"));
		json_set_str(o, "Propagation", strcmp(m->type, "bind") == 0 && !volume ? "rprivate" : "");
		json_object_array_add(a, o);
	}
	return a;
}

json *inspect_record(
        const struct tare_create *q, const struct image_config *image, const struct runtime_spec *spec)
{
	json *o = json_object_new_object();

	json_set(o, "Config", config_json(q, image, spec));
	json_set(o, "HostConfig", host_config_json(q, spec));
	json_set(o, "Mounts", mounts_json(spec));
	return o;
}

/* ------------------------------------------------------------------ when asked */

static void set_time(json *o, const char *key, int64_t ns)
{
	char text[TIME_TEXT_SIZE];

	json_set_str(o, key, ns ? time_format(ns, text) : "0001-01-01T00:00:00Z");
}

static json *state_json(const struct container *c)
{
	json *o = json_object_new_object();
	enum tare_state state = container_status(c);
	bool up = container_is_up(c);
	struct exit_record how = {.code = c->record.exit_code,
	        .oom_killed = c->record.oom_killed,
	        .finished = c->record.finished};

	if (!up && c->state_fd >= 0)
		exit_record_read(c->state_fd, &how);
	json_set_str(o, "Status", tare_state_name(state));
	json_set_bool(o, "Running", up);
	json_set_bool(o, "Paused", state == TARE_PAUSED);
	json_set_bool(o, "Restarting", state == TARE_RESTARTING);
	json_set_bool(o, "OOMKilled", up ? false : how.oom_killed);
	json_set_bool(o, "Dead", false);
	json_set_int(o, "Pid", up ? c->state.process.pid : 0);
	json_set_int(o, "ExitCode", up ? 0 : how.code);
	json_set_str(o, "Error", c->record.error ? c->record.error : "");
	set_time(o, "StartedAt", c->record.started);
	set_time(o, "FinishedAt", how.finished);
	json_set_int(o, "MonitorPid", up && proc_alive(&c->state.monitor) ? c->state.monitor.pid : 0);
	return o;
}

static json *network_json(const struct container *c)
{
	json *o = json_object_new_object();

	json_set(o, "Ports", json_object_new_object());
	json_set(o, "Networks", json_object_new_object());
	json_set_str(
	        o, "NetworkMode", json_str(json_get(c->record.config, "HostConfig"), "NetworkMode", "none"));
	return o;
}

int engine_inspect(struct tare_engine *t, const char *ref, bool with_size, json **out, struct err *e)
{
	const struct store *s = engine_store(t);
	cleanup_container struct container c = CONTAINER_INIT;
	uint64_t rw, rootfs;

	if (container_open(s, ref, &c, e) != 0)
		return -1;
	const struct container_record *r = &c.record;
	json *o = json_object_new_object();
	cleanup_free char *log = str_printf("%s/containers/%s/log", s->root, c.id);
	cleanup_free char *hosts = str_printf("%s/containers/%s/hosts", s->root, c.id);
	json_set_str(o, "Id", c.id);
	set_time(o, "Created", r->created);
	json_set_str(o, "Path", strv_len(r->command) ? r->command[0] : "");
	json_set(o, "Args", strv_json(strv_len(r->command) ? r->command + 1 : NULL));
	json_set(o, "State", state_json(&c));
	json_set_str(o, "Image", r->image_id);
	json_set_str(o, "LogPath", log);
	json_set_str(o, "HostsPath", hosts);
	cleanup_free char *name = str_printf("/%s", r->name);
	json_set_str(o, "Name", name);
	json_set_int(o, "RestartCount", r->restart_count);
	json_set_str(o, "Driver", "overlay");
	json_set_str(o, "Platform", "linux");
	json_set(o, "HostConfig", json_object_get(json_get(r->config, "HostConfig")));
	json_set(o, "Mounts", json_object_get(json_get(r->config, "Mounts")));
	json_set(o, "Config", json_object_get(json_get(r->config, "Config")));
	json_set(o, "NetworkSettings", network_json(&c));
	if (with_size && engine_container_size(t, c.id, &rw, &rootfs, NULL) == 0) {
		json_set_int(o, "SizeRw", (int64_t)rw);
		json_set_int(o, "SizeRootFs", (int64_t)rootfs);
	}
	*out = o;
	return 0;
}
