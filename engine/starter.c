/* The starter: a child of the caller that becomes the container's supervisor.
 *
 * It opens what the monitor will hold (socket, pipes or terminal), makes the overlay and the cgroup, launches
 * the container as its own child, writes state.json, reports to the caller over a pipe, and replaces itself
 * by tare-monitor. Until the report is read the caller holds the container's lock.
 *
 * A container that is started again by its restart policy has a starter already: the process that was its
 * monitor (starter_become()). */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "engine/apparmor.h"
#include "engine/endpoint.h"
#include "engine/engine.h"
#include "engine/health.h"
#include "engine/join.h"
#include "engine/monitor/handoff.h"
#include "engine/runtime/launch.h"
#include "engine/runtime/user_namespace.h"
#include "engine/store/layer.h"
#include "engine/supervision.h"

/* What comes back over the pipe. */
struct report {
	bool started;
	struct err error; /* when started: what is amiss all the same, or "" */
};

struct starter {
	const struct store *store;
	struct container *c;
	const struct runtime_spec *spec;
	int client_fd;
	int layer_fds[512];
	size_t n_layers;
	int upper_fd, work_fd, rootfs_fd;
	int userns_fd; /* maps the layers' ids; -1 */
	struct seccomp_filter filter;
	struct cgroup *cgroup;
	int listen_fd, out[2], err[2],
	        in[2]; /* [0]: the monitor's side of out and err; the container's of in */
	char init_path[512];
	struct supervision supervision;
	char cgroup_path[CGROUP_PATH_MAX];
	struct launched launched;
	struct endpoint_start net;
	int64_t started;
	unsigned restart_shift; /* to go on counting from */
	bool in_place;          /* nobody waits for a report */
};

/* What a start needs as long as it is under way. */
struct start {
	struct starter s;
	struct runtime_spec today; /* borrowed members; size and joined namespaces are this start's */
	struct join join;
	struct volume_locks volumes;
};

/* ------------------------------------------------------------------ in the caller */

