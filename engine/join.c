/* The namespaces of another container. */
#include "engine/join.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/proc.h"
#include "engine/engine.h"
#include "engine/runtime/mount_tree.h"

#define PROC_ROOT_INODE 1 /* PROC_ROOT_INO of the kernel's linux/proc_ns.h */

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
static _Noreturn void copy_there(int mount_ns, const char *path, int place)
{
	struct open_how how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
	        .resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
	int at = -1, tree = -1;

	if (setns(mount_ns, CLONE_NEWNS) == 0)
		at = (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how);
	if (at >= 0)
		tree = open_tree(at, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
	int rc = tree >= 0 && dup3(tree, place, O_CLOEXEC) == place ? 0 : errno;
	close_fd(&tree);
	close_fd(&at);
	_exit(rc);
}

/* A detached copy of the mount. The kernel copies only what is mounted in the caller's own mount namespace,
 * so a child goes there; nothing of the other container runs, and its links are not followed. */
static int copy_mount(const struct container *c, const char *path, struct err *e)
{
	struct clone_args a = {.flags = CLONE_FILES, .exit_signal = SIGCHLD};
	cleanup_fd int mount_ns = open_namespace(c, NS_MOUNT, e);
	if (mount_ns < 0)
		return -1;
	cleanup_fd int place = open("/dev/null", O_PATH | O_CLOEXEC);
	long pid = place < 0 ? -1 : syscall(SYS_clone3, &a, sizeof a);
	int status;

	if (pid == 0)
		copy_there(mount_ns, path, place);
	if (pid < 0)
		return err_sys(e, "cannot share %s of container %s", path, c->record.name);
	while (waitpid((pid_t)pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_sys(e, "cannot share %s of container %s", path, c->record.name);
	if (status == 0)
		return steal_fd(&place);
	errno = WIFEXITED(status) ? WEXITSTATUS(status) : EINTR;
	return err_sys(e, "cannot share %s of container %s%s", path, c->record.name,
	        errno == ENOENT && !strcmp(path, "/dev/shm") ? ", which has none (--ipc none)" : "");
}

/* POSIX shared memory and semaphores are files there: without it --ipc container: would share System V's
 * only. */
static int join_shm(const struct container *other, struct runtime_spec *spec, struct join *j, struct err *e)
{
	for (size_t i = 0; i < spec->n_mounts; i++) {
		struct spec_mount *m = &spec->mounts[i];
		if (strcmp(m->type, "bind") != 0 || !m->source || strncmp(m->source, "container:", 10) != 0)
			continue;
		m->source_fd = copy_mount(other, "/dev/shm", e);
		j->shm = m;
		return m->source_fd < 0 ? -1 : 0;
	}
	return 0;
}

/* The whole of a procfs, and its first process lives in that pid namespace: not what the other container has
 * mounted there for us to take. */
static bool is_proc_of(int fd, int pid_ns)
{
	struct stat st, ns, first;
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC && fstat(fd, &st) == 0 &&
	       st.st_ino == PROC_ROOT_INODE && fstat(pid_ns, &ns) == 0 &&
	       fstatat(fd, "1/ns/pid", &first, 0) == 0 && first.st_dev == ns.st_dev &&
	       first.st_ino == ns.st_ino;
}

/* Only a process that lives in the pid namespace may make its procfs, and it would be seen there with all
 * that we may do (attack 28); before 6.18 the other's is taken. */
static int join_proc(const struct container *other, struct runtime_spec *spec, struct join *j, struct err *e)
{
	for (size_t i = 0; i < spec->n_mounts; i++) {
		struct spec_mount *m = &spec->mounts[i];
		if (strcmp(m->type, "proc") != 0)
			continue;
		j->proc = m;
		m->source_fd = mount_proc_of(j->fds[NS_PID], 0, NULL);
		if (m->source_fd >= 0)
			return 0;
		m->source_fd = copy_mount(other, "/proc", e);
		if (m->source_fd < 0 || is_proc_of(m->source_fd, j->fds[NS_PID]))
			return m->source_fd < 0 ? -1 : 0;
		return err_set(e, ERR_CONFLICT,
		        "cannot share the pid namespace of container %s: something is mounted over its /proc",
		        other->record.name);
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
	return kind == NS_IPC   ? join_shm(&other, spec, j, e)
	       : kind == NS_PID ? join_proc(&other, spec, j, e)
	                        : 0;
}

int join_resolve(const struct store *s, struct runtime_spec *spec, struct join *j, struct err *e)
{
	j->shm = j->proc = NULL;
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
	if (j->proc)
		close_fd(&j->proc->source_fd);
	j->shm = j->proc = NULL;
	for (int k = 0; k < NS_KIND_COUNT; k++)
		close_fd(&j->fds[k]);
}
