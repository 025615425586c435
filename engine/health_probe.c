#include "engine/health_probe.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/defence.h"
#include "base/file.h"
#include "base/proc.h"
#include "engine/engine.h"
#include "engine/exec.h"
#include "engine/runtime/cgroup.h"
#include "engine/runtime/launch.h"

#define PROBE_FILE  "probe" /* beside state.json: "PID START-TIME" of the one under way */
#define KILL_ROUNDS 64      /* who forks as fast as we kill is stopped by the limits of its container */

/* ------------------------------------------------------------------ the command */

static char **command(const struct health_check *check, char *const *shell)
{
	static char *const plain[] = {"/bin/sh", "-c", NULL};
	bool in_shell = strcmp(check->test[0], "CMD-SHELL") == 0;
	char **args = NULL;
	int rc = 0;

	strv_foreach (word, in_shell ? (strv_len(shell) ? shell : plain) : NULL)
		rc |= strv_add(&args, *word);
	strv_foreach (word, check->test + 1)
		rc |= strv_add(&args, *word);
	if (rc != 0)
		strv_free_ptr(&args);
	return args;
}

/* ------------------------------------------------------------------ its output */

static void say(struct health_probe *p, const char *text)
{
	p->len = strlen(text);
	if (p->len > sizeof p->output)
		p->len = sizeof p->output;
	memcpy(p->output, text, p->len);
}

/* Attack 40: a probe that floods is read to its end, so that it is not stopped by a full pipe, and what is
 * beyond the limit is dropped. Test: health.bats, "a probe that floods". False: no more will come. */
