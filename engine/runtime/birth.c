#include "engine/runtime/birth.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/defence.h"
#include "base/err.h"
#include "base/file.h"
#include "base/proc.h"
#include "base/rootless.h"

/* CVE-2024-21626 and R3: what the calling program left open, close-on-exec or not, stays outside. Test:
 * test_runtime_launch.c, only_three_descriptors_cross. */
int close_on_exec_from(unsigned first, bool old_kernel)
{
	if (!DEFENCE("caller-descriptors"))
		return 0;
	if (!old_kernel && !close_fd_range(first, ~0U, CLOSE_RANGE_CLOEXEC))
		return 0;
	/* CLOSE_RANGE_CLOEXEC is of 5.11. */
	cleanup_dir DIR *d = opendir("/proc/self/fd");
	if (!d)
		return -1;
	for (struct dirent *entry; (entry = readdir(d));) {
		unsigned long fd = strtoul(entry->d_name, NULL, 10);
		if (fd >= first && entry->d_name[0] != '.')
			fcntl((int)fd, F_SETFD, FD_CLOEXEC);
	}
	return 0;
}

/* First thing in the child. R3: nothing that the calling program had open survives the coming execve. */
static void newborn(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (close_on_exec_from(3, false))
		_exit(125);
	umask(0);
	setsid();
}

pid_t birth(uint64_t flags, int cgroup_fd, int *pidfd, struct err *e)
{
	struct clone_args args = {
	        .flags = flags | CLONE_PIDFD, .pidfd = (uint64_t)(uintptr_t)pidfd, .exit_signal = SIGCHLD};
	int dumpable = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);

	if (cgroup_fd >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)cgroup_fd;
	}
	/* Attack 28: with the host's pid namespace the child is seen by the container, and without
	 * CAP_SYS_PTRACE this shuts it out (memory, descriptors, our binary); the flag is inherited, so it is
	 * set before. */
	/* An ordinary user's launcher would be shut out, too (our memory belongs to the host's user
	 * namespace, where it is not root), and nobody lives in a new pid namespace. */
	bool alone = (flags & CLONE_NEWPID) && in_user_namespace();
	if (!alone && DEFENCE("joining-undumpable"))
		prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof args);
	int saved = errno;
	if (pid == 0) {
		newborn();
		return 0;
	}
	prctl(PR_SET_DUMPABLE, dumpable, 0, 0, 0);
	errno = saved;
	if (pid < 0 && (errno == EPERM || errno == EACCES))
		return err_set(
		        e, ERR_PERMISSION, "cannot make the container's namespaces: needs root; try sudo");
	if (pid < 0 && errno == ENOSPC)
		return err_set(e, ERR_OTHER,
		        "cannot make the container's namespaces: the limit in "
		        "/proc/sys/user/max_*_namespaces is reached");
	return pid < 0 ? err_sys(e, "cannot start the container's process") : pid;
}

void birth_undo(pid_t pid, int *pidfd)
{
	int status;
	pid_t reaped;

	pidfd_signal(*pidfd, SIGKILL);
	do
		reaped = waitpid(pid, &status, 0);
	while (reaped < 0 ? errno == EINTR : WIFSTOPPED(status));
	close_fd(pidfd);
}
