#include "engine/adopt.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/defence.h"
#include "base/file.h"
#include "base/lock.h"
#include "base/proc.h"
#include "engine/engine.h"
#include "engine/network.h"
#include "engine/runtime/cgroup.h"
#include "engine/runtime/last_stage.h"
#include "engine/supervision.h"
#include "net/port.h"

/* The second monitor on its way. */
struct heir {
	const struct store *store;
	struct container *c;
	struct supervision supervision;
	struct monitor_handoff h;
	struct cgroup *cgroup;
	int *held;
	size_t n_held;
};

/* What comes back over a pipe that closes when the monitor is executed. */
struct report {
	bool failed; /* else a warning */
	struct err error;
};

/* A state that says "running" without anybody who would see the end is a lie that a container which can reach
 * its monitor (--pid host) might make us tell (row 46 of the checklist; monitor.bats). */
bool adopt_is_due(const struct container *c)
{
	return DEFENCE("adoption") && container_is_up(c) && !proc_alive(&c->state.monitor);
}

static bool has_terminal(const struct container *c)
{
	return json_bool(json_get(c->record.config, "Config"), "Tty", false);
}

/* ------------------------------------------------------------------ in the heir */

static int open_output(struct heir *x, struct err *e)
{
	x->h.out_fd = supervision_output(x->c->state_fd, "out");
	x->h.err_fd = supervision_output(x->c->state_fd, "err");
	if (x->h.out_fd < 0 || x->h.err_fd < 0)
		return err_sys(e, "cannot open the pipes of the container's output again");
	return 0;
}

static int open_sources(struct heir *x, struct err *e)
{
	struct runtime_spec spec = RUNTIME_SPEC_INIT;
	char path[CGROUP_PATH_MAX];

	if (cgroup_open(container_cgroup_path(x->c, path), &x->cgroup, e) != 0)
		return -1;
	cgroup_sampler_sources(x->cgroup, &x->h.sources);
	/* on the host's network the figures would be the host's */
	if (container_spec(x->c, &spec, NULL) == 0 && spec.ns[NS_NETWORK].mode != NS_HOST)
		x->h.sources.pid = x->c->state.process.pid;
	runtime_spec_free(&spec);
	return 0;
}

/* One that somebody else has taken meanwhile is his; the others are held again. */
static void hold_ports(
        struct heir *x, const struct nft_port *ports, size_t n, bool shared, struct err *warning)
{
	for (size_t i = 0; i < n; i++) {
		uint16_t port = ports[i].host_port;
		struct err why = ERR_INIT;
		int fd = port_hold(ports[i].protocol, &ports[i].host, port, port, shared, &port, &why);

		if (fd >= 0)
			x->held[x->n_held++] = fd;
		else if (fd == -1)
			err_set(warning, ERR_CONFLICT,
			        "container %s: its published port %u is not held any more: %s",
			        x->c->record.name, ports[i].host_port, why.msg);
	}
}

static int open_network(struct heir *x, struct err *warning, struct err *e)
{
	cleanup_network_state struct network_state n = {0};

	if (network_state_read(x->c->state_fd, x->c->id, &n, e) != 0)
		return -1;
	if (!n.n_endpoints)
		return 0;
	x->held = calloc(n.n_ports + n.n_idle + 1, sizeof *x->held);
	if (!x->held)
		return err_no_memory(e);
	hold_ports(x, n.ports, n.n_ports, n.group != NULL, warning);
	hold_ports(x, n.idle, n.n_idle, n.group != NULL, warning);
	/* without it the clean-up opens one itself and waits for the kernel at its end */
	x->h.nft_fd = n.nft_fd = nft_socket(NULL);
	return network_state_write(x->c->state_fd, &n, e);
}

/* What the first one had, as far as it can be had again. */
static int open_ends(struct heir *x, struct err *warning, struct err *e)
{
	struct container *c = x->c;
	char init_path[512];

	x->h.pidfd = proc_open(&c->state.process);
	if (x->h.pidfd < 0)
		return err_set(e, ERR_CONFLICT, "container %s is not running", c->record.name);
	if ((!has_terminal(c) && open_output(x, e) != 0) || open_sources(x, e) != 0 ||
	        open_network(x, warning, e) != 0)
		return -1;
	if (helper_path("tare-init", init_path, sizeof init_path, NULL) == 0)
		x->h.hold_fd = last_stage_open(init_path, LAST_STAGE_BEST, NULL);
	x->h.listen_fd = supervision_listen(c->state_fd, e);
	return x->h.listen_fd < 0 ? -1 : supervision_ports(x->held, x->n_held, &x->h, e);
}

