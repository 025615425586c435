/* The namespaces of another container. */
#include "engine/join.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/proc.h"
#include "engine/engine.h"

static const char *const ns_files[NS_KIND_COUNT] = {[NS_MOUNT] = "mnt",
        [NS_PID] = "pid",
        [NS_UTS] = "uts",
        [NS_IPC] = "ipc",
        [NS_NETWORK] = "net",
        [NS_CGROUP] = "cgroup",
        [NS_USER] = "user"};

/* The process is checked after the file is open: a pid that was handed out anew in between is noticed, and
 * what is open stays that container's namespace (joining a process that took over a pid). */
static int open_namespace(const struct container *c, enum spec_namespace_kind kind, struct err *e)
{
	char path[48];

	snprintf(path, sizeof path, "/proc/%d/ns/%s", (int)c->state.process.pid, ns_files[kind]);
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || !proc_alive(&c->state.process))
		return err_set(e, ERR_CONFLICT, "container %s is not running", c->record.name);
	return steal_fd(&fd);
}

/* In the other's mount namespace, and with the caller's descriptors: the copy becomes `place`. */
static _Noreturn void copy_shm_there(int mount_ns, int place)
{
	struct open_how how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
	        .resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
	int at = -1, tree = -1;

	if (setns(mount_ns, CLONE_NEWNS) == 0)
		at = (int)syscall(SYS_openat2, AT_FDCWD, "/dev/shm", &how, sizeof how);
	if (at >= 0)
		tree = open_tree(at, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
	int rc = tree >= 0 && dup3(tree, place, O_CLOEXEC) == place ? 0 : errno;
	close_fd(&tree);
	close_fd(&at);
	_exit(rc);
}

/* A detached copy of the mount. The kernel copies only what is mounted in the caller's own mount namespace,
 * so a child goes there; nothing of the other container runs, and its links are not followed. */
static int copy_shm(const struct container *c, struct err *e)
{
	struct clone_args a = {.flags = CLONE_FILES, .exit_signal = SIGCHLD};
	cleanup_fd int mount_ns = open_namespace(c, NS_MOUNT, e);
	if (mount_ns < 0)
		return -1;
	cleanup_fd int place = open("/dev/null", O_PATH | O_CLOEXEC);
	long pid = place < 0 ? -1 : syscall(SYS_clone3, &a, sizeof a);
	int status;

	if (pid == 0)
		copy_shm_there(mount_ns, place);
	if (pid < 0)
		return err_sys(e, "cannot share /dev/shm of container %s", c->record.name);
	while (waitpid((pid_t)pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_sys(e, "cannot share /dev/shm of container %s", c->record.name);
	if (status == 0)
		return steal_fd(&place);
	errno = WIFEXITED(status) ? WEXITSTATUS(status) : EINTR;
	return err_sys(e, "cannot share /dev/shm of container %s%s", c->record.name,
	        errno == ENOENT ? ", which has none (--ipc none)" : "");
}

/* POSIX shared memory and semaphores are files there: without it --ipc container: would share System V's
 * only. */
static int join_shm(const struct container *other, struct runtime_spec *spec, struct join *j, struct err *e)
{
	for (size_t i = 0; i < spec->n_mounts; i++) {
		struct spec_mount *m = &spec->mounts[i];
		if (strcmp(m->type, "bind") != 0 || !m->source || strncmp(m->source, "container:", 10) != 0)
			continue;
		m->source_fd = copy_shm(other, e);
		j->shm = m;
		return m->source_fd < 0 ? -1 : 0;
	}
	return 0;
}

static int join_one(const struct store *s, enum spec_namespace_kind kind, struct runtime_spec *spec,
        struct join *j, struct err *e)
{
	struct spec_namespace *ns = &spec->ns[kind];
	cleanup_container struct container other = CONTAINER_INIT;

	if (container_open(s, ns->path + strlen("container:"), &other, e) != 0 ||
	        container_need_up(&other, e) != 0)
		return err_wrap(e, "cannot share the %s namespace", ns_files[kind]);
	j->fds[kind] = open_namespace(&other, kind, e);
	if (j->fds[kind] < 0)
		return -1;
	snprintf(j->paths[kind], sizeof j->paths[kind], "/proc/self/fd/%d", j->fds[kind]);
	ns->path = j->paths[kind];
	return kind == NS_IPC ? join_shm(&other, spec, j, e) : 0;
}

int join_resolve(const struct store *s, struct runtime_spec *spec, struct join *j, struct err *e)
{
	j->shm = NULL;
	for (int k = 0; k < NS_KIND_COUNT; k++)
		j->fds[k] = -1;
	for (int k = 0; k < NS_KIND_COUNT; k++) {
		const struct spec_namespace *ns = &spec->ns[k];
		if (ns->mode != NS_JOIN || strncmp(ns->path, "container:", 10) != 0)
			continue;
		if (join_one(s, (enum spec_namespace_kind)k, spec, j, e) != 0) {
			join_close(j);
			return -1;
		}
	}
	return 0;
}

void join_close(struct join *j)
{
	if (j->shm)
		close_fd(&j->shm->source_fd);
	j->shm = NULL;
	for (int k = 0; k < NS_KIND_COUNT; k++)
		close_fd(&j->fds[k]);
}
