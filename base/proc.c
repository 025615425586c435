/* Processes: identity, children, and the places of our own programs. */
#include "base/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"

#ifndef TARE_LIBEXECDIR
#define TARE_LIBEXECDIR "/usr/local/libexec/tare"
#endif
#ifndef TARE_DATADIR
#define TARE_DATADIR "/usr/local/share/tare"
#endif

#define STAT_SIZE        2048
#define STAT_START_TIME  22 /* proc_pid_stat(5) */
#define BOOT_ID_SIZE     37
#define LAST_STANDARD_FD 2

/* The start of field `n` (3 or more) of a stat line. Counted from the last ')', since the process chooses
 * the name in field 2 and may put spaces and brackets into it. */
static const char *stat_field(const char *line, int n)
{
	const char *p = strrchr(line, ')');

	for (int field = 2; p && field < n; field++) {
		p = strchr(p, ' ');
		if (p)
			p++;
	}
	return p;
}

int proc_id_of(pid_t pid, struct proc_id *id)
{
	char path[32], line[STAT_SIZE];
	const char *state, *start;

	if (pid <= 0) {
		errno = ESRCH;
		return -1;
	}
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (file_read_small(AT_FDCWD, path, line, sizeof(line)) < 0) {
		if (errno == ENOENT)
			errno = ESRCH;
		return -1;
	}
	state = stat_field(line, 3);
	start = stat_field(line, STAT_START_TIME);
	if (!state || !start || *state == 'Z' || *state == 'X' || *state == 'x') {
		errno = ESRCH;
		return -1;
	}
	id->pid = pid;
	id->start_time = strtoull(start, NULL, 10);
	return 0;
}

bool proc_alive(const struct proc_id *id)
{
	struct proc_id now;

	return !proc_id_of(id->pid, &now) && now.start_time == id->start_time;
}

int pidfd_open_pid(pid_t pid)
{
	/* A pidfd is always close-on-exec. */
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

int proc_open(const struct proc_id *id)
{
	cleanup_fd int fd = pidfd_open_pid(id->pid);

	/* Only after the descriptor is held can the pid not change hands between check and use. */
	if (fd >= 0 && proc_alive(id))
		return steal_fd(&fd);
	if (fd >= 0 || errno == EINVAL)
		errno = ESRCH;
	return -1;
}

int pidfd_signal(int pidfd, int sig)
{
	return (int)syscall(SYS_pidfd_send_signal, pidfd, sig, NULL, 0);
}

const char *boot_id(void)
{
	/* Per thread, so that the first call needs no lock. */
	static _Thread_local char id[BOOT_ID_SIZE];

	if (!*id && file_read_small(AT_FDCWD, "/proc/sys/kernel/random/boot_id", id, sizeof(id)) < 0)
		*id = '\0';
	return id;
}

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
		p = strchrnul(p, '/');
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

int spawn_wait(const struct spawn *s, int *status, struct err *e)
{
	cleanup_fd int in = -1;
	cleanup_fd int out = -1;
	int ends[2], code, failure = 0;
	pid_t pid;

	if (s->out && !s->inherit_out) {
		if (pipe2(ends, O_CLOEXEC) < 0)
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

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}