static int open_layers(struct starter *s, struct err *e)
{
	const struct container_record *r = &s->c->record;

	if (r->rootfs) {
		s->layer_fds[0] = open(r->rootfs, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (s->layer_fds[0] < 0)
			return err_sys(e, "cannot open the root file system %s", r->rootfs);
		s->n_layers = 1;
		return 0;
	}
	strv_foreach (layer, r->layers) {
		if (s->n_layers == sizeof s->layer_fds / sizeof s->layer_fds[0])
			return err_set(e, ERR_CORRUPT, "container %s: it has too many layers", r->name);
		int fd = layer_open_text(s->store, *layer);
		if (fd < 0)
			return err_sys(e,
			        "container %s: layer %.19s of its image cannot be opened; load the image "
			        "again",
			        r->name, *layer);
		s->layer_fds[s->n_layers++] = fd;
	}
	return 0;
}

/* All that can fail without leaving anything behind, before the fork. */
static int prepare(struct starter *s, struct err *e)
{
	struct container *c = s->c;

	container_cgroup_path(c, s->cgroup_path);
	if (helper_path("tare-init", s->init_path, sizeof s->init_path, e) != 0 ||
	        supervision_find(&s->supervision, e) != 0 || open_layers(s, e) != 0)
		return -1;
	s->upper_fd = openat(c->dir_fd, "upper", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	s->work_fd = openat(c->dir_fd, "work", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (s->upper_fd < 0 || s->work_fd < 0)
		return err_sys(e, "container %s: its writable layer cannot be opened", c->record.name);
	if (seccomp_filter_load(
	            s->spec->seccomp, s->spec->caps.bounding, s->store->seccomp_fd, &s->filter, e) != 0)
		return -1;
	close_fd(&c->state_fd);
	c->state_fd = container_state_dir_open(s->store, c->id, true);
	if (c->state_fd < 0)
		return err_sys(e, "cannot make %s/containers/%.12s", s->store->state, c->id);
	return 0;
}

/* ------------------------------------------------------------------ in the starter */

/* The container's end is opened for reading and writing: nothing breaks while no monitor reads, and
 * /dev/stdout can be opened again by the container's user (who gets to own it). */
static int make_output(int state_fd, const char *name, int ends[2], struct err *e)
{
	if (mkfifoat(state_fd, name, 0600) != 0 && errno != EEXIST)
		return err_sys(e, "cannot make the pipe for the container's output");
	ends[0] = supervision_output(state_fd, name);
	ends[1] = openat(state_fd, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	return ends[0] < 0 || ends[1] < 0 ? err_sys(e, "cannot open the pipe for the container's output") : 0;
}

/* Without -i the input is at its end from the start. A pipe rather than the host's /dev/null, whose mode the
 * container's root could change through the descriptor. */
static int make_input(struct starter *s, bool interactive, struct err *e)
{
	if (pipe2(s->in, O_CLOEXEC) != 0)
		return err_sys(e, "cannot make the pipe for the container's input");
	if (!interactive)
		close_fd(&s->in[1]);
	return 0;
}

static bool config_bool(const struct container *c, const char *key)
{
	return json_bool(json_get(c->record.config, "Config"), key, false);
}

static int make_stdio(struct starter *s, struct err *e)
{
	s->listen_fd = supervision_listen(s->c->state_fd, e);
	if (s->listen_fd < 0)
		return -1;
	if (s->spec->terminal)
		return 0;
	if (make_output(s->c->state_fd, "out", s->out, e) != 0 ||
	        make_output(s->c->state_fd, "err", s->err, e) != 0)
		return -1;
	return make_input(s, config_bool(s->c, "OpenStdin"), e);
}

static int write_state(struct starter *s, const struct launched *child, struct err *e)
{
	struct container_state st = {.process = child->id,
	        .started = s->started,
	        .init_fd = child->hold_fd,
	        .restart_shift = s->restart_shift};

	snprintf(st.boot, sizeof st.boot, "%s", boot_id());
	if (!*st.boot) /* without it the next command would take it for a container of an earlier boot */
		return err_sys(e, "cannot read the id of this boot");
	if (proc_id_of(getpid(), &st.monitor) != 0)
		return err_sys(e, "cannot read our own start time");
	/* one that has ended already has none */
	if (!st.process.start_time && proc_id_of(child->id.pid, &st.process) != 0 && errno != ESRCH)
		return err_sys(e, "cannot read the start time of the container's process");
	st.process.pid = child->id.pid;
	return container_state_write(s->c->state_fd, &st, e);
}

/* In place, nobody would miss a process that we were killed before we had written down: so it is on record
 * before its command runs. */
static int child_born(const struct launched *child, void *arg, struct err *e)
{
	struct starter *s = arg;
	struct launched early = *child;

	early.hold_fd = -1;
	if (s->in_place && write_state(s, &early, e) != 0)
		return -1;
	return endpoints_attach(&s->net, child->id.pid, e);
}

static int prepare_userns(struct starter *s, struct err *e)
{
	if (s->spec->ns[NS_USER].mode != NS_PRIVATE)
		return 0;
	s->userns_fd = user_namespace_open(&s->spec->ids, e);
	return s->userns_fd < 0 ? -1 : 0;
}

static int launch(struct starter *s, struct err *e)
{
	int lower_userns[sizeof s->layer_fds / sizeof s->layer_fds[0]];
	struct rootfs_overlay overlay = {.lower_fds = s->layer_fds,
	        .n_lower = s->n_layers,
	        .upper_fd = s->upper_fd,
	        .work_fd = s->work_fd,
	        .throw_away = json_bool(json_get(s->c->record.config, "HostConfig"), "AutoRemove", false)};

	if (prepare_userns(s, e) != 0)
		return -1;
	for (size_t i = 0; i < s->n_layers; i++)
		lower_userns[i] = s->userns_fd;
	if (s->userns_fd >= 0)
		overlay.lower_userns = lower_userns;
	s->rootfs_fd = rootfs_mount_overlay(&overlay, e);
	if (s->rootfs_fd < 0)
		return err_wrap(e, "cannot mount the container's root");
	if (cgroup_create(s->cgroup_path, &s->spec->resources, &s->cgroup, e) != 0)
		return -1;
	struct launch l = {.spec = s->spec,
	        .userns_fd = s->userns_fd,
	        .rootfs_fd = s->rootfs_fd,
	        .cgroup = s->cgroup,
	        .seccomp = &s->filter,
	        .stdio = {s->in[0], s->out[1], s->err[1]},
	        .init_path = s->init_path,
	        .born = s->net.state.n_endpoints || s->net.by_program || s->in_place ? child_born : NULL,
	        .born_arg = s};
	if (launch_create(&l, &s->launched, e) != 0) {
		cgroup_destroy(s->cgroup_path, NULL);
		return -1;
	}
	return 0;
}

static void undo_launch(struct starter *s)
{
	cgroup_kill(s->cgroup, NULL);
	pidfd_signal(s->launched.pidfd, SIGKILL);
	waitpid(s->launched.id.pid, NULL, 0);
	cgroup_destroy(s->cgroup_path, NULL);
}

/* The container lives only as long as it can be found again: no state.json, no container. */
static int record(struct starter *s, struct err *e)
{
	if (write_state(s, &s->launched, e) == 0)
		return 0;
	undo_launch(s);
	return err_wrap(e, "cannot write the container's state");
}

static int fill_handoff(struct starter *s, struct monitor_handoff *h, struct err *e)
{
	const struct container *c = s->c;

	*h = (struct monitor_handoff){.pid = s->launched.id.pid,
	        .pidfd = s->launched.pidfd,
	        .state_fd = c->state_fd,
	        .container_fd = c->dir_fd,
	        .listen_fd = s->listen_fd,
	        .out_fd = s->out[0],
	        .err_fd = s->err[0],
	        .in_fd = s->in[1],
	        .terminal_fd = s->launched.terminal_fd,
	        .client_fd = s->client_fd,
	        .hold_fd = s->launched.hold_fd,
	        .nft_fd = s->net.nft_fd,
	        .started = s->started};
	supervision_fill(&s->supervision, s->store, c, h);
	cgroup_sampler_sources(s->cgroup, &h->sources);
	/* on the host's network the figures would be the host's */
	h->sources.pid = s->spec->ns[NS_NETWORK].mode == NS_HOST ? 0 : s->launched.id.pid;
	return supervision_ports(s->net.held, s->net.n_held, h, e);
}

static _Noreturn void become_monitor(struct starter *s, const struct monitor_handoff *h, struct err *e)
{
	if (h)
		monitor_exec(h, e);
	/* the report has gone out; without a monitor nobody would ever see the end */
	cgroup_kill(s->cgroup, NULL);
	_exit(1);
}

static _Noreturn void starter_main(struct starter *s, int report_fd)
{
	struct report r = {0};

	setsid();
	umask(077);
	supervision_null_stdio();
	cgroup_enter_monitors();
	r.started = make_stdio(s, &r.error) == 0 && launch(s, &r.error) == 0 && record(s, &r.error) == 0;
	if (r.started)
		r.error = s->net.warning;
	bool told = write_all(report_fd, &r, sizeof r) == 0;
	if (r.started && !told)
		undo_launch(s); /* for the caller it has failed, and it waits for our end */
	if (!r.started || !told)
		_exit(1);
	close_fd(&report_fd);
	endpoint_flows_follow(&s->net.state, s->net.nft_fd);
	struct monitor_handoff h;
	become_monitor(s, fill_handoff(s, &h, &r.error) == 0 ? &h : NULL, &r.error);
	_exit(1);
}

/* ------------------------------------------------------------------ fork and report */

static int read_report(const struct starter *s, pid_t pid, int fd, struct err *e)
{
	struct report r;
	ssize_t n = read_full(fd, &r, sizeof r);

	if (n == (ssize_t)sizeof r && r.started) {
		if (r.error.msg[0])
			log_line(LOG_LEVEL_WARN, "%s", r.error.msg);
		return 0;
	}
	if (n != (ssize_t)sizeof r) /* whatever has become of it, its end is waited for */
		kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	if (n != (ssize_t)sizeof r) {
		/* what it had started has nobody who knows of it */
		cgroup_destroy(s->cgroup_path, NULL);
		return err_set(e, ERR_OTHER, "the container's starter was killed");
	}
	if (e)
		*e = r.error;
	return -1;
}

static void starter_close(struct starter *s)
{
	for (size_t i = 0; i < s->n_layers; i++)
		close_fd(&s->layer_fds[i]);
	close_fd(&s->upper_fd);
	close_fd(&s->work_fd);
	close_fd(&s->client_fd);
	seccomp_filter_free(&s->filter);
}

static int fork_and_wait(struct starter *s, struct err *e)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) != 0)
		return err_sys(e, "pipe");
	cleanup_fd int report_in = ends[0], report_out = ends[1];
	pid_t pid = supervision_fork();
	if (pid == 0)
		starter_main(s, report_out);
	close_fd(&report_out);
	return pid < 0 ? err_sys(e, "fork") : read_report(s, pid, report_in, e);
}

/* Without the label where nobody asked for it and it can't be had. */
static int settle_label(const struct store *store, struct runtime_spec *today, struct err *e)
{
	if (!today->apparmor)
		return 0;
	int ready = apparmor_ready(store, today->apparmor, today->apparmor_optional, e);
	if (!ready)
		today->apparmor = NULL; /* borrowed */
	return ready < 0 ? -1 : 0;
}

/* ------------------------------------------------------------------ both ways */

static int start_open(struct start *x, const struct store *store, struct container *c,
        const struct runtime_spec *spec, struct err *e)
{
	*x = (struct start){.today = *spec};
	x->s = (struct starter){.store = store,
	        .c = c,
	        .spec = &x->today,
	        .client_fd = -1,
	        .upper_fd = -1,
	        .work_fd = -1,
	        .rootfs_fd = -1,
	        .userns_fd = -1,
	        .listen_fd = -1,
	        .out = {-1, -1},
	        .err = {-1, -1},
	        .in = {-1, -1},
	        .net = {.nft_fd = -1},
	        .launched = {.pidfd = -1, .terminal_fd = -1, .hold_fd = -1},
	        .started = now_realtime()};
	return settle_label(store, &x->today, e) != 0 ? -1 : join_resolve(store, &x->today, &x->join, e);
}

static int start_prepare(struct start *x, struct err *e)
{
	return volumes_attach(x->s.store, &x->today, &x->volumes, e) != 0 || prepare(&x->s, e) != 0 ||
	                       endpoints_prepare(x->s.store, x->s.c, &x->s.net, e) != 0
	               ? -1
	               : 0;
}

static void start_close(struct start *x, bool started)
{
	volumes_detach(&x->today, &x->volumes); /* its state is on record now, or it does not run */
	if (!started)
		volumes_settle(x->s.store, x->s.c->record.config);
	endpoints_ended(&x->s.net, started);
	starter_close(&x->s);
	join_close(&x->join);
	volume_locks_close(&x->volumes);
}

int starter_start(const struct store *store, struct container *c, const struct runtime_spec *spec,
        int client_fd, unsigned rows, unsigned cols, struct err *e)
{
	struct start x;

	if (start_open(&x, store, c, spec, e) != 0) {
		close_fd(&client_fd);
		return -1;
	}
	x.s.client_fd = client_fd;
	x.today.rows = rows;
	x.today.cols = cols;
	int rc = start_prepare(&x, e) != 0 ? -1 : fork_and_wait(&x.s, e);
	start_close(&x, rc == 0);
	if (rc == 0) {
		c->has_state = container_state_read(c->state_fd, &c->state) == 0;
	} else if (c->state_fd >= 0) {
		close_fd(&c->state_fd);
		container_state_remove(store, c->id);
	}
	return rc;
}

int starter_become(const struct store *store, struct container *c, const struct runtime_spec *spec,
        void (*started)(void *arg), void *arg, struct err *e)
{
	struct start x;
	struct starter *s = &x.s;
	struct monitor_handoff h;

	if (start_open(&x, store, c, spec, e) != 0)
		return -1;
	s->in_place = true;
	s->restart_shift = c->state.restart_shift;
	umask(077);
	int rc = start_prepare(&x, e) != 0 || make_stdio(s, e) != 0 || launch(s, e) != 0 || record(s, e) != 0
	                 ? -1
	                 : 0;
	if (rc == 0) {
		endpoint_flows_follow(&s->net.state, s->net.nft_fd);
		rc = fill_handoff(s, &h, e);
		if (rc != 0)
			undo_launch(s);
	}
	start_close(&x, rc == 0);
	if (rc != 0)
		return -1;
	started(arg);
	become_monitor(s, &h, e);
}
