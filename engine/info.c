/* What this host offers, for `tare info`. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/rootless.h"
#include "engine/apparmor.h"
#include "engine/engine.h"
#include "engine/runtime/cgroup.h"
#include "engine/store/network_record.h"
#include "net/forwarding.h"

#define CONTROLLERS_MAX 16

static void add_host(json *o)
{
	struct utsname u;
	cleanup_buf struct buf release = BUF_INIT_MAX(64 << 10);

	uname(&u);
	json_set_str(o, "Name", u.nodename);
	json_set_str(o, "KernelVersion", u.release);
	json_set_str(o, "Architecture", u.machine);
	json_set_str(o, "OSType", "linux");
	json_set_int(o, "NCPU", sysconf(_SC_NPROCESSORS_ONLN));
	json_set_int(o, "MemTotal", sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE));
	if (file_read_at(AT_FDCWD, "/etc/os-release", &release, NULL) != 0)
		return;
	const char *name = strstr(buf_str(&release), "PRETTY_NAME=\"");
	if (name) {
		name += strlen("PRETTY_NAME=\"");
		cleanup_free char *text = strndup(name, strcspn(name, "\"\n"));
		json_set_str(o, "OperatingSystem", text);
	}
}

static void add_cgroups(json *o)
{
	struct cgroup_controller_state c[CONTROLLERS_MAX];
	json *list = json_object_new_object(), *warnings = json_object_new_array();
	int n = cgroup_controllers(c, CONTROLLERS_MAX);

	json_set_str(o, "CgroupVersion", cgroup_mode_name(cgroup_mode()));
	for (int i = 0; i < n; i++) {
		json_set_str(list, c[i].name, c[i].present ? c[i].where : NULL);
		if (!c[i].present) {
			cleanup_free char *w =
			        str_printf("no %s controller: its limits cannot be set", c[i].name);
			json_add_str(warnings, w ? w : "");
		}
	}
	json_set(o, "CgroupControllers", list);
	json_set(o, "Warnings", warnings);
}

static bool is_there(const char *path)
{
	return access(path, F_OK) == 0;
}

static bool is_set(const char *path, bool dflt)
{
	char text[32];

	return file_read_small(AT_FDCWD, path, text, sizeof text) > 0 ? strtol(text, NULL, 10) != 0 : dflt;
}

static void add_user_namespaces(json *o)
{
	bool any = is_there("/proc/self/ns/user") && is_set("/proc/sys/user/max_user_namespaces", true);
	bool users = is_set("/proc/sys/kernel/unprivileged_userns_clone", true) &&
	             !is_set("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", false);

	json_set_str(o, "UserNamespaces",
	        !any    ? "none"
	        : users ? "for root and ordinary users"
	                : "for root only");
	json_set_bool(o, "Rootless", in_user_namespace());
}

/* Whose part of the v2 tree we may divide further. */
static void add_delegation(json *o)
{
	char text[4096], path[4200];
	const char *own;

	if (!in_user_namespace()) {
		json_set_str(o, "CgroupDelegation", "not needed by root");
		return;
	}
	if (file_read_small(AT_FDCWD, "/proc/self/cgroup", text, sizeof text) < 0 ||
	        !(own = strstr(text, "0::"))) {
		json_set_str(o, "CgroupDelegation", "none: there is no cgroup v2 here");
		return;
	}
	int len = (int)strcspn(own + 3, "\n");
	snprintf(path, sizeof path, "/sys/fs/cgroup%.*s/cgroup.subtree_control", len, own + 3);
	if (access(path, W_OK) == 0)
		snprintf(path, sizeof path, "%.*s", len, own + 3);
	else
		snprintf(path, sizeof path,
		        "none: limits cannot be set; try systemd-run --user --scope -p Delegate=yes");
	json_set_str(o, "CgroupDelegation", path);
}

static void add_security(const struct store *s, json *o)
{
	char text[300];
	json *a = json_object_new_array();

	if (is_there("/proc/sys/kernel/seccomp/actions_avail"))
		json_add_str(a, "seccomp");
	if (apparmor_enabled())
		json_add_str(a, "apparmor");
	json_add_str(a, "cgroupns");
	json_set(o, "SecurityOptions", a);
	if (file_read_small(AT_FDCWD, "/sys/kernel/security/lsm", text, sizeof text) > 0)
		json_set_str(o, "SecurityModules", text);
	add_user_namespaces(o);
	add_delegation(o);
	apparmor_describe(s, text, sizeof text);
	json_set_str(o, "AppArmorProfile", text);
}

static int add_counts(struct tare_engine *t, json *o, struct err *e)
{
	struct tare_container_list l;
	struct tare_image_list images;
	int count[6] = {0};

	if (engine_list(t, true, &l, e) != 0)
		return -1;
	for (size_t i = 0; i < l.n; i++)
		count[l.rows[i].state]++;
	json_set_int(o, "Containers", (int64_t)l.n);
	json_set_int(o, "ContainersRunning", count[TARE_RUNNING]);
	json_set_int(o, "ContainersPaused", count[TARE_PAUSED]);
	json_set_int(o, "ContainersStopped", (int64_t)l.n - count[TARE_RUNNING] - count[TARE_PAUSED]);
	tare_container_list_free(&l);
	if (t->image_list(t, &images, e) != 0)
		return -1;
	json_set_int(o, "Images", (int64_t)images.n);
	tare_image_list_free(&images);
	return 0;
}

static int add_networks(const struct store *s, json *o, struct err *e)
{
	cleanup_network_records struct network_records records = {0};

	if (network_record_list(s, &records, e) != 0)
		return -1;
	json_set_int(o, "Networks", (int64_t)records.n);
	json_set_bool(o, "IPv4Forwarding", forwarding_on(AF_INET));
	json_set_bool(o, "IPv6Forwarding", forwarding_on(AF_INET6));
	return 0;
}

int engine_info(struct tare_engine *t, json **out, struct err *e)
{
	const struct store *s = engine_store(t);
	json *o = json_object_new_object();

	if (add_counts(t, o, e) != 0 || add_networks(s, o, e) != 0) {
		json_object_put(o);
		return -1;
	}
	json_set_str(o, "ServerVersion", TARE_VERSION);
	json_set_str(o, "Driver", "overlay");
	json_set_str(o, "LoggingDriver", "cri");
	json_set_str(o, "DockerRootDir", s->root);
	json_set_str(o, "StateDir", s->state);
	add_host(o);
	add_cgroups(o);
	add_security(s, o);
	*out = o;
	return 0;
}
