/* newborn COMMAND [ARGUMENT…]: runs COMMAND and stops what it, or what it started, brings into a deeper pid
 * namespace than ours: in its first moment there, before its first instruction. Whoever lives there has all
 * the time he wants for an attack, and has to send it SIGCONT. Ends with COMMAND's code when all of its
 * processes have ended. */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

struct process {
	int parent, depth; /* depth: how many pid namespaces below ours it is seen in */
};

static struct process look_at(pid_t pid)
{
	struct process p = {0, 0};
	char path[32], line[200];

	snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
	FILE *f = fopen(path, "re");
	while (f && fgets(line, sizeof line, f)) {
		sscanf(line, "PPid: %d", &p.parent);
		if (!strncmp(line, "NSpid:", 6))
			for (char *at = strchr(line, '\t'); at && (at = strchr(at + 1, '\t'));)
				p.depth++;
	}
	if (f)
		fclose(f);
	return p;
}

/* What is born there of parents there has been looked at. */
static bool has_come_in(pid_t pid)
{
	struct process p = look_at(pid);

	return p.depth > 0 && look_at(p.parent).depth == 0;
}

static void go_on(pid_t pid, int status)
{
	int event = status >> 16, sig = WSTOPSIG(status);

	if (event == PTRACE_EVENT_STOP && sig == SIGTRAP && has_come_in(pid)) {
		kill(pid, SIGSTOP);
		ptrace(PTRACE_DETACH, pid, 0, 0);
	} else if (event == PTRACE_EVENT_STOP && sig != SIGTRAP) {
		ptrace(PTRACE_LISTEN, pid, 0, 0);
	} else {
		ptrace(PTRACE_CONT, pid, 0, (intptr_t)(event ? 0 : sig));
	}
}

int main(int argc, char **argv)
{
	pid_t pid, command = argc > 1 ? fork() : -1;
	int status, code = 125;

	if (command == 0) {
		raise(SIGSTOP);
		execvp(argv[1], argv + 1);
		_exit(127);
	}
	if (command < 0 || waitpid(command, &status, WUNTRACED) < 0)
		return 125;
	if (ptrace(PTRACE_SEIZE, command, 0,
	            PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE)) {
		perror("newborn: ptrace");
		kill(command, SIGKILL);
		return 125;
	}
	kill(command, SIGCONT);
	while ((pid = waitpid(-1, &status, __WALL)) > 0 || errno == EINTR) {
		if (pid > 0 && WIFSTOPPED(status))
			go_on(pid, status);
		else if (pid == command)
			code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	}
	return code;
}
