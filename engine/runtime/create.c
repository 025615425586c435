/* A launch becomes a process: the way of a container's first process from clone3 to tare-init. */
#include "engine/runtime/create.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/defence.h"
#include "base/err.h"
#include "base/file.h"
#include "base/rootless.h"
#include "engine/runtime/birth.h"
#include "engine/runtime/devfs.h"
#include "engine/runtime/mounts.h"
#include "engine/runtime/namespace.h"
#include "engine/runtime/report.h"
#include "engine/runtime/root.h"
#include "engine/runtime/shield.h"
#include "engine/runtime/terminal.h"
#include "engine/runtime/user.h"
#include "engine/runtime/user_namespace.h"

/* What the launcher prepared for the child. */
struct creation {
	const struct launch *l;
	const struct runtime_spec *spec;
	struct container_root root;
	int *sources; /* of bind mounts */
	int host_nodes[DEVFS_NODES];
	int joined[NS_KIND_COUNT];
	struct report_ends report;
	int init_fd, clone_cgroup_fd;
	bool userns;          /* a user namespace of its own */
	bool cgroup_ns_later; /* the new namespace is rooted rightly only after the move */
};

/* The others in the pid namespace must not see us before we have become like them. */
static bool joins(const struct creation *c)
{
	return c->spec->ns[NS_PID].mode == NS_JOIN;
}

int launch_connect(const int stdio[3], uid_t uid, gid_t gid, struct err *e)
{
	int high[3];
	struct stat st;

	for (int i = 0; i < 3; i++) {
		high[i] = fcntl(stdio[i], F_DUPFD_CLOEXEC, 16);
		if (high[i] < 0 || fstat(high[i], &st))
			return err_sys(e, "cannot connect descriptor %d", i);
		/* /dev/stdout is opened anew by its path: its user must be let in. Devices and files are the
		 * host's. */
		if ((S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode)) && st.st_uid != uid &&
		        fchown(high[i], uid, gid) && errno != EPERM && errno != EROFS && errno != EINVAL)
			return err_sys(e, "cannot give descriptor %d to the container's user", i);
	}
	for (int i = 0; i < 3; i++)
		if (dup2(high[i], i) < 0)
			return err_sys(e, "cannot connect descriptor %d", i);
	return 0;
}

/* The cgroup comes first: the kernel lets us in as the host's root, which we are until the user namespace has
 * its maps and we are its root. */
static int join_groups_and_namespaces(struct creation *c, struct err *e)
{
	if (c->l->cgroup && cgroup_enter_self(c->l->cgroup, c->clone_cgroup_fd < 0, e))
		return -1;
	if (c->cgroup_ns_later && DEFENCE("cgroup-namespace") && unshare(CLONE_NEWCGROUP))
		return err_sys(e, "cannot make the cgroup namespace");
	if (c->userns && (report_await_go(c->report.talk, e) || user_namespace_become_root(e) ||
	                         report_launcher_lives(c->report.talk, e)))
		return -1;
	/* with a user namespace of ours we were born in them */
	if (!c->userns && namespace_join(c->joined, e))
		return -1;
	namespace_new_keyring();
	return 0;
}

/* The kernel gives a user namespace its own procfs and sysfs only while it can see the host's. */
static int make_views(struct creation *c, struct err *e)
{
	if (container_proc(&c->root, e) || mounts_make_views(c->spec, "proc", c->sources, e))
		return -1;
	/* with a user namespace of its own, one that it joins or the host's is not its to show */
	if (c->userns && c->spec->ns[NS_NETWORK].mode != NS_PRIVATE)
		return 0;
	return mounts_make_views(c->spec, "sysfs", c->sources, e);
}

static int make_file_systems(struct creation *c, struct err *e)
{
	bool dev_is_ours = false;

	if ((c->userns || in_user_namespace()) && make_views(c, e))
		return -1;
	if (root_enter(&c->root, c->l->rootfs_fd, e))
		return -1;
	if (mounts_make(&c->root, c->spec, c->sources, &dev_is_ours, e))
		return -1;
	if (devfs_fill(&c->root, c->spec, dev_is_ours, e))
		return -1;
	return DEFENCE("root-first") ? 0 : root_pivot(&c->root, e);
}

