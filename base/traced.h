/* A child that asks to be traced by its parent (PTRACE_TRACEME), which wants no such thing. */
#ifndef TARE_BASE_TRACED_H
#define TARE_BASE_TRACED_H

#include <signal.h>
#include <stdint.h>
#include <sys/ptrace.h>
#include <sys/types.h>

/* It has stopped by `sig`: it goes on with that signal, traced by nobody. The SIGTRAP of an execve is the
 * kernel's word for the tracer alone, and would kill who has none; a breakpoint's has another si_code. */
static inline void traced_let_go(pid_t pid, int sig)
{
	siginfo_t why;

	if (sig == SIGTRAP && ptrace(PTRACE_GETSIGINFO, pid, NULL, &why) == 0 && why.si_code == SI_USER)
		sig = 0;
	ptrace(PTRACE_DETACH, pid, NULL, (void *)(intptr_t)sig);
}

#endif
