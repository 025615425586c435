/* A process joins a running container: first its cgroup and every namespace but that of its processes. There
 * it becomes tare-init, gives up what the container lacks, and only then is born where the container can see
 * it (engine/init/main.c, be_born_inside), as another child of the caller's. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "engine/runtime/birth.h"
#include "engine/runtime/create.h"
#include "engine/runtime/mount_tree.h"
#include "engine/runtime/namespace.h"
#include "engine/runtime/report.h"
#include "engine/runtime/terminal.h"
#include "engine/runtime/user.h"
#include "engine/runtime/user_namespace.h"

struct entering {
	const struct enter *x;
	const struct runtime_spec *spec;
	struct container_root root;
	struct report_ends report;
	int pidfd, init_fd, clone_cgroup_fd;
};

/* Everything the container has of its own. We stay out of its pid namespace: that is for our children. */
static int join(struct entering *n, struct err *e)
{
	int flags = 0;

	if (n->spec->apparmor && container_proc_outside(&n->root, e))
		return -1;
	if (n->x->cgroup && cgroup_enter_self(n->x->cgroup, n->clone_cgroup_fd < 0, e))
		return -1;
	for (int k = 0; k < NS_KIND_COUNT; k++)
		if (n->spec->ns[k].mode != NS_HOST)
			flags |= namespace_flag(k);
	if (setns(n->pidfd, flags))
		return err_sys(e, "cannot join the container's namespaces; is it still running?");
	/* The user namespace was joined first of all, and what follows needs its root. */
	if (n->spec->ns[NS_USER].mode != NS_HOST &&
	        (user_namespace_become_root(e) || report_launcher_lives(n->report.talk, e)))
		return -1;
	n->root.fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (n->root.fd < 0)
		return err_sys(e, "cannot open the container's root");
	namespace_new_keyring();
	return 0;
}

static int connect_terminal(struct entering *n, uid_t uid, struct err *e)
{
	cleanup_fd int devpts = terminal_devpts(n->root.fd, e), master = -1, slave = -1;

	if (devpts < 0 || terminal_open(devpts, n->spec->rows, n->spec->cols, &master, &slave, e))
		return -1;
	if (report_send_terminal(n->report.talk, master, e))
		return -1;
	return terminal_connect(slave, uid, e);
}

static int become_guest(struct entering *n, struct err *e)
{
	const struct runtime_spec *spec = n->spec;
	static struct identity who;

	if (join(n, e) || user_lookup(n->root.fd, spec->user, spec->groups, &who, e) ||
	        user_fit(&who, &spec->ids, e))
		return -1;
	if (spec->terminal ? connect_terminal(n, who.uid, e)
	                   : launch_connect(n->x->stdio, who.uid, who.gid, e))
		return -1;
	struct last_stage stage = {.spec = spec,
	        .seccomp = n->x->seccomp,
	        .who = &who,
	        .init_fd = n->init_fd,
	        .report_fd = n->report.init,
	        .proc_fd = n->root.proc_fd,
	        .stay = spec->init,
	        .join = true,
	        .terminal = spec->terminal};
	return last_stage_exec(&stage, e);
}

static int give_birth(struct entering *n, struct launched *out, struct err *e)
{
	struct report_ends report __attribute__((cleanup(report_close))) = REPORT_ENDS_NONE;

	if (report_open(&report, &n->report, e))
		return -1;
	pid_t pid = birth(0, n->clone_cgroup_fd, &out->pidfd, e);
	if (pid == 0) {
		struct err child_err = ERR_INIT;
		report_close(&report); /* its end must be seen when the launcher is gone */
		become_guest(n, &child_err);
		report_die(n->report.talk, &child_err);
	}
	report_close(&n->report);
	return pid < 0 ? -1 : launch_finish(pid, &report, n->spec, out, e);
}

int launch_enter_with(
        const struct enter *x, const struct launch_fallbacks *f, struct launched *out, struct err *e)
{
	struct entering n = {.x = x,
	        .spec = x->spec,
	        .root = {.fd = -1, .proc_fd = -1, .null_fd = -1, .old_mount_api = f->old_mount_api},
	        .report = REPORT_ENDS_NONE,
	        .clone_cgroup_fd = x->cgroup ? cgroup_clone_fd(x->cgroup) : -1};
	int rc = -1;

	*out = (struct launched){.pidfd = -1, .terminal_fd = -1, .hold_fd = -1};
	if (!x->spec->args || !x->spec->args[0])
		return err_set(e, ERR_USAGE, "no command to execute");
	if (x->spec->ns[NS_USER].mode == NS_PRIVATE && user_namespace_own_pipes(x->stdio, &x->spec->ids, e))
		return -1;
	n.pidfd = proc_open(&x->target); /* attack 29: a pid may have become another process */
	if (n.pidfd < 0)
		return err_set(e, ERR_CONFLICT, "the container is not running");
	cleanup_fd int own_init = x->init_fd < 0 ? last_stage_open(x->init_path, f->seal, e) : -1;
	n.init_fd = x->init_fd < 0 ? own_init : x->init_fd;
	if (n.init_fd >= 0)
		rc = give_birth(&n, out, e);
	if (rc == 0)
		out->hold_fd = steal_fd(&own_init);
	report_close(&n.report);
	close_fd(&n.pidfd);
	return rc;
}

int launch_enter(const struct enter *x, struct launched *out, struct err *e)
{
	return launch_enter_with(x, &(struct launch_fallbacks){0}, out, e);
}