static int set_oom_score(struct creation *c, struct err *e)
{
	char text[16];

	if (!c->spec->has_oom_score_adj)
		return 0;
	if (container_proc(&c->root, e))
		return -1;
	snprintf(text, sizeof text, "%d", c->spec->oom_score_adj);
	if (!file_poke(c->root.proc_fd, "self/oom_score_adj", text))
		return 0;
	if (errno != EACCES && errno != EPERM)
		return err_sys(e, "cannot set oom_score_adj to %s", text);
	log_line(LOG_LEVEL_WARN,
	        "oom_score_adj %s is below this process's own and CAP_SYS_RESOURCE is missing; left as it is",
	        text);
	return 0;
}

/* With a terminal: made in the container, handed to the launcher, our 0, 1, 2 from here on. */
static int connect_terminal(struct creation *c, uid_t uid, struct err *e)
{
	cleanup_fd int devpts = terminal_devpts(c->root.fd, e), master = -1, slave = -1;

	if (devpts < 0 || terminal_open(devpts, c->spec->rows, c->spec->cols, &master, &slave, e))
		return -1;
	if (devfs_console(&c->root, slave, e) || report_send_terminal(c->report.talk, master, e))
		return -1;
	return joins(c) ? terminal_connect(slave, uid, e) : terminal_adopt(slave, uid, e);
}

/* Docker makes a missing working directory. */
static int make_cwd(struct creation *c, struct err *e)
{
	const char *cwd = c->spec->cwd;

	if (!cwd || !*cwd || !strcmp(cwd, "/"))
		return 0;
	cleanup_fd int fd = open_in_root(c->root.fd, cwd, O_PATH | O_CLOEXEC, 0);
	if (fd < 0 && errno == ENOENT) {
		fd = mkdir_in_root(c->root.fd, cwd, 0755);
		if (fd < 0)
			return err_sys(e, "cannot make the working directory \"%s\"", cwd);
	}
	return 0; /* what else is wrong with it, init finds out */
}

static int finish_root(struct creation *c, struct err *e)
{
	if (make_cwd(c, e) || shield_apply(&c->root, c->spec, e))
		return -1;
	return c->spec->root_readonly ? root_make_readonly(&c->root, e) : 0;
}

/* The launcher is at work in our namespaces, too; net.ipv4.conf.eth0 is there only when it is done. */
static int finish_namespaces(struct creation *c, struct err *e)
{
	if (c->l->born && report_await_go(c->report.talk, e))
		return -1;
	return namespace_set_sysctls(&c->root, c->spec, e);
}

static int become_container(struct creation *c, struct err *e)
{
	const struct runtime_spec *spec = c->spec;
	static struct identity who;

	if ((joins(c) && container_proc_outside(&c->root, e)) || join_groups_and_namespaces(c, e) ||
	        namespace_set_names(spec, e) || namespace_loopback_up(spec, e))
		return -1;
	if (make_file_systems(c, e) || set_oom_score(c, e))
		return -1;
	if (user_lookup(c->root.fd, spec->user, spec->groups, &who, e) || user_fit(&who, &spec->ids, e))
		return -1;
	if (spec->terminal ? connect_terminal(c, who.uid, e)
	                   : launch_connect(c->l->stdio, who.uid, who.gid, e))
		return -1;
	if (finish_root(c, e) || finish_namespaces(c, e) || (spec->apparmor && container_proc(&c->root, e)))
		return -1;
	struct last_stage stage = {.spec = spec,
	        .seccomp = c->l->seccomp,
	        .who = &who,
	        .init_fd = c->init_fd,
	        .report_fd = c->report.init,
	        .proc_fd = spec->apparmor ? c->root.proc_fd : -1,
	        .stay = spec->init,
	        .join = joins(c),
	        .terminal = spec->terminal};
	return last_stage_exec(&stage, e);
}

/* Who goes on is another child than the first, which has ended, or will in a moment. */
static int take_over(pid_t first, pid_t born, struct launched *out, struct err *e)
{
	birth_undo(first, &out->pidfd);
	out->pidfd = pidfd_open_pid(born);
	if (out->pidfd >= 0)
		return 0;
	err_sys(e, "cannot open the container's process");
	kill(born, SIGKILL); /* nobody has reaped it */
	return -1;
}

