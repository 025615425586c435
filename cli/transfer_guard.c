#include "cli/transfer_guard.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/proc.h"
#include "cli/command.h"
#include "engine/tare.h"

/* The signals that end us are handed on, so that it does not matter which of the two they were sent to. */
static int wait_child(pid_t child, const sigset_t *handled)
{
	int status;
	for (;;) {
		int sig = sigwaitinfo(handled, NULL);
		if (sig > 0 && sig != SIGCHLD)
			kill(child, sig);
		pid_t done;
		do
			done = waitpid(child, &status, WNOHANG);
		while (done < 0 && errno == EINTR);
		if (done == child)
			return status;
		if (done < 0)
			return -1;
	}
}

/* Who closed the pipe that we write to knows it already. */
static void explain(int sig, const char *interrupted)
{
	if (sig == SIGPIPE)
		return;
	if (sig == SIGINT || sig == SIGTERM || sig == SIGHUP)
		log_line(LOG_LEVEL_ERROR, "interrupted; %s",
		        interrupted ? interrupted : "nothing was changed");
	else
		log_line(LOG_LEVEL_ERROR,
		        "tare-transfer was ended by %s while it read foreign data; nothing of it was kept",
		        signal_name(sig));
}

/* Without the clean-up that fifty libraries do before a process ends, which the kernel does faster. A
 * sanitizer looks for leaks just then. */
static _Noreturn void end(int code)
{
#ifdef __SANITIZE_ADDRESS__
	exit(code);
#else
	_exit(fflush(NULL) == 0 || code ? code : 125);
#endif
}

int transfer_guard(const struct cli *cli, int (*work)(void *arg), void *arg, const char *interrupted)
{
	sigset_t handled, before;
	pid_t parent = getpid();
	sigemptyset(&handled);
	sigaddset(&handled, SIGINT);
	sigaddset(&handled, SIGTERM);
	sigaddset(&handled, SIGHUP);
	sigaddset(&handled, SIGCHLD);
	sigprocmask(SIG_BLOCK, &handled, &before);
	pid_t child = fork();
	if (child < 0) {
		sigprocmask(SIG_SETMASK, &before, NULL);
		return work(arg); /* without a guard, then */
	}
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(125);
		sigprocmask(SIG_SETMASK, &before, NULL);
		end(work(arg));
	}
	int status = wait_child(child, &handled);
	if (WIFEXITED(status))
		end(WEXITSTATUS(status));
	int sig = WIFSIGNALED(status) ? WTERMSIG(status) : SIGKILL;
	tare_image_tidy(cli->root, cli->state); /* drafts of the dead child are rubbish now */
	explain(sig, interrupted);
	return 128 + sig;
}
