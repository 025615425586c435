/* A process that does nothing but wait for the end of a pipe thaws the container: on success, on an error,
 * and when the one that froze it was interrupted, crashed or killed. It holds the container's lock as long
 * (the descriptor came along in the fork), so nobody finds it frozen by mistake. Should both be killed at
 * once, the record says "paused", and `tare unpause` helps. */
#include "engine/freeze.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "engine/runtime/cgroup.h"

static void thaw(const struct freeze *f)
{
	struct err e = ERR_INIT;

	if (container_is_up(f->container) && container_set_paused(f->store, f->container, false, &e) < 0)
		log_line(LOG_LEVEL_ERROR, "%s; try: tare unpause %s", e.msg, f->container->record.name);
}

/* tests/e2e/commit.bats kills the other side while the container is frozen. */
static void watch(const struct freeze *f, int pipe_fd)
{
	char byte;

	while (read(pipe_fd, &byte, 1) < 0 && errno == EINTR)
		continue;
	thaw(f);
	_exit(0);
}

static int fork_watcher(struct freeze *f, struct err *e)
{
	int ends[2];
	sigset_t all, before;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(e, "cannot make a pipe");
	/* What is meant for us must not end the one that cleans up after us. */
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	f->watcher = fork();
	if (f->watcher == 0) {
		close_fd(&ends[1]);
		watch(f, ends[0]);
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
	close_fd(&ends[0]);
	f->fd = ends[1];
	if (f->watcher > 0)
		return 0;
	close_fd(&f->fd);
	return err_sys(e, "cannot fork");
}

int freeze_begin(struct freeze *f, const struct store *s, struct container *c, struct err *e)
{
	if (!container_is_up(c) || c->state.paused)
		return 0;
	if (cgroup_mode() == CGROUP_NONE) {
		log_line(LOG_LEVEL_WARN,
		        "container %s has no cgroup to be paused by: it is read while it runs",
		        c->record.name);
		return 0;
	}
	f->store = s;
	f->container = c;
	if (fork_watcher(f, e) < 0) {
		f->store = NULL;
		return -1;
	}
	return container_set_paused(s, c, true, e);
}

void freeze_end(struct freeze *f)
{
	int status = -1;

	if (!f->store)
		return;
	close_fd(&f->fd);
	while (waitpid(f->watcher, &status, 0) < 0 && errno == EINTR)
		continue;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		thaw(f);
	f->store = NULL;
}
