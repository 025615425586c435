/* A signal to one process of a container, by its pid on the host. */
#include <errno.h>
#include <signal.h>
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
	int n = cgroup_pids(g, &pids, e);
	if (n < 0)
		return -1;
	if (pidfd < 0 || !is_among(pid, pids, n))
		return err_set(e, ERR_NOT_FOUND, "container %s has no process %d", c.record.name, (int)pid);
	return pidfd_signal(pidfd, sig) != 0 ? err_sys(e, "cannot signal process %d", (int)pid) : 0;
}
