/* A child on a pseudo terminal of its own. */
#ifndef _GNU_SOURCE
#define _XOPEN_SOURCE 700
#endif

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "tui/pty.h"

extern char **environ;

void pty_resize(int fd, int rows, int cols)
{
	struct winsize size = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)cols};

	ioctl(fd, TIOCSWINSZ, &size);
}

static size_t name_length(const char *entry)
{
	return strcspn(entry, "=");
}

static bool is_changed(const char *entry, const char *const *env)
{
	size_t n = name_length(entry);

	for (; *env; env++)
		if (name_length(*env) == n && strncmp(*env, entry, n) == 0)
			return true;
	return false;
}

static char **environment(const char *const *env)
{
	char **v = NULL;

	for (char **s = environ; *s; s++)
		if (!is_changed(*s, env) && strv_add(&v, *s) != 0)
			return strv_free(v), NULL;
	for (; *env; env++)
		if (strchr(*env, '=') && strv_add(&v, *env) != 0)
			return strv_free(v), NULL;
	return v;
}

static int open_terminal(char *name, size_t size, struct err *e)
{
	cleanup_fd int fd = posix_openpt(O_RDWR | O_NOCTTY);
	const char *path;

	if (fd < 0 || grantpt(fd) != 0 || unlockpt(fd) != 0)
		return err_sys(e, "cannot open a pseudo terminal");
	path = ptsname(fd);
	if (!path || strlen(path) >= size)
		return err_set(e, ERR_OTHER, "cannot tell the name of a pseudo terminal");
	strcpy(name, path);
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK);
	return steal_fd(&fd);
}

/* Ignored and blocked signals outlive exec; a shell wants none of ours. */
static void reset_signals(void)
{
	static const int signals[] = {SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGTERM, SIGCHLD, SIGTSTP, SIGTTIN,
	        SIGTTOU, SIGCONT, SIGUSR1, SIGUSR2, SIGALRM, SIGWINCH};
	sigset_t none;

	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
		signal(signals[i], SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void complain(const char *what, const char *why)
{
	(void)!write(STDERR_FILENO, "cannot run ", 11);
	(void)!write(STDERR_FILENO, what, strlen(what));
	(void)!write(STDERR_FILENO, ": ", 2);
	(void)!write(STDERR_FILENO, why, strlen(why));
	(void)!write(STDERR_FILENO, "\r\n", 2);
}

/* After fork, with other threads gone: only what a signal handler may call. */
static void become(int tty, const char *name, char *const *argv, char *const *env)
{
	reset_signals();
	setsid();
#ifdef TIOCSCTTY
	(void)name;
	ioctl(tty, TIOCSCTTY, 0);
#else
	/* Elsewhere the first terminal that a session opens becomes its own. */
	close(tty);
	tty = open(name, O_RDWR);
#endif
	for (int fd = 0; fd <= 2; fd++)
		dup2(tty, fd);
	if (tty > 2)
		close(tty);
	execve(argv[0], argv, env);
	complain(argv[0], errno == ENOENT   ? "no such file"
	                  : errno == EACCES ? "permission denied"
	                                    : "exec failed");
	_exit(127);
}

int pty_spawn(struct pty *p, char *const *argv, const char *const *env, int rows, int cols, struct err *e)
{
	char name[128];
	cleanup_strv char **child_env = environment(env);
	cleanup_fd int fd = open_terminal(name, sizeof name, e), tty = -1;
	pid_t pid;

	if (fd < 0)
		return -1;
	if (!child_env)
		return err_no_memory(e);
	/* Kept open across the fork: without any opener the other side would look hung up. */
	tty = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (tty < 0)
		return err_sys(e, "cannot open the pseudo terminal %s", name);
	pty_resize(fd, rows, cols);
	pid = fork();
	if (pid < 0)
		return err_sys(e, "cannot start a process");
	if (pid == 0)
		become(tty, name, argv, child_env);
	*p = (struct pty){.fd = steal_fd(&fd), .pid = pid};
	return 0;
}
