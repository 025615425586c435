/* A signal to one process of a container, by its pid on the host. */
#include <errno.h>
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/proc.h"
#include "engine/engine.h"
#include "engine/runtime/cgroup.h"

static bool is_among(pid_t pid, const pid_t *pids, int n)
{
	for (int i = 0; i < n; i++)
		if (pids[i] == pid)
			return true;
	return false;
}

static bool same_pid_namespace(int proc, const char *pid, const char *want)
{
	char path[300], link[64];

	snprintf(path, sizeof path, "%s/ns/pid", pid);
	ssize_t n = readlinkat(proc, path, link, sizeof link - 1);
	link[n < 0 ? 0 : n] = '\0';
	return strcmp(link, want) == 0;
}

/* Those of its pid namespace, where an ordinary user's container has no cgroup that would tell them. */
static int pids_of_namespace(const struct container *c, pid_t **pids, struct err *e)
{
	cleanup_dir DIR *d = opendir("/proc");
	char path[64], own[64], want[64];
	int n = 0;

	snprintf(path, sizeof path, "/proc/%d/ns/pid", (int)c->state.process.pid);
	ssize_t len = readlink(path, want, sizeof want - 1),
	        own_len = readlink("/proc/self/ns/pid", own, sizeof own);
	if (!d || len < 0)
		return err_sys(e, "cannot look at container %s", c->record.name);
	want[len] = '\0';
	if (len == own_len && memcmp(own, want, (size_t)len) == 0)
		return err_set(e, ERR_UNSUPPORTED,
		        "container %s has neither a cgroup nor a pid namespace that would tell its processes",
		        c->record.name);
	for (struct dirent *de; (de = readdir(d));) {
		if (de->d_name[0] < '1' || de->d_name[0] > '9' ||
		        !same_pid_namespace(dirfd(d), de->d_name, want))
			continue;
		pid_t *more = reallocarray(*pids, (size_t)n + 1, sizeof **pids);
		if (!more)
			return err_no_memory(e);
		*pids = more;
		more[n++] = (pid_t)atoi(de->d_name);
	}
	return n;
}

int container_pids(const struct container *c, const struct cgroup *g, pid_t **pids, struct err *e)
{
	struct err why = ERR_INIT;
	int n = cgroup_pids(g, pids, &why);

	if (n < 0 && why.kind == ERR_UNSUPPORTED)
		return pids_of_namespace(c, pids, e);
	if (n < 0 && e)
		*e = why;
	return n;
}

/* The process is held by its descriptor before the look at the cgroup, so that the pid cannot become
 * another's in between: nothing outside of the container is ever signalled. */
int engine_process_signal(struct tare_engine *t, const char *ref, pid_t pid, int sig, struct err *e)
{
	char path[CGROUP_PATH_MAX];
	cleanup_container struct container c = CONTAINER_INIT;
	cleanup_cgroup struct cgroup *g = NULL;
	cleanup_free pid_t *pids = NULL;

	if (sig < 1 || sig > SIGRTMAX)
		return err_set(e, ERR_USAGE, "no such signal: %d", sig);
	if (container_open(engine_store(t), ref, &c, e) != 0 || container_need_up(&c, e) != 0 ||
	        cgroup_open(container_cgroup_path(&c, path), &g, e) != 0)
		return -1;
	cleanup_fd int pidfd = pidfd_open_pid(pid);
	int n = container_pids(&c, g, &pids, e);
	if (n < 0)
		return -1;
	if (pidfd < 0 || !is_among(pid, pids, n))
		return err_set(e, ERR_NOT_FOUND, "container %s has no process %d", c.record.name, (int)pid);
	return pidfd_signal(pidfd, sig) != 0 ? err_sys(e, "cannot signal process %d", (int)pid) : 0;
}
