/* clone3: a child that goes into its cgroup and its namespaces by itself, before it returns. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/arm64/emulated.h"

#define NAMESPACES                                                                                           \
	(CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWCGROUP | CLONE_NEWUSER)
#define KNOWN (NAMESPACES | CLONE_NEWPID | CLONE_PIDFD | CLONE_INTO_CGROUP)

static int become(const struct clone_args *a)
{
	if (a->flags & CLONE_INTO_CGROUP) {
		int fd = openat((int)a->cgroup, "cgroup.procs", O_WRONLY | O_CLOEXEC);
		if (fd < 0 || write(fd, "0", 1) != 1)
			return -1;
		close(fd);
	}
	return a->flags & NAMESPACES ? unshare((int)(a->flags & NAMESPACES)) : 0;
}

/* The children's namespace of processes is the caller's own again. */
static int end_of_new_pid(int own)
{
	int rc = own < 0 ? 0 : setns(own, CLONE_NEWPID);

	if (own >= 0)
		close(own);
	return rc;
}

static pid_t born(const struct clone_args *a, const int pipe_fds[2])
{
	int own = -1, error = 0;

	if (a->flags & CLONE_NEWPID) {
		own = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);
		if (own < 0 || unshare(CLONE_NEWPID) < 0)
			return end_of_new_pid(own), -1;
	}
	pid_t pid = fork();
	if (pid == 0) {
		if (own >= 0)
			close(own);
		close(pipe_fds[0]);
		if (become(a) < 0)
			error = errno;
		if (write(pipe_fds[1], &error, sizeof error) != sizeof error || error)
			_exit(127);
		return 0;
	}
	int why = errno;
	end_of_new_pid(own);
	return errno = why, pid;
}

long clone3_by_fork(const struct clone_args *a)
{
	int fds[2], error = 0;

	if (a->flags & ~(uint64_t)KNOWN || a->exit_signal != SIGCHLD)
		return errno = ENOSYS, -1;
	if (pipe2(fds, O_CLOEXEC) < 0)
		return -1;
	pid_t pid = born(a, fds);
	close(fds[1]);
	if (pid == 0)
		return 0;
	if (pid > 0 && read(fds[0], &error, sizeof error) != sizeof error)
		error = EAGAIN;
	if (pid < 0)
		error = errno;
	close(fds[0]);
	if (pid > 0 && error)
		waitpid(pid, NULL, 0);
	if (error)
		return errno = error, -1;
	if (a->flags & CLONE_PIDFD)
		*(int *)(uintptr_t)a->pidfd = (int)__real_syscall(SYS_pidfd_open, pid, 0);
	return pid;
}