/* From here on it is this process that looks after it. */
static int record(struct heir *x, struct err *e)
{
	struct container_state *st = &x->c->state;

	st->init_fd = x->h.hold_fd;
	if (proc_id_of(getpid(), &st->monitor) != 0)
		return err_sys(e, "cannot tell who looks after the container");
	return container_state_write(x->c->state_fd, st, e);
}

static void send_report(int fd, bool failed, const struct err *why)
{
	struct report r = {.failed = failed, .error = *why};

	if (why->msg[0])
		write_all(fd, &r, sizeof r);
}

static _Noreturn void heir_main(struct heir *x, int report_fd)
{
	struct err e = ERR_INIT, warning = ERR_INIT;

	setsid();
	umask(077);
	supervision_null_stdio();
	cgroup_enter_monitors();
	supervision_fill(&x->supervision, x->store, x->c, &x->h);
	if (open_ends(x, &warning, &e) == 0 && record(x, &e) == 0) {
		send_report(report_fd, false, &warning);
		if (has_terminal(x->c))
			cgroup_kill(x->cgroup, NULL);
		monitor_exec(&x->h, &e);
	}
	send_report(report_fd, true, &e);
	_exit(1);
}

/* ------------------------------------------------------------------ in the caller */

#define END_MS 10000

static int read_reports(struct container *c, pid_t pid, int fd, struct err *e)
{
	struct report r;
	ssize_t n;

	while ((n = read_full(fd, &r, sizeof r)) == (ssize_t)sizeof r && !r.failed)
		log_line(LOG_LEVEL_WARN, "%s", r.error.msg);
	if (n != 0) {
		if (n != (ssize_t)sizeof r) { /* it may be a monitor already, which doesn't end */
			kill(pid, SIGKILL);
			err_set(&r.error, ERR_OTHER, "what its new one says cannot be read");
		}
		waitpid(pid, NULL, 0);
		if (e)
			*e = r.error;
		return err_wrap(e, "container %s has lost its monitor", c->record.name);
	}
	if (container_state_read(c->state_fd, &c->state) != 0 || adopt_is_due(c))
		return err_set(e, ERR_OTHER, "container %s has lost its monitor, and the new one was killed",
		        c->record.name);
	return 0;
}

int adopt(const struct store *s, struct container *c, struct err *e)
{
	struct heir x = {.store = s,
	        .c = c,
	        .h = {.pid = c->state.process.pid,
	                .adopted = true,
	                .pidfd = -1,
	                .state_fd = c->state_fd,
	                .container_fd = c->dir_fd,
	                .listen_fd = -1,
	                .out_fd = -1,
	                .err_fd = -1,
	                .in_fd = -1,
	                .terminal_fd = -1,
	                .client_fd = -1,
	                .hold_fd = -1,
	                .nft_fd = -1,
	                .started = c->state.started}};
	int ends[2];

	if (supervision_find(&x.supervision, e) != 0)
		return -1;
	if (pipe2(ends, O_CLOEXEC) != 0)
		return err_sys(e, "pipe");
	cleanup_fd int in = ends[0], out = ends[1];
	pid_t pid = supervision_fork();
	if (pid == 0)
		heir_main(&x, out);
	close_fd(&out);
	if (pid < 0)
		return err_sys(e, "fork");
	if (read_reports(c, pid, in, e) != 0)
		return -1;
	container_event(s, c, "adopt", NULL);
	if (has_terminal(c) && await_exit(c, END_MS, NULL) > 0)
		log_line(LOG_LEVEL_WARN,
		        "container %s has lost its terminal with its monitor, and has ended with them",
		        c->record.name);
	return 0;
}

void adopt_in_passing(const struct store *s, struct container *c)
{
	struct err why = ERR_INIT;

	if (!adopt_is_due(c))
		return;
	cleanup_fd int lock = c->lock_fd >= 0 ? -1 : lock_try(c->dir_fd, ".", LOCK_EXCLUSIVE);
	if (c->lock_fd < 0 && lock < 0)
		return;
	/* somebody may have been quicker */
	if (container_state_read(c->state_fd, &c->state) == 0 && adopt_is_due(c) && adopt(s, c, &why) != 0)
		log_line(LOG_LEVEL_WARN, "%s", why.msg);
}
