/* What holds for a container: while it runs the kernel is asked about its process 1, otherwise the record. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "engine/apparmor.h"
#include "engine/engine.h"
#include "engine/runtime/launch.h"

static json *names_of(uint64_t mask)
{
	json *a = json_object_new_array();

	for (unsigned cap = 0; capability_name(cap); cap++)
		if (mask >> cap & 1)
			json_add_str(a, capability_name(cap));
	return a;
}

static void add_caps(json *o, const struct spec_capabilities *c)
{
	json *caps = json_object_new_object();

	json_set(caps, "Bounding", names_of(c->bounding));
	json_set(caps, "Effective", names_of(c->effective));
	json_set(caps, "Permitted", names_of(c->permitted));
	json_set(caps, "Inheritable", names_of(c->inheritable));
	json_set(caps, "Ambient", names_of(c->ambient));
	json_set(o, "Capabilities", caps);
}

static uint64_t status_number(const char *status, const char *key, int base)
{
	const char *line = strstr(status, key);

	return line ? strtoull(line + strlen(key), NULL, base) : 0;
}

/* Of /proc/PID/status, PID_map and the like, under one directory of that process. */
static int add_process(int proc, json *o, struct err *e)
{
	char status[8192], map[1024];

	if (file_read_small(proc, "status", status, sizeof status) < 0)
		return err_sys(e, "cannot read the status of the container's process");
	struct spec_capabilities caps = {
	        .bounding = status_number(status, "\nCapBnd:", 16),
	        .effective = status_number(status, "\nCapEff:", 16),
	        .permitted = status_number(status, "\nCapPrm:", 16),
	        .inheritable = status_number(status, "\nCapInh:", 16),
	        .ambient = status_number(status, "\nCapAmb:", 16),
	};
	add_caps(o, &caps);
	json_set_bool(o, "NoNewPrivileges", status_number(status, "\nNoNewPrivs:", 10) != 0);
	json_set_str(o, "SeccompMode", status_number(status, "\nSeccomp:", 10) == 2 ? "filter" : "none");
	if (file_read_small(proc, "uid_map", map, sizeof map) > 0)
		json_set_str(o, "UidMap", map);
	if (file_read_small(proc, "gid_map", map, sizeof map) > 0)
		json_set_str(o, "GidMap", map);
	return 0;
}

static void add_namespaces(int proc, json *o)
{
	static const char *const kinds[] = {"user", "mnt", "pid", "uts", "ipc", "net", "cgroup"};
	json *all = json_object_new_object();

	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		char path[32], own[80] = "", theirs[80] = "";
		snprintf(path, sizeof path, "/proc/self/ns/%s", kinds[i]);
		if (readlink(path, own, sizeof own - 1) > 0 &&
		        readlinkat(proc, path + strlen("/proc/self/"), theirs, sizeof theirs - 1) > 0)
			json_set_str(all, kinds[i], strcmp(own, theirs) ? "own" : "host");
	}
	json_set(o, "Namespaces", all);
}

static int add_running(const struct container *c, json *o, struct err *e)
{
	char path[32], label[APPARMOR_LABEL_SIZE] = "";

	snprintf(path, sizeof path, "/proc/%d", (int)c->state.process.pid);
	cleanup_fd int proc = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (proc < 0 || add_process(proc, o, e) != 0)
		return proc < 0 ? err_sys(e, "cannot look at the container's process") : -1;
	add_namespaces(proc, o);
	(void)apparmor_label_of(c->state.process.pid, label);
	json_set_str(o, "AppArmorProfile", label);
	if (!container_is_up(c)) /* another process has its number by now */
		return err_set(e, ERR_CONFLICT, "container %s has just ended", c->record.name);
	return 0;
}

static void add_recorded(const struct runtime_spec *spec, json *o)
{
	add_caps(o, &spec->caps);
	json_set_bool(o, "NoNewPrivileges", spec->no_new_privileges);
	json_set_str(o, "SeccompMode", strcmp(spec->seccomp, "unconfined") ? "filter" : "none");
	json_set_str(o, "AppArmorProfile",
	        spec->apparmor && (!spec->apparmor_optional || apparmor_enabled()) ? spec->apparmor : "");
}

int engine_security(struct tare_engine *t, const char *ref, json **out, struct err *e)
{
	cleanup_container struct container c = CONTAINER_INIT;
	struct runtime_spec spec = RUNTIME_SPEC_INIT;
	cleanup_json json *o = json_object_new_object();

	if (container_open(engine_store(t), ref, &c, e) != 0 || container_spec(&c, &spec, e) != 0)
		return -1;
	json *host = json_get(c.record.config, "HostConfig");
	bool up = container_is_up(&c);
	json_set_str(o, "Container", c.record.name);
	json_set_bool(o, "Running", up);
	json_set_str(o, "SecurityProfile", json_str(host, "SecurityProfile", "default"));
	json_set(o, "SecurityOpt", json_object_get(json_get(host, "SecurityOpt")));
	int rc = 0;
	if (up)
		rc = add_running(&c, o, e);
	else
		add_recorded(&spec, o);
	json_set_str(o, "Seccomp", spec.seccomp);
	json_set_bool(o, "SeccompLog", spec.seccomp_log);
	json_set_bool(o, "ReadonlyRootfs", spec.root_readonly);
	json_set_int(o, "PidsLimit", spec.resources.pids);
	json_set_bool(o, "WritableSystem", spec.cgroup_writable);
	json_set_strv(o, "MaskedPaths", spec.masked_paths);
	json_set_strv(o, "ReadonlyPaths", spec.readonly_paths);
	runtime_spec_free(&spec);
	if (rc == 0)
		*out = steal_ptr(&o);
	return rc;
}
