#include "engine/runtime/user_namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"

#define CHILD_STACK (16 << 10)

static int write_map(int proc_fd, const char *file, const struct id_map *m, struct err *e)
{
	cleanup_buf struct buf text = BUF_INIT;

	id_map_print(&text, m);
	cleanup_fd int fd = openat(proc_fd, file, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || write(fd, buf_str(&text), text.len) != (ssize_t)text.len)
		return err_sys(e, "cannot write the user namespace's %s", file);
	return 0;
}

int user_namespace_map(pid_t pid, const struct id_maps *m, struct err *e)
{
	char path[24];

	snprintf(path, sizeof path, "/proc/%d", (int)pid);
	cleanup_fd int proc = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (proc < 0)
		return err_sys(e, "cannot open %s", path);
	return write_map(proc, "uid_map", &m->uid, e) || write_map(proc, "gid_map", &m->gid, e) ? -1 : 0;
}

static int wait_for_sigkill(void *arg)
{
	for (;;)
		pause();
	return arg != NULL;
}

static int open_of(pid_t pid, struct err *e)
{
	char path[32];

	snprintf(path, sizeof path, "/proc/%d/ns/user", (int)pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? err_sys(e, "cannot open %s", path) : fd;
}

/* A namespace begins with a process. This one shares our memory, does nothing, and is killed as soon as the
 * descriptor keeps the namespace. */
int user_namespace_open(const struct id_maps *m, struct err *e)
{
	char *stack = malloc(CHILD_STACK);
	pid_t pid = -1;

	if (stack)
		pid = clone(wait_for_sigkill, stack + CHILD_STACK, CLONE_NEWUSER | CLONE_VM | SIGCHLD, NULL);
	int fd = -1;
	if (pid < 0)
		err_sys(e, errno == ENOSPC ? "cannot make a user namespace: the limit in "
		                             "/proc/sys/user/max_user_namespaces is reached"
		                           : "cannot make a user namespace");
	else if (user_namespace_map(pid, m, e) == 0)
		fd = open_of(pid, e);
	if (pid > 0)
		kill(pid, SIGKILL);
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	free(stack);
	return fd;
}

int user_namespace_become_root(struct err *e)
{
	/* attack 25: the host's supplementary groups would go on to count until tare-init sets the user's */
	if (setgroups(0, NULL))
		return err_sys(e, "cannot leave the host's groups");
	if (setresgid(0, 0, 0) || setresuid(0, 0, 0))
		return err_sys(e, "cannot become root of the user namespace; does its map have an id 0?");
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	/* attack 28: another user makes us as open as the sysctl fs.suid_dumpable says, and we still have the
	 * launcher's descriptors */
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	return 0;
}

int user_namespace_own_pipes(const int fds[3], const struct id_maps *m, struct err *e)
{
	uint32_t uid, gid;
	struct stat st;

	id_map_out(&m->uid, 0, &uid);
	id_map_out(&m->gid, 0, &gid);
	for (int i = 0; i < 3; i++) {
		if (fds[i] < 0 || fstat(fds[i], &st) || (!S_ISFIFO(st.st_mode) && !S_ISSOCK(st.st_mode)))
			continue;
		if (fchown(fds[i], uid, gid) && errno != EPERM && errno != EROFS && errno != EINVAL)
			return err_sys(e, "cannot give descriptor %d to the container's root", i);
	}
	return 0;
}

int mount_idmap(int mount_fd, int userns_fd, bool recursive, const char *what, struct err *e)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)(unsigned)userns_fd};
	unsigned flags = AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0);

	if (!mount_setattr(mount_fd, "", flags, &attr, sizeof attr))
		return 0;
	if (errno == ENOSYS)
		return err_set(e, ERR_UNSUPPORTED,
		        "a user namespace needs mounts that map ids, which this kernel lacks (Linux 5.19); "
		        "leave out --userns");
	if (errno == EINVAL)
		return err_set(e, ERR_UNSUPPORTED,
		        "%s: its file system, or one that is mounted in it, cannot map ids for a user "
		        "namespace",
		        what);
	return err_sys(e, "%s: cannot map its ids for the user namespace", what);
}
