/* Waiting for the end of a run: for the process by its pidfd, then for the monitor's word about it. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/proc.h"
#include "engine/engine.h"
#include "engine/monitor/handoff.h"

/* Poll with what is left of the time. */
static int poll_until(struct pollfd *p, nfds_t n, int64_t deadline)
{
	for (;;) {
		int64_t left = deadline < 0 ? -1 : (deadline - now_boottime() + 999999) / 1000000;
		if (deadline >= 0 && left < 0)
			left = 0;
		int r = poll(p, n, left > INT_MAX ? INT_MAX : (int)left);
		if (r >= 0 || errno != EINTR)
			return r;
	}
}

static bool is_recorded(const struct container *c)
{
	struct container_state now;
	struct exit_record r;

	/* without state.json somebody has cleaned up already, and another process in it is the next run */
	return exit_record_read(c->state_fd, &r) == 0 || container_state_read(c->state_fd, &now) != 0 ||
	       now.restart_due || now.process.pid != c->state.process.pid ||
	       now.process.start_time != c->state.process.start_time;
}

/* Nearly always the record is there within a fraction of a millisecond. Looking a few times is cheaper than a
 * watch, whose close waits for a kernel grace period (5 to 12 ms). */
static bool look_a_while(const struct container *c)
{
	for (int i = 0; i < 40; i++) {
		if (is_recorded(c))
			return true;
		nanosleep(&(struct timespec){.tv_nsec = 50000 + i * 10000}, NULL);
	}
	return false;
}

/* The process is gone; its monitor writes `exit` at once, unless it is gone as well. */
static int await_record(const struct container *c, int64_t deadline, struct err *e)
{
	char path[40];

	if (look_a_while(c))
		return 1;
	cleanup_fd int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	cleanup_fd int monitor = proc_open(&c->state.monitor);
	if (monitor < 0 && errno != ESRCH)
		return err_sys(e, "cannot wait for the monitor of container %.12s", c->id);
	snprintf(path, sizeof path, "/proc/self/fd/%d", c->state_fd);
	if (watch < 0 || inotify_add_watch(watch, path, IN_MOVED_TO | IN_DELETE | IN_DELETE_SELF) < 0)
		return errno == ENOENT ? 1 : err_sys(e, "cannot watch container %.12s", c->id);
	while (!is_recorded(c)) {
		struct pollfd p[2] = {{.fd = watch, .events = POLLIN}, {.fd = monitor, .events = POLLIN}};
		char events[4096];

		if (monitor < 0)
			return 1; /* nobody will write it any more */
		int n = poll_until(p, 2, deadline);
		if (n <= 0)
			return n < 0 ? err_sys(e, "poll") : 0;
		if (p[1].revents && !p[0].revents)
			close_fd(&monitor);
		while (read(watch, events, sizeof events) > 0)
			;
	}
	return 1;
}

int await_exit(const struct container *c, int timeout_ms, struct err *e)
{
	int64_t deadline = timeout_ms < 0 ? -1 : now_boottime() + (int64_t)timeout_ms * 1000000;

	if (!c->has_state)
		return 1;
	cleanup_fd int pidfd = proc_open(&c->state.process);
	if (pidfd < 0 && errno != ESRCH)
		return err_sys(e, "cannot wait for container %.12s", c->id);
	if (pidfd >= 0) {
		struct pollfd p = {.fd = pidfd, .events = POLLIN};
		int n = poll_until(&p, 1, deadline);
		if (n <= 0)
			return n < 0 ? err_sys(e, "poll") : 0;
	}
	return await_record(c, deadline, e);
}
