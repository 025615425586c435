/* Another process in a running container. It is a child of the caller and has no monitor: the caller carries
 * its input and output, or, detached, lets it go. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/defence.h"
#include "base/file.h"
#include "base/proc.h"
#include "engine/apparmor.h"
#include "engine/adopt.h"
#include "engine/engine.h"
#include "engine/exec.h"
#include "engine/relay.h"
#include "engine/runtime/launch.h"

static int replace(char **dst, const char *value, struct err *e)
{
	if (!value)
		return 0;
	free(*dst);
	*dst = strdup(value);
	return *dst ? 0 : err_no_memory(e);
}

static int merge_env(struct runtime_spec *spec, char *const *env, struct err *e)
{
	strv_foreach (entry, env) {
		size_t n = strcspn(*entry, "=");
		char **v = spec->env;
		while (v && *v && (strncmp(*v, *entry, n) != 0 || (*v)[n] != '='))
			v++;
		if ((*entry)[n] != '=')
			continue;
		if (v && *v ? replace(v, *entry, e) : strv_add(&spec->env, *entry))
			return err_no_memory(e);
	}
	return 0;
}

/* The container's own process settings with what was asked on top. HOME belongs to the user: it is looked up
 * anew. */
static int adapt(struct runtime_spec *spec, const struct tare_exec *x, struct err *e)
{
	strv_free(spec->args);
	spec->args = strv_copy(x->args);
	spec->terminal = x->tty;
	spec->init = false;
	if (!spec->args || !spec->args[0])
		return err_set(e, ERR_USAGE, "no command: say what to run in the container");
	if (replace(&spec->user, x->user, e) != 0 || replace(&spec->cwd, x->workdir, e) != 0)
		return -1;
	if (x->tty && merge_env(spec, (char *[]){"TERM=xterm", NULL}, e) != 0)
		return -1;
	if (merge_env(spec, x->env, e) != 0)
		return -1;
	if (x->privileged) {
		uint64_t all = capability_bounding();
		spec->caps = (struct spec_capabilities){.bounding = all, .effective = all, .permitted = all};
		spec->no_new_privileges = false;
	}
	return 0;
}

struct pipes {
	int child[3], ours[3];
};

static void pipes_close(struct pipes *p)
{
	for (int i = 0; i < 3; i++) {
		close_fd(&p->child[i]);
		close_fd(&p->ours[i]);
	}
}

/* Always pipes of our own, never the caller's descriptors: through a terminal the container could type into
 * the caller's shell (TIOCSTI), through a file it could reopen what it was not given. */
static int make_pipes(struct pipes *p, bool input, struct err *e)
{
	for (int i = 0; i < 3; i++) {
		int ends[2];
		if (pipe2(ends, O_CLOEXEC) != 0)
			return err_sys(e, "pipe");
		p->child[i] = i == 0 ? ends[0] : ends[1];
		p->ours[i] = i == 0 ? ends[1] : ends[0];
	}
	if (!input)
		close_fd(&p->ours[0]);
	for (int i = 0; i < 3 && !DEFENCE("own-pipes"); i++)
		dup3(i, p->child[i], O_CLOEXEC);
	return 0;
}

static void close_child_ends(struct pipes *p)
{
	for (int i = 0; i < 3; i++)
		close_fd(&p->child[i]);
}

/* A detached process writes to nobody: to the container's own /dev/null, not to the host's, whose mode the
 * container's root could change through the descriptor. */
static int null_pipes(const struct container *c, struct pipes *p, struct err *e)
{
	char path[40];
	struct stat st;

	snprintf(path, sizeof path, "/proc/%d/root", (int)c->state.process.pid);
	cleanup_fd int root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0 || !proc_alive(&c->state.process))
		return err_set(e, ERR_CONFLICT, "container %s is not running", c->record.name);
	for (int i = 0; i < 3; i++) {
		p->child[i] = open_in_root(root, "dev/null", O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0);
		if (p->child[i] < 0 || fstat(p->child[i], &st) != 0)
			return err_sys(e, "cannot open /dev/null of container %s", c->record.name);
		if (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(1, 3))
			return err_set(e, ERR_OTHER, "/dev/null of container %s is not the null device",
			        c->record.name);
	}
	return 0;
}

static void emit(const struct store *s, const struct container *c, const char *action,
        const struct tare_exec *x, int code)
{
	json *attributes = json_object_new_object();
	char number[16];

	json_set_str(attributes, "command", x->args[0]);
	if (code >= 0) {
		snprintf(number, sizeof number, "%d", code);
		json_set_str(attributes, "exitCode", number);
	}
	container_event(s, c, action, attributes);
}