static bool take_output(struct health_probe *p, int fd)
{
	char dropped[65536];
	size_t room = sizeof p->output - p->len;
	ssize_t n = read(fd, room ? p->output + p->len : dropped, room ? room : sizeof dropped);

	if (n > 0 && room)
		p->len += (size_t)n;
	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

/* What is left in the pipe when the command has ended; somebody it left behind may go on writing. */
static void take_rest(struct health_probe *p, int fd)
{
	ssize_t n;

	while (p->len < sizeof p->output && (n = read(fd, p->output + p->len, sizeof p->output - p->len)) > 0)
		p->len += (size_t)n;
}

/* ------------------------------------------------------------------ its end */

static pid_t parent_of(pid_t pid)
{
	char path[32], text[512];
	int parent = 0;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	if (file_read_small(AT_FDCWD, path, text, sizeof text) < 0)
		return 0;
	char *name_end = strrchr(text, ')');
	return name_end && sscanf(name_end + 1, " %*c %d", &parent) == 1 ? parent : 0;
}

static bool descends(pid_t pid, pid_t leader)
{
	for (int depth = 0; pid > 1 && depth < 4096; depth++) {
		pid = parent_of(pid);
		if (pid == leader)
			return true;
	}
	return false;
}

/* One by one through its pidfd, checked once more after that is open: a pid may be another's by then. */
static int kill_descendants(const struct cgroup *g, pid_t leader)
{
	cleanup_free pid_t *pids = NULL;
	int n = cgroup_pids(g, &pids, NULL), killed = 0;

	for (int i = 0; i < n; i++) {
		cleanup_fd int pidfd = pids[i] == leader ? -1 : pidfd_open_pid(pids[i]);
		if (pidfd >= 0 && descends(pids[i], leader) && pidfd_signal(pidfd, SIGKILL) == 0)
			killed++;
	}
	return killed;
}

/* Attack 40: all that the probe has started, also in sessions of its own: its reaper is still there, so that
 * whatever lost its parent is a child of that. The reaper goes last; so no zombie is left to the container.
 * Test: health.bats, "a probe that hangs". */
static void kill_all(const struct container *c, const struct launched *child)
{
	char path[CGROUP_PATH_MAX];
	cleanup_cgroup struct cgroup *g = NULL;

	/* it would end with its command, and what is not found yet would be another's then */
	pidfd_signal(child->pidfd, SIGSTOP);
	if (DEFENCE("probe-killed-whole") && cgroup_open(container_cgroup_path(c, path), &g, NULL) == 0)
		for (int i = 0; i < KILL_ROUNDS && kill_descendants(g, child->id.pid) > 0; i++)
			;
	pidfd_signal(child->pidfd, SIGKILL);
}

/* Attack 40: one that is out while the command runs, so that who asks next ends it when we are killed
 * ourselves. Test: health.bats, "a probe whose health check is killed". */
static void note_probe(const struct container *c, const struct launched *child)
{
	char text[64];
	struct proc_id id;

	if (proc_id_of(child->id.pid, &id) != 0)
		return;
	int n = snprintf(text, sizeof text, "%d %llu\n", (int)id.pid, (unsigned long long)id.start_time);
	file_write_at(c->state_fd, PROBE_FILE, text, (size_t)n, 0600, FILE_NO_SYNC, NULL);
}

static void end_probe_left_behind(const struct container *c)
{
	char text[64];
	int pid;
	unsigned long long start;

	if (file_read_small(c->state_fd, PROBE_FILE, text, sizeof text) < 0)
		return;
	if (DEFENCE("probe-left-behind") && sscanf(text, "%d %llu", &pid, &start) == 2) {
		struct launched left = {.id = {.pid = pid, .start_time = start}};
		cleanup_fd int pidfd = left.pidfd = proc_open(&left.id);
		if (pidfd >= 0)
			kill_all(c, &left);
	}
	unlinkat(c->state_fd, PROBE_FILE, 0);
}

static int remaining_ms(int64_t deadline)
{
	int64_t left = (deadline - now_boottime() + 999999) / 1000000;

	return left < 0 ? 0 : left > INT32_MAX ? INT32_MAX : (int)left;
}

/* True: it has ended by itself. */
static bool await(struct health_probe *p, const struct launched *child, int out, int64_t deadline)
{
	struct pollfd f[2] = {{.fd = child->pidfd, .events = POLLIN}, {.fd = out, .events = POLLIN}};

	for (;;) {
		int left = remaining_ms(deadline);
		int n = poll(f, 2, left);
		if (n > 0 && f[0].revents)
			return true;
		if (n > 0 && f[1].revents && !take_output(p, out))
			f[1].fd = -1;
		if (left == 0)
			return false; /* also one whose output never ends */
		if (n < 0 && errno != EINTR)
			return false;
	}
}

static void finish(struct health_probe *p, const struct container *c, const struct launched *child, int out,
        const struct health_check *check)
{
	int status = 0;
	bool ended = await(p, child, out, now_boottime() + check->timeout);

	p->frozen = !ended && container_is_frozen(c);
	if (!ended)
		kill_all(c, child);
	pid_t reaped;
	do
		reaped = waitpid(child->id.pid, &status, 0);
	while (reaped < 0 ? errno == EINTR
	                  : WIFSTOPPED(status)); /* one that is traced by us tells of its stop first */
	if (ended) {
		take_rest(p, out);
		p->exit_code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
		return;
	}
	char text[96];
	p->exit_code = -1;
	snprintf(text, sizeof text, "Health check exceeded timeout (%gs)", (double)check->timeout / 1e9);
	say(p, text);
}

/* Its input is at its end from the start: whoever waits for some does not hang. */
static int connect_probe(int in[2], int out[2], struct err *e)
{
	if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0)
		return err_sys(e, "pipe");
	close_fd(&in[1]);
	set_nonblock(out[0], true);
	return 0;
}

static int enter(const struct store *s, struct container *c, char **args, int in, int out,
        struct launched *child, struct err *e)
{
	const struct tare_exec x = {.args = args};
	const int stdio[3] = {in, out, out};

	return exec_enter(s, c, &x, stdio, child, e);
}

void health_probe_run(const struct store *s, struct container *c, const struct health_check *check,
        char *const *shell, struct health_probe *p)
{
	cleanup_strv char **args = command(check, shell);
	struct launched child = {.pidfd = -1, .terminal_fd = -1, .hold_fd = -1};
	struct err e = ERR_INIT;
	int in[2] = {-1, -1}, out[2] = {-1, -1};

	int64_t begun = now_boottime();

	*p = (struct health_probe){.start = now_realtime()};
	end_probe_left_behind(c);
	if (args && connect_probe(in, out, &e) == 0 && enter(s, c, args, in[0], out[1], &child, &e) == 0) {
		close_fd(&in[0]);
		close_fd(&out[1]);
		note_probe(c, &child);
		finish(p, c, &child, out[0], check);
		unlinkat(c->state_fd, PROBE_FILE, 0);
	} else {
		p->exit_code = err_exit_code(&e);
		say(p, args ? e.msg : "out of memory");
	}
	close_fd(&child.pidfd);
	close_fd(&child.hold_fd);
	for (int i = 0; i < 2; i++) {
		close_fd(&in[i]);
		close_fd(&out[i]);
	}
	p->end = now_realtime();
	p->took = now_boottime() - begun;
}
