#include "engine/supervision.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/file.h"
#include "base/proc.h"
#include "engine/engine.h"
#include "engine/health.h"
#include "engine/monitor/protocol.h"
#include "engine/runtime/cgroup.h"

#define LISTEN_QUEUE 16

int supervision_find(struct supervision *v, struct err *e)
{
	if (helper_path("tare-monitor", v->monitor_path, sizeof v->monitor_path, e) != 0)
		return -1;
	tare_path(v->tare_path, sizeof v->tare_path);
	return 0;
}

static uint64_t log_option(const struct container *c, const char *key, uint64_t dflt)
{
	json *log = json_path(c->record.config, "HostConfig.LogConfig.Tare");

	return (uint64_t)json_int(log, key, (int64_t)dflt);
}

static bool config_bool(const struct container *c, const char *key)
{
	return json_bool(json_get(c->record.config, "Config"), key, false);
}

void supervision_fill(
        struct supervision *v, const struct store *s, const struct container *c, struct monitor_handoff *h)
{
	verb_words(v->tare_path, s, "cleanup", c->id, v->cleanup);
	verb_words(v->tare_path, s, "restart", c->id, v->restart);
	verb_words(v->tare_path, s, "health", c->id, v->health);
	h->program = v->monitor_path;
	h->id = c->id;
	h->keep_stdin = config_bool(c, "OpenStdin") && !config_bool(c, "StdinOnce");
	h->log = log_option(c, "enabled", 1);
	h->log_max_size = log_option(c, "maxSize", 0);
	h->log_max_files = (unsigned)log_option(c, "maxFiles", 1);
	h->cleanup_argv = v->cleanup;
	h->restart_argv = v->restart; /* a policy may come later (update) */
	h->health_argv = v->health;   /* likewise */
	health_handoff(&c->record, h);
}

/* A socket in the file system, 0600 in a 0700 directory: an abstract one could be reached from a container
 * that shares the host's network (CVE-2020-15257). */
int supervision_listen(int state_fd, struct err *e)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	cleanup_fd int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	unlinkat(state_fd, MONITOR_SOCKET, 0);
	snprintf(a.sun_path, sizeof a.sun_path, "/proc/self/fd/%d/" MONITOR_SOCKET, state_fd);
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) != 0 || listen(fd, LISTEN_QUEUE) != 0)
		return err_sys(e, "cannot make the container's control socket");
	return steal_fd(&fd);
}

int supervision_output(int state_fd, const char *name)
{
	cleanup_fd int fd = openat(state_fd, name, O_RDWR | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0)
		return -1;
	if (!S_ISFIFO(st.st_mode)) {
		errno = EINVAL;
		return -1;
	}
	return steal_fd(&fd);
}

int supervision_ports(const int *held, size_t n, struct monitor_handoff *h, struct err *e)
{
	int top = 0;

	h->n_held = 0;
	if (!n)
		return 0;
	for (size_t i = 0; i < n; i++)
		if (held[i] > top)
			top = held[i];
	int base = fcntl(h->pidfd, F_DUPFD_CLOEXEC, top + 1);
	if (base < 0)
		return err_sys(e, "cannot hand the published ports to the monitor");
	for (size_t i = 0; i < n; i++)
		if (dup2(held[i], base + (int)i) < 0)
			return err_sys(e, "cannot hand the published ports to the monitor");
	h->held_fd = base;
	h->n_held = (unsigned)n;
	return 0;
}

void supervision_null_stdio(void)
{
	cleanup_fd int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = 0; null >= 0 && fd <= 2; fd++)
		dup2(null, fd);
}

pid_t supervision_fork(void)
{
	cleanup_fd int cgroup = cgroup_monitors_clone_fd();
	struct clone_args a = {
	        .exit_signal = SIGCHLD, .flags = CLONE_INTO_CGROUP, .cgroup = (uint64_t)(unsigned)cgroup};
	long pid = cgroup >= 0 ? syscall(SYS_clone3, &a, sizeof a) : -1;

	return pid >= 0 ? (pid_t)pid : fork();
}
