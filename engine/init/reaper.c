#include "engine/init/reaper.h"

#include <errno.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/traced.h"

/* Without its own foreground group the command would be stopped by its first read from the terminal, and
 * ^C would hit us as well. */
static void take_foreground(void)
{
	pid_t group = getpid();
	sigset_t ttou, old;

	setpgid(0, 0);
	sigemptyset(&ttou);
	sigaddset(&ttou, SIGTTOU);
	sigprocmask(SIG_BLOCK, &ttou, &old);
	ioctl(0, TIOCSPGRP, &group); /* no terminal: ENOTTY, and nothing to take */
	sigprocmask(SIG_SETMASK, &old, NULL);
}

pid_t reaper_fork(void)
{
	sigset_t all, old;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &old);
	pid_t pid = fork();
	if (pid == 0) {
		take_foreground();
		sigprocmask(SIG_SETMASK, &old, NULL);
	}
	return pid;
}

/* Reap all that has ended; leave when the command has. */
static void reap(pid_t child)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (WIFSTOPPED(status)) /* it asked to be traced by us */
			traced_let_go(pid, WSTOPSIG(status));
		if (WIFSTOPPED(status) || pid != child)
			continue;
		if (WIFSIGNALED(status))
			_exit(128 + WTERMSIG(status));
		_exit(WEXITSTATUS(status));
	}
}

_Noreturn void reaper_run(pid_t child)
{
	sigset_t all;

	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); /* with the host's pid namespace we aren't process 1 */
	prctl(PR_SET_DUMPABLE, 1, 0, 0, 0); /* nothing left to protect; let the container see /proc/1 */
	sigfillset(&all);
	for (;;) {
		int sig = sigwaitinfo(&all, NULL);
		if (sig == SIGCHLD)
			reap(child);
		else if (sig > 0 && sig != SIGTTIN && sig != SIGTTOU)
			kill(child, sig);
	}
}