int launch_finish(pid_t pid, const struct report_ends *report, const struct runtime_spec *spec,
        struct launched *out, struct err *e)
{
	pid_t born = pid;
	int rc = report_wait(report, spec, &out->terminal_fd, &born, e);

	if (born != pid && take_over(pid, born, out, rc ? NULL : e))
		rc = -1;
	/* one that has ended already has no start time */
	if (!rc && proc_id_of(born, &out->id) && errno != ESRCH)
		rc = err_sys(e, "cannot read the start time of the container's process");
	out->id.pid = born;
	if (rc)
		birth_undo(born, &out->pidfd);
	return rc;
}

static int map_ids(const struct creation *c, pid_t pid, int talk_fd, struct launched *out, struct err *e)
{
	if (!c->userns)
		return 0;
	if (!user_namespace_map(pid, &c->spec->ids, e)) {
		report_go(talk_fd);
		return 0;
	}
	birth_undo(pid, &out->pidfd);
	report_take_error(talk_fd, e);
	return -1;
}

/* The caller's part of the making. When it fails because the child failed first and took its namespaces
 * along, the child's reason is the one to tell. */
static int call_born(const struct launch *l, pid_t pid, int talk_fd, struct launched *out, struct err *e)
{
	if (!l->born)
		return 0;
	out->id.pid = pid;
	if (!l->born(out, l->born_arg, e)) {
		report_go(talk_fd);
		return 0;
	}
	birth_undo(pid, &out->pidfd);
	report_take_error(talk_fd, e);
	return -1;
}

/* What belongs to the host's user namespace is not root's of another one to use. */
static int check_userns(const struct launch *l, struct err *e)
{
	if (l->spec->ns[NS_PID].mode != NS_PRIVATE)
		return err_set(e, ERR_UNSUPPORTED,
		        "with a user namespace the container needs a pid namespace of its own; leave out "
		        "--pid");
	if (!id_map_run(&l->spec->ids.uid) || !id_map_run(&l->spec->ids.gid) || l->userns_fd < 0)
		return err_set(e, ERR_USAGE,
		        "the user namespace's maps must have an id 0 inside, as in 0:100000:65536");
	return 0;
}

static int check(const struct launch *l, struct err *e)
{
	if (!l->spec->args || !l->spec->args[0])
		return err_set(e, ERR_USAGE, "no command: the image has none, so give one");
	if (l->spec->ns[NS_MOUNT].mode != NS_PRIVATE)
		return err_set(e, ERR_UNSUPPORTED, "a container needs a mount namespace of its own");
	if (l->spec->ns[NS_USER].mode == NS_JOIN)
		return err_set(e, ERR_UNSUPPORTED, "another container's user namespace cannot be joined");
	return l->spec->ns[NS_USER].mode == NS_PRIVATE ? check_userns(l, e) : 0;
}

/* Others' namespaces belong to others' roots: the child of a user namespace cannot join them, but is born in
 * them; and what shows them is made from here. */
static int enter_joined(struct creation *c, struct namespaces *own, struct err *e)
{
	if (namespace_enter(c->joined, own, e))
		return -1;
	if (c->spec->ns[NS_NETWORK].mode == NS_PRIVATE)
		return 0;
	return mounts_make_views(c->spec, "sysfs", c->sources, e);
}