static int exit_code_of(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

struct session {
	const struct store *store;
	struct container *c;
	struct runtime_spec *spec;
	const struct tare_exec *x;
	struct pipes pipes;
	struct launched launched;
};

/* The monitor holds the sealed tare-init that the container started with: taken from there, nothing has to be
 * made and, at our end, no kernel grace period is waited for. Only if it is still the program that we would
 * use. */
static int held_init(const struct container *c, const char *init_path)
{
	char path[48];
	struct stat held, ours;

	if (c->state.init_fd < 0)
		return -1;
	snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)c->state.monitor.pid, c->state.init_fd);
	cleanup_fd int fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0 || !proc_alive(&c->state.monitor) || fstat(fd, &held) != 0 || stat(init_path, &ours) != 0)
		return -1;
	return held.st_dev == ours.st_dev && held.st_ino == ours.st_ino ? steal_fd(&fd) : -1;
}

/* What joins has process 1's label: neither more than it, nor out of reach of its own kind. */
static int take_label(struct session *s, struct err *e)
{
	char label[APPARMOR_LABEL_SIZE] = "";

	if (!s->spec->apparmor)
		return 0;
	if (!s->x->privileged && apparmor_label_of(s->c->state.process.pid, label) != 0)
		return err_sys(e, "cannot read the AppArmor profile of container %s", s->c->record.name);
	if (*label)
		return replace(&s->spec->apparmor, label, e);
	free(s->spec->apparmor);
	s->spec->apparmor = NULL;
	return 0;
}

static int enter(struct session *s, struct err *e)
{
	char path[CGROUP_PATH_MAX], init[512];
	cleanup_cgroup struct cgroup *g = NULL;
	struct seccomp_filter filter = {0};

	if (helper_path("tare-init", init, sizeof init, e) != 0 ||
	        cgroup_open(container_cgroup_path(s->c, path), &g, e) != 0 || take_label(s, e) != 0)
		return -1;
	if (seccomp_filter_load(s->x->privileged ? "unconfined" : s->spec->seccomp, s->spec->caps.bounding,
	            s->store->seccomp_fd, &filter, e) != 0)
		return -1;
	cleanup_fd int held = held_init(s->c, init);
	const int *child = s->pipes.child;
	struct enter enter = {.spec = s->spec,
	        .target = s->c->state.process,
	        .cgroup = g,
	        .seccomp = &filter,
	        .stdio = {child[0], child[1], child[2]},
	        .init_path = init,
	        .init_fd = held};
	int rc = launch_enter(&enter, &s->launched, e);
	seccomp_filter_free(&filter);
	return rc;
}

/* Without anybody at the other end the process would be hung up (a terminal's master that closes) or killed
 * by its next write (a pipe). A child of ours stays and reads, into nothing, until the process has ended. */
static void keep_reading(const struct relay_child *c)
{
	struct pollfd p[3] = {{.fd = c->terminal_fd, .events = POLLIN}, {.fd = c->out_fd, .events = POLLIN},
	        {.fd = c->err_fd, .events = POLLIN}};
	char nothing[4096];

	while (p[0].fd >= 0 || p[1].fd >= 0 || p[2].fd >= 0) {
		if (poll(p, 3, -1) < 0 && errno != EINTR)
			return;
		for (int i = 0; i < 3; i++)
			if (p[i].revents && read(p[i].fd, nothing, sizeof nothing) <= 0 && errno != EAGAIN &&
			        errno != EINTR)
				p[i].fd = -1;
	}
}

/* Nothing of the caller's stays open: neither its terminal and pipes, which must see their end, nor a lock.
 */
static void keep_only(struct relay_child *c)
{
	int *const kept[] = {&c->terminal_fd, &c->out_fd, &c->err_fd};
	const size_t n = sizeof kept / sizeof kept[0];
	int next = 3;

	for (size_t i = 0; i < n; i++)
		if (*kept[i] >= 0)
			*kept[i] = fcntl(*kept[i], F_DUPFD_CLOEXEC, 3 + (int)n);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int fd = 0; fd < 3; fd++)
		dup2(null, fd);
	for (size_t i = 0; i < n; i++)
		if (*kept[i] >= 0)
			*kept[i] = dup2(*kept[i], next++);
	close_fd_range((unsigned)next, ~0u, 0);
}

