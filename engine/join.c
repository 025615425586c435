/* The namespaces of another container. */
#include "engine/join.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/file.h"
#include "base/proc.h"
#include "engine/engine.h"

static const char *const ns_files[NS_KIND_COUNT] = {[NS_MOUNT] = "mnt",
        [NS_PID] = "pid",
        [NS_UTS] = "uts",
        [NS_IPC] = "ipc",
        [NS_NETWORK] = "net",
        [NS_CGROUP] = "cgroup",
        [NS_USER] = "user"};

/* The process is checked after the file is open: a pid that was handed out anew in between is noticed, and
 * what is open stays that container's namespace (FACTS row 29: joining a process that took over a pid). */
static int open_namespace(const struct container *c, enum spec_namespace_kind kind, struct err *e)
{
	char path[48];

	snprintf(path, sizeof path, "/proc/%d/ns/%s", (int)c->state.process.pid, ns_files[kind]);
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || !proc_alive(&c->state.process))
		return err_set(e, ERR_CONFLICT, "container %s is not running", c->record.name);
	return steal_fd(&fd);
}

static int join_one(const struct store *s, enum spec_namespace_kind kind, struct spec_namespace *ns,
        struct join *j, struct err *e)
{
	cleanup_container struct container other = CONTAINER_INIT;

	if (container_open(s, ns->path + strlen("container:"), &other, e) != 0 ||
	        container_need_up(&other, e) != 0)
		return err_wrap(e, "cannot share the %s namespace", ns_files[kind]);
	j->fds[kind] = open_namespace(&other, kind, e);
	if (j->fds[kind] < 0)
		return -1;
	snprintf(j->paths[kind], sizeof j->paths[kind], "/proc/self/fd/%d", j->fds[kind]);
	ns->path = j->paths[kind];
	return 0;
}

int join_resolve(const struct store *s, struct runtime_spec *spec, struct join *j, struct err *e)
{
	for (int k = 0; k < NS_KIND_COUNT; k++)
		j->fds[k] = -1;
	for (int k = 0; k < NS_KIND_COUNT; k++) {
		struct spec_namespace *ns = &spec->ns[k];
		if (ns->mode != NS_JOIN || strncmp(ns->path, "container:", 10) != 0)
			continue;
		if (join_one(s, (enum spec_namespace_kind)k, ns, j, e) != 0) {
			join_close(j);
			return -1;
		}
	}
	return 0;
}

void join_close(struct join *j)
{
	for (int k = 0; k < NS_KIND_COUNT; k++)
		close_fd(&j->fds[k]);
}
