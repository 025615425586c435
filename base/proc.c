/* Processes: children, and the places of our own programs. Their identity is in proc_linux.c. */
#include "base/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"

#ifndef _GNU_SOURCE
extern char **environ;
#endif

#ifndef TARE_LIBEXECDIR
#define TARE_LIBEXECDIR "/usr/local/libexec/tare"
#endif
#ifndef TARE_DATADIR
#define TARE_DATADIR "/usr/local/share/tare"
#endif

#define LAST_STANDARD_FD 2

/* "DIRECTORY/name" of the running binary, or -1. */
static int beside_binary(const char *name, char *dst, size_t size)
{
	char exe[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	char *slash;
	int n;

	if (len < 0)
		return -1;
	exe[len] = '\0';
	slash = strrchr(exe, '/');
	if (!slash)
		return -1;
	n = snprintf(dst, size, "%.*s/%s", (int)(slash - exe), exe, name);
	return n < 0 || (size_t)n >= size ? -1 : 0;
}

/* A name with ".." could be a user's word that leads anywhere. */
static bool name_leads_out(const char *name)
{
	const char *p = name;

	while (*p) {
		if (!strncmp(p, "..", 2) && (!p[2] || p[2] == '/'))
			return true;
		p += strcspn(p, "/");
		p += *p == '/';
	}
	return !*name || *name == '/';
}

static int find_own(
        const char *name, const char *installed, int access_mode, char *dst, size_t size, struct err *e)
{
	int n;

	if (name_leads_out(name))
		return err_set(e, ERR_NOT_FOUND, "no file of Tare is called \"%s\"", name);
	if (!beside_binary(name, dst, size) && !access(dst, access_mode))
		return 0;
	n = snprintf(dst, size, "%s/%s", installed, name);
	if (n >= 0 && (size_t)n < size && !access(dst, access_mode))
		return 0;
	return err_set(e, ERR_NOT_FOUND,
	        "cannot find %s beside the running program or in %s; is Tare fully installed?", name,
	        installed);
}

int helper_path(const char *name, char *dst, size_t size, struct err *e)
{
	return find_own(name, TARE_LIBEXECDIR, X_OK, dst, size, e);
}

void tare_path(char *dst, size_t size)
{
	if (helper_path("tare", dst, size, NULL) == 0)
		return;
	ssize_t n = readlink("/proc/self/exe", dst, size - 1);
	dst[n < 0 ? 0 : n] = '\0';
}

int data_path(const char *name, char *dst, size_t size, struct err *e)
{
	return find_own(name, TARE_DATADIR, R_OK, dst, size, e);
}

/* What the child finds in its first descriptors and signals. 0 or an error number. */
static int spawn_prepare(
        const struct spawn *s, int out_fd, posix_spawn_file_actions_t *actions, posix_spawnattr_t *attr)
{
	sigset_t none, defaults;
	int code;

	sigemptyset(&none);
	sigemptyset(&defaults);
	/* A program that ignores SIGPIPE must not pass that on to filters. */
	sigaddset(&defaults, SIGPIPE);
	sigaddset(&defaults, SIGCHLD);
	code = posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	code = code ? code : posix_spawnattr_setsigmask(attr, &none);
	code = code ? code : posix_spawnattr_setsigdefault(attr, &defaults);
	code = code ? code
	            : posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (!code && out_fd >= 0)
		code = posix_spawn_file_actions_adddup2(actions, out_fd, STDOUT_FILENO);
	else if (!code && !s->inherit_out)
		code = posix_spawn_file_actions_addopen(actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	if (!code && s->out_has_errors)
		code = posix_spawn_file_actions_adddup2(actions, STDOUT_FILENO, STDERR_FILENO);
	/* A dup2 onto itself takes close-on-exec away. */
	if (!code && s->keep_fd > LAST_STANDARD_FD)
		code = posix_spawn_file_actions_adddup2(actions, s->keep_fd, s->keep_fd);
	return code;
}

static int spawn_start(const struct spawn *s, int out_fd, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	int code;

	code = posix_spawn_file_actions_init(&actions);
	if (code)
		return code;
	code = posix_spawnattr_init(&attr);
	if (!code) {
		code = spawn_prepare(s, out_fd, &actions, &attr);
		code = code ? code : posix_spawn(pid, s->argv[0], &actions, &attr, s->argv, environ);
		posix_spawnattr_destroy(&attr);
	}
	posix_spawn_file_actions_destroy(&actions);
	return code;
}

/* Close-on-exec, without a moment in between where that can be had. */
static int pipe_open(int ends[2])
{
#ifdef _GNU_SOURCE
	return pipe2(ends, O_CLOEXEC);
#else
	if (pipe(ends) < 0)
		return -1;
	fcntl(ends[0], F_SETFD, FD_CLOEXEC);
	fcntl(ends[1], F_SETFD, FD_CLOEXEC);
	return 0;
#endif
}

int spawn_wait(const struct spawn *s, int *status, struct err *e)
{
	cleanup_fd int in = -1;
	cleanup_fd int out = -1;
	int ends[2], code, failure = 0;
	pid_t pid;

	if (s->out && !s->inherit_out) {
		if (pipe_open(ends) < 0)
			return err_sys(e, "cannot run %s", s->argv[0]);
		in = ends[0];
		out = ends[1];
	}
	code = spawn_start(s, out, &pid);
	close_fd(&out);
	if (code) {
		errno = code;
		return err_sys(e, "cannot run %s", s->argv[0]);
	}
	if (in >= 0 && read_to_buf(in, s->out) < 0)
		failure = errno;
	/* Closed before the wait: a child that still writes gets SIGPIPE instead of blocking for ever. */
	close_fd(&in);
	while (waitpid(pid, status, 0) < 0)
		if (errno != EINTR)
			return err_sys(e, "cannot wait for %s", s->argv[0]);
	errno = failure;
	return failure ? err_sys(e, "cannot read the output of %s", s->argv[0]) : 0;
}

int64_t now_realtime(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

int64_t now_boottime(void)
{
	struct timespec ts;

#ifdef CLOCK_BOOTTIME
	clock_gettime(CLOCK_BOOTTIME, &ts);
#else
	clock_gettime(CLOCK_MONOTONIC, &ts);
#endif
	return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}
