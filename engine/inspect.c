/* Docker's document about a container. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/units.h"
#include "engine/apparmor.h"
#include "engine/engine.h"
#include "engine/health.h"
#include "engine/monitor/handoff.h"
#include "engine/network.h"

static void set_time(json *o, const char *key, int64_t ns)
{
	char text[TIME_TEXT_SIZE];

	json_set_str(o, key, ns ? time_format(ns, text) : "0001-01-01T00:00:00Z");
}

static json *state_json(const struct container *c)
{
	json *o = json_object_new_object();
	bool up = container_is_up(c) || container_is_ending(c);
	enum tare_state state = container_status(c, up);
	struct exit_record how = {.code = c->record.exit_code,
	        .oom_killed = c->record.oom_killed,
	        .finished = c->record.finished};

	if (!up && c->state_fd >= 0)
		exit_record_read(c->state_fd, &how);
	json_set_str(o, "Status", tare_state_name(state));
	/* Docker's: what is about to run again counts as running */
	json_set_bool(o, "Running", up || state == TARE_RESTARTING);
	json_set_bool(o, "Paused", state == TARE_PAUSED);
	json_set_bool(o, "Restarting", state == TARE_RESTARTING);
	json_set_bool(o, "OOMKilled", up ? false : how.oom_killed);
	json_set_bool(o, "Dead", false);
	json_set_int(o, "Pid", up ? c->state.process.pid : 0);
	json_set_int(o, "ExitCode", up ? 0 : how.code);
	json_set_str(o, "Error", c->record.error ? c->record.error : "");
	set_time(o, "StartedAt", c->record.started);
	set_time(o, "FinishedAt", how.finished);
	if (health_is_on(&c->record))
		json_set(o, "Health", health_document(c));
	json_set_int(o, "MonitorPid", up && proc_alive(&c->state.monitor) ? c->state.monitor.pid : 0);
	return o;
}

/* While it runs, what the kernel says; then what it was made for. */
static void add_label(const struct container *c, const struct runtime_spec *spec, json *o)
{
	char label[APPARMOR_LABEL_SIZE] = "";

	if (container_is_up(c))
		(void)apparmor_label_of(c->state.process.pid, label);
	else if (spec->apparmor && (!spec->apparmor_optional || apparmor_enabled()))
		snprintf(label, sizeof label, "%s", spec->apparmor);
	json_set_str(o, "AppArmorProfile", label);
}

static json *host_config_of(const struct container *c, json *whole)
{
	struct runtime_spec spec = RUNTIME_SPEC_INIT;
	json *o = inspect_host_config(&c->record);

	if (container_spec(c, &spec, NULL) == 0) {
		json_set_strv(o, "MaskedPaths", spec.masked_paths);
		json_set_strv(o, "ReadonlyPaths", spec.readonly_paths);
		add_label(c, &spec, whole);
	}
	runtime_spec_free(&spec);
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
	json_set_strv(o, "Args", strv_len(r->command) ? r->command + 1 : NULL);
	json_set(o, "State", state_json(&c));
	json_set_str(o, "Image", r->image_id);
	json_set_str(o, "LogPath", log);
	json_set_str(o, "HostsPath", hosts);
	cleanup_free char *name = str_printf("/%s", r->name);
	json_set_str(o, "Name", name);
	json_set_int(o, "RestartCount", r->restart_count);
	json_set_str(o, "Driver", "overlay");
	json_set_str(o, "Platform", "linux");
	json_set(o, "HostConfig", host_config_of(&c, o));
	json_set(o, "Mounts", json_object_get(json_get(r->config, "Mounts")));
	json_set(o, "Config", inspect_config(r));
	json_set(o, "NetworkSettings", endpoints_inspect(s, &c));
	if (with_size && engine_container_size(t, c.id, &rw, &rootfs, NULL) == 0) {
		json_set_int(o, "SizeRw", (int64_t)rw);
		json_set_int(o, "SizeRootFs", (int64_t)rootfs);
	}
	*out = o;
	return 0;
}