static int give_birth(struct creation *c, struct launched *out, struct err *e)
{
	uint64_t flags = namespace_private_flags(c->spec);
	struct report_ends report __attribute__((cleanup(report_close))) = REPORT_ENDS_NONE;
	struct namespaces own __attribute__((cleanup(namespace_restore))) = NAMESPACES_INIT;

	if (report_open(&report, &c->report, e))
		return -1;
	bool born_inside = cgroup_mode() == CGROUP_V2 && c->clone_cgroup_fd >= 0;
	if (c->spec->ns[NS_CGROUP].mode == NS_PRIVATE && c->l->cgroup && !born_inside) {
		c->cgroup_ns_later = true;
		flags &= ~(uint64_t)CLONE_NEWCGROUP;
	}
	if (c->userns && enter_joined(c, &own, e))
		return -1;
	pid_t pid = birth(flags, c->clone_cgroup_fd, &out->pidfd, e);
	if (pid == 0) {
		struct err child_err = ERR_INIT;
		/* or we would wait for ever for the word of a launcher that was killed before it could take
		 * us along (PR_SET_PDEATHSIG in birth.c) */
		report_close(&report);
		become_container(c, &child_err);
		report_die(c->report.talk, &child_err);
	}
	report_close(&c->report);
	namespace_restore(&own);
	if (pid < 0 || map_ids(c, pid, report.talk, out, e) || call_born(c->l, pid, report.talk, out, e))
		return -1;
	return launch_finish(pid, &report, c->spec, out, e);
}

/* A user namespace's root may make no device, nor open one on a file system of its own: so its /dev is made
 * here, and attached there. 1: we may not either, or it has a /dev from elsewhere. */
static int make_dev(struct creation *c, struct err *e)
{
	for (size_t i = 0; i < c->spec->n_mounts; i++) {
		const struct spec_mount *m = &c->spec->mounts[i];
		if (strcmp(m->destination, "/dev") != 0 || strcmp(m->type, "tmpfs") != 0)
			continue;
		int rc = devfs_make(c->spec, m, &c->sources[i], e);
		c->root.has_nodes = rc == 0;
		return rc;
	}
	return 1;
}

static int prepare_userns(struct creation *c, struct err *e)
{
	if (user_namespace_own_pipes(c->l->stdio, &c->spec->ids, e))
		return -1;
	int rc = make_dev(c, e);
	if (rc != 1)
		return rc;
	c->root.host_nodes = c->host_nodes;
	return devfs_host_nodes(c->host_nodes, e);
}

static int open_host_nodes(struct creation *c, const struct launch_fallbacks *f, struct err *e)
{
	if (c->userns)
		return prepare_userns(c, e);
	if (!in_user_namespace() && !f->no_mknod && capability_bounding() & capability_parse("CAP_MKNOD"))
		return 0;
	c->root.host_nodes = c->host_nodes;
	return devfs_host_nodes(c->host_nodes, e);
}

int launch_create_with(
        const struct launch *l, const struct launch_fallbacks *f, struct launched *out, struct err *e)
{
	struct creation c = {.l = l,
	        .spec = l->spec,
	        .root = {.fd = -1, .proc_fd = -1, .null_fd = -1, .old_mount_api = f->old_mount_api},
	        .host_nodes = {-1, -1, -1, -1, -1, -1},
	        .report = REPORT_ENDS_NONE,
	        .userns = l->spec->ns[NS_USER].mode == NS_PRIVATE,
	        .clone_cgroup_fd = l->cgroup ? cgroup_clone_fd(l->cgroup) : -1};
	int rc = -1;

	*out = (struct launched){.pidfd = -1, .terminal_fd = -1, .hold_fd = -1};
	if (check(l, e))
		return -1;
	c.init_fd = last_stage_open(l->init_path, f->seal, e);
	if (c.init_fd < 0)
		return -1;
	if (!namespace_open_joined(c.spec, c.joined, e) &&
	        !mount_sources_open(c.spec, c.userns ? l->userns_fd : -1, &c.sources, e) &&
	        !mounts_open_joined_proc(c.spec, c.joined[NS_PID], c.sources, e) &&
	        !open_host_nodes(&c, f, e))
		rc = give_birth(&c, out, e);
	mount_sources_close(c.spec, &c.sources);
	for (int i = 0; i < DEVFS_NODES; i++)
		close_fd(&c.host_nodes[i]);
	for (int k = 0; k < NS_KIND_COUNT; k++)
		close_fd(&c.joined[k]);
	report_close(&c.report);
	if (rc == 0)
		out->hold_fd = steal_fd(&c.init_fd);
	close_fd(&c.init_fd);
	return rc;
}

int launch_create(const struct launch *l, struct launched *out, struct err *e)
{
	return launch_create_with(l, &(struct launch_fallbacks){0}, out, e);
}
