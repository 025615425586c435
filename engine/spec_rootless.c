/* What an ordinary user's namespace does not have is left out of a spec, or had in another way. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/defence.h"
#include "base/err.h"
#include "base/rootless.h"
#include "engine/engine.h"

#define PING_GROUPS "net.ipv4.ping_group_range="

static int replace(char **text, const char *by, struct err *e)
{
	char *copy = strdup(by);

	if (!copy)
		return err_no_memory(e);
	free(*text);
	*text = copy;
	return 0;
}

/* The kernel takes groups only that are there. */
static int fit_sysctls(struct runtime_spec *spec, struct err *e)
{
	for (char **s = spec->sysctl; s && *s; s++)
		if (strcmp(*s, PING_GROUPS "0 2147483647") == 0 &&
		        replace(s, rootless_has_ids() ? PING_GROUPS "0 65535" : PING_GROUPS "0 0", e) != 0)
			return -1;
	return 0;
}

/* A sysfs of its own is for who owns the network namespace; on the host's network the host's is shown, and
 * with it its cgroups: all of it read-only (CVE-2023-25809). Proved by tests/e2e/rootless.bats. */
static int fit_sysfs(struct spec_mount *m, struct err *e)
{
	if (replace(&m->type, "bind", e) != 0)
		return -1;
	strv_free(m->options);
	m->options = NULL;
	free(m->source);
	m->source = strdup("/sys");
	return m->source && strv_add(&m->options, "rbind") == 0 && strv_add(&m->options, "rprivate") == 0 &&
	                       strv_add(&m->options, DEFENCE("host-sysfs-readonly") ? "rro" : "rw") == 0
	               ? 0
	               : err_no_memory(e);
}

/* The group tty of a terminal. */
static void drop_group(struct spec_mount *m)
{
	for (char **o = m->options; o && *o; o++)
		if (strncmp(*o, "gid=", 4) == 0) {
			free(*o);
			for (; *o; o++)
				o[0] = o[1];
			return;
		}
}

static int fit_mounts(struct runtime_spec *spec, struct err *e)
{
	bool own_network = spec->ns[NS_NETWORK].mode != NS_HOST;

	for (size_t i = 0; i < spec->n_mounts; i++) {
		struct spec_mount *m = &spec->mounts[i];
		if (strcmp(m->type, "sysfs") == 0 && !own_network && fit_sysfs(m, e) != 0)
			return -1;
		if (strcmp(m->type, "proc") == 0 && spec->ns[NS_PID].mode == NS_HOST)
			return err_set(e, ERR_UNSUPPORTED,
			        "--pid host is root's: who owns no pid namespace cannot mount its /proc; "
			        "leave it out, or: sudo tare");
		if (strcmp(m->type, "devpts") == 0 && !rootless_has_ids())
			drop_group(m);
	}
	return 0;
}

int spec_fit_rootless(struct runtime_spec *spec, struct err *e)
{
	if (!rootless())
		return 0;
	return fit_sysctls(spec, e) != 0 ? -1 : fit_mounts(spec, e);
}