static int leave_behind(const struct relay_child *left, struct err *e)
{
	struct relay_child c = *left;
	/* our own end may hang up the terminal that the child still belongs to until its setsid() */
	struct sigaction ignore = {.sa_handler = SIG_IGN}, old;

	sigaction(SIGHUP, &ignore, &old);
	pid_t pid = fork();
	if (pid != 0) {
		sigaction(SIGHUP, &old, NULL);
		return pid < 0 ? err_sys(e, "fork") : 0;
	}
	setsid();
	/* or the end of the caller's session or service would be the process's, too */
	cgroup_enter_monitors();
	keep_only(&c);
	keep_reading(&c);
	_exit(0);
}

static int carry(
        struct session *s, const struct tare_io *io, enum tare_io_end *end, int *exit_code, struct err *e)
{
	int status;
	struct relay_child child = {.pid = s->launched.id.pid,
	        .pidfd = s->launched.pidfd,
	        .terminal_fd = s->launched.terminal_fd,
	        .in_fd = s->pipes.ours[0],
	        .out_fd = s->pipes.ours[1],
	        .err_fd = s->pipes.ours[2]};
	const char *keys = s->x->detach_keys
	                           ? s->x->detach_keys
	                           : json_str(json_get(s->c->record.config, "Config"), "DetachKeys", NULL);
	int rc = relay_exec(&child, io, keys, end, &status, e);

	s->pipes.ours[0] = child.in_fd; /* closed there when the input ended */
	if (rc == 0 && *end == TARE_IO_EXITED)
		*exit_code = exit_code_of(status);
	else if (rc == 0)
		rc = leave_behind(&child, e);
	return rc;
}

int exec_enter(const struct store *store, struct container *c, const struct tare_exec *x, const int stdio[3],
        struct launched *out, struct err *e)
{
	struct runtime_spec spec = RUNTIME_SPEC_INIT;
	struct session s = {.store = store,
	        .c = c,
	        .spec = &spec,
	        .x = x,
	        .pipes = {.child = {stdio[0], stdio[1], stdio[2]}, .ours = {-1, -1, -1}},
	        .launched = {.pidfd = -1, .terminal_fd = -1, .hold_fd = -1}};
	int rc = -1;

	if (container_spec(c, &spec, e) == 0 && adapt(&spec, x, e) == 0) {
		spec.init = true;
		rc = enter(&s, e);
	}
	*out = s.launched;
	runtime_spec_free(&spec);
	return rc;
}

int engine_exec(struct tare_engine *t, const char *ref, const struct tare_exec *x, const struct tare_io *io,
        enum tare_io_end *end, int *exit_code, struct err *e)
{
	cleanup_container struct container c = CONTAINER_INIT;
	struct runtime_spec spec = RUNTIME_SPEC_INIT;
	struct session s = {.store = engine_store(t),
	        .c = &c,
	        .spec = &spec,
	        .x = x,
	        .pipes = {.child = {-1, -1, -1}, .ours = {-1, -1, -1}},
	        .launched = {.pidfd = -1, .terminal_fd = -1, .hold_fd = -1}};
	int rc = -1;

	*exit_code = 0;
	if (container_open(s.store, ref, &c, e) != 0)
		return -1;
	adopt_in_passing(s.store, &c);
	if (container_need_up(&c, e) != 0)
		return -1;
	if (c.state.paused)
		return err_set(e, ERR_CONFLICT, "container %s is paused; go on with: tare unpause %s",
		        c.record.name, c.record.name);
	if (container_spec(&c, &spec, e) == 0 && adapt(&spec, x, e) == 0) {
		relay_initial_size(io, &spec.rows, &spec.cols);
		rc = x->tty      ? 0
		     : x->detach ? null_pipes(&c, &s.pipes, e)
		                 : make_pipes(&s.pipes, x->interactive, e);
	}
	if (rc == 0) {
		emit(s.store, &c, "exec_create", x, -1);
		rc = enter(&s, e);
	}
	close_child_ends(&s.pipes);
	if (rc == 0) {
		emit(s.store, &c, "exec_start", x, -1);
		if (x->detach && x->tty) {
			rc = leave_behind(
			        &(struct relay_child){
			                .terminal_fd = s.launched.terminal_fd, .out_fd = -1, .err_fd = -1},
			        e);
		} else if (!x->detach && io) {
			rc = carry(&s, io, end, exit_code, e);
			if (rc == 0 && *end == TARE_IO_EXITED)
				emit(s.store, &c, "exec_die", x, *exit_code);
			else if (rc == 0)
				emit(s.store, &c, "exec_detach", x, -1);
		}
	}
	pipes_close(&s.pipes);
	runtime_spec_free(&spec);
	return rc;
}
